//! Stand-ins behind the two seams: a homeserver that remembers what it was sent, and a model that says what it is told.

mod journal;

use std::{
    collections::{HashMap, HashSet, VecDeque},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use ruma::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, RoomId, UserId, owned_user_id};
use tokio::sync::{Semaphore, mpsc};

pub(super) use self::journal::Shown;
use self::journal::{Entry, Journal, Sent};
use super::clock::now;
use crate::{
    inference::{
        CacheScope, ChatModel, CountAccuracy, Finish, Generation, Health, InferenceError, Message, ModelLimits, Piece,
        Request, TokenCounter, Usage,
    },
    matrix::{
        self, DownloadError, Fingerprint, Gateway, History, HistoryMessage, OutgoingFile, RoomFacts, RoomKind,
        RoomMessage, SendError, Sought, Upload, VerificationRequest,
    },
    message::{Authorship, Content, Incoming, MediaRef, MessageKind, Outgoing},
    store::{Queued, QueuedKind},
};

/// A question waiting to be answered.
pub(super) fn queued(event: &str, room: &str) -> Queued {
    let question = incoming(event, room, "Bonjour");
    Queued {
        sequence: 0,
        received_at: now(),
        question,
        kind: QueuedKind::Question,
        attempts: 0,
        begun: false,
        interrupted: 0,
        draft: None,
        again: None,
        shown: Vec::new(),
        lost: Vec::new(),
    }
}

/// A message in a direct conversation.
pub(super) fn incoming(event: &str, room: &str, body: &str) -> Incoming {
    Incoming {
        event_id: event.try_into().expect("an event id"),
        room_id: room.try_into().expect("a room id"),
        sender: owned_user_id!("@awa:h"),
        thread: None,
        replies_to: None,
        mentions_me: false,
        direct: true,
        sent_at: now(),
        content: Content::Text(body.to_owned()),
        name: None,
        megolm_session: Some("megolm".to_owned()),
        edited_at: 0,
        without_call: None,
    }
}

/// A message of somebody, as the homeserver gives it.
pub(super) fn room_message(event: &str, sender: &UserId, text: &str) -> RoomMessage {
    RoomMessage {
        event_id: event.try_into().expect("an event id"),
        sender: sender.to_owned(),
        own: false,
        answers: None,
        notice: false,
        mentions_me: false,
        name: None,
        sent_at: now(),
        file: None,
        media: None,
        text: Ok(text.to_owned()),
    }
}

/// What the assistant can ask of a homeserver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Method {
    Send,
    FindSent,
    Edits,
    Answers,
    Typing,
    Read,
    Room,
    PowerLevel,
    Redact,
    DirectRoom,
    UploadLimit,
    Upload,
    SendFile,
    Authorship,
    CancelVerification,
    Original,
    Message,
    Thread,
    History,
    ReadsSince,
    Download,
}

/// A homeserver: transaction ids are remembered, edits replace, redactions leave the other events as they are, and each method can be
/// made to fail, or never to answer.
#[derive(Default)]
pub(super) struct FakeGateway {
    rooms: Mutex<Rooms>,
    /// Where what was sent outlives this process.
    journal: Journal,
    pub(super) refusals: Mutex<Vec<SendError>>,
    /// The emojis that the bot has put on messages.
    pub(super) reactions: Mutex<Vec<(OwnedEventId, String)>>,
    /// What the next questions about power levels are answered with, the last one first.
    pub(super) level_faults: Mutex<Vec<SendError>>,
    /// Answers to the next messages that are lost on their way back.
    pub(super) losses: Mutex<usize>,
    /// Whether what was sent is not found in the room yet.
    pub(super) blind: AtomicBool,
    script: Mutex<Script>,
    /// While it is held, nothing is said of the power level and the direct conversation of [`Self::silence`]'s person.
    silence: Arc<tokio::sync::RwLock<()>>,
    /// While it is held, no download is answered.
    downloads: Arc<tokio::sync::RwLock<()>>,
    silenced: Mutex<Option<OwnedUserId>>,
    /// How many wait for that.
    waiting: AtomicUsize,
}

