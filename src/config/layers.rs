//! Merges the layers of the configuration: the file, overridden by environment variables. The defaults of the types complete both.
//!
//! The layers are merged as YAML trees together with the origin of each value, so that an error can name the line or the variable. The kinds
//! of [`super::keys`] say how the text of a variable is parsed.

use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use serde_yaml::{Mapping, Value};

use super::{
    error::{ConfigError, ValueOrigin},
    keys::{ANY, Key, ValueKind},
    locate,
};
use crate::setting::{Refused, duration, spoken};

/// Variables that start with this override a key: `COMPAGNON__MATRIX__USER=x` is `matrix: {user: x}`.
pub(super) const PREFIX: &str = "COMPAGNON__";

/// Alternative keys: a layer that sets one of a group removes the others of the layers below.
const INSTEAD: [&[&str]; 2] = [
    &["matrix.password", "matrix.password_file", "matrix.access_token", "matrix.access_token_file"],
    &["model.file", "model.hub"],
];

/// The most characters of a refused value that a sentence repeats.
const SHOWN: usize = 200;

/// The merged layers.
pub(super) struct Layers<'a> {
    name: &'a str,
    text: &'a str,
    keys: Vec<Key>,
    tree: Mapping,
    variables: Vec<(Vec<String>, String)>,
}

impl<'a> Layers<'a> {
    /// The tree of the file `name` with the variables (names with their prefix) over it.
    pub(super) fn merge(
        name: &'a str,
        text: &'a str,
        mut variables: Vec<(String, String)>,
        keys: Vec<Key>,
    ) -> Result<Self, ConfigError> {
        let tree = tree(text).map_err(|reason| ConfigError::File { path: name.to_owned(), reason })?;
        let mut layers = Self { name, text, keys, tree, variables: Vec::new() };
        layers.check(&layers.tree, &mut Vec::new())?;
        // A section comes before its keys: `COMPAGNON__MODEL` before `COMPAGNON__MODEL__FILE`.
        variables.sort();
        let mut given = Vec::new();
        for (name, value) in variables {
            // A deployment may pass on a variable without a value.
            if value.is_empty() {
                continue;
            }
            let path: Vec<String> = name[PREFIX.len()..].split("__").map(str::to_lowercase).collect();
            let value = layers.understand(&path, value).map_err(|reason| refused(&name, &path, reason))?;
            given.push((path.clone(), value));
            layers.variables.push((path, name));
        }
        layers.make_room();
        for (path, value) in given {
            set(&mut layers.tree, &path, value);
        }
        Ok(layers)
    }

