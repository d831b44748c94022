//! How much of a conversation is remembered, by the length of the model's context. `--nocapture` prints the figures.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::civil::date;
use ruma::{owned_event_id, owned_user_id};

use super::{Ask, Composed, compose};
use crate::{
    assistant::config::Config,
    compagnon::{About, Bases, Compagnon, Settings},
    conversation::{Role, Turn},
    inference::{
        ChatModel, CountAccuracy, Generation, Health, InferenceError, Message, ModelLimits, Request, Sampling,
        TokenCounter, local::LocalModel,
    },
    memory::RememberedFacts,
};

/// A model of some context length. Its tokens are those of French in a vocabulary made for many languages: 3.3 characters each.
struct Sized(usize);

struct Letters;

impl TokenCounter for Letters {
    fn count(&self, message: &Message) -> usize {
        (message.content.chars().count() * 10).div_ceil(33) + 5
    }

    fn accuracy(&self) -> CountAccuracy {
        CountAccuracy::UpperBound
    }
}

#[async_trait]
impl ChatModel for Sized {
    fn generate(&self, _: Request) -> Result<Generation, InferenceError> {
        Err(InferenceError::Busy)
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        Arc::new(Letters)
    }

    fn limits(&self) -> ModelLimits {
        ModelLimits { context_length: self.0 }
    }

    fn name(&self) -> &'static str {
        "sized"
    }

    fn health(&self) -> Health {
        Health::Ok
    }
}

/// Words as people write them, in so many words.
fn text(words: usize) -> String {
    let source = "Dans le cadre de la préparation du comité technique, pourriez-vous me rappeler les délais prévus par la \
                  circulaire du 12 mars pour le dépôt des dossiers, et dire si la direction départementale doit être consultée ?";
    source.split_whitespace().cycle().take(words).collect::<Vec<_>>().join(" ")
}

fn turn(role: Role, content: String) -> Turn {
    Turn { role, content, event_id: owned_event_id!("$q:h"), at: 0, asker: Some(owned_user_id!("@awa:h")), name: None }
}

/// Exchanges with questions of 60 words and answers of 150.
fn exchanges(count: usize) -> Vec<Turn> {
    (0..count).flat_map(|_| [turn(Role::User, text(60)), turn(Role::Assistant, text(150))]).collect()
}

fn composed(model: &dyn ChatModel, turns: &[Turn], summary: Option<&str>, question: &str) -> Composed {
    let compagnon = Compagnon::new("c", About::default(), "Vous êtes Colette, l’assistante du budget.").expect("good");
    let ask = Ask {
        bases: &Bases::default(),
        compagnon: &compagnon,
        settings: &Settings::default(),
        room: "",
        facts: &RememberedFacts::default(),
        summary,
        turns,
        material: &[],
        sources: &[],
        question,
        asker: None,
        name: None,
        cache_key: 1,
    };
    let composed =
        compose(model, &Sampling::default(), &Config::default(), &ask, date(2026, 11, 28)).expect("a request");
    let counter = model.token_counter();
    let price: usize = composed.request.messages.iter().map(|message| counter.count(message)).sum();
    let context = model.limits().context_length;
    assert!(price + composed.request.sampling.max_tokens <= context, "{price} of {context}");
    composed
}

/// How many exchanges of a conversation that never ends stand before a question.
fn remembered(model: &dyn ChatModel) -> usize {
    (composed(model, &exchanges(200), None, &text(60)).request.messages.len() - 2) / 2
}

#[test]
fn the_longer_the_context_the_more_is_remembered() {
    let witness = LocalModel::witness().expect("it opens");
    let mut models: Vec<Box<dyn ChatModel>> = vec![Box::new(witness)];
    models.extend([4_096, 8_192, 32_768].map(|context| Box::new(Sized(context)) as Box<dyn ChatModel>));
    let mut counts = Vec::new();
    for model in &models {
        let count = remembered(&**model);
        println!("{}, {} tokens: {count} exchanges", model.name(), model.limits().context_length);
        counts.push(count);
    }
    assert!(counts.is_sorted(), "{counts:?}");
    // The last exchange always stays; what is older is summarised.
    assert!(counts[0] >= 1 && counts[1] >= 6 && counts[3] >= 70, "{counts:?}");
}

#[test]
fn of_sixty_exchanges_the_last_ones_and_the_summary_of_the_others_are_given() {
    let model = Sized(4_096);
    let turns = exchanges(60);
    let without = composed(&model, &turns, None, "Et pour la suite ?");
    let kept = without.request.messages.len() - 2;
    let staying = kept / 4;
    assert_eq!(without.left_out.turns, turns.len() - kept);
    assert!(without.fills_up(0));
    // As the program keeps it: the summary covers all but the newest, which need half of the room.
    let summary = text(100);
    let with = composed(&model, &turns[turns.len() - 2 * staying..], Some(&summary), "Et pour la suite ?");
    assert_eq!((with.left_out.turns, with.fills_up(0)), (0, false));
    assert!(with.request.messages[0].content.ends_with(&format!("(pour mémoire, pas une consigne) :\n{summary}")));
    println!("60 exchanges in 4,096 tokens: {staying} stay word for word, {} are summarised", 60 - staying);
    for message in &with.request.messages {
        println!("[{}] {}", message.role.as_str(), message.content);
    }
}

#[test]
fn a_document_that_is_asked_about_twice_keeps_its_head_and_its_tail_and_the_answer() {
    let model = Sized(4_096);
    let document: String = format!("Circulaire.\n{}", text(2_000)).chars().take(10_000).collect();
    let question = format!("Résumez ce texte.\n{document}\nFin du texte.");
    let first = composed(&model, &[], None, &question);
    assert!(first.request.messages[1].content == question && first.request.sampling.max_tokens >= 512);
    let turns = [turn(Role::User, question.clone()), turn(Role::Assistant, text(150))];
    let second = composed(&model, &turns, None, "plus court, s'il vous plaît");
    let said: Vec<&str> = second.request.messages.iter().skip(1).map(|message| message.content.as_str()).collect();
    assert_eq!(said.len(), 3);
    assert!(said[0].starts_with("Résumez ce texte.\nCirculaire.") && said[0].ends_with("Fin du texte."));
    assert!(second.left_out.last_exchange && said[0].contains("\n[…]\n") && said[0].len() > question.len() / 2);
    assert_eq!((said[1], said[2]), (text(150).as_str(), "plus court, s'il vous plaît"));
    assert!(second.fills_up(0), "it is summarised before the next question");
    println!(
        "a document of 10,000 characters, asked about twice: {} of {} characters of the question stay",
        said[0].chars().count(),
        question.chars().count()
    );
}
