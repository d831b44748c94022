//! The sentences about the cases by which a compagnon is judged, in both languages.

use super::standing::{passed_en, passed_fr, range_en, range_fr, standing_en, standing_fr, versus_en, versus_fr};
use crate::{
    compagnon::Language,
    evaluation::{
        Failed, LONGEST_EXPECTED, LONGEST_QUESTION, MOST_EXPECTATIONS, Share, Standing, Tongue, Unwritten, Versus,
    },
};

/// A sentence about the cases of a compagnon.
#[derive(Clone, Debug, PartialEq)]
pub enum Cases<'a> {
    /// A case is there now.
    Added {
        /// What the compagnon is called.
        title: &'a str,
        /// The number of the case.
        number: u32,
        /// How many there are now.
        count: usize,
    },
    /// It was there already.
    Already {
        /// Its number.
        number: u32,
    },
    /// There are as many as there may be.
    Full {
        /// How many.
        limit: usize,
    },
    /// A case is no more.
    Removed {
        /// Its number.
        number: u32,
    },
    /// There is no case of that number.
    NoSuch,
    /// There are none.
    None {
        /// What the compagnon is called.
        title: &'a str,
    },
    /// All of them.
    List {
        /// What the compagnon is called.
        title: &'a str,
        /// A line for each.
        lines: &'a str,
    },
    /// The compagnon was not made by command.
    NotMade {
        /// What it is called.
        title: &'a str,
    },
    /// What was written is no case.
    Unwritten(Unwritten),
    /// Another run goes on.
    Waiting,
    /// How far the run has come.
    Progress {
        /// How many are answered.
        done: usize,
        /// How many there are.
        all: usize,
    },
    /// What came of all of them.
    Done {
        /// What the compagnon is called.
        title: &'a str,
        /// Its version.
        version: u32,
        /// The model's name.
        model: &'a str,
        /// How it compares with an earlier version.
        versus: Option<&'a Versus>,
        /// The cases.
        rows: &'a [Row],
    },
    /// Under a change: there are cases to try it by.
    Try,
    /// How a version stands.
    Standing(&'a Standing),
    /// What a proposal is accompanied by, for who makes it.
    Proposed(&'a Standing),
}

/// A case with its answer; all texts are fit to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its number.
    pub number: u32,
    /// The question.
    pub query: String,
    /// What is expected.
    pub expected: String,
    /// The beginning of the answer.
    pub shown: String,
    /// What is wrong with it.
    pub failed: Vec<Failed>,
}

/// How a case is written, as an example.
const EXAMPLE_FR: &str = "`!compagnon essai ajouter Combien de jours de congés ? => 25 jours`";
const EXAMPLE_EN: &str = "`!compagnon case add How many days off? => 25 days`";

/// In French.
pub(super) fn fr(text: &Cases<'_>) -> String {
    match text {
        Cases::Added { title, number, count: 1 } => format!(
            "L’essai {number} de **{title}** est noté. Ajoutez-en d’autres, puis faites-les avec `!compagnon essais`."
        ),
        Cases::Added { title, number, count } => {
            format!("L’essai {number} de **{title}** est noté ; il en a {count}. Pour les faire : `!compagnon essais`.")
        }
        Cases::Already { number } => format!("C’est déjà l’essai {number}."),
        Cases::Full { limit } => {
            format!("Il y a déjà {limit} essais, le maximum : retirez-en un avec `!compagnon essai retirer <numéro>`.")
        }
        Cases::Removed { number } => format!("L’essai {number} est retiré."),
        Cases::NoSuch => "Il n’y a pas d’essai de ce numéro. La liste : `!compagnon essai liste`.".to_owned(),
        Cases::None { title } => format!(
            "**{title}** n’a pas encore d’essai. Un essai est une question et ce que sa réponse doit contenir : {EXAMPLE_FR}."
        ),
        Cases::List { title, lines } => format!(
            "**Essais de {title}**\n\n{lines}\n\nPour les faire : `!compagnon essais` ; pour en retirer un : `!compagnon essai retirer <numéro>`."
        ),
        Cases::NotMade { title } => format!(
            "**{title}** est fourni avec l’assistant : les essais jugent un compagnon créé avec `!compagnon créer`."
        ),
        Cases::Unwritten(why) => unwritten_fr(why),
        Cases::Waiting => "D’autres essais sont en cours : les vôtres commencent juste après.".to_owned(),
        Cases::Progress { done, all } => format!("Essais en cours : {done} sur {all}. Pour arrêter : `!stop`."),
        Cases::Done { title, version, model, versus, rows } => {
            let share = share(rows);
            let mut text =
                format!("**Essais de {title}**, version {version} : **{}**{}.", passed_fr(share), range_fr(share));
            if let Some(versus) = versus {
                text = format!("{text}\n\n{}", versus_fr(versus));
            }
            format!(
                "{text}\n\n| Essai | Question | Attendu | Réponse | Résultat |\n|---|---|---|---|---|\n{}\n\nModèle : `{model}`.",
                table(rows, Language::Fr)
            )
        }
        Cases::Try => {
            "Ce compagnon a des essais : `!compagnon essais` dit si cette version fait mieux ou moins bien.".to_owned()
        }
        Cases::Standing(standing) => standing_fr(standing),
        Cases::Proposed(standing @ Standing::NoCases) => {
            format!("{} Pour aider à décider, ajoutez-en : {EXAMPLE_FR}.", standing_fr(standing))
        }
        Cases::Proposed(standing @ Standing::Run { .. }) => {
            format!("La proposition est accompagnée de ce résultat. {}", standing_fr(standing))
        }
        Cases::Proposed(standing) => {
            format!("{} Pour aider à décider, faites-les : `!compagnon essais`.", standing_fr(standing))
        }
    }
}

