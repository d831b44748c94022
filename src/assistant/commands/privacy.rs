//! `!confidentialité`: what becomes of what people write.

use super::{Context, Reply, Spec};
use crate::assistant::{failure::Failure, texts::Text};

pub(super) const SPEC: Spec =
    Spec { names: &["confidentialité", "privacy"], forms: [&[], &[]], urgent: true, instance: false };

pub(super) async fn run(context: &Context<'_>) -> Result<Reply, Failure> {
    let facts = context.parts.homeserver.gateway.room(&context.message.room_id).await.ok();
    context.say(&Text::Privacy {
        retention: context.retention(),
        memory: context.parts.config.memory.unsigned_abs(),
        open: facts.is_some_and(|facts| facts.open),
    })
}
