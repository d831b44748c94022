//! The parent's side: starts the child, gives it a file, and reads its answer within the limits.

use std::{fmt, path::PathBuf, sync::Arc};

use tokio::sync::Semaphore;

use super::{Config, ExtractError, Format, Limit};
use crate::document::Passage;

/// Reads files, each in a child process of its own.
#[derive(Clone, Debug)]
pub struct Extractor {
    config: Config,
    program: PathBuf,
    turns: Arc<Semaphore>,
}

/// A file as it came.
#[derive(Clone, Copy)]
pub struct SourceFile<'a> {
    /// Its name, which may promise a format.
    pub name: &'a str,
    /// The media type that was declared with it.
    pub media_type: Option<&'a str>,
    /// What it is.
    pub bytes: &'a [u8],
}

/// What a file holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Extracted {
    /// What it turned out to be.
    pub format: Format,
    /// The title that it gives itself.
    pub title: Option<String>,
    /// How many pages, slides or sheets it has, where its format has such.
    pub pages: Option<u32>,
    /// Its text, in order. There is at least one.
    pub passages: Vec<Passage>,
}

impl fmt::Debug for SourceFile<'_> {
    /// Leaves name and content out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SourceFile").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Extracted {
    /// Leaves the texts out.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = formatter.debug_struct("Extracted");
        debug.field("format", &self.format).field("pages", &self.pages).field("passages", &self.passages.len());
        debug.finish_non_exhaustive()
    }
}

impl Extractor {
    /// With the limits of the configuration, and the running program as the child.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::with_program(config, PathBuf::from("/proc/self/exe"))
    }

    /// With another program as the child: tests are no `compagnon` themselves.
    #[must_use]
    pub fn with_program(config: &Config, program: PathBuf) -> Self {
        Self { turns: Arc::new(Semaphore::new(config.at_once)), config: config.clone(), program }
    }

    /// Reads a file.
    pub async fn extract(&self, file: SourceFile<'_>) -> Result<Extracted, ExtractError> {
        if file.bytes.len() as u64 > self.config.largest_file() {
            return Err(ExtractError::TooLarge(Limit::File(self.config.file_size)));
        }
        let _turn = self.turns.acquire().await.map_err(|_| ExtractError::Failed("closed".to_owned()))?;
        Err(ExtractError::Failed(format!("{} reads no file yet", self.program.display())))
    }
}
