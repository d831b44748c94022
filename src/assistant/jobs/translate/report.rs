//! What is said under a translation: what of the text is not in it, terms that it does not use, passages that it leaves. Pure.

use super::translator::Translation;
use crate::assistant::{
    commands::inert,
    texts::{self, Language, Text},
};

/// The most lines of a list.
const MOST_LINES: usize = 15;

/// How much of a passage tells where something stands, in characters.
const SHOWN: usize = 40;

/// What is to be said of several translations.
#[derive(Default)]
pub(super) struct Report {
    missing: Vec<String>,
    unused: Vec<String>,
    failed: usize,
    /// How many passages have their formatting elsewhere.
    pub formatting: usize,
}

impl Report {
    /// Adds what is to be said of a translation. `passage` tells where it stands, where there are several.
    pub fn add(&mut self, translation: &Translation, passage: &str) {
        let place = place(passage);
        self.failed += usize::from(translation.failed);
        for difference in &translation.differences {
            let line = format!("- « {} »{place}", inert(&difference.shown));
            if !self.missing.contains(&line) {
                self.missing.push(line);
            }
        }
        for (source, target) in &translation.unused {
            let line = format!("- « {} » → « {} »{place}", inert(source), inert(target));
            if !self.unused.contains(&line) {
                self.unused.push(line);
            }
        }
    }

    /// The sentences, in a language.
    pub fn said(&self, language: Language) -> Vec<String> {
        let list = |lines: &[String]| {
            let shown = lines.iter().take(MOST_LINES).cloned().collect::<Vec<_>>().join("\n");
            (shown, lines.len().saturating_sub(MOST_LINES))
        };
        let (unused, unused_left) = list(&self.unused);
        let (missing, missing_left) = list(&self.missing);
        let said = [
            (self.failed > 0).then_some(texts::Translation::Failed { count: self.failed }),
            (!unused.is_empty()).then_some(texts::Translation::Unused { lines: &unused, left: unused_left }),
            (!missing.is_empty()).then_some(texts::Translation::Missing { lines: &missing, left: missing_left }),
            (self.formatting > 0).then_some(texts::Translation::Formatting { count: self.formatting }),
        ];
        said.into_iter().flatten().map(|text| Text::Translation(text).say(language).into_owned()).collect()
    }
}

/// The beginning of a passage, as where something stands.
fn place(passage: &str) -> String {
    let words = passage.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        return String::new();
    }
    let shown = match words.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", words.get(..end).unwrap_or_default().trim_end()),
        None => words,
    };
    format!(" — *{}*", inert(&shown))
}
