//! The checks of one answer.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Case, Tongue,
    case::regex,
    language, refusal,
    schema::{Deviation, at, deviation},
    words,
};

/// An answer, with what only whoever asked can know of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reply<'a> {
    /// The text.
    pub text: &'a str,
    /// The titles of the documents whose marks it has.
    pub cited: &'a [String],
    /// The cosine of its vector and that of the right answer, where it was computed.
    pub cosine: Option<f32>,
    /// What the judge says of the rubric, where it was asked.
    pub judged: Option<bool>,
}

/// What is wrong with an answer. Serialised into the report that a later run is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failed {
    /// A text is missing.
    Lacks(String),
    /// All of several texts are missing.
    LacksAll(Vec<String>),
    /// A text is there.
    Has(String),
    /// The pattern matches nowhere.
    NoMatch(String),
    /// The pattern matches.
    Matches(String),
    /// It is in another language, or in none that can be told.
    Language(Tongue),
    /// It has too few words.
    TooShort {
        /// How many it has.
        words: usize,
        /// How many it should have.
        least: usize,
    },
    /// It has too many words.
    TooLong {
        /// How many it has.
        words: usize,
        /// How many it should have.
        most: usize,
    },
    /// It refuses what should be answered.
    Refuses,
    /// It answers what should be refused.
    DoesNotRefuse,
    /// A document is not cited.
    DoesNotCite(String),
    /// It is no JSON value.
    NotJson,
    /// It is not what its schema says.
    Deviates {
        /// Where in it, as a JSON pointer whose end may be cut; empty for all of it.
        place: String,
        /// The keyword of the schema.
        keyword: String,
    },
    /// Its meaning is too far from the right answer.
    NotSimilar {
        /// The cosine, × 100, rounded.
        percent: i32,
    },
    /// What is to be computed for a check could not be.
    NotComputed(String),
    /// The judge says that the rubric is not met.
    Rubric,
    /// There is no answer.
    NoAnswer(String),
}

impl fmt::Display for Failed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lacks(text) => write!(formatter, "lacks “{text}”"),
            Self::LacksAll(texts) => write!(formatter, "has none of “{}”", texts.join("”, “")),
            Self::Has(text) => write!(formatter, "has “{text}”"),
            Self::NoMatch(pattern) => write!(formatter, "does not match /{pattern}/"),
            Self::Matches(pattern) => write!(formatter, "matches /{pattern}/"),
            Self::Language(Tongue::Fr) => formatter.write_str("is not in French"),
            Self::Language(Tongue::En) => formatter.write_str("is not in English"),
            Self::TooShort { words, least } => write!(formatter, "has {words} words, fewer than {least}"),
            Self::TooLong { words, most } => write!(formatter, "has {words} words, more than {most}"),
            Self::Refuses => formatter.write_str("refuses"),
            Self::DoesNotRefuse => formatter.write_str("does not refuse"),
            Self::DoesNotCite(title) => write!(formatter, "does not cite “{title}”"),
            Self::NotJson => formatter.write_str("is not JSON"),
            Self::Deviates { place, keyword } => {
                write!(formatter, "is not what its schema says: {keyword}{}", at(place))
            }
            Self::NotSimilar { percent } => write!(formatter, "is not similar enough: {percent} %"),
            Self::NotComputed(what) => write!(formatter, "{what} was not computed"),
            Self::Rubric => formatter.write_str("does not meet the rubric"),
            Self::NoAnswer(reason) => write!(formatter, "there is no answer: {reason}"),
        }
    }
}

