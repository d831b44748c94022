//! The [`Gateway`] on a session of the SDK. One call is one attempt; the caller decides when to retry, because only the caller knows what
//! else is waiting.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{Arc, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use matrix_sdk::{
    Room,
    config::RequestConfig,
    deserialized_responses::{TimelineEvent, TimelineEventKind},
    room::MessagesOptions,
    ruma::{
        EventId, OwnedEventId, OwnedRoomId, OwnedTransactionId, RoomId, UserId,
        api::client::{
            receipt::create_receipt::v3::ReceiptType, redact::redact_event,
            relations::get_relating_events_with_rel_type, room::create_room,
        },
        events::{
            InitialStateEvent, receipt::ReceiptThread, relation::RelationType,
            room::encryption::RoomEncryptionEventContent,
        },
        serde::Raw,
        uint,
    },
};
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, Semaphore},
    time::timeout,
};
use tracing::debug;
use url::Url;

use super::{
    DownloadError, Gateway, History, OutgoingFile, RoomFacts, RoomMessage, SendError, Sought, Upload, content,
    context::{self, Lookup},
    download,
    fault::{Fault, is_foreign_success},
    file,
    history::{self, Stretch},
    markdown::Tables,
    queries, reaction,
    rooms::{self, OPENED_WITH, RoomKind},
    sender,
    session::Session,
    verification::{self, Fingerprint, VerificationPlace, VerificationRequest},
};
use crate::message::{Authorship, Incoming, MediaRef, Outgoing};

/// The time limit of one request.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// The time limit of sending a message. The first one into an encrypted room also fetches members and devices and shares the room key.
const SEND_LIMIT: Duration = Duration::from_mins(2);
/// The time limit of typing notifications and receipts.
const COURTESY_LIMIT: Duration = Duration::from_secs(5);
/// How far back the bot searches its own messages: 5 pages of 100 of its own events.
const FIND_PAGES: usize = 5;
/// How many pages of 100 edits of a message are read: far more than one answer has.
const EDIT_PAGES: usize = 10;

/// The gateway of a session. Create one per session and clone it: clones share the per-room locks.
#[derive(Clone)]
pub struct MatrixGateway {
    session: Session,
    tables: Tables,
    turns: Turns,
    sendings: Arc<Semaphore>,
    scanner: Option<Url>,
}

/// The most sendings that start at a time. While the devices of a new user are queried, each sending to them waits up to five seconds and
/// holds the SDK's lock on key claims, and the sync queues behind all of them (SDK 0.18).
const SENDINGS: usize = 8;
/// A sending that takes longer is slow for another reason, such as a server of the room that does not answer: it goes on without its
/// permit. There is one sending per room, so the number of rooms bounds them.
const BEGINNING: Duration = Duration::from_secs(6);

/// One sending at a time in each room. The SDK checks that the room key may still be used, then encrypts, and panics ("Session expired")
/// when another message has used the key up in between, which happens at every hundredth message.
type Turns = Arc<std::sync::Mutex<HashMap<OwnedRoomId, Arc<Mutex<()>>>>>;

/// The most rooms whose locks are kept. Beyond, unused locks are dropped.
const TURNS: usize = 1_000;

fn turn(turns: &mut HashMap<OwnedRoomId, Arc<Mutex<()>>>, room_id: &RoomId) -> Arc<Mutex<()>> {
    if turns.len() >= TURNS && !turns.contains_key(room_id) {
        turns.retain(|_, turn| Arc::strong_count(turn) > 1);
    }
    Arc::clone(turns.entry(room_id.to_owned()).or_default())
}

impl MatrixGateway {
    /// The gateway of this session, which sends tables in this way.
    #[must_use]
    pub fn new(session: Session, tables: Tables) -> Self {
        Self { session, tables, turns: Arc::default(), sendings: Arc::new(Semaphore::new(SENDINGS)), scanner: None }
    }

    /// The same, which downloads files through the antivirus proxy at this address only.
    #[must_use]
    pub fn behind_scanner(self, scanner: Option<Url>) -> Self {
        Self { scanner, ..self }
    }

    fn known(&self, room_id: &RoomId) -> Result<Room, SendError> {
        self.session
            .client()
            .get_room(room_id)
            .ok_or_else(|| SendError::Refused("the bot is not in this room".to_owned()))
    }

    fn turn(&self, room_id: &RoomId) -> Arc<Mutex<()>> {
        turn(&mut self.turns.lock().unwrap_or_else(PoisonError::into_inner), room_id)
    }

