//! Stalls that tests ask for by fail point.

use std::{thread, time::Duration};

/// Blocks the thread, as a folder on an unreachable file server does.
#[allow(dead_code)] // Without the `failpoints` feature nothing calls it.
pub(super) fn hang<T>() -> Option<T> {
    tracing::warn!("hanging, because a test asked for it");
    thread::sleep(Duration::from_mins(10));
    None
}
