//! `!confidentialité`: what becomes of what people write, in short or on one subject.

use super::{Context, Reply, Spec};
use crate::assistant::{
    failure::Failure,
    here::here,
    texts::{AboutPrivacy, Text, privacy::Topic},
};

pub(super) const SPEC: Spec = Spec {
    names: &["confidentialité", "privacy"],
    forms: [
        &[("", "en bref"), ("durées", "sur un sujet : qui, où, durées, modèle, droits…")],
        &[("", "in short"), ("durations", "on a subject: who, where, durations, model, rights…")],
    ],
    urgent: true,
    instance: false,
};

/// Whether these words ask for it where no mark stands before the command.
pub(super) fn is_asked(arguments: &str) -> bool {
    arguments.is_empty() || Topic::named(arguments).is_some()
}

pub(super) async fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    let parts = context.parts;
    let here = here(&parts.store, &parts.homeserver, &parts.config, &context.settings, context.message).await?;
    // A subject that is not known is answered with the short answer, which lists them.
    let topic = Topic::named(arguments);
    context.say(&Text::Privacy(AboutPrivacy { topic, facts: &parts.privacy, here: &here }))
}
