//! What the index in `PostgreSQL` does beside: it refuses what is not shared, survives its server, and is used by several bots at once.

use std::{
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use compagnon::{
    document::{Partition, Passage, Place},
    index::{
        Index, IndexError, IndexedDocument, PostgresIndex, Query, RoutedIndex, embedded::EmbeddedIndex,
        postgres::Config,
    },
};

use crate::{conformance::check, support::postgres::Postgres};

/// The server of these tests. One of them stops it, and holds it meanwhile.
fn server() -> &'static Mutex<Postgres> {
    static SERVER: OnceLock<Mutex<Postgres>> = OnceLock::new();
    SERVER.get_or_init(|| Mutex::new(Postgres::start()))
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
    let server = server().lock().unwrap();
    check(&open(&server.database())).await;
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock)]
async fn what_is_no_collection_never_reaches_it() {
    let server = server().lock().unwrap();
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
    let server = server().lock().unwrap();
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
}

#[tokio::test(flavor = "multi_thread")]
#[allow(clippy::await_holding_lock)]
async fn while_the_server_is_away_searches_fail_at_once_and_then_go_on() {
    let mut server = server().lock().unwrap();
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
    let server = server().lock().unwrap();
    let index = open(&server.database());
    index.put(&rh(), document(1, "canari", Some(vec![f32::NAN, 1.0]))).await.expect_err("no number");
    let failed = index.put(&rh(), document(2, "canari", Some(vec![f32::INFINITY, 1.0]))).await.expect_err("no number");
    assert!(!format!("{failed} {failed:?}").contains("canari"));
}
