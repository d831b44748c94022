//! What was given placeholders in one text is put back in another: the answer of a model, as it is written.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::kind::Kind;
use super::placeholder::{self, LONGEST, Placeholder};
use super::table::Table;

/// What the placeholders of some texts stand for. Others are left as they are, also where the table knows them: whoever reads the answer has not
/// necessarily read all that the table holds.
#[derive(Clone, Default)]
pub struct Restorer {
    /// For each kind and number, the spellings that the texts have.
    originals: HashMap<(Kind, u32), Vec<(u32, String)>>,
}

impl Table {
    /// What puts back the placeholders that stand in these texts.
    #[must_use]
    pub fn restorer<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Restorer {
        let mut restorer = Restorer::default();
        for text in texts {
            for (.., placeholder) in placeholder::all(text) {
                let Some(original) = self.original(placeholder) else { continue };
                let Placeholder { kind, number, spelling } = placeholder;
                let spellings = restorer.originals.entry((kind, number)).or_default();
                if !spellings.iter().any(|(known, _)| *known == spelling) {
                    spellings.push((spelling, original.to_owned()));
                }
            }
        }
        restorer
    }
}

impl Restorer {
    /// As it is put back within the texts of a JSON value.
    #[must_use]
    pub fn within_json(mut self) -> Self {
        for (_, original) in self.originals.values_mut().flatten() {
            let quoted = serde_json::Value::from(original.as_str()).to_string();
            quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().clone_into(original);
        }
        self
    }

    /// Puts back what placeholders stand for. Those that stand for nothing are left.
    #[must_use]
    pub fn restore(&self, text: &str) -> String {
        placeholder::restored(text, |placeholder| self.original(placeholder))
    }

    /// An unknown spelling is the first one.
    fn original(&self, Placeholder { kind, number, spelling }: Placeholder) -> Option<&str> {
        let spellings = self.originals.get(&(kind, number))?;
        let same = spellings.iter().find(|(known, _)| *known == spelling).or_else(|| spellings.first());
        same.map(|(_, original)| original.as_str())
    }
}

/// Only how much there is is shown.
impl fmt::Debug for Restorer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Restorer({} entries)", self.originals.len())
    }
}

/// Puts back what stands in a text that comes in pieces. What comes out in all does not depend on where they end.
#[derive(Debug)]
pub struct Restoring {
    restorer: Arc<Restorer>,
    /// What may be the beginning of a placeholder.
    held: String,
}

impl Restoring {
    /// Nothing has come yet.
    #[must_use]
    pub fn new(restorer: Arc<Restorer>) -> Self {
        Self { restorer, held: String::new() }
    }

    /// Takes the next piece, and gives what may go on.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let ready = self.held.len() - unfinished(&self.held);
        let text = self.restorer.restore(&self.held[..ready]);
        self.held.drain(..ready);
        text
    }

    /// The text is over: gives what was held back.
    pub fn finish(&mut self) -> String {
        self.restorer.restore(&std::mem::take(&mut self.held))
    }
}

/// How many bytes at the end of a text may be the beginning of a placeholder. There is no bracket within one.
fn unfinished(text: &str) -> usize {
    let Some(start) = text.rfind('[') else { return 0 };
    let tail = &text[start..];
    if tail.len() < LONGEST && !tail.contains(']') { tail.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::table::Table;
    use super::{LONGEST, Restorer, Restoring};

    const TEXT: &str = "Mme Aïcha Benali (aicha.benali@exemple.fr, 06 12 34 56 78) écrit à Paul Durand. Benali attend.";

    fn table() -> (Table, String) {
        let mut table = Table::new();
        let shown = table.pseudonymise(TEXT).text;
        (table, shown)
    }

    #[test]
    fn what_stands_in_the_text_is_put_back_and_nothing_else() {
        let (mut table, shown) = table();
        let restorer = table.restorer([shown.as_str()]);
        assert_eq!(restorer.restore(&shown), TEXT);
        let other = table.pseudonymise("M. Zacharie Lelouch, 07 11 22 33 44").text;
        assert_eq!(restorer.restore(&other), other, "of another text");
        assert_eq!(restorer.restore("[personne\\_1] et [PERSONNE_1.9], [x]"), "Aïcha Benali et Aïcha Benali, [x]");
        assert!(!format!("{restorer:?}").contains("Benali"));
    }

    #[test]
    fn within_json_it_stays_json() {
        let mut table = Table::new();
        let name = table.person("Jean \"Jo\"\nDupré");
        let restorer = table.restorer([name.as_str()]).within_json();
        let json = restorer.restore(&format!("{{\"who\": \"{name}\"}}"));
        let value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(value["who"], "Jean \"Jo\"\nDupré");
    }

    #[test]
    fn no_more_is_held_back_than_a_placeholder_has() {
        let mut restoring = Restoring::new(Arc::new(Restorer::default()));
        let mut out = String::new();
        for piece in ["[", "a", "]", "[b](c", &"d".repeat(LONGEST), "[", &"e".repeat(LONGEST)] {
            out.push_str(&restoring.push(piece));
            assert!(restoring.held.len() < LONGEST);
        }
        assert!(out.ends_with('e'));
    }

    proptest! {
        #[test]
        fn what_comes_out_does_not_depend_on_where_the_pieces_end(
            text in "(\\[PERSONNE_[12](\\.2)?\\]|\\[courriel\\\\_1\\]|\\[TELEPHONE 1\\]|\\[|\\]|PERSONNE|_1|é|\\[TEXTE_|1234567890| ){0,24}",
            places in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
        ) {
            let (table, shown) = table();
            let restorer = Arc::new(table.restorer([shown.as_str()]));
            let boundaries: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let mut places: Vec<usize> = places.iter().map(|place| *place.get(&boundaries)).collect();
            places.extend([0, text.len()]);
            places.sort_unstable();
            let mut restoring = Restoring::new(Arc::clone(&restorer));
            let pieces = places.windows(2).map(|pair| &text[pair[0]..pair[1]]);
            let mut out: String = pieces.map(|piece| restoring.push(piece)).collect();
            out.push_str(&restoring.finish());
            prop_assert_eq!(out, restorer.restore(&text));
        }
    }
}
