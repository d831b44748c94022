//! What the administrators of the instance are told without having asked: that the disk is almost full, that a compagnon is proposed.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use ruma::{EventId, UserId};

use super::{
    delivery::{Courier, Parts},
    notice_queue::NoticePriority,
    outgoing::{ADMINISTRATORS_PART, edition_of, transaction, unasked},
};
use crate::assistant::{failure::Failure, texts::Text};

/// The administrators, each in a direct conversation.
pub struct Administrators {
    courier: Arc<Courier>,
    /// Whether they know that the disk is almost full.
    disk_told: AtomicBool,
}

impl Administrators {
    /// Those of the configuration.
    pub fn new(courier: Arc<Courier>) -> Self {
        Self { courier, disk_told: AtomicBool::new(false) }
    }

    /// Whether there are any.
    pub fn are_there(&self) -> bool {
        !self.courier.parts.config.administrators.is_empty()
    }

    /// The disk has room: the next time that it has none is told again.
    pub fn disk_has_room(&self) {
        self.disk_told.store(false, Ordering::Relaxed);
    }

    /// Tells them once that the disk is almost full: what is left of it is enough for that. `cause` is the first question that was refused.
    pub fn disk_is_full(&self, cause: &EventId) {
        if !self.disk_told.swap(true, Ordering::Relaxed) {
            self.tell(cause, &Text::DiskFull, NoticePriority::Owed, true);
        }
    }

    /// Tells them, where they talk with the bot already, that a compagnon is proposed. The list of proposals has it in any case.
    pub fn proposed(&self, cause: &EventId, proposal: &Text<'_>) {
        self.tell(cause, proposal, NoticePriority::Spare, false);
    }

    /// Tells the author of a compagnon what became of its proposal, where they talk with the bot already.
    pub fn decided(&self, cause: &EventId, author: &UserId, decision: &Text<'_>) {
        let Parts { config, lifecycle, .. } = &self.courier.parts;
        let text = decision.say(config.language).into_owned();
        let (courier, cause, author) = (Arc::clone(&self.courier), cause.to_owned(), author.to_owned());
        lifecycle.spawn(async move {
            let told = tell(&courier, &author, &cause, &text, NoticePriority::Spare, false).await;
            courier.parts.lifecycle.report(told.map(drop));
        });
    }

    /// Tells each of them, and waits until that is done; false where one could not be told now.
    pub async fn told_all(&self, cause: &EventId, text: &Text<'_>) -> bool {
        let Parts { config, lifecycle, .. } = &self.courier.parts;
        let text = text.say(config.language);
        let mut told_all = true;
        for person in &config.administrators {
            match tell(&self.courier, person, cause, &text, NoticePriority::Spare, true).await {
                Ok(told) => told_all &= told,
                Err(failure) => {
                    told_all = false;
                    lifecycle.report(Err(failure));
                }
            }
        }
        told_all
    }

    /// Sends a notice to each. `make` says whether a direct conversation is made where there is none.
    fn tell(&self, cause: &EventId, text: &Text<'_>, priority: NoticePriority, make: bool) {
        let Parts { config, lifecycle, .. } = &self.courier.parts;
        let text = text.say(config.language).into_owned();
        let (courier, cause, administrators) =
            (Arc::clone(&self.courier), cause.to_owned(), config.administrators.clone());
        lifecycle.spawn(async move {
            for person in administrators {
                let told = tell(&courier, &person, &cause, &text, priority, make).await;
                courier.parts.lifecycle.report(told.map(drop));
            }
        });
    }
}

/// Sends a notice to one of them; false where that cannot be done now.
async fn tell(
    courier: &Courier,
    person: &UserId,
    cause: &EventId,
    text: &str,
    priority: NoticePriority,
    make: bool,
) -> Result<bool, Failure> {
    let homeserver = &courier.parts.homeserver;
    let room = match homeserver.gateway.direct_room(person, make).await {
        Ok(Some(room)) => room,
        Ok(None) => return Ok(true),
        Err(error) => {
            tracing::warn!(%person, %error, "an administrator could not be told");
            return Ok(false);
        }
    };
    if !courier.enter(person, priority) {
        return Ok(false);
    }
    let transaction = transaction(cause, ADMINISTRATORS_PART, &edition_of(person.as_str()));
    let outgoing = unasked(&room, cause, ADMINISTRATORS_PART, &transaction, text);
    let sending = async { homeserver.send(&outgoing).await.map(drop) };
    courier.send_allowed(person, sending).await.map(|()| true)
}
