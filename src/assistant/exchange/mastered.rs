//! Stage 3, before the model is thought of: a question to which an answer was approved is given that answer, word for word.
//!
//! The question must be the same one: the same words in the same order. Case, accents, punctuation and polite words around it may differ. What
//! only resembles it goes to the model: one small word (*avant*, *plus*, *sans*) makes another question of it.

use super::{compose::day, conclude::turns, parts::Parts, value::Exchange};
use crate::{
    approved::AnswerState,
    assistant::{
        commands::inert,
        courier::Ending,
        failure::Failure,
        texts::{Mastered, Text},
    },
    compagnon::is_invisible,
    document::Partition,
    index::french::fold,
    matrix,
    message::{Content, Item},
    statistics::{Activity, Outcome},
};

/// What people put before a question out of politeness, as [`words`] gives it. It says nothing of what is asked.
const OPENINGS: [&[&str]; 22] = [
    &["bonjour", "a", "tous"],
    &["bonjour", "tout", "le", "monde"],
    &["bonjour"],
    &["bonsoir"],
    &["salut"],
    &["coucou"],
    &["hello"],
    &["hi"],
    &["hey"],
    &["good", "morning"],
    &["good", "afternoon"],
    &["pouvez", "vous", "me", "dire"],
    &["pourriez", "vous", "me", "dire"],
    &["peux", "tu", "me", "dire"],
    &["pourrais", "tu", "me", "dire"],
    &["dites", "moi"],
    &["dis", "moi"],
    &["je", "voudrais", "savoir"],
    &["j", "aimerais", "savoir"],
    &["can", "you", "tell", "me"],
    &["could", "you", "tell", "me"],
    &["i", "would", "like", "to", "know"],
];

/// What they put before or after it.
const POLITE: [&[&str]; 5] =
    [&["s", "il", "vous", "plait"], &["s", "il", "te", "plait"], &["svp"], &["stp"], &["please"]];

/// What they put after it.
const CLOSINGS: [&[&str]; 7] = [
    &["merci", "d", "avance"],
    &["merci", "beaucoup"],
    &["merci"],
    &["cordialement"],
    &["thanks", "in", "advance"],
    &["thanks"],
    &["thank", "you"],
];

/// What stands between words and is no part of them. Any other sign is a word of its own: `5 %` is not `5 €`.
const PUNCTUATION: &str = ".,;:!?…'\"«»“”„‘()[]{}-‐‑–—_*`~/\\|";

/// The end of an exchange whose question has an approved answer. A question that points at a message or brings a file asks about that.
pub async fn mastered(parts: &Parts, exchange: &Exchange, now: u64) -> Result<Option<Ending>, Failure> {
    let question = &exchange.queued.question;
    if question.replies_to.is_some() || !matches!(question.content, Content::Text(_)) {
        return Ok(None);
    }
    let own = exchange.compagnon.partition(&exchange.settings);
    let mut answers = parts.store.approved(&[own.clone(), Partition::Catalogue]).await?;
    // The compagnon's own before everybody's, the newest first.
    answers.sort_by_key(|answer| (answer.partition != own, std::cmp::Reverse(answer.number)));
    let asked = essence(question.text());
    let Some(answer) = answers.into_iter().find(|answer| answers_to(answer.wordings(), &asked)) else {
        return Ok(None);
    };
    let AnswerState::Approved { at, .. } = answer.state else { return Ok(None) };
    let language = parts.config.language_in(&exchange.settings);
    let date = &language.date(day(&parts.config, at));
    let author = answer.author.as_deref().map_or("", ruma::UserId::localpart);
    let author = &inert(author);
    let mark = Text::Mastered(Mastered::Mark { date, author }).say(language);
    let whole = format!("{}\n\n{mark}", answer.text);
    let items = matrix::parts(&whole).into_iter().map(|text| Item::Notice { text }).collect();
    tracing::info!(event_id = %question.event_id, number = answer.number, "answered by an approved answer");
    Ok(Some(Ending {
        turns: turns(exchange, &answer.text, now),
        items,
        outcome: Some(Outcome::Answered),
        activity: Some(Activity::Mastered),
        ..Ending::default()
    }))
}

/// Whether one of these wordings is the question of which this is the essence.
fn answers_to<'a>(mut wordings: impl Iterator<Item = &'a str>, asked: &[String]) -> bool {
    !asked.is_empty() && wordings.any(|wording| essence(wording) == asked)
}

