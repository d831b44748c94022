//! Opens a GGUF file without trusting it: checksum, header, then the offset of every tensor.
//!
//! Tensors are read at their offsets, by several threads. A memory map would save a copy, but the program would be killed if the
//! file were truncated while it is in use.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::Path;

use candle_core::quantized::gguf_file::{Content, Value};

use super::byte_source::{ByteSource, FileSource, SourceReader};
use super::gguf_error::{GgufError, first_line};
use super::header;
use super::packed::PackedCache;

/// A GGUF whose header was read and whose tensors all lie inside the file, or another format that reads like one.
pub(super) struct Gguf {
    /// The metadata, and the tensors' offsets.
    pub content: Content,
    /// Where the tensors are read from.
    pub source: SourceReader,
    /// The file with the packed tensors, where they may be kept.
    pub cache: Option<PackedCache>,
}

impl std::fmt::Debug for Gguf {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Gguf").finish_non_exhaustive()
    }
}

impl Gguf {
    /// Opens a file; with `sha256` (hexadecimal), only if its content has that checksum. With `keep`, its packed tensors are kept
    /// beside it, or else below that folder; a checksum that was verified when they were packed is not computed again while the file is
    /// the same.
    pub(super) fn open(path: &Path, sha256: Option<&str>, keep: Option<&Path>) -> Result<Self, GgufError> {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        // The file that is hashed is the open file that is read: a file swapped in between is not opened.
        let cache = PackedCache::open(path, vec![file.try_clone()?], sha256, keep)?;
        let gguf = Self::read(Box::new(FileSource { file, length }))?;
        Ok(Self { cache, ..gguf })
    }

    /// Reads a GGUF embedded in the program.
    pub(super) fn embedded(bytes: &'static [u8]) -> Result<Self, GgufError> {
        Self::read(Box::new(bytes))
    }

    /// A GGUF put together in memory, or another format that reads like one. Its tensors must lie within the source.
    pub(super) fn from_parts(content: Content, source: impl ByteSource + 'static) -> Self {
        Self { content, source: SourceReader::new(Box::new(source)), cache: None }
    }

    pub(super) fn read(source: Box<dyn ByteSource>) -> Result<Self, GgufError> {
        let length = source.length();
        let mut source = BufReader::with_capacity(1 << 20, SourceReader::new(source));
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

/// Every tensor lies inside the file, and no two overlap: a small file cannot make the program allocate gigabytes.
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
