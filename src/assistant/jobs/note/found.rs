//! What a model has written, read leniently: an engine may not hold it to the form. Everything is bounded. Pure.

use serde_json::{Map, Value};

use super::value::{LONGEST_CONTEXT, LONGEST_ENTRY, LONGEST_NAME, LONGEST_OBJECT, Section, short};

/// The longest text that is read as JSON, in bytes.
const LONGEST_JSON: usize = 128 << 10;
/// The most items of a section that one answer gives.
const MOST_ITEMS: usize = 40;
/// The most numbers that an item gives.
const MOST_NUMBERS: usize = 8;

/// One thing that a model says was said.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Claim {
    /// What.
    pub text: String,
    /// Who does it.
    pub who: Option<String>,
    /// When.
    pub when: Option<String>,
    /// The numbers that it gives: of messages, or of points.
    pub numbers: Vec<usize>,
}

/// What one answer says was said.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Found {
    /// Points.
    pub points: Vec<Claim>,
    /// Decisions.
    pub decisions: Vec<Claim>,
    /// Actions.
    pub actions: Vec<Claim>,
    /// Questions.
    pub questions: Vec<Claim>,
}

impl Found {
    /// Reads an answer; `None` where it has not the form at all.
    #[must_use]
    pub fn read(answer: &str) -> Option<Self> {
        let object = object(answer)?;
        let known = Section::ALL.iter().any(|section| object.get(section.key()).is_some_and(Value::is_array));
        let list = |section: Section| claims(&object, section.key(), "messages");
        known.then(|| Self {
            points: list(Section::Points),
            decisions: list(Section::Decisions),
            actions: list(Section::Actions),
            questions: list(Section::Questions),
        })
    }

    /// The claims of a section.
    #[must_use]
    pub fn section(&self, section: Section) -> &[Claim] {
        match section {
            Section::Points => &self.points,
            Section::Decisions => &self.decisions,
            Section::Actions => &self.actions,
            Section::Questions => &self.questions,
        }
    }
}

/// The beginning of a note as a model writes it.
#[derive(Clone, Default, PartialEq, Eq)]
#[cfg_attr(test, derive(Debug))]
pub struct Head {
    /// The object.
    pub object: String,
    /// The context.
    pub context: String,
    /// Points brought together, each with the numbers of those that it stands for.
    pub points: Vec<Claim>,
}

impl Head {
    /// Reads an answer; `None` where it has not the form at all.
    #[must_use]
    pub fn read(answer: &str) -> Option<Self> {
        let object = object(answer)?;
        let text = |key: &str, most| object.get(key).and_then(Value::as_str).map(|text| short(text, most));
        let head = Self {
            object: text("object", LONGEST_OBJECT)?,
            context: text("context", LONGEST_CONTEXT).unwrap_or_default(),
            points: claims(&object, "points", "of"),
        };
        (!head.object.is_empty()).then_some(head)
    }
}

/// The object in an answer: what stands around it is left out, and an end that is missing is put there.
pub fn object(answer: &str) -> Option<Map<String, Value>> {
    let begin = answer.find('{')?;
    let text = answer.get(begin..)?;
    let text = if text.len() > LONGEST_JSON { text.get(..text.floor_char_boundary(LONGEST_JSON))? } else { text };
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    if let Some(Ok(Value::Object(object))) = values.next() {
        return Some(object);
    }
    match serde_json::from_str(&mended(text)?) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// JSON that was cut, ended after its last whole item.
fn mended(text: &str) -> Option<String> {
    let (mut open, mut within, mut escaped) = (Vec::new(), false, false);
    let mut whole: Option<(usize, Vec<char>)> = None;
    for (at, letter) in text.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if within => escaped = true,
            '"' => within = !within,
            _ if within => {}
            '{' => open.push('}'),
            '[' => open.push(']'),
            '}' | ']' => {
                if open.pop() != Some(letter) {
                    break;
                }
                whole = Some((at + letter.len_utf8(), open.clone()));
            }
            _ => {}
        }
    }
    let (end, open) = whole?;
    let ends: String = open.into_iter().rev().collect();
    Some(format!("{}{ends}", text.get(..end)?))
}

