//! `!conservation`: how long a room's conversations are kept.

use super::{Context, Reply, Spec, words::duration};
use crate::assistant::{Failure, texts::Text};

pub(super) const SPEC: Spec = Spec {
    names: &["conservation", "retention"],
    forms: [&[("7j", ""), ("12h", "")], &[("7d", ""), ("12h", "")]],
    urgent: false,
    instance: false,
};

pub(super) async fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    let limit = context.assistant.config.retention_limit.unsigned_abs();
    if arguments.is_empty() {
        return context.say(&Text::RetentionIs { retention: context.retention(), limit });
    }
    let Some(retention) = duration(arguments) else { return context.usage(&SPEC.usage(context.language)) };
    if !context.administers().await? {
        return context.say(&Text::NeedsAdministrator);
    }
    if retention > limit {
        return context.say(&Text::RetentionTooLong { limit });
    }
    let milliseconds = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
    let changes =
        vec![context.set(|settings| settings.retention = Some(milliseconds)), context.audit("retention", None)];
    context.change(&Text::RetentionIs { retention, limit }, changes)
}
