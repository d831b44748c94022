//! Opening a GGUF file without trusting it: checksum, header, then the place of every tensor.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};
use sha2::{Digest, Sha256};

use super::header;

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

/// Something a GGUF is read from: a file, or bytes in the program.
pub(super) trait Source: Read + Seek + Send {}

impl<T: Read + Seek + Send> Source for T {}

/// A GGUF whose header was read and whose tensors all lie inside the file.
pub(super) struct Gguf {
    /// The metadata and the tensors' places.
    pub content: Content,
    /// Where the tensors are read from.
    pub source: Box<dyn Source>,
}

impl std::fmt::Debug for Gguf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gguf").finish_non_exhaustive()
    }
}

impl Gguf {
    /// Opens a file; with `sha256` (hexadecimal), only if its content has that sum.
    pub(super) fn open(path: &Path, sha256: Option<&str>) -> Result<Self, GgufError> {
        let mut file = File::open(path)?;
        if let Some(expected) = sha256 {
            // The same handle is hashed and read: a file swapped in between is not seen.
            let found = sum(&mut file)?;
            if !found.eq_ignore_ascii_case(expected) {
                return Err(GgufError::Checksum { expected: expected.to_ascii_lowercase(), found });
            }
        }
        Self::read(Box::new(BufReader::with_capacity(1 << 20, file)))
    }

    /// Reads a GGUF embedded in the program.
    pub(super) fn embedded(bytes: &'static [u8]) -> Result<Self, GgufError> {
        Self::read(Box::new(Cursor::new(bytes)))
    }

    fn read(mut source: Box<dyn Source>) -> Result<Self, GgufError> {
        let length = source.seek(SeekFrom::End(0))?;
        source.rewind()?;
        header::scan(&mut source, length)?;
        source.rewind()?;
        let content = Content::read(&mut source)
            .map_err(|error| GgufError::damaged(format!("its header cannot be read: {}", first_line(&error))))?;
        check_tensors(&content, length)?;
        Ok(Self { content, source })
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

/// Every tensor lies inside the file, and together they are no bigger than it: a few bytes cannot ask for gigabytes.
fn check_tensors(content: &Content, length: u64) -> Result<(), GgufError> {
    let mut total = 0_u64;
    for (name, info) in &content.tensor_infos {
        let bytes = size(info.shape.dims(), info.ggml_dtype.block_size(), info.ggml_dtype.type_size())
            .ok_or_else(|| GgufError::damaged(format!("the tensor {name} has an impossible shape")))?;
        let end = content.tensor_data_offset.checked_add(info.offset).and_then(|start| start.checked_add(bytes));
        if end.is_none_or(|end| end > length) {
            return Err(GgufError::damaged(format!("it is cut short: the tensor {name} ends after the file")));
        }
        total = total.saturating_add(bytes);
    }
    if total > length {
        return Err(GgufError::damaged("its tensors overlap"));
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