/// What goes wrong.
#[derive(Default)]
struct Script {
    errors: HashMap<Method, VecDeque<SendError>>,
    stuck: HashSet<Method>,
    downloads: VecDeque<DownloadError>,
    calls: HashMap<Method, usize>,
}

#[derive(Default)]
#[allow(clippy::struct_excessive_bools)] // Each is one thing that a test may say of all rooms.
struct Rooms {
    transactions: HashMap<String, OwnedEventId>,
    events: Vec<Sent>,
    requests: usize,
    levels: HashMap<OwnedUserId, i64>,
    open: bool,
    uploads: Vec<Vec<u8>>,
    upload_limit: Option<u64>,
    names: HashMap<OwnedRoomId, String>,
    salon: bool,
    since: HashMap<OwnedUserId, u64>,
    unencrypted: bool,
    unsigned: bool,
    originals: Vec<Incoming>,
    written: Vec<Written>,
    sent: HashMap<String, Vec<u8>>,
    private: HashSet<OwnedRoomId>,
}

/// A message that somebody else than the bot has written, and the root of its thread.
struct Written {
    room: OwnedRoomId,
    thread: Option<OwnedEventId>,
    message: RoomMessage,
}

impl FakeGateway {
    /// A homeserver that the next process finds as this one has left it.
    pub(super) fn kept_in(folder: &Path) -> Arc<Self> {
        let (journal, entries) = Journal::open(folder);
        let mut rooms = Rooms::default();
        for entry in entries {
            match entry {
                Entry::Sent(transaction, sent) => {
                    rooms.transactions.insert(transaction, sent.id.clone());
                    rooms.events.push(sent);
                }
                Entry::Redacted(event) => rooms.redact(&event),
                Entry::Uploaded(bytes) => rooms.uploads.push(bytes),
            }
        }
        Arc::new(Self { rooms: Mutex::new(rooms), journal, ..Self::default() })
    }

    /// The messages in the order in which they were first sent.
    pub(super) fn shown(&self) -> Vec<Shown> {
        self.rooms().messages().into_iter().map(|(_, shown)| shown).collect()
    }

    /// The texts that the homeserver still has, in whatever events.
    pub(super) fn kept(&self) -> Vec<String> {
        self.rooms().events.iter().filter_map(|sent| Some(sent.content.as_ref()?.text.clone())).collect()
    }

    /// How many edits of a message were sent.
    pub(super) fn edits_of(&self, message: &EventId) -> usize {
        self.rooms().events.iter().filter(|sent| sent.replaces.as_deref() == Some(message)).count()
    }

    /// Somebody takes an event away.
    pub(super) fn take_away(&self, event: &EventId) {
        self.rooms().redact(event);
        self.journal.note(&Entry::Redacted(event.to_owned()));
    }

    /// The next calls of a method fail, in this order.
    pub(super) fn fail(&self, method: Method, errors: impl IntoIterator<Item = SendError>) {
        self.script().errors.entry(method).or_default().extend(errors);
    }

    /// Calls of a method are never answered, or are again.
    pub(super) fn stick(&self, method: Method, stuck: bool) {
        let mut script = self.script();
        if stuck {
            script.stuck.insert(method)
        } else {
            script.stuck.remove(&method)
        };
    }

    /// How often a method was called.
    pub(super) fn calls(&self, method: Method) -> usize {
        self.script().calls.get(&method).copied().unwrap_or(0)
    }

    /// Gives a person a power level, in all rooms. Everybody else has 100.
    pub(super) fn set_level(&self, person: &UserId, level: i64) {
        self.rooms().levels.insert(person.to_owned(), level);
    }

    /// Names a room. The others are called "Bureau".
    pub(super) fn set_name(&self, room: &RoomId, name: &str) {
        self.rooms().names.insert(room.to_owned(), name.to_owned());
    }

