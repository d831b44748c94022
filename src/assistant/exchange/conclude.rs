//! Stage 5: what an answer is in the store. Pure: the time is given.

use std::borrow::Cow;

use super::{
    cited::{self, List},
    compose::LeftOut,
    generate::{End, Written},
    transforms,
    value::{Exchange, Searched},
};
use crate::{
    assistant::{
        config::Config,
        courier::Ending,
        texts::{Synthesis, Text, sources::Sources},
        veil::Veil,
    },
    compagnon::SettingsPatch,
    conversation::{Role, Turn},
    inference::Finish,
    material::{Material, MaterialKind},
    matrix,
    message::Item,
    statistics::{Outcome, Refusal},
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
        turns: turns(exchange, &restored(exchange, &said(exchange, &written.text)), now),
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
        outcome: Some(match written.end {
            End::Done(_) => Outcome::Answered,
            End::Stopped => Outcome::Refused(Refusal::Stopped),
        }),
        first_text_at: written.first_text_at,
        ..Ending::default()
    })
}

/// An answer as its conversation keeps it: later marks mean other passages. Without passages, the marks that it has are of people.
fn said<'a>(exchange: &Exchange, answer: &'a str) -> Cow<'a, str> {
    if exchange.sources.is_empty() { answer.into() } else { transforms::without_marks(answer).into() }
}

/// As its conversation keeps it, an answer has the names also where people are shown placeholders: the next prompt has the same ones for them.
fn restored<'a>(exchange: &Exchange, answer: &'a str) -> Cow<'a, str> {
    match &exchange.veil {
        Some(Veil { model, one_way: true, .. }) => model.restored(answer).into(),
        _ => answer.into(),
    }
}

/// The question and the answer. An answer stopped before its first word is no turn of a conversation.
pub fn turns(exchange: &Exchange, text: &str, now: u64) -> Vec<Turn> {
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
    let list = cited::list(&written.text, &exchange.sources, language);
    let mut whole = transforms::complete().apply(&written.text);
    let not_read = exchange.unread().map(Text::NotRead);
    let sources = sources(exchange, &list, written.end);
    let notes_cut =
        exchange.notes.as_ref().is_some_and(|notes| notes.left_out).then_some(Text::Synthesis(Synthesis::NotWhole));
    let mark = Some(Text::Mark { title });
    let below = [sources, notes_cut, not_read, mark, unread(&exchange.material), gone, opened, cut, shortened]
        .into_iter()
        .flatten();
    for text in end.into_iter().chain(below) {
        whole = format!("{whole}\n\n{}", text.say(language));
    }
    // Cut with what stands below: the last part, too, must fit into an event.
    if list.cited.is_empty() {
        let parts = matrix::parts(whole.trim_start()).into_iter();
        return parts.map(|text| Item::Markdown { text, links: Vec::new(), sources: Vec::new() }).collect();
    }
    let mut parts = matrix::parts_with_sources(whole.trim_start());
    let with_list = parts.pop().unwrap_or_default();
    let item = |text, sources| Item::Markdown { text, links: list.links.clone(), sources };
    let parts = parts.into_iter().map(|text| item(text, Vec::new()));
    // Where the list stands.
    parts.chain([item(with_list, list.cited.clone())]).collect()
}

/// What is said of the sources of an answer.
fn sources<'a>(exchange: &Exchange, list: &'a List, end: End) -> Option<Text<'a>> {
    let said = match exchange.searched {
        _ if !list.cited.is_empty() => Sources::Cited { lines: &list.lines },
        _ if !exchange.sources.is_empty() => match end {
            End::Done(_) => Sources::NoneCited,
            End::Stopped => return None,
        },
        // Stopped before it was known what they say.
        Searched::Found if end == End::Stopped => return None,
        Searched::Nothing => Sources::NothingFound { direct: exchange.is_direct() },
        Searched::Found | Searched::Failed => Sources::NotSearched,
        Searched::No => return None,
    };
    Some(Text::Sources(said))
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
        changes.push(Change::BeginAnew(question.conversation()));
    }
    if says_cut(exchange, left_out) {
        changes.push(Change::ToldCut(question.conversation()));
    }
    changes.extend(exchange.veil.as_ref().and_then(Veil::kept));
    changes
}
