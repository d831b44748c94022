//! Corrections of a note: simple ones are read by the program, the others by a model as one operation. The program applies them. Pure.

use ruma::EventId;
use serde_json::{Map, Value};

use super::{
    dates::{self, in_words},
    evidence::{meaning, person},
    found::object,
    value::{Entry, LONGEST_CONTEXT, LONGEST_ENTRY, LONGEST_NAME, LONGEST_OBJECT, MOST_ENTRIES, Note, Section, short},
};
use crate::{compagnon::Language, index::french::fold};

/// A correction.
#[derive(Clone, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub enum Edit {
    /// An entry changes; what is `None` stays.
    Set {
        /// Its section.
        section: Section,
        /// Its number, from 1.
        index: usize,
        /// What changes.
        fields: Fields,
    },
    /// An entry goes.
    Remove {
        /// Its section.
        section: Section,
        /// Its number, from 1.
        index: usize,
    },
    /// An entry comes.
    Add {
        /// Its section.
        section: Section,
        /// What it says.
        fields: Fields,
    },
    /// The object changes.
    Object(String),
    /// The context changes.
    Context(String),
}

/// What a correction says of an entry.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Fields {
    /// What it says.
    pub text: Option<String>,
    /// Who does it.
    pub who: Option<String>,
    /// When.
    pub when: Option<String>,
}

/// What a correction comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The note is another one.
    Changed,
    /// There is no entry of that number.
    NoSuch(usize),
    /// It changes nothing: it says nothing, or there is no place.
    Nothing,
}

/// A correction as it was made.
#[derive(Clone, Copy)]
pub struct Corrected<'a> {
    /// The message that makes it: an entry that it adds comes from there.
    pub message: &'a EventId,
    /// The day it was written on.
    pub day: jiff::civil::Date,
    /// The language of the note.
    pub language: Language,
}

impl Edit {
    /// Applies it to a note.
    pub fn apply(&self, note: &mut Note, corrected: Corrected<'_>) -> Applied {
        let people = note.participants.clone();
        let who = |who: &String| {
            let who = short(who, LONGEST_NAME);
            person(&who, &people, &[]).unwrap_or(who)
        };
        let when = |when: &String| {
            let date = dates::first(when, corrected.day);
            date.map_or_else(|| short(when, LONGEST_NAME), |date| in_words(date, corrected.language))
        };
        match self {
            Self::Object(text) => note.object = short(text, LONGEST_OBJECT),
            Self::Context(text) => note.context = short(text, LONGEST_CONTEXT),
            Self::Add { section, fields } => {
                let entries = note.section_mut(*section);
                let Some(text) = fields.text.as_deref().filter(|_| entries.len() < MOST_ENTRIES) else {
                    return Applied::Nothing;
                };
                let actions = *section == Section::Actions;
                entries.push(Entry {
                    text: short(text, LONGEST_ENTRY),
                    who: fields.who.as_ref().filter(|_| actions).map(who),
                    when: fields.when.as_ref().filter(|_| actions).map(when),
                    messages: vec![corrected.message.to_owned()],
                });
            }
            Self::Remove { section, index } => {
                let entries = note.section_mut(*section);
                let Some(at) = index.checked_sub(1).filter(|at| *at < entries.len()) else {
                    return Applied::NoSuch(*index);
                };
                entries.remove(at);
            }
            Self::Set { section, index, fields } => {
                if *fields == Fields::default() {
                    return Applied::Nothing;
                }
                let actions = *section == Section::Actions;
                let entries = note.section_mut(*section);
                let Some(entry) = index.checked_sub(1).and_then(|at| entries.get_mut(at)) else {
                    return Applied::NoSuch(*index);
                };
                if let Some(text) = &fields.text {
                    entry.text = short(text, LONGEST_ENTRY);
                }
                if let Some(new) = fields.who.as_ref().filter(|_| actions) {
                    entry.who = Some(who(new));
                }
                if let Some(new) = fields.when.as_ref().filter(|_| actions) {
                    entry.when = Some(when(new));
                }
            }
        }
        Applied::Changed
    }