/// The words of a question without the polite ones around it; of what is nothing else, all of its words.
fn essence(question: &str) -> Vec<String> {
    let all = words(question);
    let mut rest = all.as_slice();
    loop {
        let before = rest.len();
        for opening in OPENINGS.iter().chain(&POLITE) {
            if begins(rest, opening) {
                rest = &rest[opening.len()..];
            }
        }
        for closing in CLOSINGS.iter().chain(&POLITE) {
            if ends(rest, closing) {
                rest = &rest[..rest.len() - closing.len()];
            }
        }
        if rest.len() == before {
            break;
        }
    }
    if rest.is_empty() { all } else { rest.to_vec() }
}

fn begins(words: &[String], with: &[&str]) -> bool {
    words.len() >= with.len() && words.iter().zip(with).all(|(word, with)| word == with)
}

fn ends(words: &[String], with: &[&str]) -> bool {
    words.len() >= with.len() && begins(&words[words.len() - with.len()..], with)
}

/// The words of a text, without case, accents and punctuation. Signs within a number are kept: `1,5` is not `15`.
fn words(text: &str) -> Vec<String> {
    let letters: Vec<char> = fold(text).chars().filter(|letter| !is_invisible(*letter)).collect();
    let is_digit = |at: Option<usize>| at.and_then(|at| letters.get(at)).is_some_and(char::is_ascii_digit);
    let (mut words, mut word) = (Vec::new(), String::new());
    for (at, &letter) in letters.iter().enumerate() {
        let in_number = !letter.is_whitespace() && is_digit(at.checked_sub(1)) && is_digit(Some(at + 1));
        if letter.is_alphanumeric() || in_number {
            word.push(letter);
            continue;
        }
        words.push(std::mem::take(&mut word));
        if !letter.is_whitespace() && !PUNCTUATION.contains(letter) {
            words.push(letter.to_string());
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{answers_to, essence};

    fn same(one: &str, other: &str) -> bool {
        answers_to([one].into_iter(), &essence(other))
    }

    #[test]
    fn the_same_question_is_known_whatever_its_case_accents_punctuation_and_politeness() {
        for (approved, asked) in [
            ("Comment poser mes congés ?", "comment poser mes conges"),
            ("Comment poser mes congés ?", "Bonjour, comment poser mes congés, s’il vous plaît ? Merci d’avance !"),
            ("Comment poser mes congés ?", "Bonjour, pourriez-vous me dire comment poser mes congés svp"),
            ("Quel est le délai pour l’appel ?", "QUEL EST LE DÉLAI POUR L'APPEL"),
            ("Où est l’accueil ?", "« Ou est l\u{2019}accueil\u{a0}? »"),
            ("Puis-je télétravailler ?", "Puis je te\u{301}le\u{301}travailler\u{200b} ?"),
            ("Pourquoi ?", "Pourquoi"),
            ("Merci", "merci !"),
            ("How do I book a room?", "Hello, how do I book a room please?"),
        ] {
            assert!(same(approved, asked), "{approved} / {asked}");
        }
    }

    #[test]
    fn one_other_word_makes_another_question() {
        for (approved, asked) in [
            ("Comment poser plus de congés ?", "Comment poser moins de congés ?"),
            ("Que faire pendant un arrêt ?", "Que faire après un arrêt ?"),
            ("Que faire avant l’entretien ?", "Que faire pendant l’entretien ?"),
            ("Puis-je télétravailler ?", "Dois-je télétravailler ?"),
            ("Un contrat avec préavis", "Un contrat sans préavis"),
            ("Comment poser mes congés ?", "Comment ne pas poser mes congés ?"),
            ("Le chef peut-il refuser ?", "Peut-il refuser le chef ?"),
            ("Comment poser mes congés ?", "Comment poser ses congés ?"),
            ("Comment poser mes congés ?", "Combien poser de congés ?"),
            ("Comment poser mes congés ?", "Comment poser mes congés à temps partiel ?"),
            ("Le délai pour le RIFSEEP 2026", "Le délai pour le RIFSEEP 2025"),
            ("Un taux de 5 %", "Un taux de 5 €"),
            ("Un taux de 1,5", "Un taux de 15"),
            ("Comment ?", "Pourquoi ?"),
            ("?", ""),
            ("", "!"),
        ] {
            assert!(!same(approved, asked) && !same(asked, approved), "{approved} / {asked}");
        }
    }
}
