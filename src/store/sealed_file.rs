//! A file that only the holder of a key can read, and that nobody can change, cut or put together anew unnoticed.
//!
//! `MAGIC ‖ prefix (19 random bytes) ‖ chunks`: the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: *Online
//! Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance*, 2015) over XChaCha20-Poly1305, as the `aead` crate has it. Each chunk
//! seals [`CHUNK`] bytes, the last one as many as are left; its nonce is `prefix ‖ number (4 bytes, big endian) ‖ 1 for the last, else 0`.

use std::io::{self, Read, Write};

use chacha20poly1305::aead::rand_core::RngCore as _;
use chacha20poly1305::aead::stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::aead::{OsRng, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use zeroize::Zeroizing;

use super::seal::Key32;

/// What the file begins with, sealed into each chunk: it names the format.
const MAGIC: &[u8] = b"compagnon-backup-1\n";
/// Bytes of a whole chunk before it is sealed.
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const PREFIX: usize = 19;

fn cipher(key: &Key32) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.derive("compagnon 2026-11 backup").bytes().into())
}

/// A chunk as it is sealed: with what names the format.
fn chunk(bytes: &[u8]) -> Payload<'_, '_> {
    Payload { msg: bytes, aad: MAGIC }
}

/// Writes such a file. Without [`SealWriter::finish`] it is one that is cut short.
pub(super) struct SealWriter<W: Write> {
    out: W,
    chunks: EncryptorBE32<XChaCha20Poly1305>,
    plain: Zeroizing<Vec<u8>>,
}

impl<W: Write> SealWriter<W> {
    pub(super) fn new(mut out: W, key: &Key32) -> io::Result<Self> {
        let mut prefix = [0; PREFIX];
        OsRng.fill_bytes(&mut prefix);
        out.write_all(MAGIC)?;
        out.write_all(&prefix)?;
        let chunks = EncryptorBE32::from_aead(cipher(key), prefix.as_slice().into());
        Ok(Self { out, chunks, plain: Zeroizing::new(Vec::with_capacity(CHUNK)) })
    }

    /// Seals the last chunk, and gives back where it was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let sealed = self.chunks.encrypt_last(chunk(&self.plain)).map_err(|_| unsealed())?;
        self.out.write_all(&sealed)?;
        self.out.flush()?;
        Ok(self.out)
    }
}

/// After 2³² chunks: 256 TiB.
fn unsealed() -> io::Error {
    io::Error::other("the file is too long to be sealed")
}

impl<W: Write> Write for SealWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits for what follows it: the last one is sealed otherwise.
        if self.plain.len() == CHUNK && !bytes.is_empty() {
            let sealed = self.chunks.encrypt_next(chunk(&self.plain)).map_err(|_| unsealed())?;
            self.out.write_all(&sealed)?;
            self.plain.clear();
        }
        let taken = bytes.len().min(CHUNK - self.plain.len());
        self.plain.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads such a file. Each byte it gives is one that was sealed, in its place; an end it reports is the true one.
pub(super) struct SealReader<R: Read> {
    from: R,
    /// `None` once the last chunk was read.
    chunks: Option<DecryptorBE32<XChaCha20Poly1305>>,
    /// Sealed bytes read ahead: a chunk is the last when nothing follows it.
    ahead: Vec<u8>,
    plain: Zeroizing<Vec<u8>>,
    given: usize,
}

impl<R: Read> SealReader<R> {
    /// `None`: this is no such file, or one of another format.
    pub(super) fn new(mut from: R, key: &Key32) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        from.by_ref().take((MAGIC.len() + PREFIX) as u64).read_to_end(&mut head)?;
        let Some(prefix) = head.strip_prefix(MAGIC).filter(|prefix| prefix.len() == PREFIX) else {
            return Ok(None);
        };
        let chunks = Some(DecryptorBE32::from_aead(cipher(key), prefix.into()));
        Ok(Some(Self { from, chunks, ahead: Vec::new(), plain: Zeroizing::default(), given: 0 }))
    }

    fn next_chunk(&mut self, mut chunks: DecryptorBE32<XChaCha20Poly1305>) -> io::Result<()> {
        let wanted = CHUNK + TAG + 1 - self.ahead.len();
        self.from.by_ref().take(wanted as u64).read_to_end(&mut self.ahead)?;
        let rest = self.ahead.split_off(self.ahead.len().min(CHUNK + TAG));
        let opened = if rest.is_empty() {
            chunks.decrypt_last(chunk(&self.ahead))
        } else {
            let opened = chunks.decrypt_next(chunk(&self.ahead));
            self.chunks = Some(chunks);
            opened
        };
        let plain = opened.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it does not open"))?;
        (self.plain, self.given, self.ahead) = (Zeroizing::new(plain), 0, rest);
        Ok(())
    }
}

impl<R: Read> Read for SealReader<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.given == self.plain.len()
            && let Some(chunks) = self.chunks.take()
        {
            self.next_chunk(chunks)?;
        }
        let given = bytes.len().min(self.plain.len() - self.given);
        bytes[..given].copy_from_slice(&self.plain[self.given..self.given + given]);
        self.given += given;
        Ok(given)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::{CHUNK, Key32, MAGIC, PREFIX, SealReader, SealWriter, TAG};

    fn sealed(key: &Key32, bytes: &[u8]) -> Vec<u8> {
        let mut writer = SealWriter::new(Vec::new(), key).unwrap();
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn opened(key: &Key32, file: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        SealReader::new(file, key).unwrap()?.read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    #[test]
    fn what_was_sealed_is_read_whatever_its_length() {
        let key = Key32::random();
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7] {
            let bytes: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let file = sealed(&key, &bytes);
            assert_eq!(file.len(), MAGIC.len() + PREFIX + length + TAG * length.div_ceil(CHUNK).max(1));
            assert_eq!(opened(&key, &file), Some(bytes), "{length}");
            assert_eq!(opened(&Key32::random(), &file), None, "another key");
        }
    }

    #[test]
    fn nothing_can_be_changed_cut_or_moved() {
        let key = Key32::random();
        let file = sealed(&key, &vec![7; 2 * CHUNK + 5]);
        for at in [0, MAGIC.len(), MAGIC.len() + PREFIX, MAGIC.len() + PREFIX + CHUNK + TAG, file.len() - 1] {
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert_eq!(opened(&key, &changed), None, "byte {at}");
            assert_eq!(opened(&key, &file[..at]), None, "cut at {at}");
        }
        let chunk = |number: usize| MAGIC.len() + PREFIX + number * (CHUNK + TAG);
        assert_eq!(opened(&key, &file[..chunk(1)]), None, "cut between chunks");
        let swapped = [&file[..chunk(0)], &file[chunk(1)..chunk(2)], &file[chunk(0)..chunk(1)], &file[chunk(2)..]];
        assert_eq!(opened(&key, &swapped.concat()), None, "two chunks in each other's place");
        assert_eq!(opened(&key, &[&file[..], b"x"].concat()), None, "something added");
    }
}