    /// Reads a correction in one of the usual forms; `None` where a model must read it.
    #[must_use]
    pub fn read(text: &str, day: jiff::civil::Date) -> Option<Self> {
        let text = text.trim();
        if text.contains('\n') {
            return None;
        }
        let said: Vec<Word<'_>> = Word::of(text);
        let plain: Vec<&str> = said.iter().map(|word| word.plain.as_str()).collect();
        let rest = |from: usize| said.get(from).map(|word| clean(&text[word.at..])).filter(|rest| !rest.is_empty());
        let plain: &[&str] = &plain;
        match plain {
            ["objet" | "object" | "titre" | "title", ..] if ends_with_colon(said.first()) => rest(1).map(Self::Object),
            ["contexte" | "context", ..] if ends_with_colon(said.first()) => rest(1).map(Self::Context),
            [verb, more @ ..] if REMOVE.contains(verb) => match skip(more, 1) {
                ([section, number], _) => {
                    Some(Self::Remove { section: self::section(section)?, index: index(number)? })
                }
                _ => None,
            },
            [verb, more @ ..] if ADD.contains(verb) => {
                let (more, at) = skip(more, 1);
                let section = section(more.first()?)?;
                // "ajoute la décision 3 à …" is something else.
                let more_than_number = more.get(1).is_some_and(|word| index(word).is_none());
                rest(at + 1).filter(|_| more_than_number).map(|text| Self::Add { section, fields: fields(&text) })
            }
            _ => {
                let (words, at) = skip(plain, 0);
                let (section, index) = (section(words.first()?)?, index(words.get(1)?)?);
                let set = |fields| Some(Self::Set { section, index, fields });
                let said_of = said.get(at + 1);
                let for_whom = |from: usize| {
                    let whom = rest(from)?;
                    // Who, or by when.
                    let is_date = dates::begins(&dates::words(&whom), day, dates::Way::Ahead).is_some()
                        || dates::begins(dates::words(&whom).get(1..)?, day, dates::Way::Ahead).is_some();
                    Some(if is_date {
                        Fields { when: Some(whom), ..Fields::default() }
                    } else {
                        Fields { who: Some(whom), ..Fields::default() }
                    })
                };
                match words.get(2..)? {
                    ["est" | "is" | "sera" | "c'est", "pour" | "for" | "a" | "to" | "avant" | "by", ..] => {
                        set(for_whom(at + 4)?)
                    }
                    ["pour" | "for", ..] => set(for_whom(at + 3)?),
                    [_, ..] if ends_with_colon(said_of) => set(Fields { text: rest(at + 2), ..Fields::default() }),
                    _ => None,
                }
            }
        }
    }

    /// Whether what it says stands in the message that a model has read it in: nothing else comes into a note.
    #[must_use]
    pub fn is_of(&self, message: &str, participants: &[String]) -> bool {
        let said = meaning(message);
        let stands = |text: &Option<String>| {
            let Some(text) = text else { return true };
            let words = meaning(text);
            words.intersection(&said).count() * 2 >= words.len()
        };
        let named =
            |who: &Option<String>| who.as_ref().is_none_or(|who| person(who, participants, &[message]).is_some());
        match self {
            Self::Object(text) | Self::Context(text) => stands(&Some(text.clone())),
            Self::Set { fields, .. } | Self::Add { fields, .. } => stands(&fields.text) && named(&fields.who),
            Self::Remove { .. } => true,
        }
    }

    /// Reads what a model makes of a correction. `None`: it is none, or the answer has not the form.
    #[must_use]
    pub fn of_answer(answer: &str) -> Option<Self> {
        let object = object(answer)?;
        let text = |key: &str| field(&object, key);
        let section = || {
            let name = object.get("section")?.as_str()?;
            Section::ALL.into_iter().find(|section| section.key() == name)
        };
        let index = || usize::try_from(object.get("index")?.as_u64()?).ok();
        let fields = Fields { text: text("text"), who: text("who"), when: text("when") };
        match object.get("op")?.as_str()? {
            "set" => Some(Self::Set { section: section()?, index: index()?, fields }),
            "remove" => Some(Self::Remove { section: section()?, index: index()? }),
            "add" if fields.text.is_some() => Some(Self::Add { section: section()?, fields }),
            "object" => text("text").map(Self::Object),
            "context" => text("text").map(Self::Context),
            _ => None,
        }
    }
}

