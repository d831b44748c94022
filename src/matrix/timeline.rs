//! Reads the events of a room's timeline: which of them are questions, edits and the like, and which wait for their key.

use std::collections::{HashMap, hash_map::Entry};

use matrix_sdk::{
    Room,
    deserialized_responses::{TimelineEvent, TimelineEventKind},
    ruma::{
        OwnedEventId, OwnedUserId, RoomId, UserId, events::room::encrypted::OriginalSyncRoomEncryptedEvent, serde::Raw,
    },
};
use tracing::{debug, warn};

use super::{
    batch::Batch,
    clock::now,
    event::{self, Found, Reader, Skip},
    name,
    rooms::{self, RoomKind},
    sender,
    session::Session,
};
use crate::message::{Content, Edit, Incoming, Undecrypted};

/// Reads new events of one room into the batch.
pub(super) async fn read_events(
    session: &Session,
    room: &Room,
    events: Vec<TimelineEvent>,
    joined: Option<TimelineEvent>,
    batch: &mut Batch,
) {
    let gone = event::redacted(events.iter().map(|event| event.raw().json().get()));
    let events = events.into_iter().filter(|event| event.event_id().is_none_or(|id| !gone.contains(id.as_str())));
    let events: Vec<_> = events.collect();
    let mut reader = TimelineReader::of(session, room).await;
    batch.messages.extend(joined.and_then(|event| reader.came_in(session, &event)));
    for event in events {
        match reader.read(session, &event).await {
            Reading::Now(Found::Question(incoming)) => batch.messages.push(incoming),
            Reading::Now(Found::Edit(edit)) => batch.edits.push(edit),
            Reading::Now(Found::Redaction(redaction)) => batch.redactions.push(redaction),
            Reading::Now(Found::Reaction(reaction)) => batch.reactions.push(reaction),
            Reading::Later(undecrypted) => batch.undecrypted.push(undecrypted),
            Reading::Nothing => {}
        }
    }
}

/// What the reading of an event needs to know of its room.
pub(super) struct TimelineReader<'a> {
    room: &'a Room,
    direct: bool,
    encrypted: bool,
    /// The texts by which the bot may be called here.
    own_names: Vec<String>,
    /// The names of those who have spoken since.
    names: HashMap<OwnedUserId, Option<String>>,
}

/// What an event turned out to be.
pub(super) enum Reading {
    Now(Found),
    Later(Undecrypted),
    Nothing,
}

impl<'a> TimelineReader<'a> {
    pub(super) async fn of(session: &Session, room: &'a Room) -> Self {
        let direct = rooms::kind(session, room).await == RoomKind::Direct;
        let encrypted = session.encrypted.contains(room).await;
        let own_names = own_names(session, room).await;
        Self { room, direct, encrypted, own_names, names: HashMap::new() }
    }

    pub(super) async fn read(&mut self, session: &Session, event: &TimelineEvent) -> Reading {
        // Boxed: it is large, and seldom does anything.
        let again = Box::pin(still_encrypted(self.room, event)).await;
        let event = again.as_ref().unwrap_or(event);
        let json = event.raw().json().get();
        let decrypted = match &event.kind {
            TimelineEventKind::UnableToDecrypt { utd_info, .. } => {
                return self.later(session, event, utd_info.session_id.clone());
            }
            TimelineEventKind::Decrypted(decrypted) => {
                if sender::is_relabelled(&decrypted.encryption_info.verification_state) {
                    let (event_id, room_id) = (event.event_id(), self.room.room_id());
                    warn!(?event_id, %room_id, "an event is refused: its sender does not own its key");
                    return Reading::Nothing;
                }
                true
            }
            TimelineEventKind::PlainText { .. } => false,
        };
        let megolm_session = event.encryption_info().and_then(|info| info.session_id().map(str::to_owned));
        let event_reader = Reader {
            own: session.user_id(),
            names: &self.own_names,
            room_id: self.room.room_id(),
            direct: self.direct,
            encrypted: self.encrypted,
        };
        match event_reader.read(json, decrypted) {
            Ok(Found::Question(mut incoming)) => {
                incoming.name = self.name(&incoming.sender).await;
                incoming.sent_at = event::sent_at(json, now());
                incoming.megolm_session = megolm_session;
                Reading::Now(Found::Question(incoming))
            }
            Ok(Found::Edit(edit)) => Reading::Now(Found::Edit(Edit { sent_at: event::sent_at(json, now()), ..edit })),
            Ok(found) => Reading::Now(found),
            Err(skip) => {
                if matches!(skip, Skip::Malformed | Skip::PlainText) {
                    debug!(?skip, event_id = ?event.event_id(), "an event was left aside");
                }
                Reading::Nothing
            }
        }
    }

