//! A case: a question, what surrounds it, and what its answer must be like.

use std::path::PathBuf;

use regex::RegexBuilder;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CaseError, schema, words};

/// How often one case may be asked.
const MOST_REPEATS: u32 = 20;

/// The most files that one case answers from.
const MOST_DOCUMENTS: usize = 20;

/// The languages that an answer may be asked to be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tongue {
    /// French.
    Fr,
    /// English.
    En,
}

/// What was said before: a question with its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// By the person.
    pub user: String,
    /// By the compagnon.
    pub assistant: String,
}

/// A passage that the answer may rest on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passage {
    /// The title of its document.
    pub title: String,
    /// Its text.
    pub text: String,
}

/// A question with what its answer must be like. `query` and `output_true` are `EvalAP`'s names.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    /// What reports call it; the number of the case where it has none.
    pub name: String,
    /// What is measured by it: form, limits, distress, injections… Reports count by it.
    pub kind: String,
    /// The compagnon that is asked; that of the set, or of the command line, where there is none.
    pub compagnon: Option<String>,
    /// The question.
    pub query: String,
    /// An answer that is right, for people and judges.
    pub output_true: Option<String>,
    /// What was said before, oldest first.
    pub turns: Vec<Said>,
    /// The passages that the answer may rest on.
    pub passages: Vec<Passage>,
    /// Files that it answers from, as from documents that were put into its conversation before anything was said: paths from the folder of
    /// the set on.
    pub documents: Vec<PathBuf>,
    /// Texts that the answer contains, whatever their case, accents and apostrophes.
    pub contains: Vec<String>,
    /// Texts of which the answer contains one at least.
    pub contains_any: Vec<String>,
    /// Texts that the answer does not contain.
    pub excludes: Vec<String>,
    /// A regular expression that the answer matches somewhere.
    pub pattern: Option<String>,
    /// A regular expression that the answer matches nowhere.
    pub excludes_pattern: Option<String>,
    /// The language that it is in.
    pub language: Option<Tongue>,
    /// The least number of words.
    pub least_words: Option<usize>,
    /// The most words.
    pub most_words: Option<usize>,
    /// Whether the answer is a refusal, or says that it does not know.
    pub refuses: Option<bool>,
    /// The titles of the documents that it cites.
    pub cites: Vec<String>,
    /// Whether it is one JSON value.
    pub json: bool,
    /// A JSON schema that it keeps to, as one JSON value and nothing else.
    pub schema: Option<Value>,
    /// How near its meaning is to `output_true`, at least: the cosine of their vectors.
    pub similar: Option<f32>,
    /// What a judging model is asked about the answer: a sentence that must be true of it.
    pub rubric: Option<String>,
    /// How often it is asked; that of the command line where it does not say.
    pub repeats: Option<u32>,
    /// The seed of the first repeat.
    pub seed: Option<u64>,
}

impl Case {
    /// Whether the case can be asked and judged.
    pub(super) fn sound(&self) -> Result<(), CaseError> {
        let refuse = |reason: &str| Err(CaseError::Case { case: self.name.clone(), reason: reason.to_owned() });
        if self.query.trim().is_empty() {
            return refuse("`query` is missing");
        }
        if !self.judges() {
            return refuse(
                "nothing says what its answer must be like: add `contains`, `excludes`, `rubric` or another check",
            );
        }
        if self.similar.is_some() && self.output_true.is_none() {
            return refuse("`similar` compares with `output_true`, which is missing");
        }
        if self.similar.is_some_and(|least| !(-1.0..=1.0).contains(&least)) {
            return refuse("`similar` is a cosine, from -1 to 1");
        }
        if self.repeats.is_some_and(|repeats| repeats == 0 || repeats > MOST_REPEATS) {
            return refuse(&format!("`repeats` is from 1 to {MOST_REPEATS}"));
        }
        if self.least_words.zip(self.most_words).is_some_and(|(least, most)| least > most) {
            return refuse("`least_words` is more than `most_words`");
        }
        if !self.cites.is_empty() && self.passages.is_empty() && self.documents.is_empty() {
            return refuse("`cites` names documents, and the case has no `passages` and no `documents`");
        }
        if self.documents.len() > MOST_DOCUMENTS {
            return refuse(&format!("`documents` names more than {MOST_DOCUMENTS} files"));
        }
        if self.documents.iter().any(|path| path.as_os_str().is_empty()) {
            return refuse("`documents` names a file without a name");
        }
        let texts = [&self.contains, &self.contains_any, &self.excludes, &self.cites];
        if texts.into_iter().flatten().any(|text| words::plain(text).is_empty()) {
            return refuse("a text to be found is empty");
        }
        for pattern in [&self.pattern, &self.excludes_pattern].into_iter().flatten() {
            if let Err(error) = regex(pattern) {
                return refuse(&format!("the pattern `{pattern}` cannot be used: {}", last_line(&error.to_string())));
            }
        }
        if let Some(schema) = &self.schema
            && let Err(reason) = schema::sound(schema)
        {
            return refuse(&format!("`schema` cannot be used: {reason}"));
        }
        Ok(())
    }

    fn judges(&self) -> bool {
        let lists = [&self.contains, &self.contains_any, &self.excludes, &self.cites];
        lists.into_iter().any(|list| !list.is_empty())
            || self.pattern.is_some()
            || self.excludes_pattern.is_some()
            || self.language.is_some()
            || self.least_words.is_some()
            || self.most_words.is_some()
            || self.refuses.is_some()
            || self.json
            || self.schema.is_some()
            || self.similar.is_some()
            || self.rubric.is_some()
    }
}

/// A pattern as answers are matched by it: in any case, in linear time, against what [`words::typed`] makes of them.
pub(super) fn regex(pattern: &str) -> Result<regex::Regex, regex::Error> {
    RegexBuilder::new(&words::typed(pattern))
        .case_insensitive(true)
        .multi_line(true)
        .size_limit(schema::PATTERN_SIZE)
        .build()
}

/// What an error of several lines ends with.
pub(super) fn last_line(text: &str) -> &str {
    text.lines().next_back().unwrap_or_default().trim()
}
