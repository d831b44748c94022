//! Finds the files of a collection's folder, and reads one.
//!
//! The folder is somebody's share: it holds links in circles, files that programs have open, pipes, names in old encodings. Nothing of that
//! stops the others, and nothing outside the folder is read through it.

use std::{
    collections::BTreeMap,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use nix::fcntl::OFlag;

use super::{
    error::CollectionError,
    manifest::{FilePath, FileState},
};

/// The most files of a collection.
pub const MOST_FILES: usize = 100_000;

/// The most entries of its folder that are looked at, of whatever kind.
const MOST_ENTRIES: usize = 2_000_000;

/// Folders inside one another.
const DEEPEST: usize = 32;

/// How long a file must have rested, in nanoseconds: file systems keep times as coarse as two seconds.
const REST: i64 = 3_000_000_000;

/// Folders and files that programs and systems make for themselves, beside all hidden ones (`.git`, `.snapshot`, `.~lock.note.odt#`).
const OF_SYSTEMS: [&str; 7] =
    ["__MACOSX", "$RECYCLE.BIN", "System Volume Information", "@eaDir", "lost+found", "Thumbs.db", "desktop.ini"];

/// How names of files begin that a program keeps beside an open document: Word's `~$note.docx`, `LibreOffice`'s `~WRL0001.tmp`.
const OPEN_BESIDE: [&str; 2] = ["~$", "~WRL"];

/// The files of a folder.
#[derive(Default)]
pub struct Found {
    /// Those to read, by their path below it.
    pub files: BTreeMap<FilePath, FileState>,
    /// What could not be looked at, with the system's reason: what is below it is not known to be gone.
    pub unreadable: Vec<(FilePath, String)>,
    /// Whether a folder is among them: files that it has are not known.
    pub hides: bool,
}

/// Finds the files of `root` that `wanted` says are to be read, by their names.
pub fn walk(root: &Path, wanted: impl Fn(&Path) -> bool) -> Result<Found, CollectionError> {
    let refused =
        |error: io::Error| CollectionError::Folder { folder: root.display().to_string(), reason: error.to_string() };
    let whole = root.canonicalize().map_err(refused)?;
    fs::read_dir(&whole).map_err(refused)?;
    let mut found = Found::default();
    let mut waiting = vec![(PathBuf::new(), 0)];
    let mut seen = 0;
    while let Some((below, depth)) = waiting.pop() {
        let entries = match fs::read_dir(whole.join(&below)) {
            Ok(entries) => entries,
            Err(error) => {
                found.unreadable.push((FilePath::new(&below), error.to_string()));
                found.hides = true;
                continue;
            }
        };
        for entry in entries {
            seen += 1;
            if seen > MOST_ENTRIES || found.files.len() > MOST_FILES {
                return Err(CollectionError::TooMany { folder: root.display().to_string(), most: MOST_FILES });
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    found.unreadable.push((FilePath::new(&below), error.to_string()));
                    found.hides = true;
                    break;
                }
            };
            let path = below.join(entry.file_name());
            if is_of_a_program(&path) {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth + 1 < DEEPEST => waiting.push((path, depth + 1)),
                Ok(kind) if kind.is_dir() => {
                    found.unreadable.push((FilePath::new(&path), format!("it is more than {DEEPEST} folders deep")));
                }
                _ if !wanted(&path) => {}
                _ => look(&whole, path, &mut found),
            }
        }
    }
    Ok(found)
}

