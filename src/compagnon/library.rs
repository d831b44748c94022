//! The compagnons of the prompts folder, or those embedded in the program.

use std::{
    collections::BTreeMap,
    fs::{self, FileType, OpenOptions},
    io::Read as _,
    os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use nix::fcntl::OFlag;

use super::{
    base::{BaseError, Bases},
    definition::{Compagnon, CompagnonError},
};
use crate::setting::{Refused, require, within};

/// The compagnons that come with the program, for a start without a prompts folder.
const EMBEDDED: [(&str, &str); 10] = [
    ("temoin", include_str!("../../prompts/temoin.md")),
    ("generaliste", include_str!("../../prompts/generaliste.md")),
    ("ressources-humaines", include_str!("../../prompts/ressources-humaines.md")),
    ("cybersecurite", include_str!("../../prompts/cybersecurite.md")),
    ("campus-numerique", include_str!("../../prompts/campus-numerique.md")),
    ("redaction-administrative", include_str!("../../prompts/redaction-administrative.md")),
    ("synthese", include_str!("../../prompts/synthese.md")),
    ("traduction", include_str!("../../prompts/traduction.md")),
    ("reponse-usagers", include_str!("../../prompts/reponse-usagers.md")),
    ("france-services", include_str!("../../prompts/france-services.md")),
];

/// The longest file of a compagnon, whose prompt must fit into a model's context many times.
pub(super) const LONGEST_FILE: u64 = 256 * 1024;

/// The most files that are read of a folder.
const MOST_FILES: usize = 1000;

/// Why a file or the whole folder is not usable. One sentence that names the file and the remedy.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum FolderError {
    /// A file's text is not a compagnon.
    #[error("{file}: {reason}")]
    File {
        /// The file's name.
        file: String,
        /// What to correct.
        reason: CompagnonError,
    },
    /// A file's text cannot be the common base.
    #[error("{file}: {reason}")]
    Base {
        /// The file's name.
        file: String,
        /// What to correct.
        reason: BaseError,
    },
    /// A file cannot be read.
    #[error("{file}: {reason}")]
    Unreadable {
        /// The file's name.
        file: String,
        /// The system's reason.
        reason: String,
    },
    /// A part of a file's front matter is out of range.
    #[error("{file}: {refused}")]
    OutOfRange {
        /// The file's name.
        file: String,
        /// The part and its range.
        refused: Refused,
    },
    /// An entry that was probably meant as a compagnon is ignored.
    #[error("{name}: it is not read: {reason}")]
    Overlooked {
        /// Its name.
        name: String,
        /// Why, and what to do.
        reason: &'static str,
    },
    /// Two compagnons look the same in lists.
    #[error("{file}: it has the same heading in lists as {other}, `{heading}`: people cannot tell them apart")]
    SameHeading {
        /// The later file.
        file: String,
        /// The earlier one.
        other: String,
        /// What both are called.
        heading: String,
    },
    /// The folder cannot be read.
    #[error("the prompts folder {folder} cannot be read: {reason}")]
    Folder {
        /// The folder.
        folder: String,
        /// The system's reason.
        reason: String,
    },
    /// There is no compagnon with this identifier.
    #[error("there is no compagnon `{asked}`; there are: {known}")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// Those there are.
        known: String,
    },
}

/// The compagnons there are, by identifier, and the base that they have in common.
#[derive(Clone, Debug, Default)]
pub struct Library {
    compagnons: BTreeMap<String, Arc<Compagnon>>,
    bases: Arc<Bases>,
}

impl Library {
    /// Reads every `*.md` of a folder, or the embedded ones without a folder. Files that are not usable are left out and returned
    /// beside the library, each with its reason.
    pub fn load(folder: Option<&Path>) -> Result<(Self, Vec<FolderError>), FolderError> {
        Self::default().again(folder)
    }

    /// Reads the folder again. A file that has become unusable keeps the compagnon, or the base, that it gave before.
    pub(super) fn again(&self, folder: Option<&Path>) -> Result<(Self, Vec<FolderError>), FolderError> {
        let mut compagnons = BTreeMap::new();
        let mut problems = Vec::new();
        // Without its file, the base is the one that comes with the program.
        let mut bases = Bases::default();
        for (id, text) in files(folder)? {
            let file = format!("{id}.md");
            let read = text.map_err(|reason| FolderError::Unreadable { file: file.clone(), reason });
            if let Some(language) = Bases::language_of(&id) {
                let replaced = read.and_then(|text| {
                    bases.replace(language, &text).map_err(|reason| FolderError::Base { file, reason })
                });
                if let Err(problem) = replaced {
                    problems.push(problem);
                    bases.take(language, &self.bases);
                }
                continue;
            }
            let read = read.and_then(|text| parse(&id, &text, file));
            let compagnon = match read {
                Ok(compagnon) => Some(Arc::new(compagnon)),
                Err(problem) => {
                    problems.push(problem);
                    self.compagnons.get(&id).cloned()
                }
            };
            compagnons.extend(compagnon.map(|compagnon| (id, compagnon)));
        }
        problems.extend(same_headings(&compagnons));
        problems.extend(overlooked(folder)?);
        Ok((Self { compagnons, bases: Arc::new(bases) }, problems))
    }

