//! How a value is sealed and how a name is hidden. Pure functions over bytes and keys: no file and no database here.
//!
//! A sealed value is `nonce (24 bytes) ‖ XChaCha20-Poly1305(value)`. What is authenticated with it is the format, the logical
//! tree and the whole key of the record, so that a value moved elsewhere, or changed, does not open.

use blake3::Hasher;
use chacha20poly1305::aead::rand_core::RngCore;
use chacha20poly1305::aead::{Aead, OsRng, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use ruma::{EventId, RoomId, UserId};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::message::ConversationId;

/// Bound into every sealed value, so that a later format cannot be read as this one.
const FORMAT: &[u8] = b"compagnon/store/1";
/// The nonce is long enough to be drawn at random for every value without ever counting.
const NONCE_BYTES: usize = 24;

/// What stands on disk in place of an identifier: a keyed hash, of no use to someone without the master key.
pub(super) type BlindedId = [u8; 16];

/// A 32-byte key, wiped when dropped. Boxed, so that moving it about leaves no copies behind.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct Key32(Box<[u8; 32]>);

impl Key32 {
    /// A new key from the operating system's randomness.
    pub(super) fn random() -> Self {
        let mut key = Self(Box::default());
        OsRng.fill_bytes(key.0.as_mut_slice());
        key
    }

    /// A key read back; `None` when it is not 32 bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut key = Self(Box::default());
        key.0.copy_from_slice(bytes.first_chunk::<32>().filter(|_| bytes.len() == 32)?);
        Some(key)
    }

    /// The key of these bytes.
    pub(super) fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Box::new(*bytes))
    }

    /// The key for one purpose, made from this one.
    pub(super) fn derive(&self, purpose: &str) -> Self {
        Self(Box::new(blake3::derive_key(purpose, self.bytes())))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Seals and opens values under one key.
pub(super) struct Cipher(XChaCha20Poly1305);

impl Cipher {
    pub(super) fn new(key: &Key32) -> Self {
        Self(XChaCha20Poly1305::new(key.bytes().into()))
    }

    /// Seals `value` for the place `key` of `tree`. `None` only for a value of more than 256 GiB.
    pub(super) fn seal(&self, tree: &str, key: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let mut sealed = vec![0; NONCE_BYTES];
        OsRng.fill_bytes(&mut sealed);
        let payload = Payload { msg: value, aad: &place(tree, key) };
        let text = self.0.encrypt(XNonce::from_slice(&sealed), payload).ok()?;
        sealed.extend_from_slice(&text);
        Some(sealed)
    }

    /// Opens a value sealed for this very place; `None` when it was not.
    pub(super) fn open(&self, tree: &str, key: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: text, aad: &place(tree, key) };
        self.0.decrypt(XNonce::from_slice(nonce), payload).ok().map(Zeroizing::new)
    }
}

/// The authenticated place of a value. The tree's length keeps tree and key from running into one another.
fn place(tree: &str, key: &[u8]) -> Vec<u8> {
    [FORMAT, &(tree.len() as u64).to_be_bytes(), tree.as_bytes(), key].concat()
}

/// Hides identifiers. One key per kind of identifier, so that equal strings of two kinds do not show as equal.
pub(super) struct BlindedIds {
    room: Key32,
    event: Key32,
    conversation: Key32,
    made: Key32,
    person: Key32,
    megolm_session: Key32,
    group: Key32,
    partition: Key32,
    origin: Key32,
    subject: Key32,
    withdrawable: Key32,
}

impl BlindedIds {
    pub(super) fn new(master: &Key32) -> Self {
        Self {
            room: master.derive("compagnon 2026-11 store: names of rooms"),
            event: master.derive("compagnon 2026-11 store: names of events"),
            conversation: master.derive("compagnon 2026-11 store: names of conversations"),
            made: master.derive("compagnon 2026-11 store: names of compagnons"),
            person: master.derive("compagnon 2026-11 store: names of persons"),
            megolm_session: master.derive("compagnon 2026-11 store: names of Megolm sessions"),
            group: master.derive("compagnon 2026-11 store: names of groups of documents"),
            partition: master.derive("compagnon 2026-11 store: names of partitions"),
            origin: master.derive("compagnon 2026-11 store: names of origins of documents"),
            subject: master.derive("compagnon 2026-11 store: names of persons at services"),
            withdrawable: master.derive("compagnon 2026-11 store: answers that were forgotten"),
        }
    }

    pub(super) fn room(&self, room: &RoomId) -> BlindedId {
        blind(&self.room, &[room.as_bytes()])
    }

    pub(super) fn event(&self, event: &EventId) -> BlindedId {
        blind(&self.event, &[event.as_bytes()])
    }

