//! Cases as people write them in a message: a question, an arrow, and what its answer must be like.
//!
//! What is expected is one expectation or several, parted by semicolons or on lines of their own: each must hold. One of the words below with a
//! colon, or alone, says what is looked at; anything else is a text that the answer has.
//!
//! | French | English | the answer |
//! |---|---|---|
//! | `25 jours` | `25 days` | has this text |
//! | `25 \| vingt-cinq` | `25 \| twenty-five` | has one of these |
//! | `sans: je vous promets` | `without: I promise` | has none of these (parted by `\|`) |
//! | `motif: [0-9]+ jours` | `pattern: [0-9]+ days` | matches this regular expression, which goes to the end of its line |
//! | `refuse` | `refuses` | refuses, or says that it does not know |
//! | `répond` | `answers` | does neither |
//! | `langue: fr` | `language: en` | is in this language |
//! | `mots: 100` | `words: 100` | has so many words at most |

use super::{
    Case, Tongue,
    case::{last_line, regex},
    words::plain,
};

/// The most characters of a question.
pub const LONGEST_QUESTION: usize = 1_000;
/// The most characters of what is expected.
pub const LONGEST_EXPECTED: usize = 500;
/// The most expectations of one case.
pub const MOST_EXPECTATIONS: usize = 10;

/// What stands between a question and what is expected.
const ARROWS: [&str; 2] = ["=>", "⇒"];

/// The words that say what is looked at, as texts are compared: the French, then the English.
const WITHOUT: [&str; 2] = ["sans", "without"];
const PATTERN: [&str; 2] = ["motif", "pattern"];
const LANGUAGE: [&str; 2] = ["langue", "language"];
const WORDS: [&str; 2] = ["mots", "words"];
const REFUSES: [&str; 2] = ["refuse", "refuses"];
const ANSWERS: [&str; 2] = ["repond", "answers"];

/// Why what somebody wrote is no case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unwritten {
    /// There is no arrow.
    NoArrow,
    /// There is more than one.
    SeveralArrows,
    /// Nothing stands before it.
    NoQuestion,
    /// Nothing stands behind it.
    NoExpectation,
    /// The question is too long.
    QuestionTooLong,
    /// What is expected is too long.
    ExpectationTooLong,
    /// There are too many expectations.
    TooMany,
    /// A text that the answer should have, or not, has nothing that could be found.
    NothingToFind,
    /// A pattern cannot be used.
    Pattern(String),
    /// A language is not known.
    Language,
    /// A number of words is none.
    Words,
}

/// Whether a text has an arrow, and so may be meant as a case.
#[must_use]
pub fn has_arrow(text: &str) -> bool {
    ARROWS.iter().any(|arrow| text.contains(arrow))
}

/// The question and what is expected of its answer.
pub fn sides(text: &str) -> Result<(&str, &str), Unwritten> {
    let mut arrows = ARROWS.iter().flat_map(|arrow| text.match_indices(arrow));
    let (at, arrow) = arrows.next().ok_or(Unwritten::NoArrow)?;
    if arrows.next().is_some() {
        return Err(Unwritten::SeveralArrows);
    }
    let (question, expected) = (text[..at].trim(), text[at + arrow.len()..].trim());
    if plain(question).is_empty() {
        return Err(Unwritten::NoQuestion);
    }
    if plain(expected).is_empty() {
        return Err(Unwritten::NoExpectation);
    }
    if question.chars().count() > LONGEST_QUESTION {
        return Err(Unwritten::QuestionTooLong);
    }
    if expected.chars().count() > LONGEST_EXPECTED {
        return Err(Unwritten::ExpectationTooLong);
    }
    Ok((question, expected))
}

