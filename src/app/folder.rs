//! The data folder: locked by one process at a time, owned by one account, not accessible to others.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use nix::unistd::{AccessFlags, Uid, User, access};

/// The folder in which a restore builds the files that it then moves into place.
pub const RESTORING: &str = ".restoring";

/// The lock file.
const LOCK: &str = "lock";

/// Entries without keys, tokens and messages. All others must be private to the account.
const NOT_PRIVATE: [&str; 4] = ["lost+found", "models", "packed", "prompts"];

/// The extensions of model files that operators put into the folder.
const MODELS: [&str; 2] = ["gguf", "safetensors"];

/// The deepest level of folders in a store.
const DEEPEST: usize = 4;

/// Another process uses the data folder.
#[derive(Debug, thiserror::Error)]
#[error("the data folder {0} is in use by another process; stop it first")]
pub struct InUse(PathBuf);

/// The data folder cannot be used; the sentence names the remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

/// Creates the folder if necessary, locks it for this process until the file is dropped, and checks that it belongs to this account and is
/// not accessible to others.
pub fn hold(folder: &Path) -> anyhow::Result<File> {
    let make = || DirBuilder::new().recursive(true).mode(0o700).create(folder);
    make().with_context(|| format!("the data folder {} cannot be made", folder.display()))?;
    // Before the first file is created, because a file of another account would lock the owner out.
    ensure_ours(folder)?;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options
        .open(folder.join(LOCK))
        .with_context(|| format!("the data folder {} cannot be written", folder.display()))?;
    lock(folder, file.try_lock())?;
    ensure_whole(folder)?;
    keep_private(folder)?;
    Ok(file)
}

/// Checks that the folder can be used, without locking it. A missing folder can.
pub fn inspect(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    ensure_ours(folder)?;
    ensure_whole(folder)?;
    keep_private(folder)
}

/// Locks the folder for reading, and writes nothing in it. `None` when no process has ever used it.
pub fn hold_to_read(folder: &Path) -> anyhow::Result<Option<File>> {
    let path = folder.join(LOCK);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", path.display())),
    };
    lock(folder, file.try_lock_shared())?;
    ensure_whole(folder)?;
    Ok(Some(file))
}

fn lock(folder: &Path, locked: Result<(), TryLockError>) -> anyhow::Result<()> {
    match locked {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(InUse(folder.to_owned()).into()),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("{} cannot be locked", folder.join(LOCK).display()))
        }
    }
}

fn ensure_whole(folder: &Path) -> Result<(), Unfit> {
    if folder.join(RESTORING).exists() {
        let folder = folder.display();
        return Err(Unfit(format!(
            "a restore into the data folder {folder} was cut short: empty the folder, and restore again"
        )));
    }
    Ok(())
}

/// Whether the folder's owner can use the files that this process creates in it.
#[must_use]
pub fn is_ours(folder: &Path) -> bool {
    !folder.exists() || ensure_ours(folder).is_ok()
}

/// Checks that the folder and its content belong to this process's account. Leaves no file behind.
pub fn ensure_ours(folder: &Path) -> anyhow::Result<()> {
    let at = || format!("the data folder {} cannot be read", folder.display());
    let us = Uid::effective().as_raw();
    let Some(foreign) = foreign(folder, us).with_context(at)? else { return Ok(()) };
    // A network file system may assign every new file to one account.
    let given_to = tempfile::tempfile_in(folder).and_then(|file| file.metadata()).map_or(us, |made| made.uid());
    if given_to != us && self::foreign(folder, given_to).with_context(at)?.is_none() {
        return Ok(());
    }
    let of_folder = fs::metadata(folder).with_context(at)?.uid();
    Err(refusal(folder, &foreign, of_folder == us, &account(foreign.owner), &account(us)).into())
}

/// Something in the folder, or the folder itself, that belongs to another account.
#[derive(Debug, PartialEq, Eq)]
struct Foreign {
    path: PathBuf,
    owner: u32,
}

/// An account in a sentence, and in a command.
struct Account {
    shown: String,
    typed: String,
}