fn field(object: &Map<String, Value>, key: &str) -> Option<String> {
    let text = object.get(key)?.as_str()?;
    Some(short(text, LONGEST_CONTEXT)).filter(|text| !text.is_empty())
}

const REMOVE: [&str; 12] = [
    "retire",
    "retirer",
    "retirez",
    "supprime",
    "supprimer",
    "supprimez",
    "enleve",
    "enlever",
    "enlevez",
    "remove",
    "delete",
    "drop",
];
const ADD: [&str; 5] = ["ajoute", "ajouter", "ajoutez", "add", "rajoute"];

/// A word of a text, folded, with where it begins.
struct Word<'a> {
    plain: String,
    whole: &'a str,
    at: usize,
    colon_after: bool,
}

impl<'a> Word<'a> {
    fn of(text: &'a str) -> Vec<Self> {
        let mut words: Vec<Self> = Vec::new();
        for whole in text.split_whitespace() {
            let at = whole.as_ptr() as usize - text.as_ptr() as usize;
            let folded = fold(whole);
            let bare = folded.trim_matches(|letter: char| !letter.is_alphanumeric());
            let plain = bare.strip_prefix("l'").or_else(|| bare.strip_prefix("d'")).unwrap_or(bare).to_owned();
            if plain.is_empty() {
                // French puts a space before a colon.
                if let Some(last) = words.last_mut().filter(|_| whole.starts_with(':')) {
                    last.colon_after = true;
                }
                continue;
            }
            words.push(Self { plain, whole, at, colon_after: whole.ends_with(':') });
        }
        words
    }
}

fn ends_with_colon(word: Option<&Word<'_>>) -> bool {
    word.is_some_and(|word| word.colon_after || word.whole.ends_with(':'))
}

