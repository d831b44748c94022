//! A compagnon's definition: the front matter of its file and its system prompt, parsed, checked and written back. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{
    language::Language,
    settings::{Pseudonyms, Sourcing},
};

/// The variables a system prompt may name, in the order in which people are told of them.
pub const VARIABLES: [&str; 4] = ["name", "date", "organisation", "room"];

/// One assistant.
#[derive(Clone, PartialEq)]
pub struct Compagnon {
    /// Its identifier: the file's name without `.md`, or what its author chose.
    pub id: String,
    /// What it says of itself and how it answers.
    pub about: About,
    /// The system prompt, with its variables not yet replaced.
    pub prompt: String,
}

impl fmt::Debug for Compagnon {
    /// Leaves the prompt out: some are private to a room.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Compagnon").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The front matter of a compagnon's file.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct About {
    /// The name it gives itself.
    pub name: String,
    /// Its heading in lists; the name where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// One line for lists.
    pub description: String,
    /// The language it is written in.
    #[serde(default)]
    pub language: Language,
    /// Whether lists show it.
    #[serde(default)]
    pub visibility: Visibility,
    /// Temperature of its answers, when it differs from the model's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f32>,
    /// The most tokens of its answers, when it differs from the model's setting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<usize>,
    /// What it says when a room chooses it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub welcome: String,
    /// Questions to start with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// The collections of the configuration that it searches, by name. Only for compagnons of the prompts folder: what is made by command
    /// searches those that are given to all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<String>,
    /// Whether it answers only what documents say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Sourcing>,
    /// Whether the model is given placeholders for what identifies people.
    #[serde(default, skip_serializing_if = "Option::is_none", alias = "pseudonymes")]
    pub pseudonyms: Option<Pseudonyms>,
}

/// Whether a compagnon of the library is shown in lists. A hidden one can be chosen by whoever knows its identifier.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// Shown to everybody.
    #[default]
    Public,
    /// Not shown.
    Hidden,
}

/// What a system prompt may refer to, as `{{ date }}` and so on.
#[derive(Clone, Debug, Default)]
pub struct Variables<'a> {
    /// Today's date, in words.
    pub date: &'a str,
    /// The ministry or body that runs the bot.
    pub organisation: &'a str,
    /// The room's name; empty where it has none.
    pub room: &'a str,
}

/// Why a compagnon's text is not usable. Each is one sentence that names the remedy.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CompagnonError {
    /// The text does not start with a block between two `---` lines.
    #[error("the file must start with a front matter between two `---` lines")]
    NoFrontMatter,
    /// The front matter is invalid: the YAML parser's message, with the line.
    #[error("{0}")]
    FrontMatter(String),
    /// There is no system prompt.
    #[error("the system prompt is empty")]
    Empty,
    /// A variable does not exist.
    #[error("`{0}` is not a variable; there are {list}", list = VARIABLES.map(|name| format!("`{name}`")).join(", "))]
    Variable(String),
    /// A variable does not end.
    #[error("a `{{{{` is not closed by `}}}}`")]
    Unclosed,
}

impl Compagnon {
    /// Reads a compagnon from the text of its file.
    pub fn parse(id: &str, text: &str) -> Result<Self, CompagnonError> {
        let text = lines(text.trim_start_matches('\u{feff}'));
        let (front, body) = text
            .strip_prefix("---\n")
            .and_then(|rest| rest.split_once("\n---\n"))
            .ok_or(CompagnonError::NoFrontMatter)?;
        let about: About =
            serde_yaml::from_str(front).map_err(|error| CompagnonError::FrontMatter(error.to_string()))?;
        Self::new(id, about, body)
    }

    /// A compagnon of these parts, if its prompt can be used.
    pub fn new(id: &str, about: About, prompt: &str) -> Result<Self, CompagnonError> {
        let compagnon = Self { id: id.to_owned(), about, prompt: lines(prompt).trim().to_owned() };
        if compagnon.prompt.is_empty() {
            return Err(CompagnonError::Empty);
        }
        // Finds a misspelt variable when the prompt is written, not when an agent asks.
        compagnon.system_prompt(&Variables::default())?;
        Ok(compagnon)
    }

