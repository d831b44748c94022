//! Opening a GGUF file without trusting it: checksum, header, then the place of every tensor.
//!
//! Tensors are read at their places, by several threads. A memory map would save a copy, but whoever cuts the file short while
//! it is in use would end the program.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};
use sha2::{Digest, Sha256};

use super::header;
use super::packed::Cache;

/// Why a file is not a model this engine can load; each reads as the end of "this file cannot be used: …".
#[derive(Debug, thiserror::Error)]
pub enum GgufError {
    /// The file could not be read.
    #[error("it cannot be read: {0}")]
    Io(io::Error),
    /// The file is not the one that was asked for.
    #[error("its SHA-256 is {found}, {expected} was expected")]
    Checksum {
        /// What the configuration or the manifest says.
        expected: String,
        /// What the file gives.
        found: String,
    },
    /// The file is cut short, corrupt or hostile.
    #[error("{0}")]
    Damaged(String),
    /// The file is sound, but this engine would answer wrongly with it.
    #[error("{0}")]
    Unsupported(String),
}

impl GgufError {
    pub(super) fn damaged(sentence: impl Into<String>) -> Self {
        Self::Damaged(one_line(&sentence.into()))
    }

    pub(super) fn unsupported(sentence: impl Into<String>) -> Self {
        Self::Unsupported(one_line(&sentence.into()))
    }
}

/// Names come from the file: they must not forge lines of a log, nor fill it.
pub(super) fn one_line(sentence: &str) -> String {
    sentence.chars().take(300).map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

impl From<io::Error> for GgufError {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::damaged("it is cut short") } else { Self::Io(error) }
    }
}

/// Bytes that several threads read at their places.
pub(super) trait Source: Send + Sync {
    /// How many there are.
    fn length(&self) -> u64;

    /// Fills `buffer` with those from `offset` on; `UnexpectedEof` where they end before.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

/// A file and its length when it was opened.
struct Whole {
    file: File,
    length: u64,
}

impl Source for Whole {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }
}

impl<T: AsRef<[u8]> + Send + Sync> Source for T {
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

/// A [`Source`], also for those who read one thing after the other.
pub(super) struct Bytes {
    source: Box<dyn Source>,
    position: u64,
}

impl Bytes {
    /// Fills `buffer` from `offset` on; the position of other readers stays.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.source.read_at(buffer, offset)
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.source.length().saturating_sub(self.position);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        self.source.read_at(&mut buffer[..count], self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Bytes {
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

/// A GGUF whose header was read and whose tensors all lie inside the file, or what stands for one.
pub(super) struct Gguf {
    /// The metadata and the tensors' places.
    pub content: Content,
    /// Where the tensors are read from.
    pub source: Bytes,
    /// Where the packed tensors may be kept.
    pub cache: Option<Cache>,
}

impl std::fmt::Debug for Gguf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gguf").finish_non_exhaustive()
    }
}

impl Gguf {
    /// Opens a file; with `sha256` (hexadecimal), only if its content has that sum. With `keep`, its packed tensors are kept beside
    /// it, or else below that folder; a sum that was checked when they were packed is not computed again while the file is the same.
    pub(super) fn open(path: &Path, sha256: Option<&str>, keep: Option<&Path>) -> Result<Self, GgufError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        // The same file is hashed and read: one swapped in between is not seen.
        let cache = Cache::open(path, vec![file.try_clone()?], sha256, keep)?;
        let gguf = Self::read(Box::new(Whole { file, length }))?;
        Ok(Self { cache, ..gguf })
    }

    /// Reads a GGUF embedded in the program.
    pub(super) fn embedded(bytes: &'static [u8]) -> Result<Self, GgufError> {
        Self::read(Box::new(bytes))
    }

    /// What was put together in memory, or what is no GGUF but can be read like one. Its tensors must lie within the source.
    pub(super) fn made(content: Content, source: impl Source + 'static) -> Self {
        Self { content, source: Bytes { source: Box::new(source), position: 0 }, cache: None }
    }

