//! What the database holds in memory beside sled: the keys, the counters, and how far its background work has come.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

use sled::IVec;

use super::head::Head;
use super::keys::RoomKeys;
use super::library::Library;
use super::recorder::Recorder;
use super::seal::BlindedId;

/// What a transaction has to itself.
pub(super) struct State {
    pub(super) rooms: RoomKeys,
    /// The last number given out. Numbers only grow, across restarts.
    pub(super) sequence: u64,
    /// The number of the last batch, and where it is noted once that is on disk.
    pub(super) commits: u64,
    pub(super) head: Head,
    /// Rooms whose keys are still to be replaced, as written in the database, without those of [`State::rotation`].
    pub(super) pending_rotations: BTreeSet<BlindedId>,
    /// The rotation under way.
    pub(super) rotation: Option<Rotation>,
    /// Which documents there are.
    pub(super) library: Library,
    /// What tells Prometheus of what is counted.
    pub(super) recorder: Recorder,
}

/// How far the replacing of keys has come. It is kept in memory only: begun again from its first room it does the same.
pub(super) struct Rotation {
    /// The rooms whose keys are replaced, each of which has a previous key.
    pub(super) rooms: Vec<BlindedId>,
    /// Whether it began after everything was removed that was asked for. Not when a process that was killed had begun it.
    pub(super) fulfils: bool,
    /// The index of the room that is sealed anew.
    pub(super) room: usize,
    /// The index of its tree.
    pub(super) tree: usize,
    /// The key to go on from; empty at the beginning of a tree.
    pub(super) from: Vec<u8>,
}

impl Rotation {
    pub(super) fn new(rooms: Vec<BlindedId>, fulfils: bool) -> Self {
        Self { rooms, fulfils, room: 0, tree: 0, from: Vec::new() }
    }

    /// The same from its first record: after a slice that was not written, what it had sealed anew is not on disk.
    pub(super) fn restarted(self) -> Self {
        Self::new(self.rooms, self.fulfils)
    }

    pub(super) fn next_tree(&mut self) {
        self.tree += 1;
        self.from.clear();
    }

    pub(super) fn next_room(&mut self) {
        self.room += 1;
        self.tree = 0;
        self.from.clear();
    }
}

/// What a reader holds; without it the snapshot is given up.
pub(super) type SnapshotToken = Arc<()>;

/// How far a snapshot has come, as the database sees it.
pub(super) struct SnapshotWalk {
    pub(super) reader: Weak<()>,
    /// All keys before this one were read.
    pub(super) next: Vec<u8>,
    /// Records that were written over before they were read, as they were; `None` for those that were not there.
    pub(super) kept: BTreeMap<IVec, Option<IVec>>,
}

impl SnapshotWalk {
    pub(super) fn is_of(&self, token: &SnapshotToken) -> bool {
        self.reader.as_ptr() == Arc::as_ptr(token)
    }
}
