//! The items of an answer that are no texts: files, and calls to other services.
//!
//! A file goes in two steps. What its upload gave is written down before its message is sent, so that a message that is tried again is the
//! same one; an upload that is cut stays behind at the homeserver, where nobody knows of it. A call carries its idempotency key each time,
//! and its answer is written down as soon as it is there. What is refused for good is said in the place of the item.

use std::time::Duration;

use ruma::{OwnedEventId, RoomId};

use super::{
    attempted::Attempted,
    delivery::{Courier, Parts},
    homeserver::unless_refused,
    outgoing::{edition, transaction},
    repeat::{RETRY_FOR, Setback, repeat},
};
use crate::{
    assistant::{failure::Failure, texts::Text},
    matrix::{OutgoingFile, SendError, Sought, Upload},
    message::{Egress, FileRef},
    services::CallError,
    store::{Delivery, Sent, StoreError},
};

/// How long the homeserver is asked for the largest file that it takes. Without its answer the upload itself shows.
const LIMIT_FOR: Duration = Duration::from_secs(30);

/// Why nothing more is done for an answer.
const TAKEN_BACK: &str = "its question was taken back or answered anew";

/// What became of the bytes of a file.
enum Uploaded {
    /// What its message says of them.
    Media(String),
    /// Nothing: what is said in the place of the file.
    Refused(Text<'static>),
}

/// The message of a file is in the room of the question, or in this one.
fn done(elsewhere: Option<&RoomId>, event: OwnedEventId) -> Attempted {
    Attempted::Done(match elsewhere {
        Some(room) => Sent::Elsewhere(room.to_owned(), event),
        None => Sent::Message(event),
    })
}

impl Courier {
    /// Brings a file into its room. `resumed` says that an earlier attempt may have sent it.
    pub(super) async fn send_file(
        &self,
        delivery: &Delivery,
        part: usize,
        file: &FileRef,
        resumed: bool,
    ) -> Result<Attempted, Failure> {
        let Parts { homeserver, withdrawals, .. } = &self.parts;
        let (question, answer) = (&delivery.question, &delivery.answer);
        let elsewhere = file.room_id.as_deref().filter(|room| **room != question.room_id);
        let room_id = elsewhere.unwrap_or(&question.room_id);
        // A room that the file names was chosen for being private.
        let encrypted = file.room_id.is_some() || question.megolm_session.is_some();
        let uploaded = delivery.uploaded.get(&part);
        // A file that replaces an earlier one has the same number, and is told from it by its transaction id only.
        if resumed && uploaded.is_some() && answer.again.is_none() {
            let find = || homeserver.gateway.find_sent(room_id, &question.event_id, part, Sought::File);
            if let Some(event) = unless_refused(homeserver.retry(find).await)?.flatten() {
                return Ok(done(elsewhere, event));
            }
        }
        let media = match uploaded {
            Some(media) => media.clone(),
            None => match self.upload(delivery, part, file, room_id, encrypted).await? {
                Uploaded::Media(media) => media,
                Uploaded::Refused(text) => return Ok(Attempted::Refused(text)),
            },
        };
        let edition = edition(answer.again.as_deref(), &answer.lost);
        let transaction = transaction(&question.event_id, part, &format!("{edition}-file"));
        let outgoing = OutgoingFile {
            room_id,
            thread: question.thread.as_deref().filter(|_| elsewhere.is_none()),
            question: &question.event_id,
            part,
            name: &file.name,
            media_type: &file.media_type,
            size: file.size,
            media: &media,
            encrypted,
            transaction: &transaction,
        };
        let Some(event) = unless_refused(homeserver.send_file(&outgoing).await)? else {
            return Ok(Attempted::Refused(Text::FileFailed));
        };
        // No edit makes a file of the text that stood there.
        if let Some(earlier) = answer.shown.get(part).filter(|earlier| **earlier != event) {
            withdrawals.withdraw_now(&question.room_id, earlier).await?;
        }
        Ok(done(elsewhere, event))
    }