    /// Says nothing of this person's power level, direct conversation and view of the past until the guard is dropped.
    pub(super) fn silence(&self, person: &UserId) -> tokio::sync::OwnedRwLockWriteGuard<()> {
        *self.silenced.lock().expect("not poisoned") = Some(person.to_owned());
        Arc::clone(&self.silence).try_write_owned().expect("nobody asks")
    }

    /// How many questions are met with that silence.
    pub(super) fn stuck(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    async fn speak(&self, person: &UserId) {
        if self.silenced.lock().expect("not poisoned").as_deref() != Some(person) {
            return;
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        drop(self.silence.read().await);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Opens all rooms to people outside of the State.
    pub(super) fn open_rooms(&self) {
        self.rooms().open = true;
    }

    /// Has others come into all rooms, which are conversations of two unless this is said.
    pub(super) fn let_others_in(&self) {
        self.rooms().salon = true;
    }

    /// Keeps one room a conversation of two.
    pub(super) fn keep_private(&self, room: &RoomId) {
        self.rooms().private.insert(room.to_owned());
    }

    /// Says since when a person reads what is said in the rooms. The others read all of it.
    pub(super) fn joined(&self, person: &UserId, at: u64) {
        self.rooms().since.insert(person.to_owned(), at);
    }

    /// Has somebody write what the bot only learns by asking for it.
    pub(super) fn write(&self, room: &RoomId, thread: Option<&str>, message: RoomMessage) {
        let thread = thread.map(|root| root.try_into().expect("an event id"));
        self.rooms().written.push(Written { room: room.to_owned(), thread, message });
    }

    /// Has the homeserver give these bytes for a file of this source.
    pub(super) fn give(&self, source: &str, bytes: &[u8]) {
        self.rooms().sent.insert(source.to_owned(), bytes.to_vec());
    }

    /// Answers no download until the guard is dropped.
    pub(super) fn hold_downloads(&self) -> tokio::sync::OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.downloads).try_write_owned().expect("nobody downloads")
    }

    /// The next downloads fail, in this order.
    pub(super) fn fail_downloads(&self, errors: impl IntoIterator<Item = DownloadError>) {
        self.script().downloads.extend(errors);
    }

    /// Takes encryption off all rooms.
    pub(super) fn without_encryption(&self) {
        self.rooms().unencrypted = true;
    }

    /// Messages of the rooms that were no questions.
    pub(super) fn has_messages(&self, messages: impl IntoIterator<Item = Incoming>) {
        self.rooms().originals.extend(messages);
    }

    /// Says whether the devices that people write from are signed by their owners. They are, unless this says otherwise.
    pub(super) fn sign_devices(&self, signed: bool) {
        self.rooms().unsigned = !signed;
    }

    /// The files whose messages are there, with their rooms.
    pub(super) fn files(&self) -> Vec<(OwnedRoomId, Vec<u8>)> {
        let rooms = self.rooms();
        let shown = rooms.events.iter().filter(|sent| sent.content.is_some());
        shown.filter_map(|sent| Some((sent.room.clone(), sent.file.clone()?))).collect()
    }

    /// The files that answer a question, with their rooms.
    pub(super) fn files_of(&self, question: &str) -> Vec<(OwnedRoomId, Vec<u8>)> {
        let rooms = self.rooms();
        let of_it = |sent: &&Sent| sent.content.as_ref().is_some_and(|shown| shown.question == question);
        let files = rooms.events.iter().filter(of_it);
        files.filter_map(|sent| Some((sent.room.clone(), sent.file.clone()?))).collect()
    }

    /// How many files were uploaded.
    pub(super) fn uploads(&self) -> usize {
        self.rooms().uploads.len()
    }

    /// Takes no file that is larger.
    pub(super) fn limit_uploads(&self, most: u64) {
        self.rooms().upload_limit = Some(most);
    }

    /// The id of the message that shows the answer to a question.
    pub(super) fn message_of(&self, question: &str) -> Option<OwnedEventId> {
        let messages = self.rooms().messages();
        messages.into_iter().find(|(_, shown)| shown.question == question).map(|(id, _)| id)
    }

    /// The ids of all messages that answer a question, by part.
    pub(super) fn messages_of(&self, question: &str) -> Vec<OwnedEventId> {
        let mut messages = self.rooms().messages();
        messages.retain(|(_, shown)| shown.question == question);
        messages.sort_by_key(|(_, shown)| shown.part);
        messages.into_iter().map(|(id, _)| id).collect()
    }

    /// The thread in which a question was answered first.
    pub(super) fn thread_of(&self, question: &str) -> Option<OwnedEventId> {
        let rooms = self.rooms();
        let answers = |sent: &&Sent| sent.content.as_ref().is_some_and(|shown| shown.question == question);
        rooms.events.iter().find(answers)?.thread.clone()
    }

    /// The rooms in which a question was answered, in order, each once.
    pub(super) fn rooms_of(&self, question: &str) -> Vec<OwnedRoomId> {
        let rooms = self.rooms();
        let answers = |sent: &&Sent| sent.content.as_ref().is_some_and(|shown| shown.question == question);
        let mut answered: Vec<OwnedRoomId> =
            rooms.events.iter().filter(answers).map(|sent| sent.room.clone()).collect();
        answered.dedup();
        answered
    }

    /// How many requests were accepted, repeated ones included.
    pub(super) fn requests(&self) -> usize {
        self.rooms().requests
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().expect("not poisoned")
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("not poisoned")
    }

    /// Notes an event that was accepted.
    fn accepted(&self, rooms: &mut Rooms, transaction: &str, sent: Sent) {
        rooms.transactions.insert(transaction.to_owned(), sent.id.clone());
        self.journal.note(&Entry::Sent(transaction.to_owned(), sent.clone()));
        rooms.events.push(sent);
    }

    /// Counts a call, and gives what it fails with.
    async fn play(&self, method: Method) -> Result<(), SendError> {
        let (stuck, error) = {
            let mut script = self.script();
            *script.calls.entry(method).or_default() += 1;
            let error = script.errors.get_mut(&method).and_then(VecDeque::pop_front);
            (script.stuck.contains(&method), error)
        };
        if stuck {
            std::future::pending::<()>().await;
        }
        error.map_or(Ok(()), Err)
    }
}

impl Rooms {
    /// The texts as clients show them: with their latest edit that is left.
    fn messages(&self) -> Vec<(OwnedEventId, Shown)> {
        let edited = |id: &OwnedEventId| {
            let mut edits = self.events.iter().rev().filter(|sent| sent.replaces.as_ref() == Some(id));
            edits.find_map(|sent| sent.content.clone())
        };
        let roots = self.events.iter().filter(|sent| sent.replaces.is_none() && sent.file.is_none());
        roots
            .filter_map(|sent| Some((sent.id.clone(), edited(&sent.id).or(Some(sent.content.clone()?))?)))
            .filter(|(id, _)| self.events.iter().any(|sent| sent.id == *id && sent.content.is_some()))
            .collect()
    }

