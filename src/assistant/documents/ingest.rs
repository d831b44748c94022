//! From a file that somebody has sent to a document: downloaded through the antivirus, read in the sandbox, embedded, stored.
//!
//! One file is one document of its partition, however often this is done and wherever it is interrupted: the store knows the message that a
//! document came with. What is read meanwhile of a message that is taken back, the store does not take.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use ruma::{OwnedRoomId, RoomId};
use tokio::sync::Semaphore;

use super::{Documents, FileReader, embed, names, unsaid::Unsaid};
use crate::{
    assistant::{
        clock::now,
        courier::Homeserver,
        dispatch::{ActiveGenerations, Interruption},
        failure::Failure,
        lifecycle::Lifecycle,
        texts::documents::NotRead,
    },
    document::{Document, Origin, Partition},
    documents::{self, ExtractError, Extractor, Limit, SourceFile, can_read},
    matrix::DownloadError,
    message::{Content, Incoming, MediaRef, Unread},
    store::{Full, NewDocument, Store, StoreError},
};

/// How long a download is repeated. After that who sent the file is told that it is not available.
const DOWNLOAD_FOR: Duration = Duration::from_mins(2);
/// How often a file is downloaded of which the bytes are not those that were sent: a transfer may have broken off.
const DAMAGED_TRIES: usize = 2;
/// How many files are downloaded and read at a time, of all rooms. Each is in memory as a whole.
const FILES: usize = 4;
/// The most rooms whose locks are kept. Beyond, unused locks are dropped.
const ROOMS: usize = 1_000;

/// A file that somebody has sent, and whose document it becomes.
#[derive(Clone, Copy)]
pub struct SentFile<'a> {
    /// Whose.
    pub partition: &'a Partition,
    /// The message that it came with.
    pub origin: &'a Origin,
    /// Where it is.
    pub media: &'a MediaRef,
}

/// What came of a file.
#[derive(Debug, PartialEq)]
pub enum Ingested {
    /// It is a document now, or was before.
    Document(Box<Document>),
    /// It could not be read.
    NotRead(NotRead),
    /// Somebody stopped it.
    Stopped,
    /// Its message, or the message that asked for it, is no more or has another text.
    Changed,
}

/// The files that a message brings which can be read, perhaps: what is said of it promises it.
pub fn readable(message: &Incoming) -> Option<&MediaRef> {
    match &message.content {
        Content::Attachment(media) => Some(&**media).filter(|media| promises(media)),
        _ => None,
    }
}

/// Whether what is said of a file promises that it can be read.
pub fn promises(media: &MediaRef) -> bool {
    media.kind() == Unread::File && can_read(&media.name, media.media_type.as_deref())
}

/// Makes documents of files.
pub struct Ingestion {
    store: Store,
    documents: Arc<Documents>,
    homeserver: Arc<Homeserver>,
    active: Arc<ActiveGenerations>,
    lifecycle: Arc<Lifecycle>,
    /// One file at a time in each room: whoever sends many holds up nobody else.
    rooms: Mutex<HashMap<OwnedRoomId, Arc<tokio::sync::Mutex<()>>>>,
    files: Semaphore,
    unsaid: Unsaid,
}

impl Ingestion {
    /// For these documents, which are those of the store.
    pub fn new(
        store: Store,
        documents: Arc<Documents>,
        homeserver: Arc<Homeserver>,
        active: Arc<ActiveGenerations>,
        lifecycle: Arc<Lifecycle>,
    ) -> Self {
        Self {
            store,
            documents,
            homeserver,
            active,
            lifecycle,
            rooms: Mutex::default(),
            files: Semaphore::new(FILES),
            unsaid: Unsaid::default(),
        }
    }

    /// What was read and is still to be said.
    pub fn unsaid(&self) -> &Unsaid {
        &self.unsaid
    }