    /// Gives the bytes of a file to the homeserver, and writes down what it answers.
    async fn upload(
        &self,
        delivery: &Delivery,
        part: usize,
        file: &FileRef,
        room_id: &RoomId,
        encrypted: bool,
    ) -> Result<Uploaded, Failure> {
        let Parts { store, homeserver, .. } = &self.parts;
        let question = &delivery.question;
        let most = match homeserver.retry_for(LIMIT_FOR, || homeserver.gateway.upload_limit()).await {
            Ok(most) => most,
            Err(Failure::Refused(_) | Failure::Unanswered(_)) => u64::MAX,
            Err(other) => return Err(other),
        };
        if file.size > most {
            tracing::warn!(event_id = %question.event_id, bytes = file.size, most, "a file is too large for the homeserver");
            return Ok(Uploaded::Refused(Text::FileTooLarge { most }));
        }
        let request = || self.upload_once(delivery, file, room_id, encrypted);
        let media = unless_refused(homeserver.retry(request).await)?;
        let Some(media) = media else {
            self.expect_current(delivery).await?;
            tracing::warn!(event_id = %question.event_id, "a file was refused");
            return Ok(Uploaded::Refused(Text::FileFailed));
        };
        store.item_uploaded(question, part, &media).await?;
        Ok(Uploaded::Media(media))
    }

    /// One upload. The bytes are in memory while it runs, not while it waits to be repeated.
    async fn upload_once(
        &self,
        delivery: &Delivery,
        file: &FileRef,
        room_id: &RoomId,
        encrypted: bool,
    ) -> Result<String, SendError> {
        let Parts { store, homeserver, .. } = &self.parts;
        let _place = self.uploads.acquire().await;
        let failed = |error: StoreError| {
            let reason = error.to_string();
            if error.is_fatal() { SendError::Storage(reason) } else { SendError::Refused(reason) }
        };
        if !self.is_current(delivery).await.map_err(failed)? {
            return Err(SendError::Refused(TAKEN_BACK.to_owned()));
        }
        let Some(bytes) = store.file(file).await.map_err(failed)? else {
            return Err(SendError::Refused("it is not in the store any more".to_owned()));
        };
        let upload = Upload { room_id, name: &file.name, media_type: &file.media_type, bytes: &bytes, encrypted };
        fail::fail_point!("before-upload");
        let media = homeserver.gateway.upload(&upload).await?;
        fail::fail_point!("after-upload");
        Ok(media)
    }

    /// Of an answer that is not wanted any more it is not said that a part of it failed.
    async fn expect_current(&self, delivery: &Delivery) -> Result<(), Failure> {
        if self.is_current(delivery).await? { Ok(()) } else { Err(Failure::Refused(TAKEN_BACK.to_owned())) }
    }

    /// Calls another service until it has answered.
    pub(super) async fn call(&self, delivery: &Delivery, egress: &Egress) -> Result<Attempted, Failure> {
        let Parts { services, lifecycle, .. } = &self.parts;
        fail::fail_point!("before-call");
        let request = || async {
            if self.is_current(delivery).await.unwrap_or(true) {
                services.call(egress).await
            } else {
                Err(CallError::Refused(TAKEN_BACK.to_owned()))
            }
        };
        let called = repeat(lifecycle, RETRY_FOR, request).await;
        fail::fail_point!("after-call");
        match called {
            Ok(reference) => Ok(Attempted::Done(Sent::Service(reference))),
            Err(Failure::Refused(reason)) => {
                self.expect_current(delivery).await?;
                let (event_id, service) = (&delivery.question.event_id, &egress.service);
                tracing::error!(%event_id, service, reason, "a service refused a call: it is given up");
                Ok(Attempted::Refused(Text::ServiceRefused { service: service.clone().into() }))
            }
            Err(other) => Err(other),
        }
    }
}

impl From<CallError> for Setback {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(reason) => Self::Final(Failure::Refused(reason)),
            CallError::Limited(wait) => Self::Asked(wait, error.to_string()),
            CallError::Unreachable(_) => {
                tracing::warn!(%error, "a service did not answer; trying again");
                Self::Unanswered(error.to_string())
            }
        }
    }
}