    fn redact(&mut self, event: &EventId) {
        self.events.iter_mut().filter(|sent| sent.id == event).for_each(|sent| sent.content = None);
    }
}

#[async_trait]
impl Gateway for FakeGateway {
    async fn send(&self, message: &Outgoing<'_>) -> Result<OwnedEventId, SendError> {
        self.play(Method::Send).await?;
        if let Some(refusal) = self.refusals.lock().expect("not poisoned").pop() {
            return Err(refusal);
        }
        // Whatever a test is about, nothing harmful is ever sent.
        matrix::harmless::check(message);
        let mut rooms = self.rooms();
        rooms.requests += 1;
        if let Some(event_id) = rooms.transactions.get(message.transaction) {
            return Ok(event_id.clone());
        }
        let event_id: OwnedEventId = format!("$sent{}:h", rooms.transactions.len()).try_into().expect("an event id");
        let shown = Shown {
            question: message.question.to_owned(),
            part: message.part,
            kind: message.kind,
            text: message.markdown.to_owned(),
            complete: message.complete,
        };
        if let Some(replaced) = message.replaces {
            let root = |sent: &Sent| sent.id == replaced && sent.replaces.is_none();
            assert!(rooms.events.iter().any(root), "an edit of a message there is");
        }
        let sent = Sent {
            id: event_id.clone(),
            room: message.room_id.to_owned(),
            replaces: message.replaces.map(ToOwned::to_owned),
            thread: message.thread.map(ToOwned::to_owned),
            file: None,
            content: Some(shown),
        };
        self.accepted(&mut rooms, message.transaction, sent);
        let mut losses = self.losses.lock().expect("not poisoned");
        if *losses > 0 {
            *losses -= 1;
            return Err(SendError::Unreachable("the answer was lost".to_owned()));
        }
        Ok(event_id)
    }

