//! What every command needs to know of who wrote it and where.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use ruma::{OwnedRoomId, RoomId};

use super::{Parts, Reply, words::inert};
use crate::{
    assistant::{
        clock::now,
        courier::unless_refused,
        exchange::{EffectiveCompagnon, compose},
        failure::Failure,
        texts::{Language, Text},
    },
    command::Call,
    compagnon::{Compagnon, Settings},
    matrix::RoomKind,
    message::Incoming,
    store::{Change, Entry, Queued},
};

/// How long what a person may do is asked for, before they are told that it could not be.
const CHECK_FOR: Duration = Duration::from_secs(30);

/// What the homeserver has said so far in answer to a command: asked once, and the same each time that the command is decided on.
#[derive(Default)]
pub(super) struct Known {
    powers: Mutex<HashMap<OwnedRoomId, Option<i64>>>,
    number: tokio::sync::Mutex<Option<u64>>,
    answer: tokio::sync::Mutex<Option<u64>>,
    /// Whether the bot is in a room.
    homes: Mutex<HashMap<OwnedRoomId, bool>>,
    /// Whether what is not known yet is an error rather than asked for.
    silent: AtomicBool,
}

impl Known {
    /// From now on the homeserver is asked nothing, or is again: what is not known is [`Failure::NotKnown`].
    pub(super) fn ask_nobody(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }

    fn may_ask(&self) -> Result<(), Failure> {
        if self.silent.load(Ordering::Relaxed) { Err(Failure::NotKnown) } else { Ok(()) }
    }
}

/// A command being executed.
pub(super) struct Context<'a> {
    known: &'a Known,
    pub(super) parts: &'a Parts,
    pub(super) queued: &'a Queued,
    pub(super) message: &'a Incoming,
    /// The room's settings at the moment of execution.
    pub(super) settings: Settings,
    /// The language of the answer.
    pub(super) language: Language,
}

impl<'a> Context<'a> {
    pub(super) async fn new(
        parts: &'a Parts,
        queued: &'a Queued,
        call: &Call,
        known: &'a Known,
    ) -> Result<Self, Failure> {
        let message = &queued.question;
        let settings = parts.store.room_settings(&message.room_id).await?;
        // Who calls a command by its English name reads English, unless the room says otherwise.
        let language = settings.language.unwrap_or(if call.english { Language::En } else { parts.config.language });
        Ok(Self { known, parts, queued, message, settings, language })
    }

    /// Answers with a sentence and changes nothing.
    #[allow(clippy::unnecessary_wraps)] // The last word of functions that may fail.
    pub(super) fn say(&self, text: &Text<'_>) -> Result<Reply, Failure> {
        self.change(text, Vec::new())
    }

    /// Answers with a sentence, once these changes are made.
    #[allow(clippy::unnecessary_wraps)] // As `say`.
    pub(super) fn change(&self, text: &Text<'_>, changes: Vec<Change>) -> Result<Reply, Failure> {
        Ok(Reply { changes, ..Reply::text(self.text(text)) })
    }

    /// Whether the author has just been asked about this and confirms it; otherwise they are to be asked.
    pub(super) fn confirms(&self, what: &str) -> bool {
        self.parts.confirmations.confirms(self.message, what, self.queued.received_at, now())
    }

    /// A sentence in the language of the answer.
    pub(super) fn text(&self, text: &Text<'_>) -> String {
        text.say(self.language).into_owned()
    }

    /// How a command is written, as an answer.
    pub(super) fn usage(&self, usage: &[String]) -> Result<Reply, Failure> {
        let usage = usage.iter().map(|form| format!("- {form}")).collect::<Vec<_>>().join("\n");
        self.say(&Text::Usage { usage: &usage })
    }

    /// A line for the audit trail.
    pub(super) fn audit(&self, action: &str, made: Option<u64>) -> Change {
        Change::Audit(Entry {
            at: now(),
            by: self.message.sender.clone(),
            room_id: self.message.room_id.clone(),
            action: action.to_owned(),
            made,
        })
    }

    /// The change that gives this room other settings.
    pub(super) fn set(&self, change: impl FnOnce(&mut Settings)) -> Change {
        let mut settings = self.settings.clone();
        change(&mut settings);
        Change::Settings(self.message.room_id.clone(), self.settings.patches_to(&settings))
    }

    /// Whether the author administers this room, asked of the homeserver now. In a direct conversation too: its two have the power for
    /// it by how it was made, and who was only left over in one has not.
    pub(super) async fn administers(&self) -> Result<bool, Failure> {
        Ok(self.power(&self.message.room_id).await?.is_some_and(|level| level >= self.parts.config.power_level))
    }

