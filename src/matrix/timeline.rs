//! Reads the events of a room's timeline: finds questions, edits, redactions and reactions, and the events that wait for their key.

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
    display_name,
    event::{self, EventReader, ParsedEvent, SkipReason},
    rooms::{self, RoomKind},
    sender,
    session::Session,
    verification::VerificationRequest,
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
            TimelineEntry::Readable(ParsedEvent::Question(incoming)) => batch.messages.push(incoming),
            TimelineEntry::Readable(ParsedEvent::Edit(edit)) => batch.edits.push(edit),
            TimelineEntry::Readable(ParsedEvent::Redaction(redaction)) => batch.redactions.push(redaction),
            TimelineEntry::Readable(ParsedEvent::Reaction(reaction)) => batch.reactions.push(reaction),
            TimelineEntry::Readable(ParsedEvent::Verification(request)) => batch.verifications.push(request),
            TimelineEntry::Undecryptable(undecrypted) => batch.undecrypted.push(undecrypted),
            TimelineEntry::Ignored => {}
        }
    }
}

/// Reads the events of one room, with what that needs to know of the room.
pub(super) struct TimelineReader<'a> {
    room: &'a Room,
    direct: bool,
    encrypted: bool,
    /// The texts by which the bot may be addressed in this room.
    own_names: Vec<String>,
    /// The names of the senders so far.
    names: HashMap<OwnedUserId, Option<String>>,
}

/// What an event turned out to be.
pub(super) enum TimelineEntry {
    /// It is readable and concerns the bot.
    Readable(ParsedEvent),
    /// It is kept until its key comes.
    Undecryptable(Undecrypted),
    /// It does not concern the bot.
    Ignored,
}

impl<'a> TimelineReader<'a> {
    pub(super) async fn of(session: &Session, room: &'a Room) -> Self {
        let direct = rooms::kind(session, room).await == RoomKind::Direct;
        let encrypted = session.encrypted.contains(room).await;
        let own_names = own_names(session, room).await;
        Self { room, direct, encrypted, own_names, names: HashMap::new() }
    }