    async fn find_sent(
        &self,
        room_id: &RoomId,
        question: &EventId,
        part: usize,
        sought: Sought,
    ) -> Result<Option<OwnedEventId>, SendError> {
        self.play(Method::FindSent).await?;
        let rooms = self.rooms();
        if self.blind.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let is_it = |sent: &Sent, shown: &Shown| {
            shown.question == question && shown.part == part && sought.is(sent.file.is_some(), shown.complete)
        };
        let here = |sent: &&Sent| sent.room == room_id && sent.content.as_ref().is_some_and(|shown| is_it(sent, shown));
        let found = rooms.events.iter().rev().find(here);
        Ok(found.map(|sent| sent.replaces.clone().unwrap_or_else(|| sent.id.clone())))
    }

    async fn edits(&self, _: &RoomId, event_id: &EventId) -> Result<Vec<OwnedEventId>, SendError> {
        self.play(Method::Edits).await?;
        let rooms = self.rooms();
        let edits = rooms.events.iter().filter(|sent| sent.replaces.as_deref() == Some(event_id));
        Ok(edits.filter(|sent| sent.content.is_some()).map(|sent| sent.id.clone()).collect())
    }

    async fn answers(&self, room_id: &RoomId, question: &EventId) -> Result<Vec<OwnedEventId>, SendError> {
        self.play(Method::Answers).await?;
        let rooms = self.rooms();
        let is_it = |sent: &&Sent| {
            sent.room == room_id && sent.content.as_ref().is_some_and(|shown| shown.question == question)
        };
        let found = rooms.events.iter().filter(is_it);
        Ok(found.map(|sent| sent.replaces.clone().unwrap_or_else(|| sent.id.clone())).collect())
    }

    async fn typing(&self, _: &RoomId, _: bool) {
        // As in the product: of these nobody learns.
        let _ = self.play(Method::Typing).await;
    }

    async fn read(&self, _: &RoomId, _: Option<&EventId>, _: &EventId) {
        let _ = self.play(Method::Read).await;
    }

    async fn room(&self, room_id: &RoomId) -> Result<RoomFacts, SendError> {
        self.play(Method::Room).await?;
        let rooms = self.rooms();
        let name = rooms.names.get(room_id).cloned().unwrap_or_else(|| "Bureau".to_owned());
        let encrypted = !rooms.unencrypted;
        let kind = if rooms.salon && !rooms.private.contains(room_id) { RoomKind::Salon } else { RoomKind::Direct };
        Ok(RoomFacts { kind, name: Some(name), open: rooms.open, encrypted })
    }

    async fn reads_since(&self, _: &RoomId, user_id: &UserId) -> Result<Option<u64>, SendError> {
        self.play(Method::ReadsSince).await?;
        self.speak(user_id).await;
        Ok(self.rooms().since.get(user_id).copied())
    }

