//! Names that a model finds in texts, beside the rules of pseudonymisation, where the configuration has one.
//!
//! A text is read in units, a paragraph or a line each, so that what was read once is known again wherever it is put together with others: in the
//! prompt, and with the next question. What is remembered are places of names and no words. A text that could not be read is an error: whoever asked
//! does not go on without.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    inference::{EmbeddingError, EntityModel, Haste, InferenceError},
    pseudonym::Suggestion,
};

/// The most units whose names are remembered, and the most names in them; the oldest are forgotten.
const MOST_UNITS: usize = 20_000;
const MOST_NAMES: usize = 200_000;

/// The most bytes of lines that are read together.
const LONGEST_UNIT: usize = 4 << 10;

/// A line of so many characters may have been broken where it had no more room: the next one goes on with it.
const FULL_LINE: std::ops::RangeInclusive<usize> = 50..=100;

/// What finds names in texts.
pub struct Entities {
    model: Arc<dyn EntityModel>,
    read: Mutex<Remembered>,
}

/// What was read before.
#[derive(Default)]
struct Remembered {
    units: HashMap<Key, Names>,
    order: VecDeque<Key>,
    /// The names of all units.
    count: usize,
}

/// By what a unit is known: a hash of its text.
type Key = [u8; 32];

type Names = Arc<[Suggestion]>;

/// What was found in some texts.
#[derive(Clone, Default)]
pub struct Found(HashMap<Key, Names>);

impl Found {
    /// What was found in a text, and in such units of it as were read in others.
    #[must_use]
    pub fn of(&self, text: &str) -> Vec<Suggestion> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let shifted = |unit: Range<usize>| {
            let names = self.0.get(&key(&text[unit.clone()]));
            names.into_iter().flat_map(|names| names.iter()).map(move |Suggestion { kind, range }| Suggestion {
                kind: *kind,
                range: range.start + unit.start..range.end + unit.start,
            })
        };
        units(text).into_iter().flat_map(shifted).collect()
    }

    /// Adds what was found in other texts.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl Entities {
    /// Names that this model finds.
    #[must_use]
    pub fn new(model: Arc<dyn EntityModel>) -> Self {
        Self { model, read: Mutex::default() }
    }

    /// Reads texts, all of them or none. Dropping the future ends it.
    pub async fn read(&self, texts: &[&str], haste: Haste) -> Result<Found, InferenceError> {
        let (mut found, mut unread) = (Found::default(), Vec::new());
        let mut asked = HashSet::new();
        {
            let remembered = self.remembered();
            for unit in texts.iter().flat_map(|text| units(text).into_iter().map(|unit| &text[unit])) {
                let key = key(unit);
                if let Some(names) = remembered.units.get(&key) {
                    found.0.insert(key, Arc::clone(names));
                } else if asked.insert(key) {
                    unread.push((key, unit.to_owned()));
                }
            }
        }
        let (keys, texts): (Vec<Key>, Vec<String>) = unread.into_iter().unzip();
        if texts.is_empty() {
            return Ok(found);
        }
        let names = self.model.find(&texts, haste).await.map_err(convert)?;
        if names.len() != texts.len() {
            return Err(InferenceError::Engine("the model that finds names left out a text".to_owned()));
        }
        let mut remembered = self.remembered();
        for (key, names) in keys.into_iter().zip(names) {
            let names: Names = names.into();
            remembered.note(key, Arc::clone(&names));
            found.0.insert(key, names);
        }
        Ok(found)
    }

    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    fn note(&mut self, key: Key, names: Names) {
        self.count += names.len();
        match self.units.insert(key, names) {
            Some(before) => self.count -= before.len(),
            None => self.order.push_back(key),
        }
        while self.order.len() > MOST_UNITS || self.count > MOST_NAMES {
            let Some(oldest) = self.order.pop_front() else { break };
            self.count -= self.units.remove(&oldest).map_or(0, |names| names.len());
        }
    }
}

/// A failure, as one of the model that answers: what is done about it is the same.
fn convert(error: EmbeddingError) -> InferenceError {
    match error {
        EmbeddingError::Busy => InferenceError::Busy,
        other => InferenceError::Engine(format!("names were not looked for: {other}")),
    }
}

fn key(unit: &str) -> Key {
    *blake3::hash(unit.as_bytes()).as_bytes()
}

