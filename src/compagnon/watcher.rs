//! Follows the prompts folder: the library is replaced when a file changes, and stays as it was for those who hold it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use super::library::{FolderError, Library, paths};

/// The current library and the folder it is read from. Cheap to read while it is replaced.
#[derive(Debug)]
pub struct LibraryWatcher {
    folder: Option<PathBuf>,
    library: RwLock<(Arc<Library>, Stamp)>,
}

/// The length and modification time of each file: a difference means that the file has changed.
type Stamp = BTreeMap<PathBuf, Option<(u64, SystemTime)>>;

impl LibraryWatcher {
    /// Reads the folder; see [`Library::load`].
    pub fn open(folder: Option<&Path>) -> Result<(Self, Vec<FolderError>), FolderError> {
        let stamp = stamp(folder);
        let (library, problems) = Library::load(folder)?;
        let library = RwLock::new((Arc::new(library), stamp));
        Ok((Self { folder: folder.map(Path::to_owned), library }, problems))
    }

    /// The current library. A caller that holds it keeps it unchanged through a later refresh.
    #[must_use]
    pub fn library(&self) -> Arc<Library> {
        Arc::clone(&self.library.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Reads the folder again if a file in it has changed. Returns the problems found, or `None` when nothing has changed. A file that
    /// has become unusable is reported, and its compagnon stays as it was.
    pub fn refresh(&self) -> Option<Vec<FolderError>> {
        self.folder.as_ref()?;
        let stamp = stamp(self.folder.as_deref());
        if self.library.read().unwrap_or_else(PoisonError::into_inner).1 == stamp {
            return None;
        }
        Some(self.read_again(stamp))
    }

    /// Reads the folder again, whether or not anything has changed; see [`LibraryWatcher::refresh`].
    pub fn reload(&self) -> Vec<FolderError> {
        self.read_again(stamp(self.folder.as_deref()))
    }

    fn read_again(&self, stamp: Stamp) -> Vec<FolderError> {
        let known = self.library();
        let (library, problems) = known.again(self.folder.as_deref()).unwrap_or_else(|folder| {
            // The folder itself cannot be read, perhaps for a moment: keep the library.
            (Library::clone(&known), vec![folder])
        });
        *self.library.write().unwrap_or_else(PoisonError::into_inner) = (Arc::new(library), stamp);
        problems
    }
}

fn stamp(folder: Option<&Path>) -> Stamp {
    let paths = folder.map(paths).and_then(Result::ok).unwrap_or_default();
    let stamp = |path: &Path| fs::metadata(path).and_then(|file| Ok((file.len(), file.modified()?))).ok();
    paths.into_iter().map(|(_, path)| (path.clone(), stamp(&path))).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::LibraryWatcher;
    use crate::compagnon::{Language, Library, library::LONGEST_FILE};

    const COLETTE: &str = "---\nname: Colette\ndescription: Budget\n---\nTu es {{ name }}.\n";

    fn ids(library: &Library) -> Vec<&str> {
        library.iter().map(|compagnon| compagnon.id.as_str()).collect()
    }

    #[test]
    fn a_change_is_followed_and_a_broken_one_keeps_the_last_good() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("colette.md");
        fs::write(&file, COLETTE).expect("written");
        let (watcher, _) = LibraryWatcher::open(Some(folder.path())).expect("readable");
        assert_eq!(watcher.refresh(), None, "nothing has changed");
        let held = watcher.library();

        fs::write(&file, COLETTE.replace("Budget", "Budget et paie")).expect("written");
        fs::write(folder.path().join("anatole.md"), COLETTE.replace("Colette", "Anatole")).expect("written");
        assert_eq!(watcher.refresh(), Some(Vec::new()));
        assert_eq!(ids(&watcher.library()), ["anatole", "colette"]);
        assert_eq!(watcher.library().get("colette").expect("there").about.description, "Budget et paie");
        assert_eq!(held.get("colette").expect("there").about.description, "Budget", "what is in use stays");

        fs::write(&file, "nothing any more").expect("written");
        let problems = watcher.refresh().expect("a change");
        assert!(problems[0].to_string().starts_with("colette.md: "), "{problems:?}");
        assert_eq!(watcher.library().get("colette").expect("kept").about.description, "Budget et paie");
        assert_eq!(watcher.refresh(), None, "named once");

        fs::remove_file(&file).expect("removed");
        assert_eq!(watcher.refresh(), Some(Vec::new()));
        assert_eq!(ids(&watcher.library()), ["anatole"]);
    }

    #[test]
    fn a_base_is_followed_and_a_broken_one_keeps_the_last_good() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("socle.md");
        fs::write(folder.path().join("colette.md"), COLETTE).expect("written");
        let (watcher, problems) = LibraryWatcher::open(Some(folder.path())).expect("readable");
        assert_eq!(problems, []);
        let base = |language| watcher.library().bases().written(language, "24 novembre", "la préfecture");
        let (french, english) = (base(Language::Fr), base(Language::En));
        assert!(french.contains("3114") && english.contains("3114"), "those that come with the program");

        fs::write(&file, "Nous sommes le {{ date }}.").expect("written");
        assert_eq!(watcher.refresh(), Some(Vec::new()));
        assert_eq!(base(Language::Fr), "Nous sommes le 24 novembre.\n\nVotre rôle :");
        assert_eq!(base(Language::En), english, "the other language stays");
        assert_eq!(ids(&watcher.library()), ["colette"], "it is no compagnon");

        for broken in ["", "Vous êtes {{ name }}.", "---\nname: C\n---\nx", &"x".repeat(7_000)] {
            fs::write(&file, broken).expect("written");
            let problems = watcher.reload();
            assert!(problems.len() == 1 && problems[0].to_string().starts_with("socle.md: "), "{problems:?}");
            assert_eq!(base(Language::Fr), "Nous sommes le 24 novembre.\n\nVotre rôle :");
        }
        fs::write(folder.path().join("socle.en.md"), "Be brief.").expect("written");
        watcher.reload();
        assert_eq!(base(Language::En), "Be brief.\n\nYour role:");

        fs::remove_file(&file).expect("removed");
        assert_eq!(watcher.refresh(), Some(Vec::new()));
        assert_eq!(base(Language::Fr), french);
    }

    #[test]
    fn what_is_no_file_or_too_long_is_named_and_blocks_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("colette.md"), COLETTE).expect("written");
        let (watcher, _) = LibraryWatcher::open(Some(folder.path())).expect("readable");
        nix::unistd::mkfifo(&path("pipe.md"), nix::sys::stat::Mode::S_IRWXU).expect("a named pipe");
        let _socket = std::os::unix::net::UnixListener::bind(path("socket.md")).expect("a socket");
        std::os::unix::fs::symlink("/dev/zero", path("device.md")).expect("a link");
        fs::create_dir(path("folder.md")).expect("a folder");
        fs::write(path("long.md"), vec![b'a'; LONGEST_FILE as usize + 1]).expect("written");
        fs::write(path("latin.md"), b"\xe9").expect("written");
        let problems = watcher.refresh().expect("a change");
        let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "device.md: it is a device, not a file",
                "folder.md: it is a folder, not a file",
                "latin.md: it is not UTF-8 text",
                "long.md: it is longer than 256 KiB",
                "pipe.md: it is a named pipe, not a file",
                "socket.md: it is a socket, not a file",
            ]
        );
        assert_eq!(ids(&watcher.library()), ["colette"]);
        assert_eq!(watcher.reload().len(), problems.len(), "asked for, they are named again");
    }
}
