//! Checks a GGUF header before candle's reader allocates what the header asks for.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>. Every count is checked against fixed limits and against
//! the file's length. The limits admit the largest known vocabularies (about a million array elements in all).

use std::collections::HashSet;
use std::io::{self, Read};

use super::gguf_error::GgufError;

const MAX_ENTRIES: u64 = 65_536;
const MAX_KEY: u64 = 65_535;
const MAX_STRING: u64 = 16 << 20;
const MAX_ELEMENTS: u64 = 4_000_000;
const MAX_METADATA: u64 = 256 << 20;

/// The alignment of tensors, where the file does not set one.
const ALIGNMENT: u64 = 32;

const STRING: u32 = 8;
const ARRAY: u32 = 9;
const U32: u32 = 4;

/// The tensor types whose size candle's reader knows: in a file with another one, the extents of its tensors cannot be checked.
const TYPES: [u32; 15] = [0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 30];

/// Checks the header of a file of `length` bytes, from its first byte. An error is one sentence.
pub(super) fn scan(reader: impl Read, length: u64) -> Result<(), GgufError> {
    let mut walk = Walk { reader, left: length.min(MAX_METADATA), elements: MAX_ELEMENTS, alignment: ALIGNMENT };
    if walk.take::<4>()? != *b"GGUF" {
        return Err(GgufError::damaged("it does not start with the GGUF mark"));
    }
    let version = walk.u32()?;
    if !(2..=3).contains(&version) {
        return Err(GgufError::unsupported(format!("GGUF version {version} is not supported, only 2 and 3")));
    }
    let (tensors, entries) = (walk.u64()?, walk.u64()?);
    if tensors > MAX_ENTRIES || entries > MAX_ENTRIES {
        return Err(GgufError::damaged("its header announces too many entries"));
    }
    let mut seen = HashSet::new();
    for _ in 0..entries {
        let key = walk.entry()?;
        if let Some(key) = seen.replace(key) {
            return Err(GgufError::damaged(format!("its header has the entry {key} twice")));
        }
    }
    seen.clear();
    for _ in 0..tensors {
        let name = walk.tensor()?;
        if let Some(name) = seen.replace(name) {
            return Err(GgufError::damaged(format!("it has the tensor {name} twice")));
        }
    }
    Ok(())
}

struct Walk<R> {
    reader: R,
    /// Bytes that may still be read.
    left: u64,
    /// Array elements that may still be read: each takes candle 32 bytes in memory, however short it is on disk.
    elements: u64,
    /// The alignment of tensors.
    alignment: u64,
}

impl<R: Read> Walk<R> {
    fn spend(&mut self, bytes: u64) -> Result<(), GgufError> {
        self.left =
            self.left.checked_sub(bytes).ok_or_else(|| GgufError::damaged("it is cut short, or its header lies"))?;
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], GgufError> {
        self.spend(N as u64)?;
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, GgufError> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, GgufError> {
        self.take().map(u64::from_le_bytes)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), GgufError> {
        self.spend(bytes)?;
        if io::copy(&mut self.reader.by_ref().take(bytes), &mut io::sink())? < bytes {
            return Err(GgufError::damaged("it is cut short"));
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), GgufError> {
        let length = self.u64()?;
        if length > MAX_STRING {
            return Err(GgufError::damaged("its header holds an absurdly long text"));
        }
        self.skip(length)
    }

    /// The name of an entry or of a tensor. Candle repairs names that are not UTF-8 and strips zeros from their ends: two names might
    /// become one, or a name one that is checked here under another.
    fn key(&mut self) -> Result<String, GgufError> {
        let length = self.u64()?;
        if length > MAX_KEY {
            return Err(GgufError::damaged("its header holds an absurdly long name"));
        }
        self.spend(length)?;
        let mut key = vec![0; length as usize];
        self.reader.read_exact(&mut key)?;
        let key = String::from_utf8(key).ok().filter(|key| !key.contains('\0'));
        key.ok_or_else(|| GgufError::damaged("its header holds a name that is not a text"))
    }

    fn entry(&mut self) -> Result<String, GgufError> {
        let key = self.key()?;
        let kind = self.u32()?;
        if key == "general.alignment" {
            // Candle divides by the alignment.
            let alignment = if kind == U32 { self.u32()? } else { 0 };
            if !alignment.is_power_of_two() || !(8..=65_536).contains(&alignment) {
                return Err(GgufError::damaged("its alignment is not a sensible power of two"));
            }
            self.alignment = alignment.into();
        } else {
            self.value(kind)?;
        }
        Ok(key)
    }

    fn value(&mut self, kind: u32) -> Result<(), GgufError> {
        match kind {
            STRING => self.string(),
            ARRAY => self.array(),
            _ => self.skip(size_of_scalar(kind)?),
        }
    }

    fn array(&mut self) -> Result<(), GgufError> {
        let kind = self.u32()?;
        let count = self.u64()?;
        self.elements =
            self.elements.checked_sub(count).ok_or_else(|| GgufError::damaged("its header holds an absurd array"))?;
        match kind {
            STRING => (0..count).try_for_each(|_| self.string()),
            ARRAY => Err(GgufError::unsupported("an array of arrays in the header is not supported")),
            // Both factors are small, so that the product does not overflow.
            _ => self.skip(count * size_of_scalar(kind)?),
        }
    }

    /// Whether a tensor lies inside the file is checked later, when the start of the data is known.
    fn tensor(&mut self) -> Result<String, GgufError> {
        let name = self.key()?;
        let dimensions = self.u32()?;
        if !(1..=4).contains(&dimensions) {
            return Err(GgufError::damaged(format!("the tensor {name} does not have one to four dimensions")));
        }
        self.skip(u64::from(dimensions) * 8)?;
        let kind = self.u32()?;
        if !TYPES.contains(&kind) {
            return Err(GgufError::unsupported(format!(
                "the tensor {name} is stored as type {kind}, which is not known: take the same model in Q4_K_M, Q6_K or Q8_0"
            )));
        }
        if !self.u64()?.is_multiple_of(self.alignment) {
            return Err(GgufError::damaged(format!(
                "the tensor {name} does not begin where the file's alignment allows"
            )));
        }
        Ok(name)
    }
}

fn size_of_scalar(kind: u32) -> Result<u64, GgufError> {
    match kind {
        0 | 1 | 7 => Ok(1),
        2 | 3 => Ok(2),
        4..=6 => Ok(4),
        10..=12 => Ok(8),
        _ => Err(GgufError::damaged("its header holds a value of unknown type")),
    }
}