/// Words without the article before them, and where they begin.
fn skip<'a>(words: &'a [&'a str], at: usize) -> (&'a [&'a str], usize) {
    let articles = ["la", "le", "l", "les", "une", "un", "the", "an", "a", "que"];
    match words.split_first() {
        Some((first, rest)) if articles.contains(first) => (rest, at + 1),
        _ => (words, at),
    }
}

fn section(word: &str) -> Option<Section> {
    Some(match word {
        "point" | "points" | "sujet" => Section::Points,
        "decision" | "decisions" => Section::Decisions,
        "action" | "actions" | "tache" | "task" => Section::Actions,
        "question" | "questions" => Section::Questions,
        _ => return None,
    })
}

fn index(word: &str) -> Option<usize> {
    let number = word.trim_start_matches(['n', '°', 'o', '#']);
    number.parse().ok().filter(|index| (1..=MOST_ENTRIES).contains(index))
}

/// What is said, without signs around it.
fn clean(text: &str) -> String {
    let around = |letter: char| letter.is_whitespace() || "«»\"“”:.".contains(letter);
    text.trim_matches(around).to_owned()
}

/// An entry as it is typed: what, then who and when after dashes.
fn fields(text: &str) -> Fields {
    let parts: Vec<&str> = text.split([';', '—', '–', '|']).map(str::trim).filter(|part| !part.is_empty()).collect();
    let part = |index: usize| parts.get(index).map(|part| clean(part));
    Fields { text: part(0), who: part(1), when: part(2) }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use ruma::event_id;

    use super::{Applied, Corrected, Edit, Entry, Fields, Language, Note, Section};

    fn corrected() -> Corrected<'static> {
        Corrected { message: event_id!("$c"), day: date(2026, 11, 23), language: Language::Fr }
    }

    #[allow(clippy::unnecessary_wraps)] // As what it is compared with.
    fn set(section: Section, index: usize, text: &str, who: &str, when: &str) -> Option<Edit> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Some(Edit::Set { section, index, fields: Fields { text: some(text), who: some(who), when: some(when) } })
    }

    #[test]
    fn the_usual_forms_need_no_model() {
        use Section::{Actions, Decisions, Questions};
        let add = |section, text: &str, who: &str, when: &str| {
            let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
            Some(Edit::Add { section, fields: Fields { text: some(text), who: some(who), when: some(when) } })
        };
        for (text, expected) in [
            ("l’action 2 est pour le bureau RH", set(Actions, 2, "", "le bureau RH", "")),
            ("L'action 2 est pour Awa Diallo.", set(Actions, 2, "", "Awa Diallo", "")),
            ("action 3 pour vendredi", set(Actions, 3, "", "", "vendredi")),
            ("l’action 3 est pour le 12 décembre", set(Actions, 3, "", "", "le 12 décembre")),
            ("action 2 is for the HR office", set(Actions, 2, "", "the HR office", "")),
            ("la décision 1 : On garde Tchap", set(Decisions, 1, "On garde Tchap", "", "")),
            ("Décision 1: « On garde Tchap »", set(Decisions, 1, "On garde Tchap", "", "")),
            ("retire la décision 1", Some(Edit::Remove { section: Decisions, index: 1 })),
            ("Supprimez l’action 12", Some(Edit::Remove { section: Actions, index: 12 })),
            ("remove question 2", Some(Edit::Remove { section: Questions, index: 2 })),
            ("ajoute l’action : Prévenir Lyon", add(Actions, "Prévenir Lyon", "", "")),
            ("ajoute l’action Prévenir Lyon — Ben — vendredi", add(Actions, "Prévenir Lyon", "Ben", "vendredi")),
            ("add decision: we stay", add(Decisions, "we stay", "", "")),
            ("objet : Budget 2027", Some(Edit::Object("Budget 2027".to_owned()))),
            ("l’action 2 me paraît mal attribuée", None),
            ("Merci beaucoup", None),
            ("retire ce que Ben a dit", None),
            ("retire la décision", None),
            ("Quelle est la décision 1 ?", None),
            ("l’action 0 est pour Awa", None),
            ("l’action 99999999999999999999 est pour Awa", None),
            ("objet\n: x", None),
            ("", None),
        ] {
            assert_eq!(Edit::read(text, date(2026, 11, 23)), expected, "{text}");
        }
    }

    #[test]
    fn corrections_change_what_they_name_and_nothing_else() {
        let entry = |text: &str| Entry { text: text.to_owned(), ..Entry::default() };
        let mut note = Note {
            participants: vec!["Awa Diallo".to_owned()],
            actions: vec![entry("Un"), entry("Deux")],
            ..Note::default()
        };
        let apply = |note: &mut Note, edit: Option<Edit>| edit.expect("an edit").apply(note, corrected());
        assert_eq!(apply(&mut note, set(Section::Actions, 2, "", "awa", "vendredi")), Applied::Changed);
        assert_eq!(note.actions[1].who.as_deref(), Some("Awa Diallo"));
        assert_eq!(note.actions[1].when.as_deref(), Some("vendredi 27 novembre 2026"));
        assert_eq!(apply(&mut note, set(Section::Actions, 9, "x", "", "")), Applied::NoSuch(9));
        assert_eq!(apply(&mut note, set(Section::Actions, 1, "", "", "")), Applied::Nothing);
        let added =
            Edit::of_answer(r#"{"op":"add","section":"decisions","index":0,"text":"On signe","who":"","when":""}"#);
        assert_eq!(apply(&mut note, added), Applied::Changed);
        assert_eq!(note.decisions[0].messages, [event_id!("$c")]);
        let removed = Edit::Remove { section: Section::Actions, index: 1 };
        assert_eq!(removed.apply(&mut note, corrected()), Applied::Changed);
        assert_eq!(note.actions.len(), 1);
        for answer in [
            "",
            "rien",
            r#"{"op":"none","section":"","index":0}"#,
            r#"{"op":"set","section":"system","index":1,"text":"x"}"#,
            r#"{"op":"set","section":"actions","index":-1,"text":"x"}"#,
            r#"{"op":"add","section":"actions","index":0,"text":""}"#,
            r#"{"op":["set"]}"#,
        ] {
            assert_eq!(Edit::of_answer(answer), None, "{answer}");
        }
    }
}