    pub(super) async fn read(&mut self, session: &Session, event: &TimelineEvent) -> TimelineEntry {
        // Boxed, because the future is large and rarely needed.
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
                    return TimelineEntry::Ignored;
                }
                true
            }
            TimelineEventKind::PlainText { .. } => false,
        };
        let megolm_session = event.encryption_info().and_then(|info| info.session_id().map(str::to_owned));
        let event_reader = EventReader {
            own: session.user_id(),
            names: &self.own_names,
            room_id: self.room.room_id(),
            direct: self.direct,
            encrypted: self.encrypted,
        };
        match event_reader.read(json, decrypted) {
            Ok(ParsedEvent::Question(mut incoming)) => {
                incoming.name = self.name(&incoming.sender).await;
                incoming.sent_at = event::sent_at(json, now());
                incoming.megolm_session = megolm_session;
                TimelineEntry::Readable(ParsedEvent::Question(incoming))
            }
            Ok(ParsedEvent::Edit(edit)) => {
                TimelineEntry::Readable(ParsedEvent::Edit(Edit { sent_at: event::sent_at(json, now()), ..edit }))
            }
            Ok(ParsedEvent::Verification(request)) => {
                let sent_at = event::sent_at(json, now());
                TimelineEntry::Readable(ParsedEvent::Verification(VerificationRequest { sent_at, ..request }))
            }
            Ok(found) => TimelineEntry::Readable(found),
            Err(skip) => {
                if matches!(skip, SkipReason::Malformed | SkipReason::PlainText) {
                    debug!(?skip, event_id = ?event.event_id(), "an event was left aside");
                }
                TimelineEntry::Ignored
            }
        }
    }

    /// The message that an edit changes, with the time by the local clock; of one that cannot be read (any more), only who wrote it, where
    /// and when. `None`: nobody's, or redacted, or not as encrypted as the room.
    pub(super) async fn original(&mut self, session: &Session, event: &TimelineEvent) -> Option<Incoming> {
        let entry = self.read(session, event).await;
        if let TimelineEntry::Readable(ParsedEvent::Question(incoming)) = entry {
            return Some(incoming);
        }
        let in_clear = matches!(event.kind, TimelineEventKind::PlainText { .. });
        if in_clear && self.encrypted
            || event.encryption_info().is_some_and(|info| sender::is_relabelled(&info.verification_state))
        {
            return None;
        }
        let json = event.raw().json().get();
        let found = event::original(json, self.room.room_id(), session.user_id())?;
        let name = self.name(&found.sender).await;
        let megolm_session = match &event.kind {
            TimelineEventKind::UnableToDecrypt { utd_info, .. } => utd_info.session_id.clone(),
            _ => event.encryption_info().and_then(|info| info.session_id().map(str::to_owned)),
        };
        let sent_at = event::sent_at(json, now());
        Some(Incoming { direct: self.direct, sent_at, name, megolm_session, ..found })
    }

    /// A person's display name in the room. With lazy loading, a sync contains the member events of the senders in it.
    async fn name(&mut self, user_id: &UserId) -> Option<String> {
        match self.names.entry(user_id.to_owned()) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => {
                let member = self.room.get_member_no_sync(user_id).await.ok().flatten();
                place.insert(member.and_then(|member| display_name::person(member.display_name()?))).clone()
            }
        }
    }

    /// The bot's own join as a message of its own kind, except in rooms that it created itself.
    fn came_in(&self, session: &Session, event: &TimelineEvent) -> Option<Incoming> {
        let own = session.user_id();
        // The first is the creator; since room version 12 the others were made creators by invitation.
        if self.room.creators().is_some_and(|creators| creators.first().is_some_and(|maker| maker == own)) {
            return None;
        }
        Some(self.own(session, event.event_id()?, Content::Joined, event::sent_at(event.raw().json().get(), now())))
    }

    /// A message that stands for an event about the bot itself.
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
            name: None,
            megolm_session: None,
            edited_at: 0,
            without_call: None,
        }
    }

    /// The room's id.
    pub(super) fn room_id(&self) -> &RoomId {
        self.room.room_id()
    }

    fn later(&self, session: &Session, event: &TimelineEvent, session_id: Option<String>) -> TimelineEntry {
        let sender = event.raw().get_field::<OwnedUserId>("sender").ok().flatten();
        match (event.event_id(), sender) {
            (Some(event_id), Some(sender)) if sender != session.user_id() => {
                TimelineEntry::Undecryptable(Undecrypted {
                    room_id: self.room.room_id().to_owned(),
                    event_id,
                    sender: Some(sender),
                    session_id,
                    sent_at: event::sent_at(event.raw().json().get(), now()),
                    raw: event.raw().json().get().to_owned(),
                })
            }
            _ => TimelineEntry::Ignored,
        }
    }
}

/// The texts by which the beginning of a message may address the bot: its id, its current name in this room, its name at the start.
pub(super) async fn own_names(session: &Session, room: &Room) -> Vec<String> {
    let member = room.get_member_no_sync(session.user_id()).await.ok().flatten();
    let here = member.and_then(|member| member.display_name().map(str::to_owned));
    let mut names = session.names().to_vec();
    names.extend(here.filter(|name| !name.trim().is_empty() && !session.names().contains(name)));
    names
}

/// Decrypts an event that the SDK returned encrypted. It does that when a cleartext field beside the ciphertext is malformed, for instance
/// the relation, although the content may be sound. `None`: it is no such event, or it cannot be decrypted.
async fn still_encrypted(room: &Room, event: &TimelineEvent) -> Option<TimelineEvent> {
    let TimelineEventKind::PlainText { event } = &event.kind else { return None };
    if event.get_field::<String>("type").ok().flatten().as_deref() != Some("m.room.encrypted") {
        return None;
    }
    let raw = Raw::<OriginalSyncRoomEncryptedEvent>::from_json_string(event.json().get().to_owned()).ok()?;
    room.decrypt_event(&raw, None).await.ok()
}

/// A message of its own kind that says that messages of a room were missed. The same token gives the same event id.
pub(super) fn missed(session: &Session, reader: &TimelineReader<'_>, token: &str) -> Option<Incoming> {
    let hash = blake3::hash(format!("{} {token}", reader.room_id()).as_bytes()).to_hex();
    let event_id = OwnedEventId::try_from(format!("$compagnon-missed-{}", &hash[..32])).ok()?;
    Some(reader.own(session, event_id, Content::Missed, now()))
}