    /// Makes a document of a file, for a message whose turn it is. It can be stopped as an answer can.
    pub async fn ingest(&self, message: &Incoming, file: &SentFile<'_>) -> Result<Ingested, Failure> {
        if let Some(document) = self.documents.came_with(file.partition, file.origin).await? {
            return Ok(Ingested::Document(Box::new(document)));
        }
        let entered = self.active.enter(message);
        // A redaction that came before the generation was active found nothing to interrupt.
        if !self.store.is_waiting(message).await? {
            return Ok(Ingested::Changed);
        }
        tokio::select! {
            biased;
            why = entered.generation.interrupted() => Ok(match why {
                Interruption::Stopped => Ingested::Stopped,
                Interruption::Changed => Ingested::Changed,
            }),
            // On the heap: it holds the states of a whole transfer.
            ingested = Box::pin(self.lifecycle.until_abort(self.in_turn(file))) => ingested?,
        }
    }

    async fn in_turn(&self, file: &SentFile<'_>) -> Result<Ingested, Failure> {
        let room = self.room(&file.origin.room_id);
        let _turn = room.lock().await;
        self.make(file).await
    }

    fn room(&self, room: &RoomId) -> Arc<tokio::sync::Mutex<()>> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() >= ROOMS && !rooms.contains_key(room) {
            rooms.retain(|_, turn| Arc::strong_count(turn) > 1);
        }
        Arc::clone(rooms.entry(room.to_owned()).or_default())
    }

    async fn make(&self, file: &SentFile<'_>) -> Result<Ingested, Failure> {
        // Given back before the passages are embedded, which takes long and holds no file. The semaphore is never closed.
        let place = self.files.acquire().await;
        fail::fail_point!("before-download");
        let bytes = match self.download(file.media).await? {
            Ok(bytes) => bytes,
            Err(why) => return Ok(Ingested::NotRead(why)),
        };
        fail::fail_point!("after-download");
        let (name, media_type) = (file.media.name.as_str(), file.media.media_type.as_deref());
        let read = self.documents.reader.read(SourceFile { name, media_type, bytes: &bytes }).await;
        drop((bytes, place));
        let extracted = match read {
            Ok(extracted) => extracted,
            Err(error) => {
                tracing::info!(event_id = %file.origin.event_id, %error, "a file was not read");
                return Ok(Ingested::NotRead(not_read(&error)));
            }
        };
        fail::fail_point!("after-extract");
        let title = names::title(&file.media.name);
        let vectors = embed::vectors(self.documents.embedding.as_deref(), &title, &extracted.passages).await;
        fail::fail_point!("after-embed");
        let document = NewDocument {
            partition: file.partition.clone(),
            title,
            format: extracted.format.name().to_owned(),
            pages: extracted.pages,
            origin: Some(file.origin.clone()),
            link: None,
            passages: extracted.passages,
            vectors,
        };
        Ok(match self.store.put_document(document, now()).await {
            Ok(document) => Ingested::Document(Box::new(document)),
            Err(StoreError::Gone) => Ingested::Changed,
            Err(StoreError::Full(full)) => {
                tracing::warn!(%full, "a file was not read");
                Ingested::NotRead(NotRead::Full { everywhere: full == Full::Store })
            }
            Err(StoreError::TooLarge) => Ingested::NotRead(NotRead::TooMuch),
            Err(error) => return Err(error.into()),
        })
    }

    /// The bytes of a file, of which nothing is stored; or why there are none.
    pub async fn fetch(&self, media: &MediaRef) -> Result<Result<Vec<u8>, NotRead>, Failure> {
        // Never closed.
        let _place = self.files.acquire().await;
        // On the heap: it holds the states of a whole transfer.
        Box::pin(self.lifecycle.until_abort(self.download(media))).await?
    }

    /// The bytes of a file, or why there are none.
    async fn download(&self, media: &MediaRef) -> Result<Result<Vec<u8>, NotRead>, Failure> {
        let most = self.documents.largest_file;
        if media.size.is_some_and(|size| size > most) {
            return Ok(Err(NotRead::TooLarge(megabytes(most))));
        }
        let gateway = &self.homeserver.gateway;
        let ask = || async {
            match gateway.download(media, most).await {
                Ok(bytes) => Ok(Ok(bytes)),
                Err(DownloadError::Failed(error)) => Err(error),
                Err(error) => Ok(Err(error)),
            }
        };
        let mut tries = 0;
        loop {
            tries += 1;
            let downloaded = match self.homeserver.retry_for::<_, _>(DOWNLOAD_FOR, ask).await {
                Ok(downloaded) => downloaded,
                Err(Failure::Refused(reason) | Failure::Unanswered(reason)) => {
                    tracing::warn!(reason, "a file could not be downloaded");
                    return Ok(Err(NotRead::Unavailable));
                }
                Err(failure) => return Err(failure),
            };
            return Ok(match downloaded {
                Ok(bytes) if bytes.is_empty() => Err(NotRead::Empty),
                Ok(bytes) => Ok(bytes),
                Err(DownloadError::Damaged) if tries < DAMAGED_TRIES => continue,
                Err(error) => {
                    tracing::info!(%error, "a file could not be downloaded");
                    Err(not_downloaded(&error))
                }
            });
        }
    }
}