/// In English.
pub(super) fn en(text: &Cases<'_>) -> String {
    match text {
        Cases::Added { title, number, count: 1 } => {
            format!("Test case {number} of **{title}** is noted. Add others, then run them with `!compagnon cases`.")
        }
        Cases::Added { title, number, count } => {
            format!("Test case {number} of **{title}** is noted; it has {count}. To run them: `!compagnon cases`.")
        }
        Cases::Already { number } => format!("This is test case {number} already."),
        Cases::Full { limit } => format!(
            "There are {limit} test cases already, which is the most: remove one with `!compagnon case remove <number>`."
        ),
        Cases::Removed { number } => format!("Test case {number} has been removed."),
        Cases::NoSuch => "There is no test case of this number. The list: `!compagnon case list`.".to_owned(),
        Cases::None { title } => format!(
            "**{title}** has no test case yet. A test case is a question with what its answer must contain: {EXAMPLE_EN}."
        ),
        Cases::List { title, lines } => format!(
            "**Test cases of {title}**\n\n{lines}\n\nTo run them: `!compagnon cases`; to remove one: `!compagnon case remove <number>`."
        ),
        Cases::NotMade { title } => {
            format!("**{title}** comes with the assistant: test cases judge a compagnon made with `!compagnon create`.")
        }
        Cases::Unwritten(why) => unwritten_en(why),
        Cases::Waiting => "Other test cases are being run: yours begin right after them.".to_owned(),
        Cases::Progress { done, all } => format!("Running test cases: {done} of {all}. To stop: `!stop`."),
        Cases::Done { title, version, model, versus, rows } => {
            let share = share(rows);
            let mut text =
                format!("**Test cases of {title}**, version {version}: **{}**{}.", passed_en(share), range_en(share));
            if let Some(versus) = versus {
                text = format!("{text}\n\n{}", versus_en(versus));
            }
            format!(
                "{text}\n\n| Case | Question | Expected | Answer | Result |\n|---|---|---|---|---|\n{}\n\nModel: `{model}`.",
                table(rows, Language::En)
            )
        }
        Cases::Try => {
            "This compagnon has test cases: `!compagnon cases` tells whether this version does better or worse."
                .to_owned()
        }
        Cases::Standing(standing) => standing_en(standing),
        Cases::Proposed(standing @ Standing::NoCases) => {
            format!("{} To help with the decision, add some: {EXAMPLE_EN}.", standing_en(standing))
        }
        Cases::Proposed(standing @ Standing::Run { .. }) => {
            format!("The proposal comes with this result. {}", standing_en(standing))
        }
        Cases::Proposed(standing) => {
            format!("{} To help with the decision, run them: `!compagnon cases`.", standing_en(standing))
        }
    }
}

