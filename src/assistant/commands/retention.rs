//! `!conservation`: how long a room's conversations are kept.

use std::time::Duration;

use super::{
    Context, Reply, Spec,
    words::{duration, is},
};
use crate::{
    assistant::{
        failure::Failure,
        texts::{Destroys, Text},
    },
    compagnon::Settings,
};

pub(super) const SPEC: Spec = Spec {
    names: &["conservation", "retention"],
    forms: [
        &[("", ""), ("7j", ""), ("12h", ""), ("habituelle", "celle du service")],
        &[("", ""), ("7d", ""), ("12h", ""), ("usual", "the service’s own")],
    ],
    urgent: false,
    instance: false,
};

/// What a room may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// So long.
    For(Duration),
    /// As long as the configuration says.
    Usual,
}

/// The time that is meant.
pub(super) fn read(arguments: &str) -> Option<Kept> {
    const USUAL: [&str; 8] =
        ["habituelle", "usual", "défaut", "par défaut", "default", "normale", "initiale", "aucune"];
    if is(arguments, &USUAL) { Some(Kept::Usual) } else { duration(arguments).map(Kept::For) }
}

pub(super) async fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    let config = &context.parts.config;
    let limit = config.retention_limit.unsigned_abs();
    if arguments.is_empty() {
        let chosen = context.settings.retention.is_some();
        return context.say(&Text::RetentionIs { retention: context.retention(), limit, chosen });
    }
    let Some(kept) = read(arguments) else { return context.usage(&SPEC.usage(context.language)) };
    if !context.administers().await? {
        return context.say(&context.not_administrator());
    }
    let milliseconds = match kept {
        Kept::For(retention) if retention > limit => return context.say(&Text::RetentionTooLong { limit }),
        Kept::For(retention) => Some(u64::try_from(retention.as_millis()).unwrap_or(u64::MAX)),
        Kept::Usual => None,
    };
    let settings = Settings { retention: milliseconds, ..context.settings.clone() };
    let retention = config.retention_in(&settings);
    // What is older than that goes at the next purge, for everybody in the room.
    let shorter = !context.message.direct && retention < context.retention();
    if shorter && !context.confirms(&format!("retention {}", retention.as_secs())) {
        return context.say(&Text::Confirm(Destroys::Retention { retention }));
    }
    let changes = vec![context.set(|known| *known = settings), context.audit("retention", None)];
    context.change(&Text::RetentionIs { retention, limit, chosen: milliseconds.is_some() }, changes)
}