fn claims(object: &Map<String, Value>, key: &str, numbers: &str) -> Vec<Claim> {
    let items = object.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().take(MOST_ITEMS).filter_map(|item| claim(item, numbers)).collect()
}

fn claim(item: &Value, key: &str) -> Option<Claim> {
    let text = |names: &[&str], most| {
        let found = names.iter().find_map(|name| item.get(name)?.as_str());
        found.map(|text| short(text, most)).filter(|text| !text.is_empty())
    };
    let said = item.as_str().map(|text| short(text, LONGEST_ENTRY)).filter(|text| !text.is_empty());
    let named = text(&["text", "what", "title"], LONGEST_ENTRY);
    let numbers = item.get(key).or_else(|| item.get("message")).map(self::numbers).unwrap_or_default();
    let (who, when) = (text(&["who"], LONGEST_NAME), text(&["when"], LONGEST_NAME));
    Some(Claim { text: said.or(named)?, who, when, numbers })
}

/// Numbers, however they are written: `12`, `"12"`, `"[12]"`, in a list or alone.
fn numbers(value: &Value) -> Vec<usize> {
    let one = |value: &Value| match value {
        Value::Number(number) => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        Value::String(text) => text.trim_matches(|letter: char| !letter.is_ascii_digit()).parse().ok(),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().take(MOST_NUMBERS).filter_map(one).collect(),
        value => one(value).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Claim, Found, Head};

    fn claim(text: &str, numbers: &[usize]) -> Claim {
        Claim { text: text.to_owned(), numbers: numbers.to_vec(), ..Claim::default() }
    }

    #[test]
    fn an_answer_is_read_whatever_stands_around_it_and_where_it_was_cut() {
        let whole = r#"Voici : ```json
            {"points": [{"text": "Le budget", "messages": [1, "2", "[3]"]}], "decisions": ["On signe"],
             "actions": [{"what": "Écrire", "who": " Awa ", "when": "", "messages": 4}], "questions": []}
            ``` Bonne lecture {"#;
        let found = Found::read(whole).expect("the form");
        assert_eq!(found.points, [claim("Le budget", &[1, 2, 3])]);
        assert_eq!(found.decisions, [claim("On signe", &[])]);
        assert_eq!(found.actions, [Claim { who: Some("Awa".to_owned()), ..claim("Écrire", &[4]) }]);
        let cut =
            r#"{"points": [{"text": "a {[", "messages": [1]}, {"text": "b", "messages": [2]}, {"text": "c", "mess"#;
        assert_eq!(Found::read(cut).expect("the form").points, [claim("a {[", &[1]), claim("b", &[2])]);
        for answer in ["", "Bonjour", "{}", "[1]", r#"{"points": 7}"#, "{\"points\": [", "}{", &"{".repeat(100_000)] {
            assert_eq!(Found::read(answer), None, "{}", answer.len());
        }
    }

    #[test]
    fn what_is_read_is_bounded() {
        let many: Vec<_> =
            (0..10_000).map(|n| format!(r#"{{"text": "{}", "messages": [{n}]}}"#, "x".repeat(9))).collect();
        let found = Found::read(&format!(r#"{{"actions": [{}]}}"#, many.join(","))).expect("the form");
        assert_eq!(found.actions.len(), 40);
        let long =
            Found::read(&format!(r#"{{"points": [{{"text": "{}"}}]}}"#, "mot ".repeat(1_000))).expect("the form");
        assert!(long.points[0].text.chars().count() <= 301);
    }

    #[test]
    fn the_head_has_an_object() {
        let head = Head::read(r#"{"object": "Budget\n2027", "context": "c", "points": [{"text": "p", "of": [1, 3]}]}"#);
        assert_eq!(
            head.map(|head| (head.object, head.points)),
            Some(("Budget 2027".to_owned(), vec![claim("p", &[1, 3])]))
        );
        for answer in ["{}", r#"{"object": ""}"#, "rien"] {
            assert_eq!(Head::read(answer), None);
        }
    }
}
