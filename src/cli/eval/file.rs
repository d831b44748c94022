//! Files that are read whole.

use std::path::Path;

use anyhow::{Context as _, ensure};

/// The most bytes of a file that is read.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A file, unless it is longer than any that is read here.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let context = || path.display().to_string();
    let length = std::fs::metadata(path).with_context(context)?.len();
    ensure!(length <= MOST_BYTES, "{} has more than {MOST_BYTES} bytes", path.display());
    std::fs::read(path).with_context(context)
}
