//! A zip archive, read in memory: how many members it has, what each unpacks to, and what all do, are bounded. No path is ever written.

use std::{
    borrow::Cow,
    io::{Cursor, Read as _},
};

use zip::{ZipArchive, result::ZipError};

use super::{ExtractError, Limit, limits::Limits};

/// The most members of an archive.
const MOST_MEMBERS: usize = 10_000;

/// What may always be unpacked: small members of one repeated letter are no bombs.
const SMALL: u64 = 1 << 20;

/// An archive and what may still be unpacked.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Cursor<&'a [u8]>>,
    left: u64,
    /// The bytes of the archive: no member is packed in more, whatever it says.
    packed: u64,
    limits: Limits,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8], limits: &Limits) -> Result<Self, ExtractError> {
        let zip = ZipArchive::new(Cursor::new(bytes)).map_err(|_| ExtractError::Damaged)?;
        if zip.len() > MOST_MEMBERS {
            return Err(ExtractError::TooLarge(Limit::Parts(MOST_MEMBERS as u64)));
        }
        Ok(Self { zip, left: limits.unpacked, packed: bytes.len() as u64, limits: limits.clone() })
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.zip.index_for_name(name).is_some()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.zip.file_names().filter_map(Result::ok).map(Cow::into_owned)
    }

    /// A member's bytes, or nothing when there is none.
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, ExtractError> {
        let Some(index) = self.zip.index_for_name(name) else { return Ok(None) };
        self.unpack(index).map(Some)
    }

    /// A member's bytes; without it the file is damaged.
    pub(super) fn need(&mut self, name: &str) -> Result<Vec<u8>, ExtractError> {
        self.read(name)?.ok_or(ExtractError::Damaged)
    }

    fn unpack(&mut self, index: usize) -> Result<Vec<u8>, ExtractError> {
        let member = self.zip.by_index(index).map_err(|error| match error {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => ExtractError::Encrypted,
            _ => ExtractError::Damaged,
        })?;
        let packed = member.compressed_size().min(self.packed);
        let by_ratio = packed.saturating_mul(self.limits.ratio).max(SMALL);
        let most = by_ratio.min(self.left);
        // What the archive says of its sizes is not believed: it is read until the limit.
        let mut bytes = Vec::new();
        member.take(most + 1).read_to_end(&mut bytes).map_err(|_| ExtractError::Damaged)?;
        let read = bytes.len() as u64;
        if read > self.left {
            return Err(ExtractError::TooLarge(Limit::Unpacked(self.limits.unpacked / 1_000_000)));
        }
        if read > by_ratio {
            return Err(ExtractError::TooLarge(Limit::Ratio(self.limits.ratio)));
        }
        self.left -= read;
        Ok(bytes)
    }

    /// Unpacks every member once, so that a parser that unpacks them itself meets no more than that.
    pub(super) fn check(&mut self) -> Result<(), ExtractError> {
        for index in 0..self.zip.len() {
            self.unpack(index)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::Archive;
    use crate::documents::{Config, ExtractError, Limit, limits::Limits};

    #[test]
    fn what_an_archive_says_of_its_sizes_is_not_believed() {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer.start_file("a", SimpleFileOptions::default()).unwrap();
        writer.write_all(&vec![b'a'; 3 << 20]).unwrap();
        let mut bytes = writer.finish().unwrap().into_inner();
        let limits = Limits::of(&Config::default());
        let refused = Err(ExtractError::TooLarge(Limit::Ratio(limits.ratio)));
        assert_eq!(Archive::open(&bytes, &limits).unwrap().read("a"), refused);
        // The packed size in the list at the end: as if the member were hardly packed.
        let list = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
        bytes[list + 20..list + 24].copy_from_slice(&(3_u32 << 20).to_le_bytes());
        assert_eq!(Archive::open(&bytes, &limits).unwrap().read("a"), refused);
    }
}
