//! For `crate::fuzz`: what a key file or a record holds once its seal is open. Whoever could write it has the keys; a program that
//! is newer, or was wrong, may have.

use serde::{Serialize, de::DeserializeOwned};

use super::answered::Answered;
use super::audit::Entry;
use super::inbox::Queued;
use super::keys::RoomKeys;
use super::outbox::Delivery;
use super::seal::{Cipher, Key32};
use super::turns::Said;
use super::withdraw::Withdrawal;
use crate::compagnon::{Made, Settings};
use crate::message::Undecrypted;

/// The bytes as each kind of record, as a file of keys, and as a sealed value.
pub(crate) fn record(data: &[u8]) {
    written_as_read::<Queued>(data);
    written_as_read::<Said>(data);
    written_as_read::<Answered>(data);
    written_as_read::<Settings>(data);
    written_as_read::<Entry>(data);
    written_as_read::<Withdrawal>(data);
    written_as_read::<Undecrypted>(data);
    if let Some(made) = written_as_read::<Made>(data) {
        for version in &made.versions {
            let _ = made.read(version);
        }
    }
    if let Some(delivery) = written_as_read::<Delivery>(data) {
        Answered::of(delivery, 0);
    }
    if let Some(once) = RoomKeys::taken(data) {
        let twice = RoomKeys::taken(&once).expect("what was written is read");
        assert_eq!(twice.len(), once.len());
    }
    let key = Key32::random();
    assert!(Cipher::new(&key).open("turns", b"k", data).is_none(), "nobody seals without the key");
}

/// Reads a record; what is read is written and read again the same.
fn written_as_read<T: Serialize + DeserializeOwned>(data: &[u8]) -> Option<T> {
    let record: T = serde_json::from_slice(data).ok()?;
    let text = serde_json::to_vec(&record).expect("records have a JSON form");
    let again: T = serde_json::from_slice(&text).expect("what was written is read");
    assert_eq!(text, serde_json::to_vec(&again).expect("records have a JSON form"));
    Some(record)
}
