//! The index against a naive model, partitions apart, within memory, and hostile input.

#![allow(clippy::float_cmp)] // What is compared is exact.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::{
    document::{Passage, Place},
    index::{lexical, vector},
};

fn partition(name: &str) -> Partition {
    Partition::Collection(name.to_owned())
}

fn passages(texts: &[&str]) -> Arc<[Passage]> {
    let passage = |(ordinal, text): (usize, &&str)| Passage {
        ordinal: ordinal as u32,
        place: Place::Whole,
        headings: Vec::new(),
        text: (*text).to_owned(),
    };
    texts.iter().enumerate().map(passage).collect()
}

fn document(number: u64, title: &str, texts: &[&str]) -> IndexedDocument {
    IndexedDocument { number, title: title.to_owned(), passages: passages(texts), vectors: None }
}

fn with_vectors(mut document: IndexedDocument, vectors: Vec<Vec<f32>>) -> IndexedDocument {
    document.vectors = Some(vectors.into());
    document
}

fn words(text: &str) -> Query {
    Query { text: text.to_owned(), vector: None, generic: None, most: 10 }
}

fn index() -> EmbeddedIndex {
    EmbeddedIndex::new(1 << 30)
}

async fn found(index: &EmbeddedIndex, partitions: &[Partition], query: &Query) -> Vec<(u64, u32)> {
    let hits = index.search(partitions, query).await.unwrap();
    hits.iter().map(|hit| (hit.document, hit.passage.ordinal)).collect()
}

#[tokio::test]
async fn words_find_the_passage_that_holds_them_and_the_title_counts_most() {
    let (index, all) = (index(), [partition("rh")]);
    let texts = ["Les jours non pris sont reportés jusqu’au 31 mars.", "La cantine ouvre à midi."];
    index.put(&all[0], document(1, "Guide des agents", &texts)).await.unwrap();
    index
        .put(&all[0], document(2, "Télétravail", &["Trois jours par semaine.", "Le matériel est prêté."]))
        .await
        .unwrap();
    assert_eq!(found(&index, &all, &words("report des jours non pris")).await[0], (1, 0));
    assert_eq!(found(&index, &all, &words("télé-travail : quel matériel ?")).await, [(2, 1)]);
    assert_eq!(found(&index, &all, &words("teletravail")).await, [(2, 1), (2, 0)]);
    assert_eq!(found(&index, &all, &words("teletravaill")).await, [(2, 1), (2, 0)], "spelt almost so");
    assert_eq!(found(&index, &all, &words("piscine")).await, []);
}

#[tokio::test]
async fn acronyms_are_found_by_what_they_stand_for() {
    let (index, all) = (index(), [partition("rh")]);
    index.put(&all[0], document(1, "Temps", &["Un compte épargne temps garde les jours."])).await.unwrap();
    index.put(&all[0], document(2, "Cantine", &["Elle ouvre à midi."])).await.unwrap();
    assert_eq!(found(&index, &all, &words("ouvrir mon CET")).await[0], (1, 0));
}

#[tokio::test]
async fn vectors_find_what_shares_no_word_and_cosines_are_the_evidence() {
    let (index, all) = (index(), [partition("rh")]);
    for number in 0..8 {
        let mut vector = vec![0.1; 8];
        vector[number as usize] = 1.0;
        let vector = vector::normalised(vector);
        index.put(&all[0], with_vectors(document(number, "Titre", &["Texte."]), vec![vector])).await.unwrap();
    }
    let mut asked = vec![0.0; 8];
    asked[5] = 1.0;
    let query = Query { vector: Some(asked), generic: Some(vec![0.01; 8].into()), ..words("autre chose") };
    let hits = index.search(&all, &query).await.unwrap();
    assert_eq!(hits[0].document, 5);
    let exact = 1.0 / (1.0_f32 + 7.0 * 0.01).sqrt();
    assert!((hits[0].evidence.cosine.unwrap() - exact).abs() < 5e-3, "{:?}", hits[0].evidence);
    assert_eq!(hits[0].evidence.words, 0.0);
}

