//! `!aide`: the commands, made from their specifications; or the forms of one of them.

use super::{Context, Reply, Spec};
use crate::{
    assistant::{failure::Failure, texts::Text},
    command::Command,
};

pub(super) const SPEC: Spec = Spec {
    names: &["aide", "help", "aidez", "aide-moi", "aidez-moi", "help-me"],
    forms: [&[("", ""), ("compagnon", "")], &[("", ""), ("compagnon", "")]],
    urgent: true,
    instance: false,
};

pub(super) fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    if let Some((command, _)) = Command::named(arguments.trim_start_matches('!')) {
        return context.usage(&command.spec().usage(context.language));
    }
    let shown = |command: &Command| !command.spec().instance || context.administers_instance();
    let lines = Command::ALL.into_iter().filter(shown).map(|command| {
        let spec = command.spec();
        let usage = spec.usage(context.language);
        let first = usage.first().cloned().unwrap_or_default();
        format!("- {first} — {}", Text::Summary(command).say(context.language))
    });
    let list = lines.collect::<Vec<_>>().join("\n");
    let more = Text::HelpMore { guide: context.parts.config.guide.as_deref(), direct: context.message.direct };
    let contact = Text::HelpContact.say_of(context.language, &context.parts.privacy);
    let text = format!("{}\n\n{list}\n\n{}", context.text(&Text::Help), context.text(&more));
    Ok(Reply::text(if contact.is_empty() { text } else { format!("{text}\n\n{contact}") }))
}
