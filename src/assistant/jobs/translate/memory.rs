//! What a room has translated before. Pure: the store keeps it, sealed.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::prompt::VERSION;
use crate::translation::{glossary::Given, languages::TextLanguage};

/// The most bytes of what is kept, as JSON: somewhat less than the store takes.
const MOST_BYTES: usize = 1_000_000;

/// What an entry takes beside its text, in bytes.
const ENTRY_BYTES: usize = 64;

/// Translations by what they were made from. The newest are last.
#[derive(Default)]
pub struct Memory {
    entries: HashMap<String, Entry>,
    used: u64,
    /// Whether it has changed since it was read.
    pub changed: bool,
}

struct Entry {
    text: String,
    /// The larger, the later it was used.
    used: u64,
}

/// What a translation is made from, beside its text.
#[derive(Clone, Copy)]
pub struct Made<'a> {
    /// The language of the text.
    pub from: Option<TextLanguage>,
    /// The language of the translation.
    pub to: TextLanguage,
    /// The model's name.
    pub model: &'a str,
}

impl Made<'_> {
    /// What tells a translation from all others: another model, term or wording makes another one.
    pub fn key(&self, text: &str, terms: &[Given<'_>]) -> String {
        let mut hasher = blake3::Hasher::new();
        let from = self.from.map_or("", TextLanguage::code);
        let terms = terms.iter().flat_map(|term| [term.source, term.target]);
        for part in [VERSION.as_str(), self.model, from, self.to.code(), text].into_iter().chain(terms) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex().chars().take(32).collect()
    }
}

impl Memory {
    /// What was kept. What is not understood counts for nothing.
    pub fn read(content: &Value) -> Self {
        let mut memory = Self::default();
        let entries = content.get("entries").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for entry in entries {
            if let (Some(key), Some(text)) =
                (entry.get(0).and_then(Value::as_str), entry.get(1).and_then(Value::as_str))
            {
                memory.put(key.to_owned(), text.to_owned());
            }
        }
        memory.changed = false;
        memory
    }

    /// What is to be kept: as many of the newest as there is room for.
    #[must_use]
    pub fn written(&self) -> Value {
        let mut entries: Vec<(&String, &Entry)> = self.entries.iter().collect();
        entries.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.used));
        let mut bytes = 0;
        entries.retain(|(_, entry)| {
            // Its signs may be written in six bytes each.
            let escaped = entry
                .text
                .chars()
                .map(|letter| if letter.is_control() || "\"\\".contains(letter) { 6 } else { letter.len_utf8() });
            bytes += escaped.sum::<usize>() + ENTRY_BYTES;
            bytes <= MOST_BYTES
        });
        let entries: Vec<Value> = entries.iter().rev().map(|(key, entry)| json!([key, entry.text])).collect();
        json!({ "entries": entries })
    }

    /// A translation made before.
    pub fn get(&mut self, key: &str) -> Option<String> {
        self.used += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.used;
        Some(entry.text.clone())
    }

    /// Remembers a translation.
    pub fn put(&mut self, key: String, text: String) {
        self.used += 1;
        self.entries.insert(key, Entry { text, used: self.used });
        self.changed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::{Made, Memory};
    use crate::translation::{glossary::Given, languages::TextLanguage};

    #[test]
    fn what_was_translated_is_found_again_and_the_oldest_goes() {
        let mut memory = Memory::default();
        for number in 0..2_000 {
            memory.put(number.to_string(), format!("{number}\n{}", "x".repeat(1_000)));
        }
        assert!(memory.get("0").is_some());
        let kept = memory.written();
        assert!(serde_json::to_vec(&kept).expect("JSON").len() < crate::job::LARGEST_STATE);
        let mut again = Memory::read(&kept);
        assert!(!again.changed && again.get("0").is_some() && again.get("1999").is_some() && again.get("1").is_none());
        for odd in [serde_json::json!(null), serde_json::json!({"entries": [1, [2, 3], ["a"]]})] {
            assert!(Memory::read(&odd).entries.is_empty());
        }
    }

    #[test]
    fn another_term_language_or_model_is_another_translation() {
        let (french, english) = (TextLanguage::french(), TextLanguage::english());
        let made = Made { from: Some(french), to: english, model: "a" };
        let term = [Given { source: "note", target: "memo" }];
        let keys = [
            made.key("note", &[]),
            made.key("note", &term),
            made.key("notes", &[]),
            Made { model: "b", ..made }.key("note", &[]),
            Made { from: None, ..made }.key("note", &[]),
            Made { to: french, ..made }.key("note", &[]),
        ];
        assert_eq!(keys.iter().collect::<std::collections::HashSet<_>>().len(), keys.len());
    }
}
