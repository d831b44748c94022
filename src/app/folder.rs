//! The data folder: of one process at a time, of one account, and of nobody else.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use nix::unistd::{AccessFlags, Uid, User, access};

/// Where a restore builds what it puts in place at its end.
pub const RESTORING: &str = ".restoring";

/// Holds the folder for one process.
const LOCK: &str = "lock";

/// What neither keys, tokens nor messages are in. Everything else in the folder must be the account's alone, whatever its name.
const NOT_PRIVATE: [&str; 4] = ["lost+found", "models", "packed", "prompts"];

/// Model files that operators put beside the bot's own.
const MODELS: [&str; 2] = ["gguf", "safetensors"];

/// The folders of a store have no more levels than this.
const DEEPEST: usize = 4;

/// Another process works on the data folder.
#[derive(Debug, thiserror::Error)]
#[error("the data folder {0} is in use by another process; stop it first")]
pub struct InUse(PathBuf);

/// The data folder is not fit for use; the sentence says what mends it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

/// Makes the folder if need be, holds it for this process until the file is dropped, and makes sure that it belongs to this account
/// and that no other account gets at it.
pub fn hold(folder: &Path) -> anyhow::Result<File> {
    let make = || DirBuilder::new().recursive(true).mode(0o700).create(folder);
    make().with_context(|| format!("the data folder {} cannot be made", folder.display()))?;
    // Before the first file is made: a file of another account would shut the owner out.
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

/// Makes sure that the folder is fit to be held, and holds nothing. One that is not there yet is.
pub fn inspect(folder: &Path) -> anyhow::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    ensure_ours(folder)?;
    ensure_whole(folder)?;
    keep_private(folder)
}

/// Keeps others from working on the folder, and writes nothing in it: for reading only, by an account that may read. `None` when no
/// process has ever worked here.
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

/// Whether what this process makes in the folder can be used by the account that the rest of it belongs to.
#[must_use]
pub fn is_ours(folder: &Path) -> bool {
    !folder.exists() || ensure_ours(folder).is_ok()
}

/// Makes sure that the folder and what is in it belong to the account that this process runs as. Writes nothing that stays.
pub fn ensure_ours(folder: &Path) -> anyhow::Result<()> {
    let at = || format!("the data folder {} cannot be read", folder.display());
    let us = Uid::effective().as_raw();
    let Some(foreign) = foreign(folder, us).with_context(at)? else { return Ok(()) };
    // A network file system may give everything to one account, whoever makes it.
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

/// The first thing that would not be `uid`'s. The folder itself may be somebody else's where `uid` may write in it by its group, as
/// container platforms do with volumes; root may write everywhere, so that says nothing.
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
        if is_left_aside(&entry.file_name()) {
            continue;
        }
        let path = entry.path();
        let metadata = match fs::metadata(&path) {
            Ok(metadata) => metadata,
            // A link to nothing, or what another process has just removed.
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

/// Whether a file of the data folder is nothing of the bot's own: neither private nor bound to the bot's account.
fn is_left_aside(name: &std::ffi::OsStr) -> bool {
    // File systems keep their own hidden folders at the root of a volume, such as `.snapshot`.
    let hidden = name.as_encoded_bytes().starts_with(b".") && name != RESTORING;
    let model = Path::new(name).extension().is_some_and(|end| MODELS.iter().any(|known| end == *known));
    hidden || model || NOT_PRIVATE.iter().any(|known| name == *known)
}

fn keep_private(folder: &Path) -> anyhow::Result<()> {
    let refused = |sentence: String| Err(anyhow::Error::from(Unfit(sentence)));
    let shown = folder.display();
    // Not the group's: container platforms give the volume itself to a group.
    if fs::metadata(folder)?.permissions().mode() & 0o002 != 0 {
        return refused(format!("anybody may write in the data folder {shown}: take that away (chmod o-w {shown})"));
    }
    let mut open = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let mode = match fs::metadata(entry.path()) {
            Ok(metadata) => metadata.permissions().mode(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| entry.path().display().to_string()),
        };
        if mode & 0o077 != 0 && !is_left_aside(&entry.file_name()) {
            open.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    open.sort();
    refused(format!(
        "other accounts can get at {} in the data folder {shown}: take that away (chmod -R go= {shown}/*)",
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
