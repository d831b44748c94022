//! What reads files: the sandboxed child, and in tests a stand-in.

use async_trait::async_trait;

use crate::documents::{ExtractError, Extracted, Extractor, Segments, SourceFile};

/// What reads files.
#[async_trait]
pub trait FileReader: Send + Sync + 'static {
    /// Reads a file.
    async fn read(&self, file: SourceFile<'_>) -> Result<Extracted, ExtractError>;

    /// The texts of a file that can be put back changed.
    async fn segments(&self, file: SourceFile<'_>) -> Result<Segments, ExtractError>;

    /// The file with other texts, of as many runs as its segments have.
    async fn rewritten(&self, file: SourceFile<'_>, texts: Vec<Vec<String>>) -> Result<Vec<u8>, ExtractError>;
}

#[async_trait]
impl FileReader for Extractor {
    async fn read(&self, file: SourceFile<'_>) -> Result<Extracted, ExtractError> {
        self.extract(file).await
    }

    async fn segments(&self, file: SourceFile<'_>) -> Result<Segments, ExtractError> {
        Self::segments(self, file).await
    }

    async fn rewritten(&self, file: SourceFile<'_>, texts: Vec<Vec<String>>) -> Result<Vec<u8>, ExtractError> {
        Self::rewritten(self, file, texts).await
    }
}