fn account(uid: u32) -> Account {
    match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => Account { shown: format!("{} (uid {uid})", user.name), typed: user.name },
        _ => Account { shown: format!("uid {uid}"), typed: uid.to_string() },
    }
}

fn refusal(folder: &Path, foreign: &Foreign, folder_is_ours: bool, owner: &Account, us: &Account) -> Unfit {
    let shown = folder.display();
    if folder_is_ours {
        let path = foreign.path.strip_prefix(folder).unwrap_or(&foreign.path).display();
        return Unfit(format!(
            "{path} in the data folder {shown} belongs to {} and the program runs as {}: give it back with chown -R {} {shown}",
            owner.shown, us.shown, us.typed
        ));
    }
    Unfit(format!(
        "the data folder {shown} belongs to {} and the program runs as {}: run it as {}, or hand the folder over with chown -R {} {shown}",
        owner.shown, us.shown, owner.typed, us.typed
    ))
}

/// The first entry that does not belong to `uid`. The folder itself may belong to another account if `uid` may write in it by its group,
/// as container platforms arrange for volumes. This is no evidence for root, who may write everywhere.
fn foreign(folder: &Path, uid: u32) -> io::Result<Option<Foreign>> {
    if let Some(found) = foreign_inside(folder, uid, DEEPEST)? {
        return Ok(Some(found));
    }
    let owner = fs::metadata(folder)?.uid();
    let by_group = uid != 0 && access(folder, AccessFlags::W_OK).is_ok();
    Ok((owner != uid && !by_group).then(|| Foreign { path: folder.to_owned(), owner }))
}

fn foreign_inside(folder: &Path, uid: u32, levels: usize) -> io::Result<Option<Foreign>> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if is_exempt(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            // A dangling link, or an entry that was just removed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        if metadata.uid() != uid {
            return Ok(Some(Foreign { path, owner: metadata.uid() }));
        }
        if metadata.is_dir() && levels > 1 {
            let found = foreign_inside(&path, uid, levels - 1)?;
            if found.is_some() {
                return Ok(found);
            }
        }
    }
    Ok(None)
}

/// Whether an entry of the data folder is exempt: it needs to be neither private nor owned by the bot's account.
fn is_exempt(name: &std::ffi::OsStr) -> bool {
    // File systems keep their own hidden folders at the root of a volume, such as `.snapshot`.
    let hidden = name.as_encoded_bytes().starts_with(b".") && name != RESTORING;
    let model = Path::new(name).extension().is_some_and(|end| MODELS.iter().any(|known| end == *known));
    hidden || model || NOT_PRIVATE.iter().any(|known| name == *known)
}

