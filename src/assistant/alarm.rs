//! What the administrators of the instance are told without having asked: that the disk is almost full.

use std::sync::atomic::Ordering;

use ruma::EventId;

use super::{Assistant, delivery, texts::Text};
use crate::message::{MessageKind, Outgoing};

/// The part of an answer that this notice is: no answer has as many parts, so the two are never taken for one another.
const DISK_PART: usize = 997;

impl Assistant {
    /// Whether there is room for a new question. Once there is, the next time that there is none is told again.
    pub(super) fn has_room(&self) -> bool {
        let room = self.store.has_room();
        if room {
            self.disk_told.store(false, Ordering::Relaxed);
        }
        room
    }

    /// Tells the administrators once, each in a direct conversation, that the disk is almost full: what is left of it is enough for that.
    /// `cause` is the first question that was refused.
    pub(super) fn tell_of_full_disk(&self, cause: &EventId) {
        if self.disk_told.swap(true, Ordering::Relaxed) {
            return;
        }
        let text = Text::DiskFull.say(self.config.language);
        let (cause, administrators) = (cause.to_owned(), self.config.administrators.clone());
        self.spawn(|assistant| async move {
            for person in administrators {
                let room = match assistant.gateway.direct_room(&person, true).await {
                    Ok(Some(room)) => room,
                    Ok(None) => continue,
                    Err(error) => {
                        tracing::warn!(%person, %error, "an administrator could not be told that the disk is almost full");
                        continue;
                    }
                };
                let transaction = delivery::transaction(&cause, DISK_PART, &delivery::edition_of(person.as_str()));
                let outgoing = Outgoing {
                    room_id: &room,
                    thread: None,
                    question: &cause,
                    asker: None,
                    part: DISK_PART,
                    opens: false,
                    replaces: None,
                    kind: MessageKind::Notice,
                    encrypted: true,
                    complete: true,
                    markdown: &text,
                    links: &[],
                    transaction: &transaction,
                };
                assistant.report(delivery::send(&assistant, &outgoing).await.map(drop));
            }
        });
    }
}