    /// The author's power level in a room; `None` when it cannot be known, or when the author is not there.
    pub(super) async fn power(&self, room: &RoomId) -> Result<Option<i64>, Failure> {
        if let Some(level) = said(&self.known.powers, room) {
            return Ok(level);
        }
        self.known.may_ask()?;
        let ask = || self.parts.homeserver.gateway.power_level(room, &self.message.sender);
        let asked = unless_refused(self.parts.homeserver.retry_for(CHECK_FOR, ask).await);
        let level = asked.map_err(unchecked)?.flatten();
        note(&self.known.powers, room, level);
        Ok(level)
    }

    /// Whether the bot is in a room. A homeserver that does not answer is waited for: that is no word on it.
    pub(super) async fn is_in(&self, room: &RoomId) -> Result<bool, Failure> {
        if let Some(is_in) = said(&self.known.homes, room) {
            return Ok(is_in);
        }
        self.known.may_ask()?;
        let ask = || self.parts.homeserver.gateway.room(room);
        let asked = unless_refused(self.parts.homeserver.retry_for(CHECK_FOR, ask).await);
        let is_in = asked.map_err(unchecked)?.is_some();
        note(&self.known.homes, room, is_in);
        Ok(is_in)
    }

    /// Whether nobody else reads along: a direct conversation when the command was written, and still one now.
    pub(super) async fn is_private(&self) -> Result<bool, Failure> {
        self.known.may_ask()?;
        let facts = self.parts.homeserver.room(&self.message.room_id).await?;
        Ok(self.message.direct && facts.is_some_and(|facts| facts.kind == RoomKind::Direct))
    }

    /// Whether a command may change something of another room. What came in clear is the homeserver's word, which counts for no more than
    /// the room it came from.
    pub(super) fn reaches_other_rooms(&self) -> bool {
        self.parts.access.reaches_other_rooms(self.message)
    }

    /// A number for a new compagnon: the same one however often the command is decided on.
    pub(super) async fn new_number(&self) -> Result<u64, Failure> {
        let mut number = self.known.number.lock().await;
        match *number {
            Some(number) => Ok(number),
            None => Ok(*number.insert(self.parts.store.new_number().await?)),
        }
    }

    /// A number for a new mastered answer, as [`Context::new_number`].
    pub(super) async fn new_answer_number(&self) -> Result<u64, Failure> {
        let mut number = self.known.answer.lock().await;
        match *number {
            Some(number) => Ok(number),
            None => Ok(*number.insert(self.parts.store.new_answer_number().await?)),
        }
    }

    /// Why the author may not decide, as an administrator of the instance does, on what other rooms use; nothing where they may.
    pub(super) fn instance_refusal(&self) -> Option<Text<'static>> {
        if !self.administers_instance() {
            return Some(Text::NeedsInstanceAdministrator);
        }
        (!self.reaches_other_rooms()).then_some(Text::NeedsEncryption)
    }

    /// What somebody is told who does not administer this room.
    pub(super) fn not_administrator(&self) -> Text<'static> {
        if self.message.direct { Text::NoRightHere } else { Text::NeedsAdministrator }
    }

    /// Whether the author administers the instance, by the name on the message. What is changed by it rests on
    /// [`Context::instance_refusal`].
    pub(super) fn administers_instance(&self) -> bool {
        self.parts.config.administrators.contains(&self.message.sender)
    }

    /// Whether the model can read a compagnon's prompt and a question.
    pub(super) fn fits(&self, compagnon: &Compagnon) -> bool {
        let parts = self.parts;
        compose::fits(&*parts.model, &parts.sampling, &parts.config, parts.library.library().bases(), compagnon).is_ok()
    }

    /// The compagnon that answers in this room.
    pub(super) async fn effective_compagnon(&self) -> Result<EffectiveCompagnon, Failure> {
        let Parts { store, library, config, .. } = self.parts;
        EffectiveCompagnon::of_room(store, library, config, &self.message.room_id, &self.settings).await
    }

    /// How long things are kept in this room.
    pub(super) fn retention(&self) -> Duration {
        self.parts.config.retention_in(&self.settings)
    }

    /// How the author is called, for others to read.
    pub(super) fn author(&self) -> String {
        inert(self.message.name.as_deref().unwrap_or(self.message.sender.as_str()))
    }
}

fn said<T: Copy>(known: &Mutex<HashMap<OwnedRoomId, T>>, room: &RoomId) -> Option<T> {
    known.lock().unwrap_or_else(PoisonError::into_inner).get(room).copied()
}

fn note<T>(known: &Mutex<HashMap<OwnedRoomId, T>>, room: &RoomId, what: T) {
    known.lock().unwrap_or_else(PoisonError::into_inner).insert(room.to_owned(), what);
}

/// Not knowing is no refusal: the person is told that it could not be asked.
fn unchecked(failure: Failure) -> Failure {
    match failure {
        Failure::Unanswered(reason) => Failure::Unchecked(reason),
        other => other,
    }
}