/// Adds a file, also by a link to one inside the folder (as volumes of configuration have them). Links to folders are not followed: they lead
/// in circles.
#[allow(clippy::needless_pass_by_value)] // It goes into what was found.
fn look(root: &Path, path: PathBuf, found: &mut Found) {
    let target = match root.join(&path).canonicalize() {
        Ok(target) => target,
        // Removed a moment ago, or a link to nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => return found.unreadable.push((FilePath::new(&path), error.to_string())),
    };
    if !target.starts_with(root) {
        return found.unreadable.push((FilePath::new(&path), "it is a link to a place outside the folder".to_owned()));
    }
    match fs::metadata(&target) {
        Ok(metadata) if metadata.is_file() => {
            found.files.insert(FilePath::new(&path), state(&metadata));
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => found.unreadable.push((FilePath::new(&path), error.to_string())),
    }
}

/// Whether this is none of people's documents: a hidden one, or one that a program has made for itself.
fn is_of_a_program(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.')
        || name.ends_with('~')
        || OPEN_BESIDE.iter().any(|start| name.starts_with(start))
        || OF_SYSTEMS.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Reads a file of the folder, `most` bytes of it and one more, with what tells whether it has changed since.
pub fn read(root: &Path, path: &Path, most: u64) -> io::Result<(Vec<u8>, FileState)> {
    let whole = root.canonicalize()?;
    let target = whole.join(path).canonicalize()?;
    if !target.starts_with(&whole) {
        return Err(io::Error::other("it is a link to a place outside the folder"));
    }
    // Neither through a link that has just been put in its place, nor waiting for a pipe.
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK;
    let mut file = OpenOptions::new().read(true).custom_flags(flags.bits()).open(target)?;
    let before = regular(&file)?;
    let mut bytes = Vec::with_capacity(usize::try_from(before.len().min(most)).unwrap_or_default());
    file.by_ref().take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    let (before, after) = (state(&before), state(&regular(&file)?));
    if before != after || (after.size <= most && bytes.len() as u64 != after.size) {
        return Err(io::Error::other("it changes while it is read"));
    }
    Ok((bytes, after))
}

fn regular(file: &File) -> io::Result<Metadata> {
    let metadata = file.metadata()?;
    if metadata.is_file() { Ok(metadata) } else { Err(io::Error::other("it is no regular file")) }
}

fn state(metadata: &Metadata) -> FileState {
    let nanoseconds = |seconds: i64, rest: i64| seconds.saturating_mul(1_000_000_000).saturating_add(rest);
    let modified = nanoseconds(metadata.mtime(), metadata.mtime_nsec());
    let changed = nanoseconds(metadata.ctime(), metadata.ctime_nsec());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    // The clock of a file server may be ahead of ours.
    let rested = modified.max(changed) < now.saturating_sub(REST);
    FileState { size: metadata.len(), modified, changed, rested }
}

#[cfg(test)]
mod tests {
    use std::{
        ffi::OsStr,
        fs::{self, File},
        os::unix::{ffi::OsStrExt as _, fs::symlink},
        path::Path,
        time::{Duration, SystemTime},
    };

    use nix::{sys::stat::Mode, unistd::mkfifo};

    use super::{DEEPEST, read, walk};
    use crate::collections::CollectionError;

    fn found(root: &Path) -> Vec<String> {
        let found = walk(root, |_| true).unwrap();
        found.files.keys().map(|path| path.path().to_string_lossy().into_owned()).collect()
    }

    fn put(root: &Path, path: impl AsRef<Path>) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "texte").unwrap();
    }

    #[test]
    fn files_are_found_with_those_below_and_none_that_programs_keep() {
        let root = tempfile::tempdir().unwrap();
        for path in [
            "a.pdf",
            "Congés/été 2026/b.docx",
            ".git/c.txt",
            ".cache.txt",
            "~$a.docx",
            ".~lock.a.odt#",
            "a.txt~",
            "__MACOSX/a.pdf",
            "Thumbs.db",
            "@eaDir/x.pdf",
        ] {
            put(root.path(), path);
        }
        fs::create_dir(root.path().join("vide.pdf")).unwrap();
        assert_eq!(found(root.path()), ["Congés/été 2026/b.docx", "a.pdf"]);
        let only = walk(root.path(), |path| path.extension() == Some(OsStr::new("pdf"))).unwrap();
        assert_eq!(only.files.len(), 1);
    }

    #[test]
    fn links_are_followed_to_files_inside_only() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        put(root.path(), "..2026/conf.txt");
        put(outside.path(), "secret.txt");
        let link = |target: &Path, name: &str| symlink(target, root.path().join(name)).unwrap();
        // As a volume of configuration is laid out.
        link(Path::new("..2026"), "..data");
        link(Path::new("..data/conf.txt"), "conf.txt");
        link(Path::new("."), "circle");
        link(Path::new("self.txt"), "self.txt");
        link(Path::new("nowhere.txt"), "dangling.txt");
        link(&outside.path().join("secret.txt"), "out.txt");
        link(outside.path(), "outside");
        mkfifo(&root.path().join("pipe.txt"), Mode::S_IRWXU).unwrap();
        let walked = walk(root.path(), |_| true).unwrap();
        assert_eq!(found(root.path()), ["conf.txt"]);
        let told: Vec<_> =
            walked.unreadable.iter().map(|(path, _)| path.path().to_string_lossy().into_owned()).collect();
        assert!(told.contains(&"out.txt".to_owned()) && !told.contains(&"dangling.txt".to_owned()), "{told:?}");
        assert!(read(root.path(), Path::new("out.txt"), 100).is_err());
        assert!(read(root.path(), Path::new("pipe.txt"), 100).is_err(), "and it does not wait");
        assert_eq!(read(root.path(), Path::new("conf.txt"), 100).unwrap().0, b"texte");
        assert!(read(root.path(), &outside.path().join("secret.txt"), 100).is_err());
    }

    #[test]
    fn a_name_need_not_be_text_and_a_folder_may_be_deep() {
        let root = tempfile::tempdir().unwrap();
        let name = OsStr::from_bytes(b"cong\xe9s.txt");
        put(root.path(), name);
        let walked = walk(root.path(), |_| true).unwrap();
        let (path, state) = walked.files.first_key_value().unwrap();
        assert_eq!((path.path().as_os_str(), state.size), (name, 5));
        let json = serde_json::to_string(&walked.files).unwrap();
        assert!(serde_json::from_str(&json).is_ok_and(|read: std::collections::BTreeMap<_, _>| read == walked.files));
        let deep = vec!["d"; DEEPEST].join("/");
        put(root.path(), format!("{deep}/x.txt"));
        let walked = walk(root.path(), |_| true).unwrap();
        assert_eq!((walked.files.len(), walked.unreadable.len()), (1, 1), "the others are found");
    }

    #[test]
    fn a_file_that_was_just_written_or_is_of_the_future_has_not_rested() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "a.txt");
        let rested = || walk(root.path(), |_| true).unwrap().files.into_values().next().unwrap().rested;
        assert!(!rested());
        let file = File::options().write(true).open(root.path().join("a.txt")).unwrap();
        file.set_modified(SystemTime::now() + Duration::from_hours(1)).unwrap();
        assert!(!rested());
        file.set_modified(SystemTime::now() - Duration::from_hours(1)).unwrap();
        assert!(!rested(), "its time was put back a moment ago: what was changed before that?");
    }

    #[test]
    fn a_folder_that_is_not_there_is_said() {
        let error = walk(Path::new("/nowhere/at/all"), |_| true).err();
        assert!(matches!(error, Some(CollectionError::Folder { .. })));
    }
}