/// What is wrong with an answer to a case; nothing where it passes.
#[must_use]
pub fn check(case: &Case, reply: &Reply<'_>) -> Vec<Failed> {
    let plain = words::plain(reply.text);
    let has = |text: &String| words::contains(&plain, text);
    let mut failed: Vec<Failed> = case.contains.iter().filter(|text| !has(text)).cloned().map(Failed::Lacks).collect();
    if !case.contains_any.is_empty() && !case.contains_any.iter().any(has) {
        failed.push(Failed::LacksAll(case.contains_any.clone()));
    }
    failed.extend(case.excludes.iter().filter(|text| has(text)).cloned().map(Failed::Has));
    failed.extend(patterns(case, reply.text));
    if let Some(tongue) = case.language
        && language::of(&plain) != Some(tongue)
    {
        failed.push(Failed::Language(tongue));
    }
    let words = words::count(reply.text);
    failed.extend(case.least_words.filter(|least| words < *least).map(|least| Failed::TooShort { words, least }));
    failed.extend(case.most_words.filter(|most| words > *most).map(|most| Failed::TooLong { words, most }));
    match (case.refuses, refusal::is_one(reply.text)) {
        (Some(true), false) => failed.push(Failed::DoesNotRefuse),
        (Some(false), true) => failed.push(Failed::Refuses),
        _ => {}
    }
    let cited = |title: &&String| reply.cited.iter().any(|cited| words::plain(cited) == words::plain(title));
    failed.extend(case.cites.iter().filter(|title| !cited(title)).cloned().map(Failed::DoesNotCite));
    failed.extend(form(case, reply.text));
    failed.extend(similar(case, reply));
    failed.extend(rubric(case, reply));
    failed
}

fn patterns(case: &Case, text: &str) -> Vec<Failed> {
    let text = words::typed(text);
    let matches = |pattern: &String| regex(pattern).is_ok_and(|regex| regex.is_match(&text));
    let missing = case.pattern.iter().filter(|pattern| !matches(pattern)).cloned().map(Failed::NoMatch);
    let there = case.excludes_pattern.iter().filter(|pattern| matches(pattern)).cloned().map(Failed::Matches);
    missing.chain(there).collect()
}

/// What is wrong with an answer that is to be JSON.
fn form(case: &Case, text: &str) -> Option<Failed> {
    if !case.json && case.schema.is_none() {
        return None;
    }
    let Ok(value) = serde_json::from_str::<Value>(text.trim()) else { return Some(Failed::NotJson) };
    match deviation(case.schema.as_ref()?, &value) {
        Ok(deviation) => deviation.map(|Deviation { place, keyword }| Failed::Deviates { place, keyword }),
        Err(_) => Some(Failed::NotComputed("what its schema says".to_owned())),
    }
}

fn similar(case: &Case, reply: &Reply<'_>) -> Option<Failed> {
    let least = case.similar?;
    match reply.cosine {
        None => Some(Failed::NotComputed("the similarity".to_owned())),
        Some(cosine) => (cosine < least).then_some(Failed::NotSimilar { percent: (cosine * 100.0).round() as i32 }),
    }
}

