//! What reads files: the sandboxed child, and in tests a stand-in.

use async_trait::async_trait;

use crate::documents::{ExtractError, Extracted, Extractor, SourceFile};

/// What reads files.
#[async_trait]
pub trait FileReader: Send + Sync + 'static {
    /// Reads a file.
    async fn read(&self, file: SourceFile<'_>) -> Result<Extracted, ExtractError>;
}

#[async_trait]
impl FileReader for Extractor {
    async fn read(&self, file: SourceFile<'_>) -> Result<Extracted, ExtractError> {
        self.extract(file).await
    }
}