    /// Does the work under the room's lock, within the time limit of a sending.
    async fn in_turn<T>(
        &self,
        room_id: &RoomId,
        work: impl Future<Output = Result<T, SendError>> + Send,
    ) -> Result<T, SendError> {
        let turn = self.turn(room_id);
        let work = async {
            let _turn = turn.lock().await;
            beginning(&self.sendings, BEGINNING, Box::pin(work)).await
        };
        timeout(SEND_LIMIT, work)
            .await
            .unwrap_or_else(|_| Err(SendError::Unreachable("sending took too long".to_owned())))
    }

    /// Reports to the account's health what the answer to a request says about it.
    fn report<T>(&self, outcome: Result<T, SendError>) -> Result<T, SendError> {
        match &outcome {
            Ok(_) => self.session.condition.note(Ok(()), false),
            Err(SendError::Account(why)) => self.session.condition.note(Err(&Fault::Account(why.clone())), false),
            Err(_) => {}
        }
        outcome
    }

    /// Whether messages to the room are encrypted. A room that was once seen encrypted never gets plain text, whatever its state says now.
    async fn check_encryption(&self, room: &Room) -> Result<bool, SendError> {
        let state = room.latest_encryption_state().await.map_err(|error| Fault::from(&error))?;
        if !state.is_encrypted() && self.session.encrypted.contains(room).await {
            return Err(SendError::Refused(
                "the room was encrypted, and the server says it is not any more".to_owned(),
            ));
        }
        Ok(state.is_encrypted())
    }

    /// Passes the bot's own events of a room to `is_right`, newest first, until it returns true or [`FIND_PAGES`] are read.
    async fn look_back(
        &self,
        room_id: &RoomId,
        mut is_right: impl FnMut(&str) -> bool + Send,
    ) -> Result<(), SendError> {
        let room = self.known(room_id)?;
        let (mut from, mut asked) = (None::<String>, false);
        for _ in 0..FIND_PAGES {
            let mut options = MessagesOptions::backward().from(from.as_deref());
            options.limit = uint!(100);
            options.filter.senders = Some(vec![self.session.user_id().to_owned()]);
            let page = room.messages(options).await.map_err(|error| Fault::from(&error))?;
            // A new device can read the messages of an earlier one after downloading the keys from the backup.
            let unreadable = |event: &TimelineEvent| matches!(event.kind, TimelineEventKind::UnableToDecrypt { .. });
            if !asked && page.chunk.iter().any(unreadable) {
                asked = true;
                let backups = self.session.client().encryption().backups();
                courtesy("keys", timeout(REQUEST_LIMIT, backups.download_room_keys_for_room(room_id)).await);
                continue;
            }
            if page.chunk.iter().any(|event| is_right(event.raw().json().get())) || page.end.is_none() {
                return Ok(());
            }
            from = page.end;
        }
        Ok(())
    }

    /// Creates an encrypted direct conversation, and remembers it before the sync shows it. Like the SDK's `create_dm`, with a field by which
    /// the room is found when the answer is lost, and without retries, each of which would create another room.
    async fn open(&self, user_id: &UserId) -> Result<OwnedRoomId, SendError> {
        let mut request = create_room::v3::Request::new();
        request.invite = vec![user_id.to_owned()];
        request.is_direct = true;
        request.preset = Some(create_room::v3::RoomPreset::TrustedPrivateChat);
        let encryption = RoomEncryptionEventContent::with_recommended_defaults();
        request.initial_state = vec![InitialStateEvent::with_empty_state_key(encryption).to_raw_any()];
        let mark = serde_json::value::to_raw_value(&json!({ OPENED_WITH: user_id }));
        request.creation_content = mark.ok().map(Raw::from_json);
        let client = self.session.client();
        let made = client.send(request).with_request_config(once()).await.map_err(|error| Fault::from(&error))?;
        self.session.directs.insert(&made.room_id);
        let marking = client.account().mark_as_dm(&made.room_id, &[user_id.to_owned()]).await;
        courtesy::<std::convert::Infallible>("direct conversation", Ok(marking));
        let room = timeout(REQUEST_LIMIT, client.await_room_remote_echo(&made.room_id)).await;
        let room =
            room.map_err(|_| SendError::Unreachable("the sync does not show the new conversation".to_owned()))?;
        self.session.encrypted.remember(&room).await;
        Ok(made.room_id)
    }
}

/// One attempt at one request.
fn once() -> RequestConfig {
    RequestConfig::new().disable_retry().timeout(REQUEST_LIMIT)
}