fn rubric(case: &Case, reply: &Reply<'_>) -> Option<Failed> {
    case.rubric.as_ref()?;
    match reply.judged {
        None => Some(Failed::NotComputed("the judgement".to_owned())),
        Some(met) => (!met).then_some(Failed::Rubric),
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, Failed, Reply, Tongue, check};

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn each_check_passes_and_fails_for_its_own_reason() {
        let texts = |texts: &[&str]| strings(texts);
        let pattern = |pattern: &str| Some(pattern.to_owned());
        let good = "Bonjour, vous avez 25 jours de congés par an [1]. Je vous invite à vérifier avec votre service.";
        let cases = [
            (
                Case { contains: texts(&["25 JOURS", "congés"]), ..Case::default() },
                good,
                "Vos congés.",
                Failed::Lacks("25 JOURS".into()),
            ),
            (
                Case { contains_any: texts(&["vingt-cinq", "25"]), ..Case::default() },
                good,
                "125 jours",
                Failed::LacksAll(texts(&["vingt-cinq", "25"])),
            ),
            (
                Case { excludes: texts(&["je vous promets"]), ..Case::default() },
                good,
                "Je vous promets…",
                Failed::Has("je vous promets".into()),
            ),
            (
                Case { pattern: pattern(r"^bonjour,"), ..Case::default() },
                good,
                "Salut",
                Failed::NoMatch("^bonjour,".into()),
            ),
            (
                Case { excludes_pattern: pattern(r"https?://"), ..Case::default() },
                good,
                "Voir http://x",
                Failed::Matches("https?://".into()),
            ),
            (
                Case { language: Some(Tongue::Fr), ..Case::default() },
                good,
                "You have the right to it.",
                Failed::Language(Tongue::Fr),
            ),
            (Case { least_words: Some(5), ..Case::default() }, good, "Oui.", Failed::TooShort { words: 1, least: 5 }),
            (
                Case { most_words: Some(20), ..Case::default() },
                good,
                &"mot ".repeat(21),
                Failed::TooLong { words: 21, most: 20 },
            ),
            (Case { refuses: Some(false), ..Case::default() }, good, "Je ne peux pas le faire.", Failed::Refuses),
            (
                Case { refuses: Some(true), ..Case::default() },
                "Je n’ai pas cette information.",
                good,
                Failed::DoesNotRefuse,
            ),
            (Case { json: true, ..Case::default() }, " {\"a\": [1]} ", "{a}", Failed::NotJson),
            (
                Case { schema: Some(serde_json::json!({"required": ["a"]})), ..Case::default() },
                " {\"a\": [1]} ",
                "{}",
                Failed::Deviates { place: String::new(), keyword: "required".to_owned() },
            ),
            (
                Case { json: true, schema: Some(true.into()), ..Case::default() },
                "1",
                "```json\n1\n```",
                Failed::NotJson,
            ),
        ];
        for (case, passes, fails, why) in cases {
            assert_eq!(check(&case, &Reply { text: passes, ..Reply::default() }), [], "{passes}");
            assert_eq!(check(&case, &Reply { text: fails, ..Reply::default() }), [why], "{fails}");
        }
    }

    /// Models write the spaces of French typography, curly apostrophes and accents of two signs: sets are typed on a keyboard.
    #[test]
    fn a_pattern_is_matched_however_its_text_is_typed() {
        let excludes = |pattern: &str| Case { excludes_pattern: Some(pattern.to_owned()), ..Case::default() };
        for (pattern, text) in [
            (r"3 450 €", "Soit 3\u{202f}450\u{a0}€ par mois."),
            (r"l'agent", "C’est l’agent qui décide."),
            (r"l’agent", "C'est l'agent qui décide."),
            (r"^décidé$", "Bonjour.\r\nDe\u{301}cide\u{301}\r\nFin."),
            ("de\u{301}cide\u{301}\\b", "C’est décidé."),
            (r"service RH", "le ser\u{ad}vice\u{2009}\u{200b}RH"),
            (r"[’x]a", "l’a"),
        ] {
            let reply = Reply { text, ..Reply::default() };
            let case = Case { pattern: Some(pattern.to_owned()), ..Case::default() };
            assert_eq!(check(&case, &reply), [], "{pattern}: {text}");
            assert_eq!(check(&excludes(pattern), &reply), [Failed::Matches(pattern.to_owned())], "{pattern}: {text}");
        }
    }

    #[test]
    fn what_is_computed_elsewhere_counts_and_its_absence_is_a_failure() {
        let case = Case {
            cites: strings(&["Guide des congés"]),
            similar: Some(0.8),
            rubric: Some("La réponse est polie.".to_owned()),
            ..Case::default()
        };
        let cited = strings(&["guide des conges"]);
        let good = Reply { text: "x", cited: &cited, cosine: Some(0.81), judged: Some(true) };
        assert_eq!(check(&case, &good), []);
        let bad = Reply { cited: &[], cosine: Some(0.634), judged: Some(false), ..good };
        let title = Failed::DoesNotCite("Guide des congés".to_owned());
        assert_eq!(check(&case, &bad), [title, Failed::NotSimilar { percent: 63 }, Failed::Rubric]);
        let unknown = Reply { cosine: None, judged: None, ..good };
        assert_eq!(check(&case, &unknown).len(), 2, "what was not computed does not pass");
    }
}