fn unwritten_fr(why: &Unwritten) -> String {
    match why {
        Unwritten::NoArrow => format!("Il manque « => » entre la question et ce qui est attendu : {EXAMPLE_FR}."),
        Unwritten::SeveralArrows => {
            "Il y a plusieurs « => » : un essai n’en a qu’un, entre la question et ce qui est attendu.".to_owned()
        }
        Unwritten::NoQuestion => format!("Il manque la question, avant « => » : {EXAMPLE_FR}"),
        Unwritten::NoExpectation => format!("Il manque ce qui est attendu, après « => » : {EXAMPLE_FR}"),
        Unwritten::QuestionTooLong => format!("La question d’un essai a {LONGEST_QUESTION} caractères au plus."),
        Unwritten::ExpectationTooLong => {
            format!("Ce qui est attendu d’un essai a {LONGEST_EXPECTED} caractères au plus.")
        }
        Unwritten::TooMany => format!("Un essai vérifie {MOST_EXPECTATIONS} choses au plus : faites-en deux essais."),
        Unwritten::NothingToFind => {
            "Un des textes attendus est vide : entre deux « | », après « sans: » et après « motif: », il faut un texte."
                .to_owned()
        }
        Unwritten::Pattern(reason) => format!("Ce motif ne peut pas servir d’expression régulière ({reason})."),
        Unwritten::Language => "Après « langue: », écrivez `fr` ou `en`.".to_owned(),
        Unwritten::Words => "Après « mots: », écrivez un nombre de mots, par exemple `mots: 100`.".to_owned(),
    }
}

fn unwritten_en(why: &Unwritten) -> String {
    match why {
        Unwritten::NoArrow => format!("There is no “=>” between the question and what is expected: {EXAMPLE_EN}."),
        Unwritten::SeveralArrows => "There are several “=>”: a test case has one, between the question and what is expected.".to_owned(),
        Unwritten::NoQuestion => format!("The question is missing before “=>”: {EXAMPLE_EN}"),
        Unwritten::NoExpectation => format!("What is expected is missing after “=>”: {EXAMPLE_EN}"),
        Unwritten::QuestionTooLong => format!("The question of a test case has at most {LONGEST_QUESTION} characters."),
        Unwritten::ExpectationTooLong => format!("What a test case expects has at most {LONGEST_EXPECTED} characters."),
        Unwritten::TooMany => format!("A test case checks at most {MOST_EXPECTATIONS} things: please make two of it."),
        Unwritten::NothingToFind => "One of the expected texts is empty: between two “|”, after “without:” and after “pattern:” there must be a text.".to_owned(),
        Unwritten::Pattern(reason) => format!("This pattern cannot be used as a regular expression ({reason})."),
        Unwritten::Language => "After “language:”, write `fr` or `en`.".to_owned(),
        Unwritten::Words => "After “words:”, write a number of words, such as `words: 100`.".to_owned(),
    }
}

fn share(rows: &[Row]) -> Share {
    Share { passed: rows.iter().filter(|row| row.failed.is_empty()).count(), of: rows.len() }
}