    /// The compagnon of that identifier.
    pub fn get(&self, id: &str) -> Result<&Arc<Compagnon>, FolderError> {
        self.compagnons.get(id).ok_or_else(|| FolderError::Unknown {
            asked: id.to_owned(),
            known: self.compagnons.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        })
    }

    /// What the program writes before the text of each of them, and of those that are made by command.
    #[must_use]
    pub fn bases(&self) -> &Arc<Bases> {
        &self.bases
    }

    /// All of them, in the order of their identifiers.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Compagnon>> {
        self.compagnons.values()
    }
}

/// The compagnon of a file, with the same bounds for its numbers as in the configuration.
fn parse(id: &str, text: &str, file: String) -> Result<Compagnon, FolderError> {
    let compagnon = match Compagnon::parse(id, text) {
        Ok(compagnon) => compagnon,
        Err(reason) => return Err(FolderError::File { file, reason }),
    };
    let temperature = compagnon.about.temperature.map_or(Ok(()), |degree| within("temperature", degree, 0.0..=5.0));
    let length = || compagnon.about.max_tokens.map_or(Ok(()), |tokens| within("max_tokens", tokens, 1..=1 << 20));
    let named = || require(!compagnon.about.name.trim().is_empty(), "name", "it is empty");
    match temperature.and_then(|()| length()).and_then(|()| named()) {
        Ok(()) => Ok(compagnon),
        Err(refused) => Err(FolderError::OutOfRange { file, refused }),
    }
}

/// The compagnons that lists show with the same heading as an earlier one.
fn same_headings(compagnons: &BTreeMap<String, Arc<Compagnon>>) -> Vec<FolderError> {
    let mut seen = BTreeMap::new();
    let same = compagnons.values().filter_map(|compagnon| {
        let other = seen.insert(compagnon.title().to_lowercase(), &compagnon.id)?;
        let (file, other) = (format!("{}.md", compagnon.id), format!("{other}.md"));
        Some(FolderError::SameHeading { file, other, heading: compagnon.title().to_owned() })
    });
    same.collect()
}

/// The entries of the folder that look like a compagnon, but are ignored.
fn overlooked(folder: Option<&Path>) -> Result<Vec<FolderError>, FolderError> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let unreadable = |reason: std::io::Error| FolderError::Folder {
        folder: folder.display().to_string(),
        reason: reason.to_string(),
    };
    let mut overlooked = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        // Hidden files belong to editors and deployments; problems of `.md` files are reported with them.
        if name.starts_with('.') || extension == "md" {
            continue;
        }
        let reason = if path.is_dir() {
            "subfolders are not looked into; put its files beside the others"
        } else if ["md", "markdown"].contains(&extension.to_lowercase().as_str()) {
            "the name must end in .md"
        } else {
            continue;
        };
        overlooked.push(FolderError::Overlooked { name, reason });
    }
    overlooked.sort_by_key(ToString::to_string);
    Ok(overlooked)
}

/// The identifier and text of each file; instead of a text that cannot be read, the system's reason.
#[allow(clippy::type_complexity)] // One use, above.
fn files(folder: Option<&Path>) -> Result<Vec<(String, Result<String, String>)>, FolderError> {
    let Some(folder) = folder else {
        return Ok(EMBEDDED.iter().map(|(id, text)| ((*id).to_owned(), Ok((*text).to_owned()))).collect());
    };
    let mut paths = paths(folder)?;
    let left_out = paths.split_off(paths.len().min(MOST_FILES));
    let read = paths.into_iter().map(|(id, path)| (id, read(&path)));
    let too_many = || Err(format!("the folder has more than {MOST_FILES} compagnons, and this one is left out"));
    Ok(read.chain(left_out.into_iter().map(|(id, _)| (id, too_many()))).collect())
}

/// The text of a regular file up to the limit. Nothing else is opened, because opening a named pipe waits for a writer.
fn read(path: &Path) -> Result<String, String> {
    let regular = |kind: FileType| if kind.is_file() { Ok(()) } else { Err(irregular(kind)) };
    let said = |error: std::io::Error| error.to_string();
    regular(fs::metadata(path).map_err(said)?.file_type())?;
    // Without blocking, because it may have been replaced by a named pipe in between.
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path).map_err(said)?;
    regular(file.metadata().map_err(said)?.file_type())?;
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes).map_err(said)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(format!("it is longer than {} KiB", LONGEST_FILE / 1024));
    }
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())
}

