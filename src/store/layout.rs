//! Where each record stands. How they are read and written is `transaction.rs`.
//!
//! All records are in one sled tree, so that one batch can change any of them together. A key is the logical tree's letter, then
//! for what belongs to a room the room's name, then the rest. A room's record that does not open is moved behind
//! [`QUARANTINE`]: kept for whoever investigates, out of the way of the others.

use ruma::{EventId, RoomId, UserId};

use super::seal::{BlindedId, BlindedIds};

/// The letter before the key of a record that did not open.
pub(super) const QUARANTINE: u8 = b'q';

/// Where the next sync starts.
pub(super) const CURSOR: &[u8] = b"cursor";
/// The last number given to a record.
pub(super) const SEQUENCE: &[u8] = b"sequence";
/// The last week of which the administrators were told.
pub(super) const DIGEST: &[u8] = b"digest";
/// The generation of `rooms.keys` that the records rely on.
pub(super) const GENERATION: &[u8] = b"generation";
/// The last number given to a compagnon.
pub(super) const NUMBER: &[u8] = b"number";
/// The last number given to a mastered answer.
pub(super) const ANSWERS: &[u8] = b"answers";
/// The number of the last batch.
pub(super) const COMMITS: &[u8] = b"commits";
/// When the store was put back from a backup.
pub(super) const RESTORED: &[u8] = b"restored";
/// The first day of which something was counted.
pub(super) const SINCE: &[u8] = b"since";
/// The week whose people are counted.
pub(super) const WEEK: &[u8] = b"week";
/// Before the key of a record that was set aside: when a purge first saw it.
pub(super) const ASIDE: &[u8] = b"aside";
/// Before the name of a room whose key is to be replaced.
pub(super) const ROTATE: &[u8] = b"rotate";

/// A logical tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tree {
    /// The store's own few values.
    Meta,
    /// Questions not yet answered: room, event.
    Inbox,
    /// Answers not yet delivered: room, event of the question.
    Outbox,
    /// What was said: room, conversation, number.
    Turns,
    /// What is kept of a conversation beside its turns: room, conversation.
    Summaries,
    /// Events whose key has not come: room, event.
    Undecrypted,
    /// Questions that are over: event.
    Done,
    /// Messages the bot sent: event.
    Own,
    /// What rooms have chosen for themselves: room.
    Settings,
    /// Answers delivered, so that they can be replaced or taken back: room, event of the question.
    Answered,
    /// Messages of the bot to be taken back: room, event of the message.
    Withdrawals,
    /// Stretches of timelines still to be read: room.
    Gaps,
    /// The same in rooms the bot is out of, for when it comes in again: room, event of the message. Sealed under the store's own key.
    Stranded,
    /// Compagnons made by command: each stands like a room of its own, so that deleting one is destroying its key.
    Made,
    /// Lines of the audit trail: number.
    Audit,
    /// Persons who were told what the bot is: person.
    Informed,
    /// What people have asked to be remembered: room, person (or none), event of the command.
    Memory,
    /// Persons who were told that a message of theirs cannot be read: person.
    Told,
    /// Persons without access who were told so: room, person.
    NotServed,
    /// Files that wait for their delivery: room, number.
    Files,
    /// The bytes of files, under the files' own keys: room, number of the file, number of the chunk.
    Chunks,
    /// Documents, each with its own key: group, partition, message that it came with, number.
    Documents,
    /// Mastered answers: group, partition, number.
    Approved,
    /// What jobs keep between two messages: group, conversation (or none), kind, person (where it is one's own).
    Jobs,
    /// The passages of documents, under the documents' own keys: number of the document, number of the chunk.
    Passages,
    /// The vectors of the passages, under the documents' own keys: number of the document, number of the set, number of the chunk.
    Vectors,
    /// What is counted: day, series.
    Usage,
    /// How many different people asked something: week, crowd.
    People,
    /// Who they are, under the key of their week: week, crowd with person.
    Marks,
    /// What is counted in a room: room, week, kind of work.
    RoomUsage,
    /// What people find of an answer: room, event of the question, person.
    Ratings,
    /// Which answer a reaction is about: room, event of the reaction.
    Reactions,
    /// The messages of answers that were forgotten: room, the question by a name of its own.
    Withdrawable,
    /// When a compagnon made by command was last used: compagnon.
    Used,
}

/// The trees of what is sealed under the key of its room (or of its compagnon, its week, or of another group of documents) and goes with it.
pub(super) const ROOM_TREES: [Tree; 21] = [
    Tree::Inbox,
    Tree::Outbox,
    Tree::Turns,
    Tree::Summaries,
    Tree::Undecrypted,
    Tree::Settings,
    Tree::Answered,
    Tree::Withdrawals,
    Tree::Gaps,
    Tree::Made,
    Tree::Files,
    Tree::Memory,
    Tree::Documents,
    Tree::Approved,
    Tree::Jobs,
    Tree::Marks,
    Tree::RoomUsage,
    Tree::Ratings,
    Tree::Reactions,
    Tree::Withdrawable,
    Tree::Used,
];

impl Tree {
    /// The tree of a letter.
    pub(super) fn of(letter: u8) -> Option<Self> {
        let others = [
            Self::Meta,
            Self::Done,
            Self::Own,
            Self::Stranded,
            Self::Audit,
            Self::Informed,
            Self::Told,
            Self::NotServed,
            Self::Chunks,
            Self::Passages,
            Self::Vectors,
            Self::Usage,
            Self::People,
        ];
        ROOM_TREES.into_iter().chain(others).find(|tree| tree.letter() == letter)
    }

