//! What the index has been given.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::Mutex;

/// What of a partition is in the index.
pub(super) type Indexed = Arc<Held>;

/// A partition in the index.
#[derive(Default)]
pub(super) struct Held {
    /// The numbers of its documents, which do not change. Locked while it is brought up to date, never for long: whoever takes out what is gone
    /// waits for it, and the sync with them.
    pub(super) numbers: Mutex<BTreeSet<u64>>,
    /// Held while vectors are made that are missing, which takes long: once, however many ask meanwhile.
    pub(super) embedding: Mutex<()>,
}