    /// What the merged layers say, over the defaults of `T`.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(Value::Mapping(self.tree.clone())).map_err(|error| {
            let mut path: Vec<String> = error.path().iter().filter_map(segment).collect();
            let mut reason = shorten(&error.into_inner().to_string());
            if let Some(field) = reason.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
                path.push(field.to_owned());
                "it is missing".clone_into(&mut reason);
            }
            self.refuse(Refused::new(path.join("."), reason))
        })
    }

    /// The error with the origin of the value.
    pub(super) fn refuse(&self, mut refused: Refused) -> ConfigError {
        let path: Vec<String> = refused.key.split('.').map(str::to_owned).collect();
        let variable =
            self.variables.iter().rev().find(|(given, _)| path.starts_with(given) || given.starts_with(&path));
        let origin = match variable {
            Some((_, name)) => ValueOrigin::Variable(name.clone()),
            None if self.text.is_empty() => ValueOrigin::Nowhere,
            None => ValueOrigin::File { name: self.name.to_owned(), line: locate::line(self.text, &path) },
        };
        refused.key = shorten(&refused.key);
        ConfigError::Key { origin, refused }
    }

    /// Checks the file's tree against the known keys and their kinds.
    fn check(&self, section: &Mapping, path: &mut Vec<String>) -> Result<(), ConfigError> {
        for (name, value) in section {
            let Some(name) = name.as_str() else {
                let reason = "a key that is not text; write the names of keys without quotes".to_owned();
                return Err(self.refuse(Refused::new(path.join("."), reason)));
            };
            path.push(name.to_owned());
            let fits = match (self.kind(path), value) {
                (Some(kind), value) => fits(kind, value),
                (None, _) if !self.is_section(path) => Err(self.unknown(path)),
                (None, Value::Mapping(below)) => {
                    self.check(below, path)?;
                    Ok(())
                }
                (None, _) => Err("it is a section: write its keys below it, each on a line of its own".to_owned()),
            };
            fits.map_err(|reason| self.refuse(Refused::new(path.join("."), reason)))?;
            path.pop();
        }
        Ok(())
    }

    fn kind(&self, path: &[String]) -> Option<ValueKind> {
        self.keys.iter().find(|key| key.path.len() == path.len() && key.begins_with(path)).map(|key| key.kind)
    }

    fn is_section(&self, path: &[String]) -> bool {
        self.keys.iter().any(|key| key.path.len() > path.len() && key.begins_with(path))
    }

    /// The sentence for an unknown key, with the one that was probably meant.
    fn unknown(&self, path: &[String]) -> String {
        let name = shorten(&path.join("."));
        let parent = path.len() - 1;
        // A name of the same section first: it is what people see beside it in the example.
        let beside = self.keys.iter().filter(|key| key.path.len() > parent && key.begins_with(&path[..parent]));
        // A name that people have chosen stays theirs.
        let chosen =
            |(part, given): (&&'static str, &String)| if *part == ANY { given.clone() } else { (*part).to_owned() };
        let names = beside.map(|key| key.path.iter().zip(path).map(chosen).collect::<Vec<_>>().join("."));
        let all = self.keys.iter().map(Key::name).filter(|name| !name.contains(ANY));
        let nearest = names.chain(all).map(|known| (strsim::damerau_levenshtein(&name, &known), known));
        match nearest.filter(|(distance, _)| *distance <= 3).min_by_key(|(distance, _)| *distance) {
            Some((_, known)) => format!("there is no such key; did you mean `{known}`?"),
            None => "there is no such key; config.example.yaml has all of them".to_owned(),
        }
    }

    /// The value that a variable's text stands for at `path`.
    fn understand(&self, path: &[String], text: String) -> Result<Value, String> {
        if let Some(kind) = self.kind(path) {
            return understand(kind, text);
        }
        if !self.is_section(path) {
            return Err(self.unknown(path));
        }
        match serde_yaml::from_str(&text) {
            Ok(Value::Mapping(section)) => {
                self.check(&section, &mut path.to_vec()).map_err(|error| match error {
                    ConfigError::Key { refused, .. } => refused.to_string(),
                    ConfigError::File { reason, .. } => reason,
                })?;
                Ok(Value::Mapping(section))
            }
            _ => Err("it is a section: set one of its keys, or write them all as {key: value, …}".to_owned()),
        }
    }

    /// Removes from the file's tree the alternatives to what a variable sets.
    fn make_room(&mut self) {
        for group in INSTEAD {
            let given = |name: &str| self.variables.iter().any(|(path, _)| below(&path.join("."), name));
            if !group.iter().any(|name| given(name)) {
                continue;
            }
            for name in group.iter().filter(|name| !given(name)) {
                if let Some((section, key)) = name.split_once('.')
                    && let Some(Value::Mapping(section)) = self.tree.get_mut(section)
                {
                    section.remove(key);
                }
            }
        }
    }
}

/// Whether the log is to be JSON, whatever else is wrong.
pub(super) fn asks_for_json(text: &str, variables: &[(String, String)]) -> bool {
    let variable = variables.iter().find(|(name, _)| name.strip_prefix(PREFIX) == Some("LOG__JSON"));
    let given = variable.and_then(|(_, text)| understand(ValueKind::Boolean, text.clone()).ok());
    let in_file = || tree(text).ok()?.get("log")?.get("json").cloned();
    given.or_else(in_file) == Some(Value::Bool(true))
}

/// Whether the file itself holds a secret.
pub(super) fn gives_secret(text: &str) -> bool {
    let tree = tree(text).unwrap_or_default();
    tree.get("matrix").is_some_and(|matrix| ["password", "access_token"].iter().any(|key| matrix.get(*key).is_some()))
}

/// The file's text as a tree without empty values, because a key without a value counts as absent.
fn tree(text: &str) -> Result<Mapping, String> {
    match serde_yaml::from_str(text).map_err(|error| shorten(&error.to_string()))? {
        Value::Null => Ok(Mapping::new()),
        Value::Mapping(tree) => Ok(without_empty(tree)),
        _ => Err("it holds no sections: see config.example.yaml for what it looks like".to_owned()),
    }
}

fn without_empty(section: Mapping) -> Mapping {
    let full = section.into_iter().filter_map(|(key, value)| match value {
        Value::Null => None,
        Value::Mapping(below) => Some((key, Value::Mapping(without_empty(below)))),
        value => Some((key, value)),
    });
    full.collect()
}

