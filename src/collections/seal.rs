//! How what is kept of a collection is sealed. Pure functions over bytes and a key.
//!
//! A sealed value is `nonce (24 random bytes) ‖ XChaCha20-Poly1305(value)`. What is authenticated with it is the format, the collection and the
//! name of the file, so that a file that was moved elsewhere, or changed, does not open.

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305, XNonce,
    aead::{Aead as _, OsRng, Payload, rand_core::RngCore as _},
};
use zeroize::Zeroizing;

use crate::secret::SealingKey;

/// Bound into every sealed value, so that a later format cannot be read as this one.
const FORMAT: &[u8] = b"compagnon/collections/1";

/// The nonce is long enough to be drawn at random without ever counting.
const NONCE_BYTES: usize = 24;

/// Seals and names the files of one collection.
#[derive(Clone)]
pub(super) struct Seal {
    cipher: XChaCha20Poly1305,
    names: Zeroizing<[u8; 32]>,
    collection: String,
}

impl Seal {
    pub(super) fn new(key: &SealingKey, collection: &str) -> Self {
        let derived = |purpose| Zeroizing::new(blake3::derive_key(purpose, key.expose()));
        let cipher = XChaCha20Poly1305::new((&*derived("compagnon 2026-11 collections: files")).into());
        Self {
            cipher,
            names: derived("compagnon 2026-11 collections: names of files"),
            collection: collection.to_owned(),
        }
    }

    /// A keyed hash of these parts: a file's name that says nothing to somebody without the key.
    pub(super) fn blind(&self, parts: &[&[u8]]) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.names);
        for part in [self.collection.as_bytes()].iter().chain(parts) {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        let mut name = [0; 16];
        hasher.finalize_xof().fill(&mut name);
        name
    }

    /// Seals `value` for the file `name`. `None` only for a value of more than 256 GiB.
    pub(super) fn seal(&self, name: &str, value: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = vec![0; NONCE_BYTES];
        OsRng.fill_bytes(&mut sealed);
        let payload = Payload { msg: value, aad: &self.place(name) };
        let text = self.cipher.encrypt(XNonce::from_slice(&sealed), payload).ok()?;
        sealed.extend_from_slice(&text);
        Some(sealed)
    }

    /// Opens what was sealed for this very file; `None` when it was not.
    pub(super) fn open(&self, name: &str, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: text, aad: &self.place(name) };
        self.cipher.decrypt(XNonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
    }

    fn place(&self, name: &str) -> Vec<u8> {
        let collection = self.collection.as_bytes();
        [FORMAT, &(collection.len() as u64).to_be_bytes(), collection, name.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::Seal;
    use crate::secret::SealingKey;

    #[test]
    fn a_value_opens_only_in_its_collection_and_file_with_its_key() {
        let key = SealingKey::new(&[7; 32]);
        let seal = Seal::new(&key, "rh");
        let sealed = seal.seal("a", "congés".as_bytes()).unwrap();
        assert_eq!(seal.open("a", &sealed).unwrap().as_slice(), "congés".as_bytes());
        assert!(seal.open("b", &sealed).is_none(), "another file");
        assert!(Seal::new(&key, "r").open("ha", &sealed).is_none(), "the border between collection and file");
        assert!(Seal::new(&SealingKey::new(&[8; 32]), "rh").open("a", &sealed).is_none(), "another key");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(seal.open("a", &changed).is_none(), "byte {at}");
            assert!(seal.open("a", &sealed[..at]).is_none(), "cut at {at}");
        }
    }

    #[test]
    fn names_depend_on_the_key_the_collection_and_each_part() {
        let key = SealingKey::new(&[7; 32]);
        let seal = Seal::new(&key, "rh");
        assert_eq!(seal.blind(&[b"a", b"b"]), seal.blind(&[b"a", b"b"]));
        for other in [seal.blind(&[b"ab"]), Seal::new(&key, "r").blind(&[b"a", b"b"])] {
            assert_ne!(seal.blind(&[b"a", b"b"]), other);
        }
        assert_ne!(Seal::new(&SealingKey::new(&[8; 32]), "rh").blind(&[b"a"]), seal.blind(&[b"a"]));
    }
}