#[tokio::test]
async fn what_is_removed_is_found_no_more_and_leaves_nothing() {
    let (index, all) = (index(), [partition("a"), partition("b")]);
    for partition in &all {
        index.put(partition, document(1, "Un", &["alpha commun", "beta commun"])).await.unwrap();
        index.put(partition, document(2, "Deux", &["gamma commun"])).await.unwrap();
    }
    let before = index.bytes();
    index.remove(&all[0], Some(1)).await.unwrap();
    assert_eq!(found(&index, &all[..1], &words("alpha")).await, []);
    assert_eq!(found(&index, &all[..1], &words("commun")).await, [(2, 0)]);
    assert!(index.bytes() < before);
    let again = self::index();
    again.put(&all[0], document(2, "Deux", &["gamma commun"])).await.unwrap();
    index.remove(&all[1], None).await.unwrap();
    assert!(!index.holds(&all[1]).await.unwrap() && index.holds(&all[0]).await.unwrap());
    assert_eq!(index.bytes(), again.bytes(), "nothing is left of what was removed");
    index.remove(&partition("never there"), Some(3)).await.unwrap();
    index.remove(&partition("never there"), None).await.unwrap();
}

#[tokio::test]
async fn other_partitions_have_no_influence() {
    let (alone, among) = (index(), index());
    let own = [partition("own"), partition("second")];
    for index in [&alone, &among] {
        for (number, text) in [(1, "congé annuel de l’agent"), (2, "congé de maladie"), (3, "prime annuelle")] {
            let vector = vector::normalised(vec![1.0, number as f32, 0.5]);
            index
                .put(&own[number as usize % 2], with_vectors(document(number, text, &[text]), vec![vector]))
                .await
                .unwrap();
        }
    }
    for number in 0..200 {
        let other = partition(["other", "another"][number as usize % 2]);
        let texts = ["congé congé annuel", "agents de maladie", "conges annuels"];
        let vectors = vec![vector::normalised(vec![-1.0, 0.3, number as f32]); 3];
        among.put(&other, with_vectors(document(number, "congé", &texts), vectors)).await.unwrap();
    }
    for text in ["congé annuel", "maladie", "conge anuel maladie", "prime"] {
        let query = Query { vector: Some(vec![0.1, 0.9, 0.2]), ..words(text) };
        for query in [query, words(text)] {
            let (one, other) = (alone.search(&own, &query).await.unwrap(), among.search(&own, &query).await.unwrap());
            // The scores as well, to the last bit.
            assert_eq!(format!("{one:?}"), format!("{other:?}"));
            assert!(!one.is_empty());
        }
    }
    assert_eq!(found(&among, &[partition("unknown")], &words("congé")).await, []);
    assert_eq!(found(&among, &[], &words("congé")).await, []);
}

#[tokio::test]
async fn beyond_the_memory_the_longest_unused_partition_goes() {
    let text = "mot ".repeat(200);
    let one = index();
    one.put(&partition("0"), document(1, "t", &[&text])).await.unwrap();
    let index = EmbeddedIndex::new(one.bytes() * 3);
    for name in ["0", "1", "2"] {
        index.put(&partition(name), document(1, "t", &[&text])).await.unwrap();
    }
    found(&index, &[partition("0")], &words("mot")).await;
    index.put(&partition("3"), document(1, "t", &[&text])).await.unwrap();
    // 1 is the one that was neither searched nor put for longest.
    for (name, held) in [("0", true), ("1", false), ("2", true), ("3", true)] {
        assert_eq!(index.holds(&partition(name)).await.unwrap(), held, "{name}");
    }
    assert!(index.bytes() <= one.bytes() * 3);
    let small = EmbeddedIndex::new(1);
    small.put(&partition("0"), document(1, "t", &[&text])).await.unwrap();
    assert!(small.holds(&partition("0")).await.unwrap(), "the one in use stays, however large");
}

#[tokio::test]
async fn what_was_dropped_while_it_was_loaded_is_loaded_again_and_never_half_there() {
    let text = "mot ".repeat(200);
    let one = index();
    one.put(&partition("0"), document(1, "t", &[&text])).await.unwrap();
    let index = EmbeddedIndex::new(one.bytes() * 2);
    let (own, other) = (partition("own"), partition("other"));
    assert!(!index.holds(&own).await.unwrap());
    index.put(&own, document(1, "t", &[&text])).await.unwrap();
    // Another one needs the memory while the rest is read.
    for number in 1..=2 {
        index.put(&other, document(number, "t", &[&text])).await.unwrap();
    }
    index.put(&own, document(2, "t", &[&text])).await.unwrap();
    assert!(!index.holds(&own).await.unwrap(), "a part of it is not taken for all of it");
    assert_eq!(found(&index, std::slice::from_ref(&own), &words("mot")).await, []);
    for number in 1..=2 {
        index.put(&own, document(number, "t", &[&text])).await.unwrap();
    }
    assert_eq!(found(&index, std::slice::from_ref(&own), &words("mot")).await, [(1, 0), (2, 0)]);
    assert!(index.holds(&own).await.unwrap());
}