/// Whether a value of the file is of this kind; the reason repeats nothing of it.
fn fits(kind: ValueKind, value: &Value) -> Result<(), String> {
    let quotes = || Err("YAML reads this as something else than text: put it between quotes".to_owned());
    match (kind, value) {
        (ValueKind::Number, Value::Number(_))
        | (ValueKind::Boolean, Value::Bool(_))
        | (ValueKind::Text | ValueKind::Duration, Value::String(_)) => Ok(()),
        // What each language has is said when it is read.
        (ValueKind::SpokenText, Value::String(_) | Value::Mapping(_)) | (ValueKind::SpokenList, Value::Mapping(_)) => {
            Ok(())
        }
        (ValueKind::SpokenList, Value::Sequence(items)) if items.iter().all(Value::is_string) => Ok(()),
        (ValueKind::Text | ValueKind::SpokenText, Value::Number(_) | Value::Bool(_))
        | (ValueKind::SpokenList, Value::Sequence(_)) => quotes(),
        (ValueKind::SpokenText, _) => Err(format!("it must be {}", spoken::TEXT)),
        (ValueKind::SpokenList, _) => Err(format!("it must be {}", spoken::LIST)),
        (ValueKind::Text, _) => Err("it must be one text".to_owned()),
        (ValueKind::Duration, Value::Number(_)) => Err(format!("it has no unit: write {}", duration::EXPECTED)),
        (ValueKind::Duration, _) => Err(format!("it must be {}", duration::EXPECTED)),
        (ValueKind::Number, _) => Err("it must be a number".to_owned()),
        (ValueKind::Boolean, _) => Err("it must be true or false".to_owned()),
        (ValueKind::List, Value::Sequence(items)) if items.iter().all(Value::is_string) => Ok(()),
        (ValueKind::List, Value::Sequence(_)) => quotes(),
        (ValueKind::List, _) => Err("it must be a list: [\"first\", \"second\"]".to_owned()),
    }
}

/// The value that a variable's text stands for at a key of this kind.
fn understand(kind: ValueKind, text: String) -> Result<Value, String> {
    match kind {
        ValueKind::SpokenText | ValueKind::SpokenList if text.trim_start().starts_with('{') => {
            serde_yaml::from_str(&text).map_err(|_| "it is no {fr: …, en: …}".to_owned())
        }
        ValueKind::Text | ValueKind::Duration | ValueKind::SpokenText => Ok(Value::String(text)),
        ValueKind::Number => match serde_yaml::from_str(text.trim()) {
            Ok(number @ Value::Number(_)) => Ok(number),
            _ => Err(format!("`{}` is not a number", shorten(&text))),
        },
        ValueKind::Boolean => match text.trim().to_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(Value::Bool(true)),
            "false" | "no" | "off" | "0" => Ok(Value::Bool(false)),
            _ => Err(format!("`{}` is neither true nor false", shorten(&text))),
        },
        ValueKind::List | ValueKind::SpokenList => {
            let text = text.trim();
            if let Ok(list @ Value::Sequence(_)) = serde_yaml::from_str(text)
                && fits(kind, &list).is_ok()
            {
                return Ok(list);
            }
            // User ids start with a character that YAML reserves, and a shell removes the quotes.
            let inner = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
            let items = inner.split(',').map(|item| item.trim().trim_matches(['"', '\'']));
            Ok(Value::Sequence(items.filter(|item| !item.is_empty()).map(Value::from).collect()))
        }
    }
}

/// Sets `value` at `path`, and creates its sections. A whole section replaces the previous one.
fn set(tree: &mut Mapping, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    let entry = tree.entry(Value::String(first.clone())).or_insert_with(|| Value::Mapping(Mapping::new()));
    match entry {
        Value::Mapping(below) if !rest.is_empty() => set(below, rest, value),
        _ => *entry = value,
    }
}

/// Whether `path` is `name`, or a key of the section `name`.
fn below(path: &str, name: &str) -> bool {
    path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn refused(variable: &str, path: &[String], reason: String) -> ConfigError {
    ConfigError::Key {
        origin: ValueOrigin::Variable(variable.to_owned()),
        refused: Refused::new(shorten(&path.join(".")), reason),
    }
}

fn segment(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Enum { .. } | Segment::Unknown => None,
    }
}

/// One line of bounded length: a value may be megabytes long.
fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= SHOWN { line.to_owned() } else { line.chars().take(SHOWN).collect::<String>() + "…" }
}
