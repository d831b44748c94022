//! What the index in `PostgreSQL` does beside: it refuses what is not shared, survives its server, and is used by several bots at once.

#![allow(clippy::cast_sign_loss)] // Numbers from 0 to 1.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use compagnon::{
    document::{Document, Partition, Passage, Place},
    index::{
        Hit, Index, IndexError, IndexedDocument, PostgresIndex, Query, RoutedIndex, SharedDocument,
        embedded::EmbeddedIndex, postgres::Config,
    },
};

use crate::{conformance::check, support::postgres::Postgres};

/// The server of these tests. One of them stops it, and holds it meanwhile.
fn server() -> &'static Mutex<Postgres> {
    static SERVER: OnceLock<Mutex<Postgres>> = OnceLock::new();
    SERVER.get_or_init(|| Mutex::new(Postgres::start()))
}

/// One test that fails leaves it to the others.
fn lock() -> MutexGuard<'static, Postgres> {
    server().lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(url: &str) -> PostgresIndex {
    let config: Config = serde_yaml::from_str(&format!("{{url: '{url}', timeout: 20s}}")).unwrap();
    config.validate().unwrap();
    PostgresIndex::open(&config).unwrap()
}

fn document(number: u64, text: &str, vector: Option<Vec<f32>>) -> IndexedDocument {
    let passage = Passage { ordinal: 0, place: Place::Whole, headings: Vec::new(), text: text.to_owned() };
    IndexedDocument {
        number,
        title: format!("Note {number}"),
        passages: [passage].into(),
        vectors: vector.map(|vector| [vector].into()),
    }
}

fn query(text: &str) -> Query {
    Query { text: text.to_owned(), vector: None, generic: None, most: 10 }
}

fn rh() -> Partition {
    Partition::Collection("rh".to_owned())
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock)] // Each test needs the server as it is.
async fn postgres_does_what_every_index_does() {
    let server = lock();
    check(&open(&server.database())).await;
}

/// Words that passages are made of: some common, some rare, some that stand for others.
const WORDS: [&str; 24] = [
    "demande",
    "agent",
    "congé",
    "annuel",
    "report",
    "maladie",
    "télétravail",
    "réduction",
    "temps",
    "travail",
    "prime",
    "indemnité",
    "mutation",
    "concours",
    "formation",
    "retraite",
    "salaire",
    "bulletin",
    "paie",
    "horaires",
    "crèche",
    "parking",
    "badge",
    "informatique",
];

const DIMENSION: usize = 32;
const SUBJECTS: u64 = 6;

/// The same numbers at each run, from 0 to 1.
fn numbers(mut seed: u64) -> impl FnMut() -> f32 {
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// As those of a model: rather close together, and those of one subject closer.
fn direction(subject: u64, number: &mut impl FnMut() -> f32) -> Vec<f32> {
    let mut of_subject = numbers(1_000_000 + subject);
    let vector: Vec<f32> = (0..DIMENSION).map(|_| 0.3 + of_subject() - 0.5 + 0.5 * (number() - 0.5)).collect();
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.into_iter().map(|value| value / length).collect()
}

fn words(number: &mut impl FnMut() -> f32, count: usize) -> String {
    // The first ones are commoner.
    let word = |share: f32| WORDS[((share * share * 24.0) as usize).min(23)];
    (0..count).map(|_| word(number())).collect::<Vec<_>>().join(" ")
}

fn made_up(number: u64) -> IndexedDocument {
    let mut random = numbers(number + 1);
    let count = 1 + (random() * 6.0) as u32;
    let passage = |ordinal: u32, random: &mut dyn FnMut() -> f32| {
        let mut random = random;
        let length = 5 + (random() * 40.0) as usize;
        let headings = vec![words(&mut random, 2)];
        Passage { ordinal, place: Place::Whole, headings, text: words(&mut random, length) }
    };
    let passages: Vec<Passage> = (0..count).map(|ordinal| passage(ordinal, &mut random)).collect();
    let vectors: Vec<Vec<f32>> = passages.iter().map(|_| direction(number / 3 % SUBJECTS, &mut random)).collect();
    IndexedDocument { number, title: words(&mut random, 2), passages: passages.into(), vectors: Some(vectors.into()) }
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock)]
async fn it_finds_what_the_index_in_memory_finds_in_the_same_order() {
    let server = lock();
    let (shared, embedded) = (open(&server.database()), EmbeddedIndex::new(64 << 20));
    let all = [rh(), Partition::Collection("paie".to_owned())];
    for number in 0..120 {
        let (partition, document) = (&all[usize::from(number % 3 == 0)], made_up(number));
        shared.put(partition, document.clone()).await.unwrap();
        embedded.put(partition, document).await.unwrap();
    }
    // Put anew and removed: what is counted of them goes too.
    for number in (0..120).step_by(7) {
        let (partition, document) = (&all[usize::from(number % 3 == 0)], made_up(number + 1000));
        let document = IndexedDocument { number, ..document };
        for index in [&shared as &dyn Index, &embedded] {
            index.put(partition, document.clone()).await.unwrap();
            index.remove(partition, Some(number + 2)).await.unwrap();
        }
    }
    let mut random = numbers(99);
    let generic: Arc<[f32]> = direction(SUBJECTS, &mut random).iter().map(|value| value * 0.9).collect();
    let texts = [
        "report du congé annuel",
        "télétravial d'un agent",
        "RTT",
        "fiche de paie",
        "badge du parking informatique",
        "demande",
        "",
        "xyzzy",
        "congé de maladie et congé de formation",
    ];
    for (text, subject) in texts.into_iter().zip(0..) {
        let subject = subject % SUBJECTS;
        for (vector, generic) in [
            (None, None),
            (Some(direction(subject, &mut random)), None),
            (Some(direction(subject, &mut random)), Some(Arc::clone(&generic))),
        ] {
            for partitions in [&all[..1], &all[1..], &all[..]] {
                let query = Query { text: text.to_owned(), vector: vector.clone(), generic: generic.clone(), most: 20 };
                let ours = embedded.search(partitions, &query).await.unwrap();
                let theirs = shared.search(partitions, &query).await.unwrap();
                let vectors = (query.vector.is_some(), query.generic.is_some());
                same(&format!("{text:?}, {vectors:?}, {} collections", partitions.len()), &ours, &theirs);
            }
        }
    }
}

