//! Files that are read whole.

use std::{fs::File, io::Read as _, path::Path};

use anyhow::{Context as _, ensure};

/// The most bytes of a file that is read.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A file, unless it is longer than any that is read here.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MOST_BYTES + 1).read_to_end(&mut bytes));
    let read = read.with_context(|| path.display().to_string())?;
    ensure!(read as u64 <= MOST_BYTES, "{} has more than {MOST_BYTES} bytes", path.display());
    Ok(bytes)
}
