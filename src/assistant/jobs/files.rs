//! Files whose texts a job changes.

use super::{job::Job, target::SentFile};
use crate::{
    assistant::{
        clock::now,
        commands::inert,
        courier::Ending,
        documents::{not_read, title},
        failure::Failure,
        texts::{Text, documents::Documents},
    },
    documents::{ExtractError, SourceFile},
    message::Item,
    segment::Segment,
    store::LARGEST_FILE,
};

impl Job<'_> {
    /// The texts of a file.
    pub(super) async fn segments(&self, sent: &SentFile) -> Result<Vec<Segment>, ExtractError> {
        Ok(self.parts.documents.reader().segments(source(sent)).await?.segments)
    }

    /// A file with other texts.
    pub(super) async fn rewritten(&self, sent: &SentFile, texts: Vec<Vec<String>>) -> Result<Vec<u8>, ExtractError> {
        self.parts.documents.reader().rewritten(source(sent), texts).await
    }

    /// What is said of a file that cannot be read or put back.
    pub(super) fn not_put_back(&self, sent: &SentFile, error: &ExtractError) -> Ending {
        tracing::info!(event_id = %self.message.event_id, %error, "a file was not given back with other texts");
        let (name, why) = (inert(&title(&sent.name)), not_read(error));
        self.ends(&Text::Documents(Documents::NotRead { name, why, read: Vec::new() }))
    }

    /// Stores a file that is the answer: before the answer that names it, without which it is removed again. What is said instead, where it is
    /// too large.
    pub(super) async fn put(
        &self,
        sent: &SentFile,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Result<Item, Text<'static>>, Failure> {
        if bytes.len() > LARGEST_FILE {
            return Ok(Err(Text::FileTooLarge { most: LARGEST_FILE as u64 }));
        }
        let media_type = sent.media_type.as_deref().unwrap_or("application/octet-stream");
        let file = self.parts.store.put_file(&self.message.room_id, name, media_type, bytes, now()).await?;
        Ok(Ok(Item::File(file)))
    }
}

/// A file as it is read.
fn source(sent: &SentFile) -> SourceFile<'_> {
    SourceFile { name: &sent.name, media_type: sent.media_type.as_deref(), bytes: &sent.bytes }
}
