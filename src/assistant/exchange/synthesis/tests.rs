use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use proptest::prelude::*;
use tokio::sync::{mpsc, watch};

use super::{
    asks_for_synthesis,
    parts::{fitted, parts},
    reader::{AT_ONCE, Notes, Progress, Reader, Whole},
};
use crate::{
    compagnon::Language,
    document::{Document, Partition, Passage, Place},
    inference::{
        ChatModel, CountAccuracy, Finish, Generation, Health, InferenceError, Message, ModelLimits, Piece, Request,
        Sampling, TokenCounter, Usage,
    },
};

/// Notes the words of a part that begin with `fait`, and how many requests are under way at once.
#[derive(Default)]
struct Scribe {
    active: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    busy: AtomicUsize,
    requests: Mutex<Vec<Request>>,
}

struct Words;

impl TokenCounter for Words {
    fn count(&self, message: &Message) -> usize {
        message.content.split_whitespace().count() + 4
    }

    fn accuracy(&self) -> CountAccuracy {
        CountAccuracy::UpperBound
    }
}

#[async_trait]
impl ChatModel for Scribe {
    fn name(&self) -> &'static str {
        "scribe"
    }

    fn limits(&self) -> ModelLimits {
        ModelLimits { context_length: 1000 }
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        Arc::new(Words)
    }

    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        if self.busy.load(Ordering::SeqCst) > 0 {
            self.busy.fetch_sub(1, Ordering::SeqCst);
            return Err(InferenceError::Busy);
        }
        let (tokens, question) = (Words.count(&request.messages[0]), request.messages[1].content.clone());
        let longest = request.sampling.max_tokens;
        assert!(tokens + Words.count(&request.messages[1]) + longest <= 1000, "the part fits");
        self.requests.lock().expect("not poisoned").push(request);
        let (active, most) = (Arc::clone(&self.active), Arc::clone(&self.most));
        let (pieces, reader) = mpsc::channel(4);
        tokio::spawn(async move {
            most.fetch_max(active.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..5 {
                tokio::task::yield_now().await;
            }
            let facts = question.split_whitespace().filter(|word| word.starts_with("fait"));
            let notes: Vec<&str> = facts.take(longest).collect();
            active.fetch_sub(1, Ordering::SeqCst);
            let _ = pieces.send(Ok(Piece::Text(notes.join(" ")))).await;
            let took = std::time::Duration::ZERO;
            let usage = Usage {
                prompt_tokens: 0,
                cached_tokens: 0,
                completion_tokens: notes.len(),
                prefill: took,
                decode: took,
                energy: crate::energy::Energy::NONE,
                finish: Finish::Stop,
            };
            let _ = pieces.send(Ok(Piece::Done(usage))).await;
        });
        Ok(Generation::new(reader))
    }

    fn health(&self) -> Health {
        Health::Ok
    }
}

/// A document of so many pages, each with a fact among other words.
fn whole(number: u64, pages: u32) -> Whole {
    let passage = |page: u32| Passage {
        ordinal: page,
        place: Place::Page(page + 1),
        headings: vec![format!("Chapitre {}", page / 10)],
        text: format!("{} fait{number}-{page} fin.", "mot ".repeat(120)),
    };
    let document = Document {
        number,
        partition: Partition::Catalogue,
        title: format!("Guide {number}.pdf"),
        format: "pdf".to_owned(),
        pages: Some(pages),
        passages: pages,
        characters: 0,
        origin: None,
        added_at: 0,
        link: None,
    };
    Whole { document, passages: (0..pages).map(passage).collect() }
}

async fn read(scribe: &Scribe, documents: &[Whole], budget: usize) -> (Notes, Progress) {
    let (progress, seen) = watch::channel(Progress::default());
    let sampling = Sampling::default();
    let reader = Reader {
        model: scribe,
        sampling: &sampling,
        language: Language::Fr,
        question: "Résume ces documents.",
        progress: &progress,
    };
    let notes = reader.read(documents, budget).await.expect("read");
    let seen = *seen.borrow();
    (notes, seen)
}