    async fn original(&self, room_id: &RoomId, event_id: &EventId) -> Result<Option<Incoming>, SendError> {
        self.play(Method::Original).await?;
        let originals = &self.rooms().originals;
        Ok(originals.iter().find(|one| one.room_id == room_id && one.event_id == event_id).cloned())
    }

    async fn message(&self, room_id: &RoomId, event_id: &EventId) -> Result<Option<RoomMessage>, SendError> {
        self.play(Method::Message).await?;
        let rooms = self.rooms();
        let here = |written: &&Written| written.room == room_id && written.message.event_id == event_id;
        if let Some(written) = rooms.written.iter().find(here) {
            return Ok(Some(written.message.clone()));
        }
        let own = rooms.messages().into_iter().find(|(id, _)| id == event_id);
        let here = |sent: &Sent| sent.id == event_id && sent.room == room_id;
        Ok(own.filter(|_| rooms.events.iter().any(here)).map(|(_, shown)| RoomMessage {
            own: true,
            answers: Some(shown.question),
            ..room_message(event_id.as_str(), &owned_user_id!("@bot:h"), &shown.text)
        }))
    }

    async fn thread(&self, room_id: &RoomId, root: &EventId, before: &EventId) -> Result<Vec<RoomMessage>, SendError> {
        self.play(Method::Thread).await?;
        let rooms = self.rooms();
        let here = |written: &&Written| {
            written.room == room_id && (written.thread.as_deref() == Some(root) || written.message.event_id == root)
        };
        let earlier = rooms.written.iter().filter(here).map(|written| written.message.clone());
        Ok(earlier.take_while(|message| message.event_id != before).collect())
    }

    async fn history(
        &self,
        room_id: &RoomId,
        thread: Option<&EventId>,
        since: u64,
        most: usize,
    ) -> Result<History, SendError> {
        self.play(Method::History).await?;
        let rooms = self.rooms();
        let here = |written: &&Written| {
            let of_thread = |root| written.thread.as_deref() == Some(root) || written.message.event_id == root;
            written.room == room_id && written.message.sent_at >= since && thread.is_none_or(of_thread)
        };
        let said = |written: &&Written| !written.message.own && !written.message.notice;
        let of_it: Vec<&Written> = rooms.written.iter().filter(here).filter(said).collect();
        let newest = of_it.iter().skip(of_it.len().saturating_sub(most));
        let message =
            |written: &&Written| HistoryMessage { message: written.message.clone(), thread: written.thread.clone() };
        Ok(History { messages: newest.map(message).collect(), cut: of_it.len() > most })
    }

    async fn authorship(&self, message: &Incoming) -> Result<Authorship, SendError> {
        self.play(Method::Authorship).await?;
        Ok(match &message.megolm_session {
            None => Authorship::Clear,
            Some(_) if self.rooms().unsigned => Authorship::Unsigned,
            Some(_) => Authorship::Signed,
        })
    }

    async fn power_level(&self, _: &RoomId, user_id: &UserId) -> Result<Option<i64>, SendError> {
        self.play(Method::PowerLevel).await?;
        if let Some(fault) = self.level_faults.lock().expect("not poisoned").pop() {
            return Err(fault);
        }
        self.speak(user_id).await;
        Ok(Some(self.rooms().levels.get(user_id).copied().unwrap_or(100)))
    }

    async fn redact(&self, _: &RoomId, event_id: &EventId, _: &str) -> Result<(), SendError> {
        self.play(Method::Redact).await?;
        self.take_away(event_id);
        Ok(())
    }

    async fn react(&self, _: &RoomId, event_id: &EventId, key: &str, _: &str) -> Result<(), SendError> {
        self.reactions.lock().expect("not poisoned").push((event_id.to_owned(), key.to_owned()));
        Ok(())
    }

