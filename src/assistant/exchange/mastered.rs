//! Stage 3, before the model is thought of: a question to which an answer was approved is given that answer, word for word.
//!
//! The question must be the same one: the same words that matter, whatever their order and form. What only resembles it goes to the model.

use std::collections::BTreeSet;

use super::{compose::day, parts::Parts, value::Exchange};
use crate::{
    approved::{AnswerState, MasteredAnswer},
    assistant::{
        commands::inert,
        courier::Ending,
        documents::compagnon_of,
        failure::Failure,
        texts::{Mastered, Text},
    },
    conversation::{Role, Turn},
    document::Partition,
    index::french::terms,
    matrix,
    message::{Content, Item},
};

/// Words that turn a sentence into its contrary: a search leaves them out, but they tell two questions apart.
const CONTRARY: [&str; 9] = ["ne", "n", "pas", "jamais", "sans", "sauf", "not", "never", "without"];

/// Words that say what is asked: a search leaves them out, too.
const ASKING: [&str; 13] =
    ["comment", "combien", "quand", "pourquoi", "où", "qui", "how", "many", "much", "when", "why", "where", "who"];

/// The end of an exchange whose question has an approved answer. A question that points at a message or brings a file asks about that.
pub async fn mastered(parts: &Parts, exchange: &Exchange, now: u64) -> Result<Option<Ending>, Failure> {
    let question = &exchange.queued.question;
    if question.replies_to.is_some() || !matches!(question.content, Content::Text(_)) {
        return Ok(None);
    }
    let effective = &exchange.compagnon;
    let compagnon = compagnon_of(&exchange.settings, &effective.compagnon.id, effective.gone);
    let own = Partition::Compagnon(compagnon);
    let mut answers = parts.store.approved(&[own.clone(), Partition::Catalogue]).await?;
    // The compagnon's own before everybody's, the newest first.
    answers.sort_by_key(|answer| (answer.partition != own, std::cmp::Reverse(answer.number)));
    let Some(answer) = answers.into_iter().find(|answer| answers_to(answer, question.text())) else { return Ok(None) };
    let AnswerState::Approved { at, .. } = answer.state else { return Ok(None) };
    let language = parts.config.language_in(&exchange.settings);
    let date = &language.date(day(&parts.config, at));
    let author = answer.author.as_deref().map_or("", ruma::UserId::localpart);
    let author = &inert(author);
    let mark = Text::Mastered(Mastered::Mark { date, author }).say(language);
    let whole = format!("{}\n\n{mark}", answer.text);
    let items = matrix::parts(&whole).into_iter().map(|text| Item::Notice { text }).collect();
    tracing::info!(event_id = %question.event_id, number = answer.number, "answered by an approved answer");
    Ok(Some(Ending { turns: turns(exchange, &answer.text, now), items, ..Ending::default() }))
}

fn turns(exchange: &Exchange, text: &str, now: u64) -> Vec<Turn> {
    let question = &exchange.queued.question;
    let turn = |role, content: &str| Turn {
        role,
        content: content.to_owned(),
        event_id: question.event_id.clone(),
        at: now,
        asker: Some(question.sender.clone()),
        name: question.name.clone().filter(|_| role == Role::User),
    };
    vec![turn(Role::User, question.text()), turn(Role::Assistant, text)]
}

/// Whether this is the answer to a question.
fn answers_to(answer: &MasteredAnswer, asked: &str) -> bool {
    let asked = essence(asked);
    answer.wordings().any(|wording| essence(wording) == asked)
}

/// What two wordings of one question have in common: the terms of a search, what is asked, and whether it says the contrary. Of a question
/// without any such term, its words.
fn essence(question: &str) -> (BTreeSet<String>, BTreeSet<String>, bool) {
    let words: Vec<String> = question
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let contrary = words.iter().any(|word| CONTRARY.contains(&word.as_str()));
    let terms: BTreeSet<String> = terms(question).into_iter().collect();
    if terms.is_empty() {
        return (words.into_iter().collect(), BTreeSet::new(), contrary);
    }
    let asking = words.into_iter().filter(|word| ASKING.contains(&word.as_str())).collect();
    (terms, asking, contrary)
}

#[cfg(test)]
mod tests {
    use super::{AnswerState, MasteredAnswer, Partition, answers_to};

    fn answer(question: &str, variants: &[&str]) -> MasteredAnswer {
        MasteredAnswer {
            number: 1,
            partition: Partition::Catalogue,
            question: question.to_owned(),
            variants: variants.iter().map(|variant| (*variant).to_owned()).collect(),
            text: "Oui.".to_owned(),
            author: None,
            proposed_at: 0,
            replaces: None,
            state: AnswerState::Approved { by: None, at: 0 },
        }
    }

    #[test]
    fn the_same_question_is_known_in_other_words_and_another_one_is_not() {
        let answer = answer(
            "Comment poser mes congés annuels ?",
            &["Où faire une demande de congé annuel ?", "Quel est le délai pour le RIFSEEP 2026 ?", "Pourquoi ?"],
        );
        for same in [
            "comment poser mes conges annuels",
            "Bonjour, comment poser ses congés annuels svp ?",
            "Congés annuels : comment les poser ?",
            "Quel est le délai du RIFSEEP en 2026 ?",
            "Pourquoi",
        ] {
            assert!(answers_to(&answer, same), "{same}");
        }
        for other in [
            "Comment poser mes congés maladie ?",
            "Comment ne pas poser mes congés annuels ?",
            "Comment poser mes congés annuels à temps partiel ?",
            "Quel est le délai pour le RIFSEEP 2025 ?",
            "Congés",
            "Combien de congés annuels poser ?",
            "Comment ?",
            "",
        ] {
            assert!(!answers_to(&answer, other), "{other}");
        }
    }
}