    pub(super) fn read(source: Box<dyn Source>) -> Result<Self, GgufError> {
        let length = source.length();
        let mut source = BufReader::with_capacity(1 << 20, Bytes { source, position: 0 });
        header::scan(&mut source, length)?;
        source.rewind()?;
        let content = Content::read(&mut source)
            .map_err(|error| GgufError::damaged(format!("its header cannot be read: {}", first_line(&error))))?;
        check_tensors(&content, length)?;
        Ok(Self { content, source: source.into_inner(), cache: None })
    }

    /// A text of the metadata.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.content.metadata.get(key)?.to_string().ok().map(String::as_str)
    }

    /// A non-negative integer of the metadata, whatever its width.
    pub(super) fn number(&self, key: &str) -> Option<u64> {
        integer(self.content.metadata.get(key)?)
    }

    /// A truth value of the metadata.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.content.metadata.get(key)?.to_bool().ok()
    }

    /// A list of the metadata; empty when it is not there.
    pub(super) fn list(&self, key: &str) -> &[Value] {
        self.content.metadata.get(key).and_then(|value| value.to_vec().ok()).map_or(&[], Vec::as_slice)
    }
}

/// A non-negative integer, whatever its width.
pub(super) fn integer(value: &Value) -> Option<u64> {
    match *value {
        Value::U8(v) => Some(v.into()),
        Value::U16(v) => Some(v.into()),
        Value::U32(v) => Some(v.into()),
        Value::U64(v) => Some(v),
        Value::I8(v) => v.try_into().ok(),
        Value::I16(v) => v.try_into().ok(),
        Value::I32(v) => v.try_into().ok(),
        Value::I64(v) => v.try_into().ok(),
        _ => None,
    }
}

/// Candle's errors carry a backtrace after their first line.
pub(super) fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The SHA-256 of what `reader` holds from its start, in lower-case hexadecimal; the reader is left at its start.
pub(in crate::inference) fn sum(reader: &mut (impl Read + Seek)) -> io::Result<String> {
    reader.rewind()?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buffer)? {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    reader.rewind()?;
    Ok(format!("{:x}", hasher.finalize()))
}

/// Refuses a file whose SHA-256 is not the expected one.
pub(super) fn expect_sum(file: &mut File, expected: &str) -> Result<(), GgufError> {
    let found = sum(file)?;
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(GgufError::Checksum { expected: expected.to_ascii_lowercase(), found })
}

/// Every tensor lies inside the file, and none where another is: a few bytes cannot ask for gigabytes.
fn check_tensors(content: &Content, length: u64) -> Result<(), GgufError> {
    let mut extents = Vec::with_capacity(content.tensor_infos.len());
    let mut names: Vec<&String> = content.tensor_infos.keys().collect();
    names.sort_unstable();
    for name in names {
        let info = &content.tensor_infos[name];
        let bytes = size(info.shape.dims(), info.ggml_dtype.block_size(), info.ggml_dtype.type_size())
            .ok_or_else(|| GgufError::damaged(format!("the tensor {name} has an impossible shape")))?;
        let start = content.tensor_data_offset.checked_add(info.offset);
        let extent = start.and_then(|start| Some((start, start.checked_add(bytes)?, name)));
        match extent.filter(|(_, end, _)| *end <= length) {
            Some(extent) => extents.push(extent),
            None => return Err(GgufError::damaged(format!("it is cut short: the tensor {name} ends after the file"))),
        }
    }
    extents.sort_unstable();
    if let Some(pair) = extents.windows(2).find(|pair| pair[1].0 < pair[0].1) {
        return Err(GgufError::damaged(format!("its tensors {} and {} overlap", pair[0].2, pair[1].2)));
    }
    Ok(())
}

/// The bytes of a tensor of `dims` elements stored in blocks along its last dimension.
fn size(dims: &[usize], block: usize, block_bytes: usize) -> Option<u64> {
    if dims.contains(&0) || !dims.last()?.is_multiple_of(block) {
        return None;
    }
    let elements = dims.iter().try_fold(1_usize, |product, dim| product.checked_mul(*dim))?;
    (elements / block).checked_mul(block_bytes).map(|bytes| bytes as u64)
}

#[cfg(test)]
#[path = "gguf_tests.rs"]
mod tests;
