//! Where the bytes of a model file are read from, by several threads at once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

/// Bytes that several threads read at any offset.
pub(super) trait ByteSource: Send + Sync {
    /// The number of bytes.
    fn length(&self) -> u64;

    /// Fills `buffer` from `offset` on; `UnexpectedEof` where the bytes end before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// A file and its length when it was opened.
pub(super) struct FileSource {
    pub file: File,
    pub length: u64,
}

impl ByteSource for FileSource {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

impl<T: AsRef<[u8]> + Send + Sync> ByteSource for T {
    fn length(&self) -> u64 {
        self.as_ref().len() as u64
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).ok();
        let bytes = from.and_then(|from| self.as_ref().get(from..)?.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A [`ByteSource`] with a position, for sequential readers.
pub(super) struct SourceReader {
    source: Box<dyn ByteSource>,
    position: u64,
}

impl SourceReader {
    /// A reader at the start of a source.
    pub(super) fn new(source: Box<dyn ByteSource>) -> Self {
        Self { source, position: 0 }
    }

    /// Fills `buffer` from `offset` on, without moving the position.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.source.read_at(buffer, offset)
    }
}

impl Read for SourceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.length().saturating_sub(self.position);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        self.source.read_at(&mut buffer[..count], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SourceReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.source.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