fn keep_private(folder: &Path) -> anyhow::Result<()> {
    let refused = |sentence: String| Err(anyhow::Error::from(Unfit(sentence)));
    let shown = folder.display();
    // The group may write, because container platforms give volumes to a group.
    if fs::metadata(folder)?.permissions().mode() & 0o002 != 0 {
        return refused(format!("every account may write in the data folder {shown}: forbid that (chmod o-w {shown})"));
    }
    let mut open = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let mode = match fs::metadata(entry.path()) {
            Ok(metadata) => metadata.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| entry.path().display().to_string()),
        };
        if mode & 0o077 != 0 && !is_exempt(&entry.file_name()) {
            open.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    open.sort();
    refused(format!(
        "other accounts can access {} in the data folder {shown}: forbid that (chmod -R go= {shown}/*)",
        open.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt as _, chown},
        path::Path,
    };

    use nix::unistd::Uid;

    use super::{Account, Foreign, InUse, RESTORING, foreign, hold, hold_to_read, is_ours, refusal};

    fn set(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_folder_is_held_once() {
        let folder = tempfile::tempdir().unwrap();
        let held = hold(folder.path()).unwrap();
        assert!(hold(folder.path()).unwrap_err().is::<InUse>());
        assert!(hold_to_read(folder.path()).unwrap_err().is::<InUse>());
        drop(held);
        let read = hold_to_read(folder.path()).unwrap();
        assert!(read.is_some() && hold(folder.path()).unwrap_err().is::<InUse>());
        let _both = hold_to_read(folder.path()).unwrap();
        drop(read);
    }

    #[test]
    fn reading_a_folder_makes_nothing_in_it() {
        let folder = tempfile::tempdir().unwrap();
        assert!(hold_to_read(folder.path()).unwrap().is_none());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_other_accounts_can_get_at_is_named_with_its_remedy() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("store")).unwrap();
        fs::create_dir(folder.path().join("models")).unwrap();
        set(&folder.path().join("models"), 0o755);
        for name in ["session.json", "retired.json", "store.head", "a copy of store.key"] {
            fs::write(folder.path().join(name), "{}").unwrap();
            set(&folder.path().join(name), 0o600);
        }
        let cases = [
            ("store", 0o700, 0o750),
            ("session.json", 0o600, 0o604),
            ("retired.json", 0o600, 0o640),
            ("store.head", 0o600, 0o644),
            ("a copy of store.key", 0o600, 0o640),
            ("", 0o770, 0o777),
        ];
        set(&folder.path().join("store"), 0o700);
        for (name, good, bad) in cases {
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

    #[test]
    fn a_file_of_another_account_is_found_however_deep() {
        let folder = tempfile::tempdir().unwrap();
        let us = Uid::effective().as_raw();
        let other = us + 1;
        assert_eq!(foreign(folder.path(), us).unwrap(), None);
        let found = foreign(folder.path(), other).unwrap();
        // Whoever is not root may write in another's folder by its group, and nothing in it is foreign yet.
        let itself = Foreign { path: folder.path().to_owned(), owner: us };
        assert!(found.is_none() || found == Some(itself), "{found:?}");
        let deep = folder.path().join("store/blobs");
        fs::create_dir_all(&deep).unwrap();
        fs::create_dir(folder.path().join("models")).unwrap();
        fs::write(deep.join("7"), "").unwrap();
        assert_eq!(foreign(folder.path(), us).unwrap(), None);
        let found = foreign(folder.path(), other).unwrap().expect("the store is ours, and not the other's");
        assert_eq!((found.path, found.owner), (folder.path().join("store"), us));
    }

    #[test]
    fn the_sentence_has_both_accounts_and_the_remedy() {
        let account = |name: &str, uid: u32| Account { shown: format!("{name} (uid {uid})"), typed: name.to_owned() };
        let (bot, root) = (account("compagnon", 10001), account("root", 0));
        let (data, file) = (Path::new("/data"), Path::new("/data/store/db"));
        let foreign = Foreign { path: file.to_owned(), owner: 0 };
        let left = refusal(data, &foreign, true, &root, &bot).to_string();
        assert_eq!(
            left,
            "store/db in the data folder /data belongs to root (uid 0) and the program runs as compagnon (uid 10001): \
             give it back with chown -R compagnon /data"
        );
        let foreign = Foreign { path: data.to_owned(), owner: 10001 };
        let taken = refusal(data, &foreign, false, &bot, &root).to_string();
        assert!(taken.contains("run it as compagnon, or hand the folder over with chown -R root /data"), "{taken}");
    }

    /// Files can be given away by root only: elsewhere the two tests before this one have to do.
    #[test]
    fn root_does_not_touch_another_accounts_folder() {
        if !Uid::effective().is_root() {
            println!("not root: no file can be given to another account here");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        drop(hold(folder.path()).unwrap());
        let entries =
            || fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>();
        let before = entries();
        for owned in [folder.path().to_owned(), folder.path().join("lock")] {
            chown(owned, Some(65534), None).unwrap();
        }
        let sentence = hold(folder.path()).unwrap_err().to_string();
        assert!(sentence.contains("uid 65534") && sentence.contains("root (uid 0)"), "{sentence}");
        assert!(sentence.contains("chown -R root"), "{sentence}");
        assert!(!is_ours(folder.path()) && hold_to_read(folder.path()).unwrap().is_some());
        assert_eq!(entries(), before);
    }
}