/// The units of a text that have letters, in order: its lines, with those that go on with the line before.
fn units(text: &str) -> Vec<Range<usize>> {
    let mut units: Vec<Range<usize>> = Vec::new();
    let (mut start, mut goes_on) = (0, false);
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        let words = line.trim();
        if words.chars().any(char::is_alphabetic) {
            let from = start + (line.len() - line.trim_start().len());
            let to = from + words.len();
            match units.last_mut().filter(|unit| goes_on && to - unit.start <= LONGEST_UNIT) {
                Some(unit) => unit.end = to,
                None => units.push(from..to),
            }
        }
        goes_on = FULL_LINE.contains(&words.chars().count())
            && words.ends_with(|last: char| last.is_alphanumeric() || last == ',' || last == '-');
        start = end;
    }
    units
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::{Arc, EmbeddingError, Entities, EntityModel, Haste, MOST_NAMES, MOST_UNITS, Suggestion, key, units};
    use crate::pseudonym::Kind;

    /// Finds every "Zbrwkov", and notes what it is given.
    #[derive(Default)]
    struct Reader {
        read: Mutex<Vec<String>>,
        fails: bool,
    }

    #[async_trait]
    impl EntityModel for Reader {
        fn name(&self) -> &'static str {
            "reader"
        }

        async fn find(&self, texts: &[String], _: Haste) -> Result<Vec<Vec<Suggestion>>, EmbeddingError> {
            if self.fails {
                return Err(EmbeddingError::Engine("broken".to_owned()));
            }
            self.read.lock().unwrap().extend(texts.iter().cloned());
            let named =
                |(start, name): (usize, &str)| Suggestion { kind: Kind::Person, range: start..start + name.len() };
            Ok(texts.iter().map(|text| text.match_indices("Zbrwkov").map(named).collect()).collect())
        }
    }

    #[tokio::test]
    async fn what_was_read_is_known_wherever_it_stands_and_read_once() {
        let reader = Arc::new(Reader::default());
        let entities = Entities::new(Arc::clone(&reader) as Arc<dyn EntityModel>);
        let found = entities.read(&["Vu Zbrwkov.\n\nRien.", "Rien."], Haste::Answer).await.unwrap();
        assert_eq!(*reader.read.lock().unwrap(), ["Vu Zbrwkov.", "Rien."]);
        let whole = "Question :\nVu Zbrwkov.\n42\nRien.";
        let names = found.of(whole);
        assert_eq!(names.iter().map(|name| &whole[name.range.clone()]).collect::<Vec<_>>(), ["Zbrwkov"]);
        assert!(found.of("Zbrwkov est ailleurs.").is_empty(), "that was not read");
        let found = entities.read(&[whole], Haste::Answer).await.unwrap();
        assert_eq!(reader.read.lock().unwrap().last().map(String::as_str), Some("Question :"), "all else is known");
        assert_eq!(found.of(whole), names);
    }

    #[tokio::test]
    async fn a_text_that_is_not_read_is_an_error() {
        let entities = Entities::new(Arc::new(Reader { fails: true, ..Reader::default() }));
        assert!(entities.read(&["Rien."], Haste::Answer).await.is_err());
        assert!(entities.read(&["42", ""], Haste::Answer).await.is_ok(), "there is nothing to be read");
    }

    #[test]
    fn lines_that_were_broken_are_read_together() {
        let broken = "La demande de rendez-vous que nous a faite hier monsieur Zbr\nwkov est ici.\nUne ligne courte\nune autre\n\n  Nom  \n---\n";
        let read: Vec<&str> = units(broken).into_iter().map(|unit| &broken[unit]).collect();
        let joined = "La demande de rendez-vous que nous a faite hier monsieur Zbr\nwkov est ici.";
        assert_eq!(read, [joined, "Une ligne courte", "une autre", "Nom"]);
        let long = "mot ".repeat(15) + "fin\n";
        assert!(units(&long.repeat(1000)).len() > 10, "not without end");
    }

    #[test]
    fn what_is_remembered_has_a_limit() {
        let mut remembered = super::Remembered::default();
        let one = Suggestion { kind: Kind::Person, range: 0..1 };
        for at in 0..MOST_UNITS + 5 {
            remembered.note(key(&at.to_string()), vec![one.clone()].into());
        }
        assert_eq!((remembered.units.len(), remembered.count), (MOST_UNITS, MOST_UNITS));
        assert!(!remembered.units.contains_key(&key("4")) && remembered.units.contains_key(&key("5")));
        remembered.note(key("many"), vec![one; MOST_NAMES].into());
        assert_eq!((remembered.units.len(), remembered.count), (1, MOST_NAMES));
    }
}