#[tokio::test]
async fn every_page_of_a_long_document_is_read() {
    let scribe = Scribe::default();
    let (notes, progress) = read(&scribe, &[whole(1, 200)], 400).await;
    let facts: Vec<&str> = notes.sources.iter().flat_map(|source| source.passage.text.split(' ')).collect();
    assert_eq!(facts, (0..200).map(|page| format!("fait1-{page}")).collect::<Vec<_>>());
    assert_eq!((progress.read, notes.left_out), (progress.parts, false));
    assert!(progress.parts > 30, "{progress:?}");
    let most = scribe.most.load(Ordering::SeqCst);
    assert!((2..=AT_ONCE).contains(&most), "{most} parts at once");
    // Each cites the page that its part begins on.
    let marks: Vec<usize> = notes.sources.iter().map(|source| source.mark).collect();
    assert_eq!(marks, (1..=notes.sources.len()).collect::<Vec<_>>());
    assert_eq!(notes.sources[0].passage.place, Place::Page(1));
    let first = scribe.requests.lock().expect("not poisoned")[0].messages[1].content.clone();
    assert!(first.starts_with("Demande : Résume ces documents.\n\nPartie 1 sur "), "{first}");
    assert!(first.contains("de « Guide 1.pdf », à partir de la page 1 :\n> Chapitre 0\n> mot "), "{first}");
}

#[tokio::test]
async fn notes_that_are_too_long_are_read_again_until_they_fit() {
    let scribe = Scribe::default();
    let (notes, progress) = read(&scribe, &[whole(1, 300), whole(2, 3)], 100).await;
    let total: usize = notes.sources.iter().map(|source| source.passage.text.split(' ').count() + 4).sum();
    assert!(total <= 100, "{total}");
    assert!(notes.sources.iter().any(|source| source.document == 2), "the short document is not crowded out");
    let first = scribe.requests.lock().expect("not poisoned")[0].messages[1].content.clone();
    let of_the_first_round: usize =
        first.split("sur ").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok()).expect("a number");
    assert!(progress.parts > of_the_first_round, "{progress:?}");
}

#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let scribe = Scribe { busy: AtomicUsize::new(1), ..Scribe::default() };
    let (notes, _) = read(&scribe, &[whole(1, 10)], 400).await;
    assert_eq!(notes.sources.iter().map(|source| source.passage.text.split(' ').count()).sum::<usize>(), 10);
}

#[test]
fn what_asks_for_a_synthesis_is_told_from_what_asks_for_a_place() {
    for question in [
        "Résume ce document.",
        "resume",
        "Peux-tu me faire une synthèse en dix lignes ?",
        "Synthétise les deux rapports",
        "Quels sont les points clés ?",
        "Summarise this, please",
        "Give me a summary of the guide",
        "De quoi parle ce PDF ?",
        "Fais-moi un compte-rendu",
    ] {
        assert!(asks_for_synthesis(question), "{question}");
    }
    for question in ["Combien de jours de congé ?", "Qui présume de ses forces ?", "What does page 3 say?", ""] {
        assert!(!asks_for_synthesis(question), "{question}");
    }
}

proptest! {
    #[test]
    fn parts_hold_every_passage_in_order_and_fit(
        lengths in prop::collection::vec(prop::collection::vec(1_usize..120, 0..20), 0..4),
        room in 100_usize..300,
    ) {
        let passage = |(ordinal, words): (usize, &usize)| Passage {
            ordinal: ordinal as u32,
            place: Place::Whole,
            headings: Vec::new(),
            text: format!("p{ordinal}{}", " mot".repeat(*words - 1)),
        };
        let documents: Vec<Vec<Passage>> =
            lengths.iter().map(|lengths| lengths.iter().enumerate().map(passage).collect()).collect();
        let cost = |text: &str| text.split_whitespace().count();
        let slices: Vec<&[Passage]> = documents.iter().map(Vec::as_slice).collect();
        let parts = parts(&slices, room, cost);
        for (index, passages) in documents.iter().enumerate() {
            let of_it = parts.iter().filter(|part| part.document == index);
            let read: Vec<&str> = of_it.flat_map(|part| part.passage.text.split_whitespace()).filter(|word| word.starts_with('p')).collect();
            // One that is longer than the room alone keeps its head.
            prop_assert_eq!(read, passages.iter().map(|one| one.text.split(' ').next().unwrap_or("")).collect::<Vec<_>>());
        }
        for part in &parts {
            prop_assert!(cost(&part.passage.text) <= room);
        }
        let kept = fitted(documents, room, cost);
        prop_assert!(kept.passages.iter().map(|(_, note)| cost(&note.text)).sum::<usize>() <= room);
    }
}