    async fn direct_room(&self, user_id: &UserId, make: bool) -> Result<Option<OwnedRoomId>, SendError> {
        self.play(Method::DirectRoom).await?;
        self.speak(user_id).await;
        let room = format!("!with-{}:h", user_id.localpart());
        Ok(make.then(|| room.try_into().expect("a room id")))
    }

    async fn cancel_verification(&self, _: &VerificationRequest) -> Result<(), SendError> {
        self.play(Method::CancelVerification).await
    }

    async fn fingerprint(&self) -> Option<Fingerprint> {
        Some(Fingerprint { device: "DEVICE".to_owned(), key: "abcd efgh".to_owned() })
    }

    async fn upload_limit(&self) -> Result<u64, SendError> {
        self.play(Method::UploadLimit).await?;
        Ok(self.rooms().upload_limit.unwrap_or(u64::MAX))
    }

    async fn upload(&self, upload: &Upload<'_>) -> Result<String, SendError> {
        self.play(Method::Upload).await?;
        let mut rooms = self.rooms();
        assert!(upload.bytes.len() as u64 <= rooms.upload_limit.unwrap_or(u64::MAX), "the homeserver was asked");
        if upload.encrypted && rooms.unencrypted {
            return Err(SendError::Refused("the room is not encrypted".to_owned()));
        }
        rooms.uploads.push(upload.bytes.to_vec());
        self.journal.note(&Entry::Uploaded(upload.bytes.to_vec()));
        Ok((rooms.uploads.len() - 1).to_string())
    }

    async fn send_file(&self, file: &OutgoingFile<'_>) -> Result<OwnedEventId, SendError> {
        self.play(Method::SendFile).await?;
        let mut rooms = self.rooms();
        rooms.requests += 1;
        if let Some(event_id) = rooms.transactions.get(file.transaction) {
            return Ok(event_id.clone());
        }
        let bytes = file.media.parse().ok().and_then(|number: usize| rooms.uploads.get(number)).cloned();
        let bytes = bytes.expect("a file that was uploaded");
        assert_eq!(bytes.len() as u64, file.size);
        let event_id: OwnedEventId = format!("$sent{}:h", rooms.transactions.len()).try_into().expect("an event id");
        let content = Shown {
            question: file.question.to_owned(),
            part: file.part,
            kind: MessageKind::Notice,
            text: file.name.to_owned(),
            complete: true,
        };
        let (id, room) = (event_id.clone(), file.room_id.to_owned());
        let sent = Sent { id, room, replaces: None, thread: None, file: Some(bytes), content: Some(content) };
        self.accepted(&mut rooms, file.transaction, sent);
        let mut losses = self.losses.lock().expect("not poisoned");
        if *losses > 0 {
            *losses -= 1;
            return Err(SendError::Unreachable("the answer was lost".to_owned()));
        }
        Ok(event_id)
    }