/// Does the work, and holds a permit for at most the first `most` of it.
async fn beginning<T>(permits: &Semaphore, most: Duration, work: impl Future<Output = T>) -> T {
    // The semaphore is never closed.
    let permit = permits.acquire().await;
    let mut work = pin!(work);
    if let Ok(done) = timeout(most, &mut work).await {
        return done;
    }
    drop(permit);
    work.await
}

async fn post(room: &Room, content: Value, transaction: &str) -> Result<OwnedEventId, SendError> {
    let transaction = OwnedTransactionId::from(transaction);
    let sending = room.send_raw("m.room.message", content).with_transaction_id(&transaction);
    match sending.with_request_config(once()).await {
        Ok(sent) => Ok(sent.response.event_id),
        Err(error) => {
            if is_foreign_success(&error) {
                // The room key may have been shared with the same portal, and counts as shared.
                courtesy::<std::convert::Infallible>("new key", Ok(room.discard_room_key().await));
            }
            Err(Fault::from(&error).into())
        }
    }
}

impl From<Fault> for SendError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Limited(wait) => Self::Limited(wait),
            Fault::Unreachable(why) | Fault::Local(why) => Self::Unreachable(why),
            Fault::Account(why) | Fault::Deactivated(why) => Self::Account(why),
            // The sync loop ends with the same fault, and the next session sends the message.
            Fault::LoggedOut { .. } => Self::Unreachable("the session has ended".to_owned()),
            Fault::Expired => Self::Account("the account has expired: renew it from its mailbox".to_owned()),
            Fault::Refused(why) | Fault::Missing(why) => Self::Refused(why),
            Fault::Storage(why) => Self::Storage(why),
        }
    }
}

#[async_trait]
impl Gateway for MatrixGateway {
    async fn send(&self, message: &Outgoing<'_>) -> Result<OwnedEventId, SendError> {
        let room = self.known(message.room_id)?;
        let sending = async {
            if !self.check_encryption(&room).await? && message.encrypted {
                return Err(SendError::Refused(
                    "the question came encrypted, and the server says that the room is not".to_owned(),
                ));
            }
            let direct = rooms::kind(&self.session, &room).await == RoomKind::Direct;
            post(&room, content::content(message, direct, self.tables), message.transaction).await
        };
        self.report(self.in_turn(message.room_id, sending).await)
    }

    async fn find_sent(
        &self,
        room_id: &RoomId,
        question: &EventId,
        part: usize,
        sought: Sought,
    ) -> Result<Option<OwnedEventId>, SendError> {
        let own = self.session.user_id();
        let mut found = None;
        self.look_back(room_id, |json| {
            found = found.take().or_else(|| content::sent_id(json, own, question, Some(part), sought));
            found.is_some()
        })
        .await?;
        Ok(found)
    }

    async fn edits(&self, room_id: &RoomId, event_id: &EventId) -> Result<Vec<OwnedEventId>, SendError> {
        use get_relating_events_with_rel_type::v1::Request;
        let (mut edits, mut from) = (Vec::new(), None);
        for _ in 0..EDIT_PAGES {
            let mut request = Request::new(room_id.to_owned(), event_id.to_owned(), RelationType::Replacement);
            (request.limit, request.from) = (Some(uint!(100)), from);
            let asking = self.session.client().send(request).with_request_config(once());
            let page = asking.await.map_err(|error| Fault::from(&error))?;
            let own = self.session.user_id();
            edits.extend(page.chunk.iter().filter_map(|event| content::own_id(event.json().get(), own)));
            from = page.next_batch;
            if from.is_none() {
                break;
            }
        }
        // Synapse lists no edits of a redacted message, although they still exist.
        let own = self.session.user_id();
        self.look_back(room_id, |json| {
            edits.extend(content::edit_of(json, own, event_id).filter(|edit| !edits.contains(edit)));
            false
        })
        .await?;
        Ok(edits)
    }

    async fn answers(&self, room_id: &RoomId, question: &EventId) -> Result<Vec<OwnedEventId>, SendError> {
        let own = self.session.user_id();
        let mut found = Vec::new();
        self.look_back(room_id, |json| {
            found.extend(
                content::sent_id(json, own, question, None, Sought::Any).filter(|event| !found.contains(event)),
            );
            false
        })
        .await?;
        Ok(found)
    }

    async fn typing(&self, room_id: &RoomId, on: bool) {
        let Ok(room) = self.known(room_id) else { return };
        courtesy("typing", timeout(COURTESY_LIMIT, room.typing_notice(on)).await);
    }