/// Compares what two engines found. Vectors in 8 bits are rounded: what is worth almost the same may change places.
fn same(query: &str, ours: &[Hit], theirs: &[Hit]) {
    const ROUNDING: f32 = 0.1;
    assert_eq!(ours.len(), theirs.len(), "{query}");
    let place = |hit: &Hit| (hit.partition.clone(), hit.document, hit.passage.ordinal);
    for (rank, (one, other)) in ours.iter().zip(theirs).enumerate() {
        assert!((one.score - other.score).abs() < ROUNDING, "{query}, {rank}: {} {}", one.score, other.score);
        let Some(twin) = theirs.iter().find(|hit| place(hit) == place(one)) else {
            let last = theirs.last().map_or(0.0, |hit| hit.score);
            assert!(one.score - last < ROUNDING, "{query}, {rank}: {:?} is not found", place(one));
            continue;
        };
        assert!((twin.score - one.score).abs() < ROUNDING, "{query}, {rank}: {:?}", place(one));
        assert!(
            (twin.evidence.words - one.evidence.words).abs() < 1e-4,
            "{query}: {:?} {:?}",
            one.evidence,
            twin.evidence
        );
        match (one.evidence.cosine, twin.evidence.cosine) {
            (Some(cosine), Some(twin)) => assert!((cosine - twin).abs() < 0.01, "{query}: {cosine} {twin}"),
            (cosine, twin) => assert_eq!(cosine, twin, "{query}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock)]
async fn vectors_of_another_model_are_not_compared_whatever_their_length() {
    let server = lock();
    let url = server.database();
    let (writer, reader) = (open(&url), open(&url));
    writer.compares(Some("one"));
    writer.begin("rh", Some(("one", 2))).await.unwrap();
    writer.put(&rh(), document(1, "congés", Some(vec![0.6, 0.8]))).await.unwrap();
    let asked = Query { vector: Some(vec![0.6, 0.8]), ..query("congé") };
    for (model, compared) in [(Some("one"), true), (Some("another"), false), (None, false)] {
        reader.compares(model);
        let hits = reader.search(&[rh()], &asked).await.unwrap();
        assert_eq!((hits.len(), hits[0].evidence.cosine.is_some()), (1, compared), "{model:?}");
    }
    // Begun with another one: the vectors are gone, and all is to be put anew.
    assert_eq!(reader.begin("rh", Some(("another", 2))).await.unwrap(), [(1, [0; 32])].into());
    let hits = writer.search(&[rh()], &asked).await.unwrap();
    assert_eq!((hits.len(), hits[0].evidence.cosine), (1, None));
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock)]
async fn whatever_the_texts_of_a_document_hold_it_is_put() {
    let server = lock();
    let index = open(&server.database());
    let text = "un\0deux".to_owned();
    let passage =
        Passage { ordinal: 0, place: Place::Sheet(text.clone()), headings: vec![text.clone()], text: text.clone() };
    let known = Document {
        number: 1,
        partition: rh(),
        title: text.clone(),
        format: text.clone(),
        pages: None,
        passages: 1,
        characters: 7,
        origin: None,
        added_at: 0,
        link: Some(text.clone()),
    };
    let put = SharedDocument { document: &known, version: [1; 32], passages: &[passage], vectors: None };
    index.put_document("rh", &put).await.unwrap();
    assert_eq!(index.search(&[rh()], &query(&text)).await.unwrap().len(), 1);
    assert_eq!(index.document("rh", 1).await.unwrap().unwrap().link.as_deref(), Some("undeux"));
    index.remove(&rh(), Some(1)).await.unwrap();
    assert!(index.search(&[rh()], &query(&text)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock)]
async fn what_is_no_collection_never_reaches_it() {
    let server = lock();
    let index = open(&server.database());
    for partition in
        [Partition::Catalogue, Partition::Compagnon("rh".to_owned()), Partition::Person("@a:h".try_into().unwrap())]
    {
        let refused = |outcome: Result<(), IndexError>| matches!(outcome, Err(IndexError::Refused(_)));
        assert!(refused(index.put(&partition, document(1, "canari", None)).await));
        assert!(refused(index.remove(&partition, None).await));
        assert!(refused(index.holds(&partition).await.map(drop)));
        assert!(refused(index.search(&[rh(), partition.clone()], &query("canari")).await.map(drop)));
    }
    assert!(!index.holds(&rh()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock)]
async fn several_bots_begin_at_once_and_see_each_others_documents() {
    let server = lock();
    let url = server.database();
    let bots: Vec<Arc<PostgresIndex>> = (0..6).map(|_| Arc::new(open(&url))).collect();
    let puts = bots.iter().zip(1..).map(|(bot, number)| {
        let bot = Arc::clone(bot);
        tokio::spawn(async move {
            bot.put(&rh(), document(number, &format!("congés nº {number}"), Some(vec![0.6, 0.8]))).await
        })
    });
    for put in futures_util::future::join_all(puts).await {
        put.unwrap().unwrap();
    }
    for bot in &bots {
        assert_eq!(bot.search(&[rh()], &query("congé")).await.unwrap().len(), 6);
    }
    let other = bots[0].put(&rh(), document(9, "autre modèle", Some(vec![1.0, 0.0, 0.0]))).await;
    assert!(matches!(other, Err(IndexError::Dimension { found: 3, expected: 2 })), "{other:?}");
    let of_another = Query { vector: Some(vec![1.0, 0.0, 0.0]), ..query("congé") };
    assert_eq!(bots[0].search(&[rh()], &of_another).await.unwrap().len(), 6, "by words");
    let (known, passages) = bots[1].passages("rh", 3).await.unwrap().unwrap();
    assert_eq!((known.title.as_str(), passages.len(), passages[0].text.as_str()), ("Note 3", 1, "congés nº 3"));
    assert!(bots[1].passages("rh", 77).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock)]
async fn while_the_server_is_away_searches_fail_at_once_and_then_go_on() {
    let mut server = lock();
    let index = Arc::new(open(&server.database()));
    index.put(&rh(), document(1, "congés reportés", None)).await.unwrap();
    let embedded: Arc<dyn Index> = Arc::new(EmbeddedIndex::new(64 << 20));
    embedded.put(&Partition::Catalogue, document(1, "congés du catalogue", None)).await.unwrap();
    let routed = RoutedIndex::new(embedded, Arc::clone(&index), ["rh".to_owned()].into());
    let both = [Partition::Catalogue, rh()];
    assert_eq!(routed.search(&both, &query("congés")).await.unwrap().len(), 2);
    server.stop();
    for _ in 0..3 {
        let away = index.search(&[rh()], &query("congés")).await;
        assert!(matches!(away, Err(IndexError::Unreachable(_))), "{away:?}");
    }
    assert_eq!(routed.search(&both, &query("congés")).await.unwrap().len(), 1, "what is in memory is found");
    server.resume();
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        // It tries again by itself, after a wait that grows.
        match index.search(&[rh()], &query("congés")).await {
            Ok(hits) => break assert_eq!(hits.len(), 1),
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock)]
async fn a_failure_names_no_content() {
    let server = lock();
    let index = open(&server.database());
    index.put(&rh(), document(1, "canari", Some(vec![f32::NAN, 1.0]))).await.expect_err("no number");
    let failed = index.put(&rh(), document(2, "canari", Some(vec![f32::INFINITY, 1.0]))).await.expect_err("no number");
    assert!(!format!("{failed} {failed:?}").contains("canari"));
}
