//! `!état`: whether the bot is well.

use super::{Context, Reply, Spec, inert};
use crate::assistant::{Failure, texts::Text, voice};

pub(super) const SPEC: Spec = Spec { names: &["état", "status"], forms: [&[], &[]], urgent: true, instance: false };

pub(super) async fn run(context: &Context<'_>) -> Result<Reply, Failure> {
    let assistant = context.assistant;
    let voice = voice::of_room(assistant, &context.message.room_id, &context.settings).await?;
    context.say(&Text::Status {
        ready: assistant.model.health().is_ok(),
        model: &inert(assistant.model.name()),
        compagnon: &voice.title(),
        waiting: assistant.inbox.waiting(),
        retention: context.retention(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