    async fn read(&self, room_id: &RoomId, thread: Option<&EventId>, event_id: &EventId) {
        let Ok(room) = self.known(room_id) else { return };
        let thread = thread.map_or(ReceiptThread::Main, |root| ReceiptThread::Thread(root.to_owned()));
        let receipt = room.send_single_receipt(ReceiptType::Read, thread, event_id.to_owned());
        courtesy("receipt", timeout(COURTESY_LIMIT, receipt).await);
    }

    async fn room(&self, room_id: &RoomId) -> Result<RoomFacts, SendError> {
        queries::facts(&self.session, &self.known(room_id)?).await
    }

    async fn power_level(&self, room_id: &RoomId, user_id: &UserId) -> Result<Option<i64>, SendError> {
        queries::power_level(&self.known(room_id)?, user_id, once()).await
    }

    async fn reads_since(&self, room_id: &RoomId, user_id: &UserId) -> Result<Option<u64>, SendError> {
        context::in_time(queries::reads_since(&self.known(room_id)?, user_id, once())).await
    }

    async fn original(&self, room_id: &RoomId, event_id: &EventId) -> Result<Option<Incoming>, SendError> {
        let room = self.known(room_id)?;
        // On the heap: it holds what reading a timeline needs.
        let asking = timeout(REQUEST_LIMIT, Box::pin(queries::original(&self.session, &room, event_id, once())));
        asking.await.unwrap_or_else(|_| Err(SendError::Unreachable("a message took too long".to_owned())))
    }

    async fn message(&self, room_id: &RoomId, event_id: &EventId) -> Result<Option<RoomMessage>, SendError> {
        let room = self.known(room_id)?;
        context::in_time(async { Lookup::of(&self.session, &room, once()).await.message(event_id).await }).await
    }

    async fn thread(&self, room_id: &RoomId, root: &EventId, before: &EventId) -> Result<Vec<RoomMessage>, SendError> {
        let known = self.known(room_id)?;
        context::in_time(async { Lookup::of(&self.session, &known, once()).await.thread(root, before).await }).await
    }

    async fn history(
        &self,
        room_id: &RoomId,
        thread: Option<&EventId>,
        since: u64,
        most: usize,
    ) -> Result<History, SendError> {
        let (known, stretch) = (self.known(room_id)?, Stretch { thread, since, most });
        history::in_time(async { Lookup::of(&self.session, &known, once()).await.history(stretch).await }).await
    }

    async fn authorship(&self, message: &Incoming) -> Result<Authorship, SendError> {
        let room = self.known(&message.room_id)?;
        Ok(match &message.megolm_session {
            Some(session) => sender::authorship(&room, &message.sender, session).await,
            None if self.session.encrypted.contains(&room).await => Authorship::Unsigned,
            None => Authorship::Clear,
        })
    }

    async fn redact(&self, room_id: &RoomId, event_id: &EventId, transaction: &str) -> Result<(), SendError> {
        let transaction = OwnedTransactionId::from(transaction);
        // The SDK's `redact` is not used, because it retries by itself.
        let request = redact_event::v3::Request::new(room_id.to_owned(), event_id.to_owned(), transaction);
        let redacting = self.session.client().send(request).with_request_config(once());
        self.report(redacting.await.map(drop).map_err(|error| Fault::from(&error).into()))
    }

    async fn react(&self, room_id: &RoomId, event_id: &EventId, key: &str, transaction: &str) -> Result<(), SendError> {
        let request = reaction::request(room_id, event_id, key, transaction)?;
        let reacting = self.session.client().send(request).with_request_config(once());
        self.report(reacting.await.map(drop).map_err(|error| Fault::from(&error).into()))
    }

    async fn direct_room(&self, user_id: &UserId, make: bool) -> Result<Option<OwnedRoomId>, SendError> {
        // One at a time: two callers must not open two conversations with the same person.
        let mut opened = self.session.directs.opened.lock().await;
        if let Some(room_id) = queries::direct_room(&self.session, user_id).await? {
            opened.unclear.remove(user_id);
            self.session.directs.insert(&room_id);
            return Ok(Some(room_id));
        }
        // The sync does not show a new room completely at once.
        if let Some(room) = opened.rooms.get(user_id).and_then(|room_id| self.known(room_id).ok())
            && queries::is_shared(&room, user_id, once()).await?
        {
            return Ok(Some(room.room_id().to_owned()));
        }
        if !make {
            return Ok(None);
        }
        if opened.unclear.contains(user_id) && queries::is_being_opened(&self.session, user_id, once()).await? {
            return Err(SendError::Unreachable("the conversation is made, and not shown by the sync yet".to_owned()));
        }
        // Recorded first: this call may be cancelled, and the request still arrive.
        opened.unclear.insert(user_id.to_owned());
        let outcome = self.report(self.open(user_id).await);
        if matches!(outcome, Ok(_) | Err(SendError::Refused(_) | SendError::Limited(_))) {
            opened.unclear.remove(user_id);
        }
        let room_id = outcome?;
        opened.rooms.insert(user_id.to_owned(), room_id.clone());
        Ok(Some(room_id))
    }

