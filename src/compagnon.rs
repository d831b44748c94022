//! A compagnon: a named assistant, written by people as a markdown file with front matter, and the system prompt made from it.
//!
//! Parsing and rendering are pure; [`Library::load`] alone reads a folder.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;

/// The compagnons that come with the program, for a start without a prompts folder.
const EMBEDDED: [(&str, &str); 2] =
    [("temoin", include_str!("../prompts/temoin.md")), ("generaliste", include_str!("../prompts/generaliste.md"))];

/// One assistant.
#[derive(Clone, Debug, PartialEq)]
pub struct Compagnon {
    /// Its identifier: the file's name without `.md`.
    pub id: String,
    /// What it says of itself and how it answers.
    pub about: About,
    /// The system prompt, with its variables not yet replaced.
    prompt: String,
}

/// The front matter of a compagnon's file.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The name it answers to.
    pub name: String,
    /// One line for lists.
    pub description: String,
    /// Temperature of its answers, when it differs from the model's setting.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// The most tokens of its answers, when it differs from the model's setting.
    #[serde(default)]
    pub max_tokens: Option<usize>,
}

/// What a system prompt may refer to, as `{{ date }}` and so on.
#[derive(Clone, Debug, Default)]
pub struct Variables<'a> {
    /// Today's date, in words.
    pub date: &'a str,
    /// The ministry or body that runs the bot.
    pub organisation: &'a str,
}

/// Why a compagnon's file is not usable. Each is one sentence that names what to mend.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum CompagnonError {
    /// The file does not start with a block between two `---` lines.
    #[error("{0}: the file must start with a front matter between two `---` lines")]
    NoFrontMatter(String),
    /// The front matter is not what is expected.
    #[error("{file}: {reason}")]
    FrontMatter {
        /// The file's name.
        file: String,
        /// What the YAML reader says, with its line.
        reason: String,
    },
    /// The prompt is empty, or a variable in it does not exist.
    #[error("{file}: {reason}")]
    Prompt {
        /// The file's name.
        file: String,
        /// What is wrong.
        reason: String,
    },
    /// The folder cannot be read.
    #[error("the prompts folder {folder} cannot be read: {reason}")]
    Folder {
        /// The folder.
        folder: String,
        /// The system's reason.
        reason: String,
    },
    /// The one asked for is not there.
    #[error("there is no compagnon `{asked}`; there are: {known}")]
    Unknown {
        /// What was asked for.
        asked: String,
        /// Those there are.
        known: String,
    },
}

impl Compagnon {
    /// Reads a compagnon from the text of its file.
    pub fn parse(id: &str, text: &str) -> Result<Self, CompagnonError> {
        let file = format!("{id}.md");
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let (front, body) = text
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"))
            .ok_or_else(|| CompagnonError::NoFrontMatter(file.clone()))?;
        let about: About = serde_yaml::from_str(front)
            .map_err(|error| CompagnonError::FrontMatter { file: file.clone(), reason: error.to_string() })?;
        let compagnon = Self { id: id.to_owned(), about, prompt: body.trim().to_owned() };
        if compagnon.prompt.is_empty() {
            return Err(CompagnonError::Prompt { file, reason: "the system prompt is empty".to_owned() });
        }
        // A misspelt variable is found when the file is read, not when an agent asks.
        compagnon.system_prompt(&Variables::default())?;
        Ok(compagnon)
    }

    /// The system prompt with its variables replaced.
    pub fn system_prompt(&self, variables: &Variables<'_>) -> Result<String, CompagnonError> {
        let mut prompt = String::with_capacity(self.prompt.len());
        let mut rest = self.prompt.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").ok_or_else(|| self.broken("a `{{` is not closed by `}}`"))?;
            prompt.push_str(before);
            prompt.push_str(match name.trim() {
                "name" => &self.about.name,
                "date" => variables.date,
                "organisation" => variables.organisation,
                other => {
                    let reason = format!("`{other}` is not a variable; there are `name`, `date`, `organisation`");
                    return Err(self.broken(&reason));
                }
            });
            rest = after;
        }
        prompt.push_str(rest);
        Ok(prompt)
    }

    fn broken(&self, reason: &str) -> CompagnonError {
        CompagnonError::Prompt { file: format!("{}.md", self.id), reason: reason.to_owned() }
    }
}

/// The compagnons there are, by identifier.
#[derive(Clone, Debug)]
pub struct Library {
    compagnons: BTreeMap<String, Compagnon>,
}