    /// The text of its file: what [`Compagnon::parse`] reads back.
    #[must_use]
    pub fn to_text(&self) -> String {
        // Texts and numbers always have a YAML form.
        let front = serde_yaml::to_string(&self.about).unwrap_or_default();
        format!("---\n{}\n---\n{}\n", front.trim_end(), self.prompt)
    }

    /// The heading in lists.
    #[must_use]
    pub fn title(&self) -> &str {
        if self.about.title.is_empty() { &self.about.name } else { &self.about.title }
    }

    /// The system prompt with its variables replaced.
    pub fn system_prompt(&self, variables: &Variables<'_>) -> Result<String, CompagnonError> {
        let value = |name: &str| match name {
            "name" => Some(&*self.about.name),
            "date" => Some(variables.date),
            "organisation" => Some(variables.organisation),
            "room" => Some(variables.room),
            _ => None,
        };
        filled(&self.prompt, value).map_err(|unfilled| match unfilled {
            Unfilled::Unknown(name) => CompagnonError::Variable(name),
            Unfilled::Unclosed => CompagnonError::Unclosed,
        })
    }
}

/// Why the variables of a text cannot be replaced.
pub(super) enum Unfilled {
    /// There is no variable of this name.
    Unknown(String),
    /// A variable does not end.
    Unclosed,
}

/// A text with each `{{ name }}` replaced by its value. What stands in a value is left as it is.
pub(super) fn filled<'a>(text: &str, value: impl Fn(&str) -> Option<&'a str>) -> Result<String, Unfilled> {
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or(Unfilled::Unclosed)?;
        written.push_str(before);
        let name = name.trim();
        written.push_str(value(name).ok_or_else(|| Unfilled::Unknown(name.to_owned()))?);
        rest = after;
    }
    written.push_str(rest);
    Ok(written)
}

/// The text with all line ends as `\n`, so that it is the same after writing and reading.
pub(super) fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

#[cfg(test)]
mod tests {
    use super::{About, Compagnon, Variables};

    const COLETTE: &str = "---\nname: Colette\ndescription: Budget\n---\n\nTu es {{ name }}. Nous sommes le {{date}}, salon {{ room }}.\n";

    #[test]
    fn the_prompt_has_its_variables_replaced() {
        let colette = Compagnon::parse("colette", COLETTE).expect("a good file");
        let variables = Variables { date: "24 novembre 2026", organisation: "", room: "Budget" };
        let expected = "Tu es Colette. Nous sommes le 24 novembre 2026, salon Budget.";
        assert_eq!(colette.system_prompt(&variables).as_deref(), Ok(expected));
        assert_eq!(colette.title(), "Colette");
    }

    #[test]
    fn each_broken_text_says_what_is_wrong() {
        let cases = [
            ("Tu es Colette.", "must start with a front matter"),
            ("---\nname: Colette\n---\nTu es Colette.", "missing field `description`"),
            ("---\nname: C\ndescription: d\nnom: x\n---\nTu es C.", "unknown field `nom`"),
            ("---\nname: C\ndescription: d\nvisibility: secret\n---\nTu es C.", "unknown variant `secret`"),
            ("---\nname: C\ndescription: d\n---\n  \n", "the system prompt is empty"),
            ("---\nname: C\ndescription: d\n---\n{{ dat }}", "`dat` is not a variable; there are `name`, `date`"),
            ("---\nname: C\ndescription: d\n---\n{{ date", "a `{{` is not closed by `}}`"),
        ];
        for (text, expected) in cases {
            let sentence = Compagnon::parse("x", text).expect_err("a broken file").to_string();
            assert!(sentence.contains(expected), "{text:?} → {sentence}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let about = About {
            name: "Colette : « budget »".to_owned(),
            title: "---".to_owned(),
            description: "d'un \"bout\" à l'autre # {{".to_owned(),
            temperature: Some(0.2),
            examples: vec!["- combien ?".to_owned(), "null".to_owned()],
            ..About::default()
        };
        let colette = Compagnon::new("colette", about, "---\nTu es {{ name }}.\n---\n").expect("a good prompt");
        assert_eq!(Compagnon::parse("colette", &colette.to_text()), Ok(colette));
        let ends = Compagnon::new("ends", About::default(), "a\r\r\nb\rc\r\nd").expect("a good prompt");
        assert_eq!(ends.prompt, "a\n\nb\nc\nd");
        assert_eq!(Compagnon::parse("ends", &ends.to_text()), Ok(ends));
    }
}