    async fn cancel_verification(&self, request: &VerificationRequest) -> Result<(), SendError> {
        let VerificationPlace::Room { room_id, encrypted, .. } = &request.place else {
            let cancelling =
                timeout(SEND_LIMIT, verification::cancel(self.session.client(), request, None, once())).await;
            let cancelled =
                cancelling.map_err(|_| SendError::Unreachable("the cancellation took too long".to_owned()))?;
            return self.report(cancelled.map_err(SendError::from));
        };
        let room = self.known(room_id)?;
        let cancelling = async {
            if !self.check_encryption(&room).await? && *encrypted {
                return Err(SendError::Refused("the request came encrypted, and the room is not".to_owned()));
            }
            Ok(verification::cancel(self.session.client(), request, Some(&room), once()).await?)
        };
        self.report(self.in_turn(room_id, cancelling).await)
    }

    async fn fingerprint(&self) -> Option<Fingerprint> {
        verification::fingerprint(self.session.client()).await
    }

    async fn upload_limit(&self) -> Result<u64, SendError> {
        let asking = timeout(REQUEST_LIMIT, file::limit(self.session.client()));
        let limit =
            asking.await.map_err(|_| SendError::Unreachable("the limit of uploads took too long".to_owned()))?;
        Ok(limit?)
    }

    async fn upload(&self, upload: &Upload<'_>) -> Result<String, SendError> {
        let room = self.known(upload.room_id)?;
        let encrypted = self.check_encryption(&room).await?;
        if upload.encrypted && !encrypted {
            return Err(SendError::Refused("the file is for an encrypted room, and the room is not".to_owned()));
        }
        // Not under the room's lock, because it may take long and does not use the room key.
        self.report(file::upload(self.session.client(), upload, encrypted).await.map_err(SendError::from))
    }

    async fn send_file(&self, file: &OutgoingFile<'_>) -> Result<OwnedEventId, SendError> {
        let room = self.known(file.room_id)?;
        let sending = async {
            let encrypted = self.check_encryption(&room).await?;
            if file.encrypted && !encrypted {
                return Err(SendError::Refused("the file is for an encrypted room, and the room is not".to_owned()));
            }
            post(&room, file::content(file, encrypted)?, file.transaction).await
        };
        self.report(self.in_turn(file.room_id, sending).await)
    }

    async fn download(&self, media: &MediaRef, most: u64) -> Result<Vec<u8>, DownloadError> {
        download::download(&self.session, self.scanner.as_ref(), media, most).await
    }
}

fn courtesy<E>(what: &'static str, done: Result<matrix_sdk::Result<()>, E>) {
    match done {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!(%error, what, "not sent"),
        Err(_) => debug!(what, "not sent in time"),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, future::pending, sync::Arc, time::Duration};

    use ruma::RoomId;
    use tokio::{sync::Semaphore, time::timeout};

    use super::{TURNS, beginning, turn};

    #[test]
    fn turns_that_nobody_takes_are_let_go_and_no_other() {
        let mut turns = HashMap::new();
        let room = |number: usize| RoomId::parse(format!("!{number}:h")).expect("a room id");
        let held = turn(&mut turns, &room(0));
        for number in 1..3 * TURNS {
            turn(&mut turns, &room(number));
            assert!(turns.len() <= TURNS);
        }
        assert!(Arc::ptr_eq(&held, &turn(&mut turns, &room(0))), "whoever waits and whoever comes share one turn");
    }

    #[tokio::test]
    async fn slow_sendings_hold_the_others_back_while_they_begin_only() {
        let permits = Semaphore::new(2);
        let most = Duration::from_millis(20);
        let slow = async {
            let never = || beginning(&permits, most, pending::<()>());
            tokio::join!(never(), never())
        };
        let quick = async {
            tokio::task::yield_now().await;
            beginning(&permits, most, async {}).await;
        };
        let done = async {
            tokio::select! {
                biased;
                _ = slow => unreachable!("they never end"),
                () = quick => {}
            }
        };
        timeout(Duration::from_mins(1), done).await.expect("the third sending begins");
    }
}