impl Documents {
    /// The document that came with a message, in a partition.
    pub async fn came_with(&self, partition: &Partition, origin: &Origin) -> Result<Option<Document>, StoreError> {
        let documents = self.kept.documents(std::slice::from_ref(partition)).await?;
        Ok(documents.into_iter().find(|document| {
            let is_it = |known: &Origin| (&known.room_id, &known.event_id) == (&origin.room_id, &origin.event_id);
            document.origin.as_ref().is_some_and(is_it)
        }))
    }
}

fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

fn not_downloaded(error: &DownloadError) -> NotRead {
    match error {
        DownloadError::TooLarge { most } => NotRead::TooLarge(megabytes(*most)),
        DownloadError::Damaged => NotRead::Damaged,
        DownloadError::Gone => NotRead::Gone,
        DownloadError::Infected => NotRead::Infected,
        DownloadError::Forbidden => NotRead::Forbidden,
        DownloadError::Failed(_) => NotRead::Unavailable,
    }
}

/// Why a file was not read, as it is said.
pub fn not_read(error: &ExtractError) -> NotRead {
    match error {
        ExtractError::Encrypted => NotRead::Encrypted,
        ExtractError::NoText => NotRead::NoText,
        ExtractError::TooLarge(Limit::File(most)) => NotRead::TooLarge(*most),
        ExtractError::TooLarge(Limit::Pages(most)) => NotRead::TooManyPages(*most),
        ExtractError::TooLarge(_) => NotRead::TooMuch,
        // No reading says that a form is fixed.
        ExtractError::UnknownType | ExtractError::FixedForm => NotRead::UnknownType,
        ExtractError::Damaged => NotRead::Damaged,
        ExtractError::TimedOut => NotRead::TooSlow,
        ExtractError::Failed(_) => NotRead::Failed,
    }
}

/// What reads files by the limits of the configuration, and the most bytes that a file may have.
#[must_use]
pub fn reader(config: &documents::Config) -> (Arc<dyn FileReader>, u64) {
    (Arc::new(Extractor::new(config)), config.largest_file())
}

#[cfg(test)]
mod tests {
    use super::{MediaRef, promises};

    #[test]
    fn what_is_said_of_a_file_promises_that_it_can_be_read_or_not() {
        let promised = |name: &str, media_type: Option<&str>| {
            promises(&MediaRef {
                name: name.to_owned(),
                media_type: media_type.map(str::to_owned),
                size: None,
                caption: String::new(),
                source: "\"mxc://h/x\"".to_owned(),
            })
        };
        for (name, media_type) in [
            ("Guide RH.PDF", None),
            ("Guide RH.pdf", Some("application/octet-stream")),
            ("note", Some("text/plain; charset=utf-8")),
            ("NOTE", Some("Application/PDF")),
            ("tableau.xlsx", Some("application/zip")),
            ("a.b.c.md", Some("")),
        ] {
            assert!(promised(name, media_type), "{name} {media_type:?}");
        }
        for (name, media_type) in [
            ("photo.jpg", Some("image/jpeg")),
            ("scan.pdf", Some("image/png")),
            ("voix.pdf", Some("audio/ogg")),
            ("archive.zip", Some("application/zip")),
            ("programme.exe", None),
            ("", None),
            (".pdf.exe", Some("application/octet-stream")),
        ] {
            assert!(!promised(name, media_type), "{name} {media_type:?}");
        }
    }
}
