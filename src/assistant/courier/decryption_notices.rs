//! A notice to the author of a message whose key does not come: without it they would wait for an answer, and not know that nobody has read
//! the question.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ruma::{OwnedRoomId, OwnedUserId};

use super::{
    homeserver::{Homeserver, unless_refused},
    outgoing::{REMARK_PART, notice_about, transaction},
};
use crate::{
    assistant::{
        access::AccessRules, addressing::Addressing, clock::now, config::Config, failure::Failure,
        lifecycle::Lifecycle, texts::Text,
    },
    matrix::RoomKind,
    message::Incoming,
    store::Store,
};

/// So many persons and rooms are watched at a time; beyond, nobody else is.
const MOST_WATCHED: usize = 10_000;

/// Tells authors of messages that could not be decrypted.
pub struct DecryptionNotices {
    store: Store,
    homeserver: Arc<Homeserver>,
    access: Arc<AccessRules>,
    addressing: Addressing,
    config: Arc<Config>,
    lifecycle: Arc<Lifecycle>,
    /// Whose messages are waited for, and where: one of each person in each room.
    watched: Mutex<HashSet<(OwnedRoomId, OwnedUserId)>>,
}

impl DecryptionNotices {
    /// Nobody is watched yet.
    pub fn new(
        store: Store,
        homeserver: Arc<Homeserver>,
        access: Arc<AccessRules>,
        config: Arc<Config>,
        lifecycle: Arc<Lifecycle>,
    ) -> Self {
        let addressing = Addressing::new(store.clone(), Arc::clone(&config));
        Self { store, homeserver, access, addressing, config, lifecycle, watched: Mutex::default() }
    }

    /// Takes messages that could not be decrypted, with empty texts. When the key of one is still missing after `assistant.unread_after`,
    /// its author is told, once in a day, through restarts. Of messages older than the bot's start nothing is said: their authors have long
    /// gone on to something else.
    pub fn expect_keys(self: &Arc<Self>, messages: Vec<Incoming>) {
        let fresh = |message: &Incoming| message.sent_at >= self.lifecycle.started && self.access.may_ask(message);
        for message in messages.into_iter().filter(fresh) {
            if self.watch(&message) {
                let this = Arc::clone(self);
                self.lifecycle.spawn(async move {
                    let waited = this.wait(&message).await;
                    this.watched().remove(&place(&message));
                    this.lifecycle.report(waited);
                });
            }
        }
    }

    /// Whether no other message of this person in this room is waited for.
    fn watch(&self, message: &Incoming) -> bool {
        let mut watched = self.watched();
        watched.len() < MOST_WATCHED && watched.insert(place(message))
    }

    fn watched(&self) -> MutexGuard<'_, HashSet<(OwnedRoomId, OwnedUserId)>> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self, message: &Incoming) -> Result<(), Failure> {
        self.lifecycle.until_stop(tokio::time::sleep(self.config.unread_after.unsigned_abs())).await?;
        if !self.store.is_undecrypted(&message.room_id, &message.event_id).await? || !self.is_addressed(message).await?
        {
            return Ok(());
        }
        // Noted before it is said: a kill between the two costs a notice, and no restart repeats one.
        if !self.store.tell_unread(&message.sender, now()).await? {
            return Ok(());
        }
        let told = self.tell(message).await;
        if !matches!(told, Ok(true)) {
            self.store.not_told_unread(&message.sender).await?;
        }
        told.map(drop)
    }

    /// Whether the homeserver has taken the notice.
    async fn tell(&self, message: &Incoming) -> Result<bool, Failure> {
        let settings = self.store.room_settings(&message.room_id).await?;
        let text = Text::Unread.say(self.config.language_in(&settings));
        let transaction = transaction(&message.event_id, REMARK_PART, "");
        let sent = self.homeserver.send(&notice_about(message, REMARK_PART, &transaction, &text)).await;
        if unless_refused(sent)?.is_none() {
            return Ok(false);
        }
        tracing::warn!(event_id = %message.event_id, "a message could not be decrypted, its key has not come: its author was told");
        Ok(true)
    }

    /// Whether a message that nobody has read is for the bot, as far as can be told from where it stands.
    async fn is_addressed(&self, message: &Incoming) -> Result<bool, Failure> {
        let facts = self.homeserver.room(&message.room_id).await?;
        let direct = facts.is_some_and(|facts| facts.kind == RoomKind::Direct);
        Ok(direct || self.addressing.is_addressed(message, None).await?)
    }
}

fn place(message: &Incoming) -> (OwnedRoomId, OwnedUserId) {
    (message.room_id.clone(), message.sender.clone())
}
