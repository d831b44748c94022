//! `!réponses`: whether a room's bot answers when it is mentioned, or always.

use super::{Context, Reply, Spec, words::is};
use crate::{
    assistant::{failure::Failure, texts::Text},
    compagnon::Answers,
};

pub(super) const SPEC: Spec = Spec {
    names: &["réponses", "answers", "réponse"],
    forms: [&[("mention", ""), ("tout", "")], &[("mention", ""), ("all", "")]],
    urgent: false,
    instance: false,
};

/// The mode that a word names.
pub(super) fn read(word: &str) -> Option<Answers> {
    if is(word, &["mention", "mentions"]) {
        return Some(Answers::Mention);
    }
    is(word, &["tout", "tous", "toutes", "all"]).then_some(Answers::All)
}

pub(super) async fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    if context.message.direct {
        return context.say(&Text::AnswersDirect);
    }
    if arguments.is_empty() {
        return context.say(&Text::AnswersAre(context.settings.answers));
    }
    let Some(answers) = read(arguments) else { return context.usage(&SPEC.usage(context.language)) };
    if !context.administers().await? {
        return context.say(&Text::NeedsAdministrator);
    }
    let changes = vec![context.set(|settings| settings.answers = answers), context.audit("answers", None)];
    context.change(&Text::AnswersAre(answers), changes)
}
