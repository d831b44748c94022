//! The labels of a model that classifies tokens: which of them mean a person, a place or an organisation. Pure.

use serde_json::Value as Json;

use super::super::gguf_error::{GgufError, one_line};
use crate::pseudonym::Kind;

/// What is looked for. The other labels of a model (dates, amounts, `MISC`) are read as none.
pub(super) const KINDS: [Kind; 3] = [Kind::Person, Kind::Place, Kind::Organisation];

/// The words of labels, in capitals, in the order of [`KINDS`].
const WORDS: [&[&str]; 3] = [
    &[
        "PER",
        "PERS",
        "PERSON",
        "PERSONS",
        "PERSONNE",
        "NAME",
        "NOM",
        "PRENOM",
        "FIRSTNAME",
        "LASTNAME",
        "MIDDLENAME",
        "PATIENT",
        "STAFF",
    ],
    &["LOC", "LOCATION", "LIEU", "PLACE", "GPE", "CITY", "VILLE"],
    &["ORG", "ORGANIZATION", "ORGANISATION", "CORP", "CORPORATION", "COMPANY", "ENTREPRISE", "HOSPITAL"],
];

/// The most labels of a model.
const MOST_LABELS: usize = 512;

/// What one label says of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Meaning {
    /// Which of [`KINDS`].
    pub kind: usize,
    /// Whether something begins here: `B-`, `U-`, `S-`. A model without these marks says of nothing that it begins.
    pub begins: bool,
}

/// What each label of a model says, by its number; nothing where it means none of [`KINDS`].
#[derive(Clone, Debug)]
pub(super) struct Labels(Vec<Option<Meaning>>);

impl Labels {
    /// Reads `id2label` of `config.json`.
    pub(super) fn read(json: &Json) -> Result<Self, GgufError> {
        let whole_texts = |name: &Json| name.as_str().is_some_and(|name| name.ends_with("ForSequenceClassification"));
        if json["architectures"].as_array().is_some_and(|names| names.iter().any(whole_texts)) {
            return Err(GgufError::unsupported("it classifies whole texts, not their words"));
        }
        let named = json["id2label"].as_object().filter(|named| (2..=MOST_LABELS).contains(&named.len()));
        let named =
            named.ok_or_else(|| GgufError::unsupported("its config.json names no labels (id2label) for words"))?;
        let label = |number: usize| named.get(&number.to_string()).and_then(Json::as_str);
        let labels: Option<Vec<&str>> = (0..named.len()).map(label).collect();
        let labels = labels.ok_or_else(|| GgufError::damaged("the id2label of its config.json leaves out a number"))?;
        let meanings: Vec<Option<Meaning>> = labels.iter().map(|label| meaning(label)).collect();
        if meanings.iter().all(Option::is_none) {
            let shown: String = one_line(&labels.join(", ")).chars().take(80).collect();
            return Err(GgufError::unsupported(format!(
                "none of its labels means a person, a place or an organisation: {shown}"
            )));
        }
        Ok(Self(meanings))
    }

    /// How many there are, those that mean nothing here included.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// How likely a token is of each of [`KINDS`], and whether it begins there, from how likely each label is.
    pub(super) fn weigh(&self, chances: &[f32]) -> [(f32, bool); KINDS.len()] {
        let mut sums = [(0.0_f32, 0.0_f32); KINDS.len()];
        for (meaning, chance) in self.0.iter().zip(chances) {
            if let Some(Meaning { kind, begins }) = meaning {
                let (all, begun) = &mut sums[*kind];
                *all += chance;
                *begun += if *begins { *chance } else { 0.0 };
            }
        }
        sums.map(|(all, begun)| (all, begun > all - begun))
    }
}

/// What a label says, with a prefix of BIO, IOB2, BILOU or BIOES, or without one.
fn meaning(label: &str) -> Option<Meaning> {
    let label = label.trim().to_uppercase();
    let (mark, word) = match label.split_once(['-', '_']) {
        Some((mark, word)) if mark.len() == 1 && "BILOUES".contains(mark) => (mark, word),
        _ => ("", label.as_str()),
    };
    let word: String = word.chars().filter(char::is_ascii_alphabetic).collect();
    let kind = WORDS.iter().position(|words| words.contains(&word.as_str()))?;
    Some(Meaning { kind, begins: ["B", "U", "S"].contains(&mark) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Labels, Meaning, meaning};

    #[test]
    fn the_labels_of_published_schemes_are_understood() {
        for (label, kind, begins) in [
            ("I-PER", 0, false),
            ("B-PER", 0, true),
            ("U-LOC", 1, true),
            ("L-ORG", 2, false),
            ("S_Org", 2, true),
            ("E-person", 0, false),
            ("PERSON", 0, false),
            ("B-GPE", 1, true),
            ("B-FIRST_NAME", 0, true),
        ] {
            assert_eq!(meaning(label), Some(Meaning { kind, begins }), "{label}");
        }
        for label in ["O", "B-MISC", "I-DATE", "LABEL_1", "", "B-", "PERIOD", "é"] {
            assert_eq!(meaning(label), None, "{label}");
        }
    }

    #[test]
    fn a_model_without_such_labels_is_refused() {
        let read = |json| Labels::read(&json).map(|labels| labels.len()).map_err(|error| error.to_string());
        assert_eq!(read(json!({"id2label": {"0": "O", "1": "I-LOC", "2": "I-PER"}})), Ok(3));
        for (json, says) in [
            (json!({}), "id2label"),
            (json!({"id2label": {"0": "O"}}), "id2label"),
            (json!({"id2label": {"0": "O", "2": "I-PER"}}), "leaves out"),
            (json!({"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}), "none of its labels"),
            (
                json!({"architectures": ["BertForSequenceClassification"], "id2label": {"0": "PER", "1": "LOC"}}),
                "whole texts",
            ),
        ] {
            let error = read(json).expect_err(says);
            assert!(error.contains(says), "{says}: {error}");
        }
    }

    #[test]
    fn the_chances_of_a_kind_are_added_whatever_the_mark() {
        let labels = Labels::read(&json!({"id2label": {"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-LOC"}})).unwrap();
        let weighed = labels.weigh(&[0.2, 0.25, 0.35, 0.2]);
        assert!((weighed[0].0 - 0.6).abs() < 1e-6 && !weighed[0].1, "{weighed:?}");
        assert!((weighed[1].0 - 0.2).abs() < 1e-6 && weighed[1].1 && weighed[2].0 == 0.0, "{weighed:?}");
    }
}