    async fn download(&self, media: &MediaRef, most: u64) -> Result<Vec<u8>, DownloadError> {
        self.play(Method::Download).await?;
        drop(self.downloads.read().await);
        if let Some(error) = self.script().downloads.pop_front() {
            return Err(error);
        }
        let bytes = self.rooms().sent.get(&media.source).cloned().ok_or(DownloadError::Gone)?;
        if bytes.len() as u64 > most { Err(DownloadError::TooLarge { most }) } else { Ok(bytes) }
    }
}

/// A model that repeats the question, after its own count of the messages it was given: `3: Bonjour`. One token is one word.
/// Each answer waits for a permit when there is a `gate`.
#[derive(Clone)]
pub(super) struct FakeModel {
    pub(super) gate: Option<Arc<Semaphore>>,
    pub(super) fails: bool,
    /// What the next answers fail with, before anything is written.
    pub(super) errors: Arc<Mutex<VecDeque<InferenceError>>>,
    /// The system prompts it was given, in order.
    pub(super) systems: Arc<Mutex<Vec<String>>>,
    /// What it was told to remove from its cache, in order.
    pub(super) invalidated: Arc<Mutex<Vec<CacheScope>>>,
    /// What its token counter says of itself.
    pub(super) accuracy: CountAccuracy,
}

impl Default for FakeModel {
    fn default() -> Self {
        Self {
            gate: None,
            fails: false,
            errors: Arc::default(),
            systems: Arc::default(),
            invalidated: Arc::default(),
            accuracy: CountAccuracy::UpperBound,
        }
    }
}

#[async_trait]
impl ChatModel for FakeModel {
    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        let (pieces, reader) = mpsc::channel(1024);
        if let Some(error) = self.errors.lock().expect("not poisoned").pop_front() {
            return Err(error);
        }
        self.systems.lock().expect("not poisoned").push(request.messages[0].content.clone());
        let this = self.clone();
        tokio::spawn(async move {
            let question = request.messages.last().expect("a question").content.clone();
            let _ = pieces.send(Ok(Piece::Text(format!("{}: ", request.messages.len())))).await;
            if let Some(gate) = &this.gate {
                gate.acquire().await.expect("open").forget();
            }
            let _ = pieces.send(Ok(Piece::Text(question))).await;
            let end =
                if this.fails { Err(InferenceError::Engine("broken".to_owned())) } else { Ok(Piece::Done(usage())) };
            let _ = pieces.send(end).await;
        });
        Ok(Generation::new(reader))
    }

    fn invalidate(&self, scope: CacheScope) {
        self.invalidated.lock().expect("not poisoned").push(scope);
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        Arc::new(Words(self.accuracy))
    }

    fn limits(&self) -> ModelLimits {
        ModelLimits { context_length: 1000 }
    }

    fn name(&self) -> &'static str {
        "fake"
    }

    fn health(&self) -> Health {
        Health::Ok
    }
}

/// A model that answers with everything it was given: what it is not given, it cannot tell. It keeps what it was asked.
#[derive(Clone, Default)]
pub(super) struct Parrot {
    /// What it says instead.
    pub(super) says: Option<&'static str>,
    /// Each answer ends with a permit only.
    pub(super) gate: Option<Arc<Semaphore>>,
    pub(super) requests: Arc<Mutex<Vec<Request>>>,
}

#[async_trait]
impl ChatModel for Parrot {
    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        let (pieces, reader) = mpsc::channel(request.messages.len() * 2 + 2);
        pieces.try_send(Ok(Piece::Text(self.says.unwrap_or_default().to_owned()))).expect("room for all");
        for message in request.messages.iter().filter(|_| self.says.is_none()) {
            for text in [message.name.clone().unwrap_or_default(), format!("{}\n\n", message.content)] {
                pieces.try_send(Ok(Piece::Text(text))).expect("room for all");
            }
        }
        self.requests.lock().expect("not poisoned").push(request);
        let gate = self.gate.clone();
        tokio::spawn(async move {
            if let Some(gate) = gate {
                gate.acquire().await.expect("open").forget();
            }
            let _ = pieces.send(Ok(Piece::Done(usage()))).await;
        });
        Ok(Generation::new(reader))
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        Arc::new(Words(CountAccuracy::UpperBound))
    }

    fn limits(&self) -> ModelLimits {
        ModelLimits { context_length: 2000 }
    }

    fn name(&self) -> &'static str {
        "parrot"
    }

    fn health(&self) -> Health {
        Health::Ok
    }
}

/// Counts words.
pub(in crate::assistant) struct Words(pub(in crate::assistant) CountAccuracy);

impl TokenCounter for Words {
    fn count(&self, message: &Message) -> usize {
        message.content.split_whitespace().count()
    }

    fn accuracy(&self) -> CountAccuracy {
        self.0
    }
}

pub(super) fn usage() -> Usage {
    Usage {
        prompt_tokens: 1,
        cached_tokens: 0,
        completion_tokens: 1,
        prefill: Duration::ZERO,
        decode: Duration::ZERO,
        energy: crate::energy::Energy::NONE,
        finish: Finish::Stop,
    }
}
