//! Files that are read whole.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use anyhow::{Context as _, ensure};

/// The most bytes of a file that is read.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// A file, unless it is longer than any that is read here.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = beginning(path, MOST_BYTES).with_context(|| path.display().to_string())?;
    ensure!(bytes.len() as u64 <= MOST_BYTES, "{} has more than {MOST_BYTES} bytes", path.display());
    Ok(bytes)
}

/// A file of so many bytes at most; of a longer one, one byte more, so that whoever reads it sees that it is too long.
pub(super) fn beginning(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}
