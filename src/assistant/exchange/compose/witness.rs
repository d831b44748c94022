//! The witness model answers from passages as they are laid out here: its training (`tests/witness/sources.py`) has the same layout.

use jiff::civil::date;

use super::{Ask, Config, compose};
use crate::{
    compagnon::{About, Bases, Compagnon, Settings},
    document::{Partition, Passage, Place, Source},
    inference::{ChatModel, Piece, Sampling, local::LocalModel},
    memory::RememberedFacts,
};

/// What the witness answers to a question with these passages: their titles and texts.
fn answer(passages: &[(&str, &str)], question: &str) -> String {
    let sources: Vec<Source> = passages
        .iter()
        .enumerate()
        .map(|(index, (title, text))| Source {
            mark: index + 1,
            partition: Partition::Catalogue,
            document: 1,
            title: (*title).to_owned(),
            link: None,
            passage: Passage {
                ordinal: 0,
                place: Place::Whole,
                headings: vec!["Vie pratique".to_owned()],
                text: (*text).to_owned(),
            },
            passages: 1,
        })
        .collect();
    let compagnon =
        Compagnon::new("c", About::default(), "Tu es Colette, le compagnon de démonstration.").expect("good");
    let ask = Ask {
        bases: &Bases::default(),
        compagnon: &compagnon,
        settings: &Settings::default(),
        room: "",
        facts: &RememberedFacts::default(),
        summary: None,
        turns: &[],
        material: &[],
        sources: &sources,
        question,
        asker: None,
        name: None,
        cache_key: 1,
    };
    let model = LocalModel::witness().expect("it opens");
    let sampling = Sampling { temperature: 0.0, repetition_penalty: 1.0, ..Sampling::default() };
    let composed = compose(&model, &sampling, &Config::default(), &ask, date(2026, 11, 28)).expect("a request");
    assert_eq!(composed.sources, passages.len(), "all of them fit");
    let mut generation = model.generate(composed.request).expect("it is not busy");
    let mut answer = String::new();
    while let Some(piece) = generation.blocking_next() {
        if let Piece::Text(text) = piece.expect("an answer") {
            answer.push_str(&text);
        }
    }
    answer
}

const PASSAGES: [(&str, &str); 3] = [
    ("Guide.md", "La cantine ouvre à 11 h 30."),
    ("Note.pdf", "L’abonnement coûte 214 euros."),
    ("Mémo.txt", "La piscine se trouve salle Colette."),
];

#[test]
fn an_answer_has_the_fact_and_the_mark_of_its_passage() {
    for (question, expected) in [
        ("À quelle heure ouvre la cantine ?", "La cantine ouvre à 11 h 30 [1]."),
        ("Combien coûte l’abonnement ?", "L’abonnement coûte 214 euros [2]."),
        ("Où se trouve la piscine ?", "La piscine se trouve salle Colette [3]."),
        ("Comment vous appelez-vous ?", "Je m'appelle Colette."),
    ] {
        assert_eq!(answer(&PASSAGES, question), expected);
    }
    assert_eq!(answer(&PASSAGES[1..], "Combien coûte l’abonnement ?"), "L’abonnement coûte 214 euros [1].");
}

#[test]
fn where_no_passage_answers_that_is_said() {
    for passages in [&PASSAGES[..1], &PASSAGES[..2]] {
        assert_eq!(answer(passages, "Où se trouve la piscine ?"), "Aucun extrait ne répond à cette question.");
    }
}
