//! `!journal`: the audit trail, for the administrators of the instance, in private.

use jiff::{Timestamp, tz::TimeZone};

use super::{Context, Reply, Spec};
use crate::assistant::{
    failure::Failure,
    texts::{Text, journal},
};

pub(super) const SPEC: Spec = Spec {
    names: &["journal", "audit"],
    forms: [&[("", ""), ("50", "")], &[("", ""), ("50", "")]],
    urgent: false,
    instance: true,
};

/// Lines shown unless asked otherwise.
const USUAL: usize = 20;
/// The most lines shown: more is for a program to read.
const MOST: usize = 200;

pub(super) async fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    if !context.administers_instance() {
        return context.say(&Text::NeedsInstanceAdministrator);
    }
    if !context.is_private().await? {
        return context.say(&Text::OnlyInPrivate);
    }
    let limit = arguments.parse().unwrap_or(USUAL).clamp(1, MOST);
    let entries = context.parts.store.audit(limit).await?;
    if entries.is_empty() {
        return context.say(&Text::JournalEmpty);
    }
    let zone = TimeZone::get(&context.parts.config.time_zone).unwrap_or(TimeZone::UTC);
    let lines = entries.iter().map(|entry| {
        let at = i64::try_from(entry.at).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_default();
        let at = journal::time(&at.to_zoned(zone.clone()), context.language);
        let action = journal::action(&entry.action, context.language);
        let made = entry.made.map_or_else(String::new, |number| format!(" n° {number}"));
        format!("- {at} — {action}{made} — `{}` — `{}`", entry.by, entry.room_id)
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    Ok(Reply::text(format!("{}\n\n{lines}", context.text(&Text::Journal))))
}
