//! The data folder: of one process at a time, and of nobody else's account.

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

/// Where a restore builds what it puts in place at its end.
pub const RESTORING: &str = ".restoring";

/// What only the bot's account may see: keys, tokens and what people wrote.
const PRIVATE: [&str; 8] = [
    "store",
    "store.key",
    "rooms.keys",
    "matrix",
    "matrix.key",
    "session.json",
    "recovery.key",
    super::control::SOCKET,
];

/// Another process works on the data folder.
#[derive(Debug, thiserror::Error)]
#[error("the data folder {0} is in use by another process; stop it first")]
pub struct InUse(PathBuf);

/// Makes the folder if need be, holds it for this process until the file is dropped, and makes sure that no other account gets at it.
pub fn hold(folder: &Path) -> anyhow::Result<File> {
    let make = || DirBuilder::new().recursive(true).mode(0o700).create(folder);
    make().with_context(|| format!("the data folder {} cannot be made", folder.display()))?;
    let file = File::create(folder.join("lock"))
        .with_context(|| format!("the data folder {} cannot be written", folder.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(InUse(folder.to_owned()).into()),
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    ensure!(
        !folder.join(RESTORING).exists(),
        "a restore into the data folder {} was cut short: empty the folder, and restore again",
        folder.display()
    );
    keep_private(folder)?;
    Ok(file)
}

fn keep_private(folder: &Path) -> anyhow::Result<()> {
    let mode = |path: &Path| -> io::Result<Option<u32>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata.permissions().mode())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    };
    // Not the group's: container platforms give the volume itself to a group.
    ensure!(
        mode(folder)?.is_none_or(|mode| mode & 0o002 == 0),
        "anybody may write in the data folder {0}: take that away (chmod o-w {0})",
        folder.display()
    );
    let mut open = Vec::new();
    for name in PRIVATE {
        if mode(&folder.join(name))?.is_some_and(|mode| mode & 0o077 != 0) {
            open.push(name);
        }
    }
    ensure!(
        open.is_empty(),
        "other accounts can get at {} in the data folder {1}: take that away (chmod -R go= {1}/*)",
        open.join(", "),
        folder.display()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt as _,
        path::Path,
    };

    use super::{InUse, RESTORING, hold};

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_is_held_once() {
        let folder = tempfile::tempdir().unwrap();
        let held = hold(folder.path()).unwrap();
        assert!(hold(folder.path()).unwrap_err().is::<InUse>());
        drop(held);
        hold(folder.path()).unwrap();
    }

    #[test]
    fn what_other_accounts_can_get_at_is_named_with_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("store")).unwrap();
        fs::write(folder.path().join("session.json"), "{}").unwrap();
        for (name, good, bad) in [("store", 0o700, 0o750), ("session.json", 0o600, 0o604), ("", 0o770, 0o777)] {
            set(&folder.path().join("store"), 0o700);
            set(&folder.path().join("session.json"), 0o600);
            set(&folder.path().join(name), good);
            hold(folder.path()).unwrap();
            set(&folder.path().join(name), bad);
            let sentence = hold(folder.path()).unwrap_err().to_string();
            assert!(sentence.contains("chmod") && sentence.contains(name), "{sentence}");
            set(&folder.path().join(name), good);
        }
    }

    #[test]
    fn half_a_restore_is_not_started_from() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(RESTORING)).unwrap();
        assert!(hold(folder.path()).unwrap_err().to_string().contains("cut short"));
    }
}
