//! What the index has been given.

use std::{collections::BTreeSet, sync::Arc};

use tokio::sync::Mutex;

/// What of a partition is in the index: the numbers of its documents, which do not change.
pub(super) type Indexed = Arc<Mutex<BTreeSet<u64>>>;