    pub(super) fn conversation(&self, conversation: &ConversationId) -> BlindedId {
        let thread = conversation.thread.as_ref().map_or(&[][..], |root| root.as_bytes());
        blind(&self.conversation, &[conversation.room_id.as_bytes(), thread])
    }

    /// A compagnon made by command: the name of its own data key, as a room's name is the room's.
    pub(super) fn made(&self, number: u64) -> BlindedId {
        blind(&self.made, &[format!("made:{number}").as_bytes()])
    }

    pub(super) fn person(&self, user: &UserId) -> BlindedId {
        blind(&self.person, &[user.as_bytes()])
    }

    pub(super) fn megolm_session(&self, session: &str) -> BlindedId {
        blind(&self.megolm_session, &[session.as_bytes()])
    }

    /// A group of documents that is neither a room's nor a made compagnon's: the name of its own data key.
    pub(super) fn group(&self, kind: &str, name: &str) -> BlindedId {
        blind(&self.group, &[kind.as_bytes(), name.as_bytes()])
    }

    pub(super) fn partition(&self, parts: &[&str]) -> BlindedId {
        blind(&self.partition, &parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>())
    }

    /// The message that a document came with.
    pub(super) fn origin(&self, room: &RoomId, event: &EventId) -> BlindedId {
        blind(&self.origin, &[room.as_bytes(), event.as_bytes()])
    }
}

impl BlindedIds {
    /// What a service knows a person by.
    pub(super) fn subject(&self, service: &str, user: &UserId) -> BlindedId {
        blind(&self.subject, &[service.as_bytes(), user.as_bytes()])
    }

    /// A question whose answer was forgotten: not what stands for its event elsewhere, so that nothing leads from there to here.
    pub(super) fn withdrawable(&self, room: &RoomId, question: &EventId) -> BlindedId {
        blind(&self.withdrawable, &[b"name", room.as_bytes(), question.as_bytes()])
    }

    /// What seals the messages of an answer that was forgotten: made from the identifier of its question, which nothing keeps. Without it
    /// nobody opens them, with all keys of the store in hand.
    pub(super) fn withdrawable_cipher(&self, room: &RoomId, question: &EventId) -> Cipher {
        let mut hasher = Hasher::new_keyed(self.withdrawable.bytes());
        for part in [b"key".as_slice(), room.as_bytes(), question.as_bytes()] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        Cipher::new(&Key32::from_bytes(hasher.finalize().as_bytes()))
    }
}

/// The keyed hash of these parts.
pub(super) fn blind(key: &Key32, parts: &[&[u8]]) -> BlindedId {
    let mut hasher = Hasher::new_keyed(key.bytes());
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
    }
    let mut blinded = BlindedId::default();
    hasher.finalize_xof().fill(&mut blinded);
    blinded
}

#[cfg(test)]
mod tests {
    use ruma::{owned_event_id, owned_room_id};

    use super::{BlindedIds, Cipher, ConversationId, Key32};

    #[test]
    fn a_value_opens_only_in_its_place_with_its_key() {
        let cipher = Cipher::new(&Key32::random());
        let sealed = cipher.seal("turns", b"key", b"bonjour").unwrap();
        assert_eq!(cipher.open("turns", b"key", &sealed).unwrap().as_slice(), b"bonjour");
        assert!(cipher.open("inbox", b"key", &sealed).is_none(), "another tree");
        assert!(cipher.open("turns", b"yek", &sealed).is_none(), "another key");
        assert!(cipher.open("turnsk", b"ey", &sealed).is_none(), "the border between tree and key");
        assert!(Cipher::new(&Key32::random()).open("turns", b"key", &sealed).is_none(), "another secret");
    }

    #[test]
    fn no_bit_of_a_sealed_value_may_change() {
        let cipher = Cipher::new(&Key32::random());
        let sealed = cipher.seal("turns", b"key", b"bonjour").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(cipher.open("turns", b"key", &flipped).is_none(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(cipher.open("turns", b"key", &sealed[..length]).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn the_same_value_never_looks_the_same_twice() {
        let cipher = Cipher::new(&Key32::random());
        assert_ne!(cipher.seal("t", b"k", b"oui"), cipher.seal("t", b"k", b"oui"));
    }

    #[test]
    fn names_depend_on_the_master_key_the_kind_and_the_thread() {
        let (here, there) = (BlindedIds::new(&Key32::random()), BlindedIds::new(&Key32::random()));
        let room = owned_room_id!("!salon:h");
        assert_eq!(here.room(&room), here.room(&room));
        assert_ne!(here.room(&room), there.room(&room));
        let main = ConversationId { room_id: room, thread: None };
        let thread = ConversationId { thread: Some(owned_event_id!("$racine:h")), ..main.clone() };
        assert_ne!(here.conversation(&main), here.conversation(&thread));
        assert_ne!(here.conversation(&main), here.room(&main.room_id));
    }
}