    /// A person's name in the room, as the SDK knows it: with lazy loading, the sync that brings a message brings its sender too.
    async fn name(&mut self, user_id: &UserId) -> Option<String> {
        match self.names.entry(user_id.to_owned()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => {
                let member = self.room.get_member_no_sync(user_id).await.ok().flatten();
                place.insert(member.and_then(|member| name::person(member.display_name()?))).clone()
            }
        }
    }

    /// The bot's own coming into the room, as a message of its own kind. Into the rooms it made itself it was not called.
    fn came_in(&self, session: &Session, event: &TimelineEvent) -> Option<Incoming> {
        let own = session.user_id();
        // The first is who made the room; since room version 12 whoever was invited with trust is among the others.
        if self.room.creators().is_some_and(|creators| creators.first().is_some_and(|maker| maker == own)) {
            return None;
        }
        Some(self.own(session, event.event_id()?, Content::Joined, event::sent_at(event.raw().json().get(), now())))
    }

    /// Something that the bot itself makes known, as a message of its own kind.
    pub(super) fn own(&self, session: &Session, event_id: OwnedEventId, content: Content, sent_at: u64) -> Incoming {
        Incoming {
            event_id,
            room_id: self.room.room_id().to_owned(),
            sender: session.user_id().to_owned(),
            thread: None,
            replies_to: None,
            mentions_me: false,
            direct: self.direct,
            sent_at,
            content,
            quoted: None,
            name: None,
            megolm_session: None,
            edited_at: 0,
        }
    }

    /// The room's id.
    pub(super) fn room_id(&self) -> &RoomId {
        self.room.room_id()
    }

    fn later(&self, session: &Session, event: &TimelineEvent, session_id: Option<String>) -> Reading {
        let sender = event.raw().get_field::<OwnedUserId>("sender").ok().flatten();
        match (event.event_id(), sender) {
            (Some(event_id), Some(sender)) if sender != session.user_id() => Reading::Later(Undecrypted {
                room_id: self.room.room_id().to_owned(),
                event_id,
                sender: Some(sender),
                session_id,
                sent_at: event::sent_at(event.raw().json().get(), now()),
                raw: event.raw().json().get().to_owned(),
            }),
            _ => Reading::Nothing,
        }
    }
}

/// The texts by which a message may begin to call the bot: its id, its name in this room at the moment, the name it had at the start.
async fn own_names(session: &Session, room: &Room) -> Vec<String> {
    let member = room.get_member_no_sync(session.user_id()).await.ok().flatten();
    let here = member.and_then(|member| member.display_name().map(str::to_owned));
    let mut names = session.names().to_vec();
    names.extend(here.filter(|name| !name.trim().is_empty() && !session.names().contains(name)));
    names
}

/// Decrypts an event that the SDK handed out as it was. It does so with what it cannot read in full beside the ciphertext, for instance an
/// odd relation, which says nothing about what is inside. `None`: it is no such event, or there is nothing in it to decrypt.
async fn still_encrypted(room: &Room, event: &TimelineEvent) -> Option<TimelineEvent> {
    let TimelineEventKind::PlainText { event } = &event.kind else { return None };
    if event.get_field::<String>("type").ok().flatten().as_deref() != Some("m.room.encrypted") {
        return None;
    }
    let raw = Raw::<OriginalSyncRoomEncryptedEvent>::from_json_string(event.json().get().to_owned()).ok()?;
    room.decrypt_event(&raw, None).await.ok()
}

/// That messages of a room were missed, as a message of its own kind. The same token makes the same one.
pub(super) fn missed(session: &Session, reader: &TimelineReader<'_>, token: &str) -> Option<Incoming> {
    let hash = blake3::hash(format!("{} {token}", reader.room_id()).as_bytes()).to_hex();
    let event_id = OwnedEventId::try_from(format!("$compagnon-missed-{}", &hash[..32])).ok()?;
    Some(reader.own(session, event_id, Content::Missed, now()))
}
