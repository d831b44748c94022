//! `!réponses`: whether a room's bot answers when it is mentioned, or always, and whether in threads.

use super::{Context, Reply, Spec, words::is};
use crate::{
    assistant::{failure::Failure, texts::Text},
    compagnon::Answers,
};

pub(super) const SPEC: Spec = Spec {
    names: &["réponses", "answers", "réponse"],
    forms: [
        &[("", ""), ("mention", ""), ("tout", ""), ("fil", "dans un fil ouvert sur chaque question")],
        &[("", ""), ("mention", ""), ("all", ""), ("thread", "in a thread opened on each question")],
    ],
    urgent: false,
    instance: false,
};

/// The mode that a word names.
pub(super) fn read(word: &str) -> Option<Answers> {
    if is(word, &["mention", "mentions"]) {
        return Some(Answers::Mention);
    }
    if is(word, &["fil", "fils", "thread", "threads"]) {
        return Some(Answers::Thread);
    }
    is(word, &["tout", "tous", "toutes", "all"]).then_some(Answers::All)
}

pub(super) async fn run(context: &Context<'_>, arguments: &str) -> Result<Reply, Failure> {
    let direct = context.message.direct;
    if arguments.is_empty() {
        return context.say(&shown(context.settings.answers, direct));
    }
    let Some(answers) = read(arguments) else { return context.usage(&SPEC.usage(context.language)) };
    if !context.administers().await? {
        return context.say(&context.not_administrator());
    }
    let changes = vec![context.set(|settings| settings.answers = answers), context.audit("answers", None)];
    context.change(&shown(answers, direct), changes)
}

/// What is said of a mode. In a direct conversation every message is answered, whatever it mentions.
pub(super) fn shown(answers: Answers, direct: bool) -> Text<'static> {
    if direct {
        return Text::AnswersDirect { threads: answers == Answers::Thread };
    }
    Text::AnswersAre(answers)
}
