//! Files that wait for their delivery.

use serde::{Deserialize, Serialize};

use super::hex::Hex;
use super::stored::Stored;
use crate::store::file::StoredFile;
use crate::store::seal::Key32;

/// What is kept of a file under its room's key: a [`StoredFile`] with the data key that seals its chunks.
#[derive(Serialize, Deserialize)]
pub(in crate::store) struct FileRecord {
    number: u64,
    name: String,
    media_type: String,
    size: u64,
    stored_at: u64,
    key: Hex<32>,
}

impl Stored for StoredFile {
    type Record = FileRecord;
}

impl From<&StoredFile> for FileRecord {
    fn from(file: &StoredFile) -> Self {
        Self {
            number: file.number,
            name: file.name.clone(),
            media_type: file.media_type.clone(),
            size: file.size,
            stored_at: file.stored_at,
            key: Hex(*file.key.bytes()),
        }
    }
}

impl From<FileRecord> for StoredFile {
    fn from(record: FileRecord) -> Self {
        Self {
            number: record.number,
            name: record.name,
            media_type: record.media_type,
            size: record.size,
            stored_at: record.stored_at,
            key: Key32::from_bytes(&record.key.0),
        }
    }
}