#[tokio::test]
async fn documents_without_passages_move_nobody_elses() {
    let (index, all) = (index(), [partition("p")]);
    index.put(&all[0], document(1, "", &["premier"])).await.unwrap();
    // They would begin where the next one begins.
    for number in 2..5 {
        index.put(&all[0], document(number, "", &[])).await.unwrap();
    }
    index.put(&all[0], document(5, "", &["second", "dernier"])).await.unwrap();
    index.remove(&all[0], Some(3)).await.unwrap();
    // Enough unused slots that all are numbered anew.
    let many = vec!["rempli"; 5_000];
    index.put(&all[0], document(6, "", &many)).await.unwrap();
    index.put(&all[0], document(0, "", &["ajout"])).await.unwrap();
    index.remove(&all[0], Some(6)).await.unwrap();
    for (word, place) in [("premier", (1, 0)), ("second", (5, 0)), ("dernier", (5, 1)), ("ajout", (0, 0))] {
        assert_eq!(found(&index, &all, &words(word)).await, [place], "{word}");
    }
}

#[tokio::test]
async fn another_spelling_weighs_alike_in_one_partition_and_in_several() {
    let (one, several) = (index(), index());
    let places = [partition("a"), partition("b"), partition("c")];
    for number in 0..9 {
        let document = document(number, "Note", &["une convention collective", "autre chose"]);
        one.put(&places[0], document.clone()).await.unwrap();
        several.put(&places[number as usize % 3], document).await.unwrap();
    }
    let query = words("conventoin");
    let (alone, apart) = (one.search(&places, &query).await.unwrap(), several.search(&places, &query).await.unwrap());
    assert_eq!(alone.len(), 9);
    for (alone, apart) in alone.iter().zip(&apart) {
        assert_eq!((alone.score, alone.evidence), (apart.score, apart.evidence));
    }
}