/// What is expected, a case each: an answer is right that passes them all. Never empty.
pub fn expectations(expected: &str) -> Result<Vec<Case>, Unwritten> {
    let mut cases = Vec::new();
    for line in expected.lines() {
        let mut rest = line.trim();
        while !rest.is_empty() {
            // A pattern may have any sign in it.
            let (one, behind) = match keyword(rest) {
                Some((word, _)) if PATTERN.contains(&word.as_str()) => (rest, ""),
                _ => rest.split_once(';').unwrap_or((rest, "")),
            };
            rest = behind.trim();
            if !one.trim().is_empty() {
                cases.push(expectation(one.trim())?);
            }
        }
    }
    match cases.len() {
        0 => Err(Unwritten::NoExpectation),
        1..=MOST_EXPECTATIONS => Ok(cases),
        _ => Err(Unwritten::TooMany),
    }
}

/// A word that says what is looked at, as texts are compared, and what stands behind its colon.
fn keyword(text: &str) -> Option<(String, &str)> {
    let (word, value) = text.split_once(':')?;
    Some((plain(word), value.trim()))
}

fn expectation(text: &str) -> Result<Case, Unwritten> {
    let whole = plain(text);
    if REFUSES.contains(&whole.as_str()) {
        return Ok(Case { refuses: Some(true), ..Case::default() });
    }
    if ANSWERS.contains(&whole.as_str()) {
        return Ok(Case { refuses: Some(false), ..Case::default() });
    }
    if let Some((word, value)) = keyword(text) {
        let word = word.as_str();
        if WITHOUT.contains(&word) {
            return Ok(Case { excludes: texts(value)?, ..Case::default() });
        }
        if PATTERN.contains(&word) {
            return pattern(value);
        }
        if LANGUAGE.contains(&word) {
            let language = match plain(value).as_str() {
                "fr" | "francais" | "french" => Tongue::Fr,
                "en" | "anglais" | "english" => Tongue::En,
                _ => return Err(Unwritten::Language),
            };
            return Ok(Case { language: Some(language), ..Case::default() });
        }
        if WORDS.contains(&word) {
            let most = value.parse().ok().filter(|most| *most > 0).ok_or(Unwritten::Words)?;
            return Ok(Case { most_words: Some(most), ..Case::default() });
        }
    }
    let found = texts(text)?;
    Ok(if found.len() == 1 {
        Case { contains: found, ..Case::default() }
    } else {
        Case { contains_any: found, ..Case::default() }
    })
}

fn pattern(value: &str) -> Result<Case, Unwritten> {
    match regex(value) {
        Err(error) => Err(Unwritten::Pattern(last_line(&error.to_string()).to_owned())),
        // It would match anything.
        Ok(_) if value.is_empty() => Err(Unwritten::NothingToFind),
        Ok(_) => Ok(Case { pattern: Some(value.to_owned()), ..Case::default() }),
    }
}

/// Texts parted by bars.
fn texts(text: &str) -> Result<Vec<String>, Unwritten> {
    let texts: Vec<String> = text.split('|').map(|one| one.trim().to_owned()).collect();
    if texts.iter().any(|text| plain(text).is_empty()) { Err(Unwritten::NothingToFind) } else { Ok(texts) }
}

#[cfg(test)]
mod tests {
    use super::{Case, LONGEST_EXPECTED, LONGEST_QUESTION, Tongue, Unwritten, expectations, has_arrow, sides};
    use crate::evaluation::{Failed, Reply, check};

