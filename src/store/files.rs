//! Small secret files, replaced whole: after a crash there is the old one or the new one, never half of either.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::error::StoreError;

/// The error of the system, with the file that it is about.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.display().to_string();
    move |error| StoreError::Files(io::Error::new(error.kind(), format!("{path}: {error}")))
}

/// Makes the folder, readable by its owner only, if it is not there yet.
pub(super) fn make_folder(folder: &Path) -> Result<(), StoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))
}

/// Holds the folder for one process, until the file is dropped.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let file = private(true).truncate(false).open(path).map_err(at(path))?;
    // The process of the unit tests starts others: until these execute their own program they hold its locks as well.
    let attempts = if cfg!(test) { 100 } else { 1 };
    for attempt in 1..=attempts {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if attempt < attempts => thread::sleep(Duration::from_millis(10)),
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => return Err(at(path)(error)),
        }
    }
    Err(StoreError::InUse)
}

/// Waits, two seconds at most, until nobody holds the file. A database closed in this process is held a moment longer: sled's
/// threads let go of its file only when they have gone to rest.
pub(super) fn wait_until_free(path: &Path) -> Result<(), StoreError> {
    const PAUSE: Duration = Duration::from_millis(10);
    if !path.try_exists().map_err(at(path))? {
        return Ok(());
    }
    for _ in 0..200 {
        match lock(path) {
            Err(StoreError::InUse) => thread::sleep(PAUSE),
            other => return other.map(drop),
        }
    }
    Err(StoreError::InUse)
}

/// Replaces the file at `path`, and returns once the change would survive a power cut.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let fresh = path.with_extension("new");
    let write = || {
        let mut file = private(true).truncate(true).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)?;
        // The name is durable only once the folder is.
        File::open(folder_of(path))?.sync_all()
    };
    write().map_err(at(path))
}

/// The folder a file is in, or will be.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Like [`replace`], and then writes zeros over the bytes that were there before.
///
/// The zeros are best effort: on most file systems they fall on the same blocks; on a copy-on-write file system, a snapshot or
/// the spare blocks of an SSD, they do not.
pub(super) fn replace_and_wipe(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    // Opened before the name moves: this handle keeps leading to the old bytes.
    let old = private(false).open(path).map_err(at(path))?;
    replace(path, bytes)?;
    wipe(old).map_err(at(path))
}

fn wipe(mut file: File) -> io::Result<()> {
    let length = file.metadata()?.len() as usize;
    file.write_all(&vec![0; length])?;
    file.sync_all()
}

fn private(create: bool) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(create).mode(0o600);
    options
}

/// How many bytes an ordinary account may still write on the file system of `path`.
pub(super) fn free_bytes(path: &Path) -> io::Result<u64> {
    let system = nix::sys::statvfs::statvfs(path)?;
    Ok(system.blocks_available().saturating_mul(system.fragment_size()))
}

/// Whether someone else than the file's owner may read or write it.
pub(super) fn open_to_others(path: &Path) -> Result<bool, StoreError> {
    let metadata = std::fs::metadata(path).map_err(at(path))?;
    Ok(metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read;

    use super::{lock, open_to_others, replace, replace_and_wipe};
    use crate::store::error::StoreError;

    #[test]
    fn a_file_is_replaced_whole_and_kept_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rooms.keys");
        replace(&path, b"first").unwrap();
        replace(&path, b"2nd").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"2nd");
        assert!(!open_to_others(&path).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn a_name_alone_is_in_this_folder() {
        for (path, folder) in [("backup.key", "."), ("keys/backup.key", "keys"), ("/backup.key", "/")] {
            assert_eq!(super::folder_of(path.as_ref()), std::path::Path::new(folder));
        }
    }

    #[test]
    fn wiping_leaves_nothing_of_the_old_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rooms.keys");
        replace(&path, b"secret").unwrap();
        let mut old = fs::File::open(&path).unwrap();
        replace_and_wipe(&path, b"new").unwrap();
        let mut left = Vec::new();
        old.read_to_end(&mut left).unwrap();
        assert_eq!(left, [0; 6]);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }

    #[test]
    fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.lock");
        let held = lock(&path).unwrap();
        assert!(matches!(lock(&path), Err(StoreError::InUse)));
        drop(held);
        lock(&path).unwrap();
    }
}
