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
        access::AccessRules, addressing::Addressing, config::Config, failure::Failure, lifecycle::Lifecycle,
        texts::Text,
    },
    matrix::RoomKind,
    message::Incoming,
    store::Store,
};

/// So many persons and rooms are remembered; then it begins anew, and somebody may be told a second time.
const MOST_TOLD: usize = 10_000;

/// Tells authors of messages that could not be decrypted.
pub struct DecryptionNotices {
    store: Store,
    homeserver: Arc<Homeserver>,
    access: Arc<AccessRules>,
    addressing: Addressing,
    config: Arc<Config>,
    lifecycle: Arc<Lifecycle>,
    /// Who was told already, or is about to be, and where.
    told: Mutex<HashSet<(OwnedRoomId, OwnedUserId)>>,
}

impl DecryptionNotices {
    /// Nobody is told yet.
    pub fn new(
        store: Store,
        homeserver: Arc<Homeserver>,
        access: Arc<AccessRules>,
        config: Arc<Config>,
        lifecycle: Arc<Lifecycle>,
    ) -> Self {
        let addressing = Addressing::new(store.clone(), Arc::clone(&config));
        Self { store, homeserver, access, addressing, config, lifecycle, told: Mutex::default() }
    }

    /// Takes messages that could not be decrypted, with empty texts. When the key of one is still missing after `assistant.unread_after`,
    /// its author is told, once in each room. Of messages older than the bot's start nothing is said: their authors have long gone on to
    /// something else.
    pub fn expect_keys(self: &Arc<Self>, messages: Vec<Incoming>) {
        let fresh = |message: &Incoming| message.sent_at >= self.lifecycle.started && self.access.may_ask(message);
        for message in messages.into_iter().filter(fresh) {
            if self.remember(&message) {
                let this = Arc::clone(self);
                self.lifecycle.spawn(async move { this.lifecycle.report(this.wait(&message).await) });
            }
        }
    }

    /// Whether this person was not told in this room yet.
    fn remember(&self, message: &Incoming) -> bool {
        let mut told = self.told();
        if told.len() >= MOST_TOLD {
            told.clear();
        }
        told.insert((message.room_id.clone(), message.sender.clone()))
    }

    /// The next message of this person in this room is watched again.
    fn forget(&self, message: &Incoming) {
        self.told().remove(&(message.room_id.clone(), message.sender.clone()));
    }

    fn told(&self) -> MutexGuard<'_, HashSet<(OwnedRoomId, OwnedUserId)>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait(&self, message: &Incoming) -> Result<(), Failure> {
        self.lifecycle.until_stop(tokio::time::sleep(self.config.unread_after.unsigned_abs())).await?;
        if !self.store.is_undecrypted(&message.room_id, &message.event_id).await? || !self.is_addressed(message).await?
        {
            self.forget(message);
            return Ok(());
        }
        let settings = self.store.room_settings(&message.room_id).await?;
        let text = Text::Unread.say(self.config.language_in(&settings));
        let transaction = transaction(&message.event_id, REMARK_PART, "");
        unless_refused(self.homeserver.send(&notice_about(message, REMARK_PART, &transaction, &text)).await)?;
        tracing::warn!(event_id = %message.event_id, "a message could not be decrypted, its key has not come: its author was told");
        Ok(())
    }

    /// Whether a message that nobody has read is for the bot, as far as can be told from where it stands.
    async fn is_addressed(&self, message: &Incoming) -> Result<bool, Failure> {
        let facts = self.homeserver.room(&message.room_id).await?;
        let direct = facts.is_some_and(|facts| facts.kind == RoomKind::Direct);
        Ok(direct || self.addressing.is_addressed(message, None).await?)
    }
}
