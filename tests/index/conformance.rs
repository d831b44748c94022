//! What every index does.

use compagnon::{
    document::{Partition, Passage, Place},
    index::{Index, IndexedDocument, Query, embedded::EmbeddedIndex},
};

/// Texts that are no statements, no markup and no vectors, whatever an engine makes of them.
const HOSTILE: [&str; 6] = [
    "'; DROP TABLE compagnon.passages; --",
    "$1 $2 :name ?1 {0} %s \\x00 \\' \"",
    "zéro \u{0} dedans",
    "🏳️‍🌈 e\u{301} \u{202e}renversé",
    "",
    "[1,2,3]::vector",
];

fn collection(name: &str) -> Partition {
    Partition::Collection(name.to_owned())
}

fn document(number: u64, title: &str, passages: &[(&str, [f32; 2])]) -> IndexedDocument {
    let passage = |(ordinal, (text, _)): (u32, &(&str, [f32; 2]))| Passage {
        ordinal,
        place: Place::Page(ordinal + 1),
        headings: vec!["Chapitre".to_owned()],
        text: (*text).to_owned(),
    };
    IndexedDocument {
        number,
        title: title.to_owned(),
        passages: (0..).zip(passages).map(passage).collect(),
        vectors: Some(passages.iter().map(|(_, vector)| vector.to_vec()).collect()),
    }
}

fn query(text: &str, vector: Option<[f32; 2]>) -> Query {
    Query { text: text.to_owned(), vector: vector.map(Into::into), generic: None, most: 10 }
}

/// Puts, searches, replaces and removes in collections of an index that has none of them yet.
pub async fn check(index: &dyn Index) {
    let (rh, cyber) = (collection("rh"), collection("cyber"));
    assert!(!index.holds(&rh).await.unwrap());
    let all = [rh.clone(), cyber.clone()];
    assert!(index.search(&all, &query("congés", Some([1.0, 0.0]))).await.unwrap().is_empty());

    let leave = document(
        1,
        "Guide des absences",
        &[
            ("Les congés annuels non pris sont reportés jusqu’au 31 mars.", [1.0, 0.0]),
            ("Le parapheur électronique remplace la signature.", [0.0, 1.0]),
        ],
    );
    index.put(&rh, leave.clone()).await.unwrap();
    index
        .put(&rh, document(2, "Télétravail", &[("Le télétravail est de deux jours par semaine.", [0.6, 0.8])]))
        .await
        .unwrap();
    index
        .put(&cyber, document(1, "Mots de passe", &[("Les congés du mot de passe secret.", [0.8, 0.6])]))
        .await
        .unwrap();
    assert!(index.holds(&rh).await.unwrap() && index.holds(&cyber).await.unwrap());

    // By words: another form of the word, of one partition only.
    let hits = index.search(std::slice::from_ref(&rh), &query("report d'un congé annuel", None)).await.unwrap();
    assert_eq!((hits[0].document, hits[0].passage.ordinal), (1, 0));
    assert!(hits.iter().all(|hit| hit.partition == rh), "nothing of another partition");
    assert_eq!(hits[0].title, "Guide des absences");
    assert_eq!(
        (&hits[0].passage.place, &hits[0].passage.headings[..]),
        (&Place::Page(1), &["Chapitre".to_owned()][..])
    );
    assert!(hits[0].passage == leave.passages[0]);
    assert!(hits[0].evidence.words > 0.3 && hits[0].evidence.words <= 1.0, "{:?}", hits[0].evidence);
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));

    // By vectors: without a word in common.
    let hits = index.search(std::slice::from_ref(&rh), &query("xyzzy", Some([0.0, 1.0]))).await.unwrap();
    assert_eq!((hits[0].document, hits[0].passage.ordinal), (1, 1));
    let cosine = hits[0].evidence.cosine.expect("a cosine");
    assert!((cosine - 1.0).abs() < 0.01 && hits[0].evidence.words == 0.0, "{:?}", hits[0].evidence);

    // In both, no more than was asked for.
    let hits = index.search(&all, &query("congés", Some([0.8, 0.6]))).await.unwrap();
    assert!(hits.iter().any(|hit| hit.partition == rh) && hits.iter().any(|hit| hit.partition == cyber));
    let few = index.search(&all, &Query { most: 1, ..query("congés", None) }).await.unwrap();
    assert_eq!(few.len(), 1);

    // Put anew: the old passages are gone.
    index.put(&rh, document(1, "Guide des absences", &[("Les congés sont perdus.", [1.0, 0.0])])).await.unwrap();
    let hits = index.search(std::slice::from_ref(&rh), &query("parapheur", None)).await.unwrap();
    assert!(hits.iter().all(|hit| hit.evidence.words == 0.0 || !hit.passage.text.contains("parapheur")), "{hits:?}");
    let texts: Vec<String> = hits.iter().map(|hit| hit.passage.text.clone()).collect();
    assert!(!texts.iter().any(|text| text.contains("reportés") || text.contains("parapheur")), "{}", texts.len());

    hostile(index).await;

    index.remove(&rh, Some(1)).await.unwrap();
    index.remove(&rh, Some(99)).await.unwrap();
    let hits = index.search(std::slice::from_ref(&rh), &query("congés", None)).await.unwrap();
    assert!(hits.iter().all(|hit| hit.document != 1));
    index.remove(&cyber, None).await.unwrap();
    assert!(!index.holds(&cyber).await.unwrap() && index.holds(&rh).await.unwrap());
    assert!(index.search(&[cyber], &query("congés", None)).await.unwrap().is_empty());
}

async fn hostile(index: &dyn Index) {
    let odd = collection("odd");
    for (text, number) in HOSTILE.iter().zip(1..) {
        index.put(&odd, document(number, text, &[(text, [0.6, 0.8]), ("parapheur", [0.6, 0.8])])).await.unwrap();
        index.search(std::slice::from_ref(&odd), &query(text, Some([0.6, 0.8]))).await.unwrap();
    }
    let hits = index.search(std::slice::from_ref(&odd), &query("parapheur", None)).await.unwrap();
    assert_eq!(hits.iter().filter(|hit| hit.passage.text == "parapheur").count(), HOSTILE.len());
    let long = "mot ".repeat(5_000);
    index.search(std::slice::from_ref(&odd), &query(&long, None)).await.unwrap();
    index.remove(&odd, None).await.unwrap();
}

#[tokio::test]
async fn the_embedded_index_does_it() {
    check(&EmbeddedIndex::new(64 << 20)).await;
}