#[tokio::test]
async fn hostile_input_is_answered() {
    let (index, all) = (index(), [partition("p")]);
    let word = "a".repeat(1 << 20);
    index.put(&all[0], document(1, &word, &[&word, "", "\u{0}\u{feff}", "texte"])).await.unwrap();
    index.put(&all[0], document(2, "", &[])).await.unwrap();
    let nan = vec![vec![f32::NAN; 4], vec![0.0; 4], vec![f32::INFINITY; 4]];
    index.put(&all[0], with_vectors(document(3, "nan", &["un", "deux", "trois"]), nan)).await.unwrap();
    index
        .put(&all[0], with_vectors(document(4, "few", &["un", "deux"]), vec![vec![1.0, 0.0, 0.0, 0.0]]))
        .await
        .unwrap();
    index.put(&all[0], with_vectors(document(5, "empty", &["un"]), vec![vec![]])).await.unwrap();
    let long = "congé 1234-5 ".repeat(80_000);
    for text in ["", " ", &word, &long, "\u{0}", "’’’"] {
        for vector in [None, Some(vec![f32::NAN; 4]), Some(vec![0.0; 4]), Some(vec![0.5; 4])] {
            for generic in [None, Some(vec![f32::NAN; 4].into()), Some(vec![0.1; 3].into())] {
                let query = Query { vector: vector.clone(), generic, ..words(text) };
                let hits = index.search(&all, &query).await.unwrap();
                assert!(hits.iter().all(|hit| hit.score.is_finite() && (0.0..=1.0).contains(&hit.evidence.words)));
            }
        }
    }
    assert_eq!(found(&index, &all, &Query { most: 0, ..words("un") }).await, []);
    let wrong = Query { vector: Some(vec![1.0; 5]), ..words("un") };
    assert!(matches!(index.search(&all, &wrong).await, Err(IndexError::Dimension { found: 5, expected: 4 })));
    let wrong = with_vectors(document(6, "wrong", &["un"]), vec![vec![1.0; 5]]);
    assert!(matches!(index.put(&all[0], wrong).await, Err(IndexError::Dimension { found: 5, expected: 4 })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn searches_and_changes_at_once_end() {
    let index = Arc::new(index());
    let all: Vec<Partition> = (0..4).map(|name| partition(&name.to_string())).collect();
    let tasks: Vec<_> = (0..16_u64)
        .map(|task| {
            let (index, mut all) = (index.clone(), all.clone());
            all.rotate_left(task as usize % 4);
            tokio::spawn(async move {
                for round in 0..20 {
                    let own = &all[round % 4];
                    index.put(own, document(task, "titre", &["un texte", "un autre"])).await.unwrap();
                    index.search(&all, &words("texte")).await.unwrap();
                    index.remove(own, (round % 3 != 0).then_some(task)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// What a search over words gives by the definition: every passage is counted and scored by itself.
fn naive(documents: &BTreeMap<(usize, u64), IndexedDocument>, query: &Query) -> Vec<(usize, u64, u32)> {
    let mut rows = Vec::new();
    let mut statistics = lexical::Statistics::default();
    for (place, document) in documents {
        let title = crate::index::french::terms(&document.title);
        for passage in document.passages.iter() {
            let counts = lexical::counts(&title, passage);
            statistics.passages += 1;
            statistics.length += f64::from(counts.length);
            rows.push((*place, passage.ordinal, counts));
        }
    }
    let mut scored: Vec<_> = rows
        .iter()
        .map(|((partition, number), ordinal, counts)| {
            let score: f32 = lexical::query_terms(&query.text)
                .iter()
                .map(|term| {
                    let holders = rows.iter().filter(|(_, _, counts)| counts.terms.contains_key(&term.text)).count();
                    let count = counts.terms.get(&term.text).copied().unwrap_or_default();
                    term.weight * statistics.rarity(holders as u64) * statistics.fit(count, counts.length)
                })
                .sum();
            (score, *partition, *number, *ordinal)
        })
        .filter(|(score, ..)| *score > 0.0)
        .collect();
    scored
        .sort_by(|one, other| other.0.total_cmp(&one.0).then((one.1, one.2, one.3).cmp(&(other.1, other.2, other.3))));
    scored.truncate(query.most);
    scored.into_iter().map(|(_, partition, number, ordinal)| (partition, number, ordinal)).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Put(usize, u64, Vec<String>),
    Remove(usize, Option<u64>),
    Search(Vec<usize>, String),
}

fn text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["congé", "agent", "prime", "paie", "note", "RTT", "2024-12", "l’État"]);
    prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3_usize, 0..5_u64, prop::collection::vec(text(), 0..5)).prop_map(|(partition, number, texts)| Step::Put(partition, number, texts)),
        1 => (0..3_usize, prop::option::weighted(0.8, 0..5_u64)).prop_map(|(partition, number)| Step::Remove(partition, number)),
        3 => (prop::sample::subsequence(vec![0, 1, 2], 1..4), text()).prop_map(|(partitions, text)| Step::Search(partitions, text)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn after_any_steps_it_finds_what_the_naive_model_finds(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let index = index();
        let names: Vec<Partition> = (0..3).map(|name| partition(&name.to_string())).collect();
        let mut model: BTreeMap<(usize, u64), IndexedDocument> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Put(partition, number, texts) => {
                    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                    let document = document(number, texts.first().unwrap_or(&""), &texts);
                    runtime.block_on(index.put(&names[partition], document.clone())).unwrap();
                    model.insert((partition, number), document);
                }
                Step::Remove(partition, number) => {
                    runtime.block_on(index.remove(&names[partition], number)).unwrap();
                    model.retain(|(of, other), _| *of != partition || number.is_some_and(|number| number != *other));
                }
                Step::Search(partitions, text) => {
                    let searched: Vec<Partition> = partitions.iter().map(|name| names[*name].clone()).collect();
                    let query = words(&text);
                    let hits = runtime.block_on(index.search(&searched, &query)).unwrap();
                    let seen = model.iter().filter(|((partition, _), _)| partitions.contains(partition));
                    let seen = seen.map(|(place, document)| (*place, document.clone())).collect();
                    let found: Vec<_> = hits
                        .iter()
                        .map(|hit| {
                            let partition = names.iter().position(|name| *name == hit.partition).unwrap();
                            (partition, hit.document, hit.passage.ordinal)
                        })
                        .collect();
                    prop_assert_eq!(found, naive(&seen, &query));
                    let sound = |hit: &Hit| hit.evidence.cosine.is_none() && (0.0..=1.0).contains(&hit.evidence.words);
                    prop_assert!(hits.iter().all(sound));
                }
            }
        }
    }
}