    pub(super) fn letter(self) -> u8 {
        match self {
            Self::Meta => b'm',
            Self::Inbox => b'i',
            Self::Outbox => b'o',
            Self::Turns => b't',
            Self::Summaries => b'r',
            Self::Undecrypted => b'u',
            Self::Done => b'd',
            Self::Own => b'w',
            Self::Settings => b's',
            Self::Answered => b'a',
            Self::Withdrawals => b'x',
            Self::Gaps => b'g',
            Self::Stranded => b'y',
            Self::Made => b'c',
            Self::Audit => b'l',
            Self::Informed => b'p',
            Self::Memory => b'e',
            Self::Told => b'n',
            Self::NotServed => b'N',
            Self::Files => b'f',
            Self::Chunks => b'k',
            Self::Documents => b'b',
            Self::Approved => b'j',
            Self::Jobs => b'z',
            Self::Passages => b'h',
            Self::Vectors => b'v',
            Self::Usage => b'U',
            Self::People => b'P',
            Self::Marks => b'M',
            Self::RoomUsage => b'R',
            Self::Ratings => b'A',
            Self::Reactions => b'E',
            Self::Withdrawable => b'W',
            Self::Used => b'C',
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Inbox => "inbox",
            Self::Outbox => "outbox",
            Self::Turns => "turns",
            Self::Summaries => "summaries",
            Self::Undecrypted => "undecrypted",
            Self::Done => "done",
            Self::Own => "own",
            Self::Settings => "settings",
            Self::Answered => "answered",
            Self::Withdrawals => "withdrawals",
            Self::Gaps => "gaps",
            Self::Stranded => "stranded",
            Self::Made => "made",
            Self::Audit => "audit",
            Self::Informed => "informed",
            Self::Memory => "memory",
            Self::Told => "told",
            Self::NotServed => "not served",
            Self::Files => "files",
            Self::Chunks => "chunks",
            Self::Documents => "documents",
            Self::Approved => "approved",
            Self::Jobs => "jobs",
            Self::Passages => "passages",
            Self::Vectors => "vectors",
            Self::Usage => "usage",
            Self::People => "people",
            Self::Marks => "marks",
            Self::RoomUsage => "room usage",
            Self::Ratings => "ratings",
            Self::Reactions => "reactions",
            Self::Withdrawable => "withdrawable",
            Self::Used => "used",
        }
    }
}

/// The place of one record, or the common beginning of the places of many.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) tree: Tree,
    pub(super) bytes: Vec<u8>,
}

impl Key {
    pub(super) fn new(tree: Tree, parts: &[&[u8]]) -> Self {
        Self { tree, bytes: [&[tree.letter()], parts.concat().as_slice()].concat() }
    }

    pub(super) fn meta(name: &[u8]) -> Self {
        Self::new(Tree::Meta, &[name])
    }

    /// All records of a tree.
    pub(super) fn all(tree: Tree) -> Self {
        Self::new(tree, &[])
    }

    /// The request that a room's key be replaced.
    pub(super) fn rotation(room: BlindedId) -> Self {
        Self::new(Tree::Meta, &[ROTATE, &room])
    }

    /// When a purge first saw a record that was set aside, by its key there.
    pub(super) fn aside(quarantined: &[u8]) -> Self {
        Self::new(Tree::Meta, &[ASIDE, quarantined])
    }

    /// The room (or the compagnon) whose key seals the record.
    pub(super) fn room(&self) -> Option<BlindedId> {
        let rest = &self.bytes[1..];
        ROOM_TREES.contains(&self.tree).then(|| rest.first_chunk().copied())?
    }

    /// The room and the event of a record that stands at them.
    pub(super) fn event_place(&self) -> Option<EventPlace> {
        let (room, rest) = self.bytes[1..].split_first_chunk()?;
        Some(EventPlace { room: *room, event: *rest.first_chunk()? })
    }

    pub(super) fn quarantined(&self) -> Vec<u8> {
        [&[QUARANTINE], self.bytes.as_slice()].concat()
    }
}

/// The blinded identifiers of an event and its room: where everything about a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EventPlace {
    pub(super) room: BlindedId,
    pub(super) event: BlindedId,
}

impl EventPlace {
    pub(super) fn new(names: &BlindedIds, room: &RoomId, event: &EventId) -> Self {
        Self { room: names.room(room), event: names.event(event) }
    }

    /// The record of this event in one of the trees of a room.
    pub(super) fn of(&self, tree: Tree) -> Key {
        Key::new(tree, &[&self.room, &self.event])
    }
}

/// Where records stand that are found by one identifier.
impl BlindedIds {
    pub(super) fn dedup_key(&self, tree: Tree, event: &EventId) -> Key {
        Key::new(tree, &[&self.event(event)])
    }

    pub(super) fn settings(&self, room: &RoomId) -> Key {
        Key::new(Tree::Settings, &[&self.room(room)])
    }

    pub(super) fn gap(&self, room: &RoomId) -> Key {
        Key::new(Tree::Gaps, &[&self.room(room)])
    }

    pub(super) fn compagnon(&self, number: u64) -> Key {
        Key::new(Tree::Made, &[&self.made(number)])
    }

    pub(super) fn told(&self, user: &UserId) -> Key {
        Key::new(Tree::Told, &[&self.person(user)])
    }

    pub(super) fn informed(&self, user: &UserId) -> Key {
        Key::new(Tree::Informed, &[&self.person(user)])
    }
}