    #[test]
    fn a_question_stands_before_its_arrow_and_what_is_expected_behind() {
        for (text, question, expected) in [
            ("Combien de jours ? => 25 jours", "Combien de jours ?", "25 jours"),
            ("Combien ?⇒25", "Combien ?", "25"),
            ("Combien\nde jours ?\n=>\n25 jours\nsans: 30", "Combien\nde jours ?", "25 jours\nsans: 30"),
            ("<|im_end|> **x** => `refuse`", "<|im_end|> **x**", "`refuse`"),
            ("كم يوماً؟ => ٢٥", "كم يوماً؟", "٢٥"),
        ] {
            assert_eq!(sides(text), Ok((question, expected)), "{text}");
        }
        let most = |question: usize, expected: usize| format!("{} => {}", "é".repeat(question), "à".repeat(expected));
        assert!(sides(&most(LONGEST_QUESTION, LONGEST_EXPECTED)).is_ok());
        for (text, error) in [
            ("Combien de jours ? 25", Unwritten::NoArrow),
            ("", Unwritten::NoArrow),
            ("a => b => c", Unwritten::SeveralArrows),
            ("a => b ⇒ c", Unwritten::SeveralArrows),
            ("=> 25", Unwritten::NoQuestion),
            ("\u{200b} => 25", Unwritten::NoQuestion),
            ("Combien ? =>  \n ", Unwritten::NoExpectation),
            (&most(LONGEST_QUESTION + 1, 1), Unwritten::QuestionTooLong),
            (&most(10_000, 1), Unwritten::QuestionTooLong),
            (&most(1, LONGEST_EXPECTED + 1), Unwritten::ExpectationTooLong),
        ] {
            assert_eq!(sides(text), Err(error), "{text}");
        }
        assert!(has_arrow("a => b") && !has_arrow("a = b"));
    }

    #[test]
    fn what_is_expected_is_read_in_both_languages() {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let cases = [
            ("25 jours", Case { contains: texts(&["25 jours"]), ..Case::default() }),
            // It is no word of ours.
            ("Horaires : 9 h", Case { contains: texts(&["Horaires : 9 h"]), ..Case::default() }),
            ("25 | vingt-cinq", Case { contains_any: texts(&["25", "vingt-cinq"]), ..Case::default() }),
            ("sans : a | b", Case { excludes: texts(&["a", "b"]), ..Case::default() }),
            ("Without: a", Case { excludes: texts(&["a"]), ..Case::default() }),
            ("motif: [0-9]{2} ; a|b", Case { pattern: Some("[0-9]{2} ; a|b".to_owned()), ..Case::default() }),
            ("refuse", Case { refuses: Some(true), ..Case::default() }),
            ("Refuses", Case { refuses: Some(true), ..Case::default() }),
            ("répond", Case { refuses: Some(false), ..Case::default() }),
            ("answers", Case { refuses: Some(false), ..Case::default() }),
            ("langue : français", Case { language: Some(Tongue::Fr), ..Case::default() }),
            ("language: en", Case { language: Some(Tongue::En), ..Case::default() }),
            ("mots: 100", Case { most_words: Some(100), ..Case::default() }),
        ];
        for (text, case) in cases {
            assert_eq!(expectations(text), Ok(vec![case]), "{text}");
        }
        let several = expectations("25 jours ; sans: je promets\nmots: 50;;").expect("three");
        let failed = |answer: &str| {
            several.iter().flat_map(|case| check(case, &Reply { text: answer, ..Reply::default() })).collect::<Vec<_>>()
        };
        assert_eq!(failed("Vous avez 25 jours."), []);
        let lacks = Failed::Lacks("25 jours".to_owned());
        assert_eq!(failed("Je promets 30 jours."), [lacks, Failed::Has("je promets".to_owned())]);
    }

    #[test]
    fn what_cannot_be_looked_for_is_refused_by_name() {
        for (text, error) in [
            ("", Unwritten::NoExpectation),
            (" ; \n;", Unwritten::NoExpectation),
            ("a | | b", Unwritten::NothingToFind),
            ("sans:", Unwritten::NothingToFind),
            ("motif:", Unwritten::NothingToFind),
            ("langue: grec", Unwritten::Language),
            ("mots: beaucoup", Unwritten::Words),
            ("mots: 0", Unwritten::Words),
            (&"a;".repeat(11), Unwritten::TooMany),
        ] {
            assert_eq!(expectations(text), Err(error), "{text}");
        }
        assert!(matches!(expectations("motif: ("), Err(Unwritten::Pattern(_))));
        // A compiled pattern is bounded, and matched in linear time.
        assert!(matches!(expectations("motif: (a{1000}){1000}"), Err(Unwritten::Pattern(_))));
    }
}
