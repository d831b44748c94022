//! `!état`: whether the bot is well.

use super::{Context, Reply, Spec, inert};
use crate::assistant::{failure::Failure, texts::Text};

pub(super) const SPEC: Spec = Spec { names: &["état", "status"], forms: [&[], &[]], urgent: true, instance: false };

pub(super) async fn run(context: &Context<'_>) -> Result<Reply, Failure> {
    let parts = context.parts;
    let effective = context.effective_compagnon().await?;
    context.say(&Text::Status {
        ready: parts.model.health().is_ok(),
        model: &inert(parts.model.name()),
        compagnon: &effective.title(),
        waiting: parts.lanes.waiting(),
        retention: context.retention(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
