//! Stage 5: what an answer is in the store. Pure: the time is given.

use super::{
    generate::{End, Written},
    transforms,
    value::Exchange,
};
use crate::{
    assistant::{config::Config, courier::Ending, texts::Text},
    compagnon::SettingsPatch,
    conversation::{Role, Turn},
    inference::Finish,
    matrix,
    message::Item,
    store::Change,
    usage::AnswerUsage,
};

/// The end of an exchange with a model. `now` is in milliseconds since the epoch. Nothing where the model wrote nothing.
pub fn conclude(exchange: &Exchange, written: &Written, model: &str, config: &Config, now: u64) -> Option<Ending> {
    if written.text.is_empty() && written.end != End::Stopped {
        return None;
    }
    Some(Ending {
        turns: turns(exchange, &written.text, now),
        items: items(exchange, written, config),
        changes: changes(exchange),
        usage: match written.end {
            End::Done(usage) => Some(AnswerUsage {
                usage,
                model: model.to_owned(),
                compagnon: exchange.compagnon.compagnon.id.clone(),
                compagnon_version: exchange.compagnon.version,
            }),
            End::Stopped => None,
        },
    })
}

/// The question and the answer. An answer stopped before its first word is no turn of a conversation.
fn turns(exchange: &Exchange, text: &str, now: u64) -> Vec<Turn> {
    if text.is_empty() {
        return Vec::new();
    }
    let question = &exchange.queued.question;
    let turn = |role, content: &str| Turn {
        role,
        content: content.to_owned(),
        event_id: question.event_id.clone(),
        at: now,
        asker: Some(question.sender.clone()),
        name: question.name.clone().filter(|_| role == Role::User),
    };
    vec![turn(Role::User, question.text()), turn(Role::Assistant, text)]
}

/// The answer with what stands below it, in parts that each fit into an event.
fn items(exchange: &Exchange, written: &Written, config: &Config) -> Vec<Item> {
    let language = config.language_in(&exchange.settings);
    let title = &exchange.compagnon.title();
    let end = match written.end {
        End::Done(usage) => (usage.finish == Finish::Length).then_some(Text::Cut),
        End::Stopped => Some(Text::Stopped),
    };
    let gone = exchange.compagnon.gone.then_some(Text::Gone { title });
    let opened = exchange.history.opened.then_some(Text::Opened);
    let mut whole = transforms::complete().apply(&written.text);
    let unread = exchange.queued.question.unread().map(Text::NotRead);
    for text in end.into_iter().chain(unread).chain([Text::Mark { title }]).chain(gone).chain(opened) {
        whole = format!("{whole}\n\n{}", text.say(language));
    }
    // Cut with what stands below: the last part, too, must fit into an event.
    let parts = matrix::parts(whole.trim_start());
    parts.into_iter().map(|text| Item::Markdown { text, links: Vec::new() }).collect()
}

/// What the answer has said once and need not say again.
fn changes(exchange: &Exchange) -> Vec<Change> {
    let question = &exchange.queued.question;
    let mut changes = Vec::new();
    if exchange.compagnon.gone {
        // From now on the usual one is what the room has chosen.
        changes.push(Change::Settings(question.room_id.clone(), vec![SettingsPatch::Compagnon(None)]));
    }
    if exchange.history.opened {
        changes.push(Change::ForgetConversation(question.conversation()));
    }
    changes
}
