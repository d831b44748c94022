//! Stage 5: what an answer is in the store. Pure: the time is given.

use super::{
    compose::LeftOut,
    generate::{End, Written},
    transforms,
    value::Exchange,
};
use crate::{
    assistant::{config::Config, courier::Ending, texts::Text},
    compagnon::SettingsPatch,
    conversation::{Role, Turn},
    inference::Finish,
    material::{Material, MaterialKind},
    matrix,
    message::Item,
    store::Change,
    usage::AnswerUsage,
};

/// The end of an exchange with a model. `now` is in milliseconds since the epoch. Nothing where the model wrote nothing.
pub fn conclude(
    exchange: &Exchange,
    left_out: LeftOut,
    written: &Written,
    model: &str,
    config: &Config,
    now: u64,
) -> Option<Ending> {
    if written.text.is_empty() && written.end != End::Stopped {
        return None;
    }
    Some(Ending {
        turns: turns(exchange, &written.text, now),
        items: items(exchange, left_out, written, config),
        changes: changes(exchange, left_out),
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
    vec![turn(Role::User, exchange.asked()), turn(Role::Assistant, text)]
}

/// The answer with what stands below it, in parts that each fit into an event.
fn items(exchange: &Exchange, left_out: LeftOut, written: &Written, config: &Config) -> Vec<Item> {
    let language = config.language_in(&exchange.settings);
    let title = &exchange.compagnon.title();
    let end = match written.end {
        End::Done(usage) => (usage.finish == Finish::Length).then_some(Text::Cut),
        End::Stopped => Some(Text::Stopped),
    };
    let gone = exchange.compagnon.gone.then_some(Text::Gone { title });
    let opened = exchange.history.opened.then_some(Text::Opened);
    let cut = says_cut(exchange, left_out).then_some(Text::BeginningLeftOut);
    let shortened = left_out.last_exchange.then_some(Text::LastExchangeShortened);
    let mut whole = transforms::complete().apply(&written.text);
    let not_read = exchange.unread().map(Text::NotRead);
    let below = [not_read, Some(Text::Mark { title }), unread(&exchange.material), gone, opened, cut, shortened]
        .into_iter()
        .flatten();
    for text in end.into_iter().chain(below) {
        whole = format!("{whole}\n\n{}", text.say(language));
    }
    // Cut with what stands below: the last part, too, must fit into an event.
    let parts = matrix::parts(whole.trim_start());
    parts.into_iter().map(|text| Item::Markdown { text, links: Vec::new() }).collect()
}

/// Whether the answer says that the beginning of the conversation is left out: once, until the conversation is forgotten.
fn says_cut(exchange: &Exchange, left_out: LeftOut) -> bool {
    left_out.turns > 0 && !exchange.history.told
}

/// What is said of messages that the question points at and that could not be read.
fn unread(material: &[Material]) -> Option<Text<'static>> {
    let why = |kind| material.iter().find_map(|one| one.content.as_ref().err().filter(|_| one.kind == kind));
    let replied = why(MaterialKind::RepliedTo).map(|why| Text::AnsweredWithout(*why));
    replied.or_else(|| why(MaterialKind::Thread).map(|_| Text::ThreadNotWhole))
}

/// What the answer has said once and need not say again.
fn changes(exchange: &Exchange, left_out: LeftOut) -> Vec<Change> {
    let question = &exchange.queued.question;
    let mut changes = Vec::new();
    if exchange.compagnon.gone {
        // From now on the usual one is what the room has chosen.
        changes.push(Change::Settings(question.room_id.clone(), vec![SettingsPatch::Compagnon(None)]));
    }
    if exchange.history.opened {
        changes.push(Change::ForgetConversation(question.conversation()));
    }
    if says_cut(exchange, left_out) {
        changes.push(Change::ToldCut(question.conversation()));
    }
    changes
}