fn irregular(kind: FileType) -> String {
    let name = if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    format!("it is {name}, not a file")
}

/// The identifier and path of each compagnon's file, sorted.
pub(super) fn paths(folder: &Path) -> Result<Vec<(String, PathBuf)>, FolderError> {
    let unreadable = |reason: std::io::Error| FolderError::Folder {
        folder: folder.display().to_string(),
        reason: reason.to_string(),
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let markdown = path.extension().is_some_and(|extension| extension == "md");
        // Hidden files belong to editors and deployments.
        let id = path.file_stem().and_then(|stem| stem.to_str()).filter(|id| markdown && !id.starts_with('.'));
        paths.extend(id.map(str::to_owned).map(|id| (id, path.clone())));
    }
    // Sorted, so that the same files are left out each time if there are too many.
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{EMBEDDED, FolderError, Library};
    use crate::compagnon::{CompagnonError, Language, Visibility};

    const COLETTE: &str = "---\nname: Colette\ndescription: Budget\n---\nTu es {{ name }}.\n";

    fn ids(library: &Library) -> Vec<&str> {
        library.iter().map(|compagnon| compagnon.id.as_str()).collect()
    }

    #[test]
    fn a_broken_file_does_not_hide_the_others() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("colette.md"), COLETTE).expect("written");
        fs::write(folder.path().join("broken.md"), "nothing").expect("written");
        fs::write(folder.path().join("notes.txt"), "not a compagnon").expect("written");
        let (library, problems) = Library::load(Some(folder.path())).expect("readable");
        assert_eq!(ids(&library), ["colette"]);
        let broken = FolderError::File { file: "broken.md".to_owned(), reason: CompagnonError::NoFrontMatter };
        assert_eq!(problems, [broken]);
        assert!(library.get("x").expect_err("unknown").to_string().contains("there are: colette"));
    }

    #[test]
    fn what_is_not_read_as_it_was_meant_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        let with = |line: &str| COLETTE.replacen("---\n", &format!("---\n{line}\n"), 1);
        write("colette.md", COLETTE);
        write("double.md", COLETTE);
        write("hot.md", &with("temperature: 99"));
        write("mute.md", &with("max_tokens: 0"));
        write("loud.MD", COLETTE);
        write("notes.txt", "not a compagnon");
        fs::create_dir(folder.path().join("below")).expect("made");
        fs::create_dir(folder.path().join("..data")).expect("made");
        let (library, problems) = Library::load(Some(folder.path())).expect("readable");
        assert_eq!(ids(&library), ["colette", "double"]);
        let said: std::collections::BTreeSet<String> = problems.iter().map(ToString::to_string).collect();
        let expected = [
            "below: it is not read: subfolders are not looked into; put its files beside the others",
            "double.md: it has the same heading in lists as colette.md, `Colette`: people cannot tell them apart",
            "hot.md: temperature: 99 is not between 0 and 5",
            "loud.MD: it is not read: the name must end in .md",
            "mute.md: max_tokens: 0 is not between 1 and 1048576",
        ];
        assert_eq!(said, expected.map(str::to_owned).into());
    }

    #[test]
    fn the_embedded_ones_are_good() {
        let (library, problems) = Library::load(None).expect("embedded");
        assert_eq!(problems, []);
        assert_eq!(library.iter().count(), EMBEDDED.len());
        let shown = library.iter().filter(|compagnon| compagnon.about.visibility == Visibility::Public);
        let shown: Vec<_> = shown.collect();
        assert!(shown.iter().all(|compagnon| compagnon.id != "temoin"), "the witness is for trying things out");
        for compagnon in shown {
            let about = &compagnon.about;
            assert!(about.description.chars().count() <= 90, "{}", compagnon.id);
            assert!(about.examples.len() == 3 && !about.welcome.is_empty(), "{}", compagnon.id);
            // What the base says is not said again.
            for said in ["3114", "émoticône", "vouvoyez", "{{ date }}", "{{ organisation }}"] {
                assert!(!compagnon.prompt.contains(said), "{} repeats {said}", compagnon.id);
            }
            assert!(compagnon.prompt.starts_with("Vous êtes {{ name }}, "), "{}", compagnon.id);
            assert!(
                compagnon.prompt.chars().count() <= 1_600 && compagnon.prompt.lines().count() <= 15,
                "{}",
                compagnon.id
            );
        }
        assert!(library.get("socle").is_err(), "the base is no compagnon");
        assert!(library.bases().written(Language::Fr, "", "").contains("3114"));
    }
}