/// The rows of the table, each a line: the result is a sign and a word.
fn table(rows: &[Row], language: Language) -> String {
    let line = |row: &Row| {
        let Row { number, query, expected, shown, failed } = row;
        let shown = if shown.is_empty() { "–" } else { shown };
        let reasons = failed.iter().map(|failed| why(failed, language)).collect::<Vec<_>>().join(" ; ");
        let result = match (failed.is_empty(), language) {
            (true, Language::Fr) => "✓ réussi".to_owned(),
            (true, Language::En) => "✓ passed".to_owned(),
            (false, Language::Fr) => format!("✗ échoué : {reasons}"),
            (false, Language::En) => format!("✗ failed: {reasons}"),
        };
        format!("| {number} | {query} | {expected} | {shown} | {result} |")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// What is wrong with an answer.
fn why(failed: &Failed, language: Language) -> String {
    if language == Language::En {
        return match failed {
            Failed::NoAnswer(_) => "no answer".to_owned(),
            other => other.to_string(),
        };
    }
    match failed {
        Failed::Lacks(text) => format!("n’a pas « {text} »"),
        Failed::LacksAll(texts) => format!("n’a aucun de « {} »", texts.join(" », « ")),
        Failed::Has(text) => format!("a « {text} »"),
        Failed::NoMatch(pattern) => format!("ne suit pas le motif {pattern}"),
        Failed::Language(Tongue::Fr) => "n’est pas en français".to_owned(),
        Failed::Language(Tongue::En) => "n’est pas en anglais".to_owned(),
        Failed::TooLong { words, most } => format!("a {words} mots, plus que {most}"),
        Failed::Refuses => "refuse de répondre".to_owned(),
        Failed::DoesNotRefuse => "ne refuse pas".to_owned(),
        Failed::NoAnswer(_) => "pas de réponse".to_owned(),
        // Nothing else is expected in a room.
        _ => "ne convient pas".to_owned(),
    }
}

#[cfg(test)]
pub(super) use self::samples::samples;

#[cfg(test)]
mod samples {
    use super::{Cases, Failed, Row, Standing, Unwritten, Versus};
    use crate::evaluation::VersionResult;

    fn row(number: u32, expected: &str, failed: Vec<Failed>) -> Row {
        let (query, shown) = ("Combien de jours de congés ?".to_owned(), "Vous avez 25 jours par an.".to_owned());
        Row { number, query, expected: expected.to_owned(), shown, failed }
    }

    fn result() -> VersionResult {
        let (model, date) = ("gemma-3-4b".to_owned(), "2026-11-29".to_owned());
        VersionResult { version: 3, model, date, passed: (1..=8).collect(), failed: [9, 10].into() }
    }

    /// One of each, for `docs/phrases.md`.
    pub fn samples() -> Vec<Cases<'static>> {
        let title = "Budget";
        let versus = |better: &[u32], worse: &[u32], model: Option<&str>| Versus {
            version: 2,
            model: model.map(str::to_owned),
            better: better.to_vec(),
            worse: worse.to_vec(),
        };
        let lasting = |standing: Standing| -> &'static Standing { Box::leak(Box::new(standing)) };
        let lasting_versus = |versus: Versus| -> &'static Versus { Box::leak(Box::new(versus)) };
        let rows: &'static [Row] = Box::leak(Box::new([
            row(1, "25 jours", Vec::new()),
            row(2, "30 jours", vec![Failed::Lacks("30 jours".to_owned())]),
            row(3, "x \\| y", vec![Failed::LacksAll(vec!["x".to_owned(), "y".to_owned()])]),
            row(4, "sans: 25", vec![Failed::Has("25".to_owned())]),
            row(5, "motif: \\[a-z\\]\\{9\\}", vec![Failed::NoMatch("\\[a-z\\]\\{9\\}".to_owned())]),
            row(
                6,
                "langue: en ; mots: 3",
                vec![Failed::Language(super::Tongue::En), Failed::TooLong { words: 6, most: 3 }],
            ),
            row(7, "refuse", vec![Failed::DoesNotRefuse]),
            row(8, "répond", vec![Failed::Refuses]),
            Row { shown: String::new(), ..row(9, "langue: fr", vec![Failed::NoAnswer(String::new())]) },
        ]));
        let done = |versus| Cases::Done { title, version: 3, model: "gemma-3-4b", versus, rows };
        let run = |changed, versus| lasting(Standing::Run { result: result(), changed, versus });
        let older = lasting(Standing::Older { version: 4, result: result() });
        let mut all = vec![
            Cases::Added { title, number: 1, count: 1 },
            Cases::Added { title, number: 3, count: 3 },
            Cases::Already { number: 1 },
            Cases::Full { limit: 50 },
            Cases::Removed { number: 2 },
            Cases::NoSuch,
            Cases::None { title },
            Cases::List { title, lines: "- **1** : Combien de jours de congés ? => 25 jours" },
            Cases::NotMade { title: "Synthèse" },
            Cases::Waiting,
            Cases::Progress { done: 3, all: 10 },
            done(None),
            done(Some(lasting_versus(versus(&[], &[2, 3, 7], Some("gemma-3-1b"))))),
            Cases::Try,
            Cases::Standing(lasting(Standing::NoCases)),
            Cases::Standing(lasting(Standing::NotRun)),
            Cases::Standing(older),
            Cases::Standing(run(false, None)),
            Cases::Standing(run(true, Some(versus(&[], &[], None)))),
            Cases::Standing(run(false, Some(versus(&[1, 2], &[], None)))),
            Cases::Standing(run(false, Some(versus(&[1], &[9], None)))),
            Cases::Proposed(lasting(Standing::NoCases)),
            Cases::Proposed(lasting(Standing::NotRun)),
            Cases::Proposed(older),
            Cases::Proposed(run(false, None)),
        ];
        let unwritten = [
            Unwritten::NoArrow,
            Unwritten::SeveralArrows,
            Unwritten::NoQuestion,
            Unwritten::NoExpectation,
            Unwritten::QuestionTooLong,
            Unwritten::ExpectationTooLong,
            Unwritten::TooMany,
            Unwritten::NothingToFind,
            Unwritten::Pattern("error: unclosed group".to_owned()),
            Unwritten::Language,
            Unwritten::Words,
        ];
        all.extend(unwritten.map(Cases::Unwritten));
        all
    }
}
