//! What is refused of fresh questions: of those that the corpus answers, and of those that it does not.

use std::{collections::HashMap, slice};

use compagnon::index::{
    Evidence,
    threshold::{Threshold, is_evidence_enough},
};
use tokio::runtime::Runtime;

use super::{
    corpus::{self, Fiche},
    ranking::{Searcher, query},
    vectors::Vectors,
};

/// How many of the best passages are looked at: an answer has no more.
const SHOWN: usize = 5;
/// How far from its own fiche another one is that a question is asked of.
const ELSEWHERE: usize = 13;

/// Prints the shares that are refused, with vectors and by words alone: in the whole corpus, and in a single fiche.
pub fn measure(runtime: &Runtime, searcher: &Searcher<'_>, fiches: &[Fiche], vectors: &Vectors) {
    let all = Threshold::among(vectors.passages.len() as u64);
    let mut shares = Shares::default();
    for (number, fresh) in corpus::fresh().iter().enumerate() {
        let refused = both(searcher, fresh.text, vectors, &all);
        shares.add(if number % 2 == 0 { "tuned" } else { "check" }, fresh.kind, refused);
    }
    println!("refused in the whole corpus:");
    shares.print();
    let mut shares = Shares::default();
    let places: HashMap<&str, usize> =
        fiches.iter().enumerate().map(|(place, fiche)| (fiche.id.as_str(), place)).collect();
    let fresh = corpus::fresh();
    let own: Vec<usize> = fresh.iter().filter_map(|fresh| places.get(fresh.fiche?)).copied().collect();
    for (number, fresh) in fresh.iter().enumerate() {
        let half = if number % 2 == 0 { "tuned" } else { "check" };
        let place = fresh.fiche.map_or(own[number % own.len()], |fiche| places[fiche]);
        shares.add(half, fresh.kind, alone(runtime, fiches, vectors, place, fresh.text));
        if fresh.fiche.is_some() {
            let other = own[(number + ELSEWHERE) % own.len()];
            shares.add(half, "of another fiche", alone(runtime, fiches, vectors, other, fresh.text));
        }
    }
    println!("refused in a single fiche:");
    shares.print();
}

/// Whether a question is refused where one fiche is all that is searched.
fn alone(runtime: &Runtime, fiches: &[Fiche], vectors: &Vectors, place: usize, text: &str) -> [bool; 2] {
    let start = fiches[..place].iter().map(|fiche| fiche.passages.len()).sum::<usize>();
    let count = fiches[place].passages.len();
    let searcher =
        Searcher::new(runtime, slice::from_ref(&fiches[place]), Some(&vectors.passages[start..start + count]));
    both(&searcher, text, vectors, &Threshold::among(count as u64))
}

/// Whether a question is refused, with its vector and by its words alone.
fn both(searcher: &Searcher<'_>, text: &str, vectors: &Vectors, threshold: &Threshold) -> [bool; 2] {
    let vector = vectors.of_query(text);
    let fused = searcher.evidence(&query(text, vector, Some(vectors.generic.clone())));
    let words = searcher.evidence(&query(text, None, None));
    let refused = |evidence: Vec<Evidence>| !evidence.iter().take(SHOWN).any(|one| is_evidence_enough(one, threshold));
    [refused(fused), refused(words)]
}

/// By kind and half: how many questions, and how many of them were refused.
#[derive(Default)]
struct Shares(Vec<(&'static str, &'static str, usize, [usize; 2])>);

impl Shares {
    fn add(&mut self, half: &'static str, kind: &'static str, refused: [bool; 2]) {
        let place = self.0.iter().position(|row| (row.0, row.1) == (half, kind)).unwrap_or_else(|| {
            self.0.push((half, kind, 0, [0; 2]));
            self.0.len() - 1
        });
        let row = &mut self.0[place];
        row.2 += 1;
        (0..2).for_each(|mode| row.3[mode] += usize::from(refused[mode]));
    }

    fn print(&self) {
        for (half, kind, all, refused) in &self.0 {
            let [fused, words] = refused.map(|refused| 100.0 * refused as f64 / *all as f64);
            println!("  {half} {kind:18} {all:3} questions: {fused:5.1} % fused, {words:5.1} % by words alone");
        }
    }
}
