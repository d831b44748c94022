//! For `crate::fuzz`: what a key file or a record holds once its seal is open. Whoever could write it has the keys; a program that
//! is newer, or was wrong, may have.

use serde::de::DeserializeOwned;

use super::answer::{Answered, Delivery};
use super::audit::Entry;
use super::document::StoredDocument;
use super::file::StoredFile;
use super::keys::RoomKeys;
use super::own::OwnMessage;
use super::question::Queued;
use super::records::Stored;
use super::records::version1::{AnsweredV1, DeliveryV1, QueuedV1};
use super::said::Said;
use super::seal::{Cipher, Key32};
use super::withdrawal::Withdrawal;
use crate::approved::MasteredAnswer;
use crate::compagnon::{Made, Settings};
use crate::job::{JobState, LARGEST_STATE};
use crate::message::{Gap, Undecrypted};

/// The bytes as each kind of record, as a file of keys, and as a sealed value.
pub(crate) fn record(data: &[u8]) {
    written_as_read::<Queued>(data);
    written_as_read::<Said>(data);
    written_as_read::<Answered>(data);
    written_as_read::<Settings>(data);
    written_as_read::<Entry>(data);
    written_as_read::<Withdrawal>(data);
    written_as_read::<Undecrypted>(data);
    written_as_read::<Gap>(data);
    written_as_read::<OwnMessage>(data);
    written_as_read::<StoredFile>(data);
    written_as_read::<StoredDocument>(data);
    written_as_read::<MasteredAnswer>(data);
    if let Ok(record) = serde_json::from_slice::<<JobState as Stored>::Record>(data) {
        // Numbers in what a job keeps need not come back to the last digit.
        assert!(JobState::from(record).fits() || data.len() > LARGEST_STATE / 64);
    }
    if let Some(made) = written_as_read::<Made>(data) {
        for version in &made.versions {
            let _ = made.read(version);
        }
    }
    if let Some(delivery) = written_as_read::<Delivery>(data) {
        Answered::of(delivery, 0);
    }
    converted::<QueuedV1, Queued>(data);
    converted::<DeliveryV1, Delivery>(data);
    converted::<AnsweredV1, Answered>(data);
    if let Some(once) = RoomKeys::taken(data) {
        let twice = RoomKeys::taken(&once).expect("what was written is read");
        assert_eq!(twice.len(), once.len());
    }
    let key = Key32::random();
    assert!(Cipher::new(&key).open("turns", b"k", data).is_none(), "nobody seals without the key");
}

/// Reads a record; what is read is written and read again the same.
fn written_as_read<T: Stored>(data: &[u8]) -> Option<T> {
    let record: T::Record = serde_json::from_slice(data).ok()?;
    let value: T = record.into();
    Some(again(&value))
}

/// Writes a value and reads it again: what is written then is the same.
fn again<T: Stored>(value: &T) -> T {
    let text = serde_json::to_vec(&T::Record::from(value)).expect("records have a JSON form");
    let again: T::Record = serde_json::from_slice(&text).expect("what was written is read");
    let again: T = again.into();
    assert_eq!(text, serde_json::to_vec(&T::Record::from(&again)).expect("records have a JSON form"));
    again
}

/// Reads a record of an earlier version; what becomes of it is one of this version.
fn converted<Old: DeserializeOwned, T: Stored<Record: From<Old>>>(data: &[u8]) {
    if let Ok(old) = serde_json::from_slice::<Old>(data) {
        let record = T::Record::from(old);
        let value: T = record.into();
        again(&value);
    }
}