impl Library {
    /// Reads every `*.md` of a folder, or the embedded ones without a folder. Files that are not usable are left out and returned
    /// beside the library, each with its reason.
    pub fn load(folder: Option<&Path>) -> Result<(Self, Vec<CompagnonError>), CompagnonError> {
        let mut compagnons = BTreeMap::new();
        let mut problems = Vec::new();
        for (id, text) in Self::files(folder)? {
            match text.and_then(|text| Compagnon::parse(&id, &text)) {
                Ok(compagnon) => drop(compagnons.insert(id, compagnon)),
                Err(problem) => problems.push(problem),
            }
        }
        Ok((Self { compagnons }, problems))
    }

    #[allow(clippy::type_complexity)] // One use, two lines below.
    fn files(folder: Option<&Path>) -> Result<Vec<(String, Result<String, CompagnonError>)>, CompagnonError> {
        let Some(folder) = folder else {
            return Ok(EMBEDDED.iter().map(|(id, text)| ((*id).to_owned(), Ok((*text).to_owned()))).collect());
        };
        let unreadable = |reason: std::io::Error| CompagnonError::Folder {
            folder: folder.display().to_string(),
            reason: reason.to_string(),
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|extension| extension == "md")
                && let Some(id) = path.file_stem().and_then(|stem| stem.to_str())
            {
                let text = fs::read_to_string(&path)
                    .map_err(|error| CompagnonError::Prompt { file: format!("{id}.md"), reason: error.to_string() });
                files.push((id.to_owned(), text));
            }
        }
        Ok(files)
    }

    /// The compagnon of that identifier.
    pub fn get(&self, id: &str) -> Result<&Compagnon, CompagnonError> {
        self.compagnons.get(id).ok_or_else(|| CompagnonError::Unknown {
            asked: id.to_owned(),
            known: self.compagnons.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
        })
    }

    /// All of them, in the order of their identifiers.
    pub fn iter(&self) -> impl Iterator<Item = &Compagnon> {
        self.compagnons.values()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{Compagnon, CompagnonError, Library, Variables};

    const COLETTE: &str =
        "---\nname: Colette\ndescription: Budget\n---\n\nTu es {{ name }}. Nous sommes le {{date}}.\n";

    #[test]
    fn the_prompt_has_its_variables_replaced() {
        let colette = Compagnon::parse("colette", COLETTE).expect("a good file");
        let variables = Variables { date: "24 novembre 2026", organisation: "" };
        assert_eq!(colette.system_prompt(&variables).as_deref(), Ok("Tu es Colette. Nous sommes le 24 novembre 2026."));
    }

    #[test]
    fn each_broken_file_says_what_is_wrong() {
        let cases = [
            ("Tu es Colette.", "must start with a front matter"),
            ("---\nname: Colette\n---\nTu es Colette.", "missing field `description`"),
            ("---\nname: C\ndescription: d\nnom: x\n---\nTu es C.", "unknown field `nom`"),
            ("---\nname: C\ndescription: d\n---\n  \n", "the system prompt is empty"),
            ("---\nname: C\ndescription: d\n---\n{{ dat }}", "`dat` is not a variable"),
            ("---\nname: C\ndescription: d\n---\n{{ date", "is not closed"),
        ];
        for (text, expected) in cases {
            let sentence = Compagnon::parse("x", text).expect_err("a broken file").to_string();
            assert!(sentence.starts_with("x.md: ") && sentence.contains(expected), "{text:?} → {sentence}");
        }
    }

    #[test]
    fn a_broken_file_does_not_hide_the_others() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("colette.md"), COLETTE).expect("written");
        fs::write(folder.path().join("broken.md"), "nothing").expect("written");
        fs::write(folder.path().join("notes.txt"), "not a compagnon").expect("written");
        let (library, problems) = Library::load(Some(folder.path())).expect("readable");
        assert_eq!(library.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["colette"]);
        assert_eq!(problems, [CompagnonError::NoFrontMatter("broken.md".to_owned())]);
        assert!(library.get("x").expect_err("unknown").to_string().contains("there are: colette"));
    }

    #[test]
    fn the_embedded_ones_are_good() {
        let (library, problems) = Library::load(None).expect("embedded");
        assert_eq!(problems, []);
        assert!(library.get("temoin").is_ok() && library.get("generaliste").is_ok());
    }
}
