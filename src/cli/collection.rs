//! `compagnon collection`: the documents that ops give to compagnons.

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::runtime::Runtime;

use super::output;
use crate::{
    app::{self, folder},
    assistant::{
        self,
        collections::{Indexing, Options, Progress, Searchable, Summary},
    },
    collections::{Collection, Collections, Engine},
    config::Config,
    document::{Partition, Place},
    index::{Hit, Index, Query, threshold},
    inference::TextKind,
};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);

/// The hits that `test` shows.
const SHOWN: usize = 8;

/// What to do with collections.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Read what is new or changed in the folder of a collection, or of all. Works while the bot runs.
    Index {
        /// The collection; without it, all of them.
        name: Option<String>,
        /// Empty a collection whose folder has no file any more.
        #[arg(long)]
        empty: bool,
    },
    /// List the collections with what they hold.
    List,
    /// Search a collection as a question would, and show what is found.
    Test {
        /// The collection.
        name: String,
        /// The question.
        question: String,
    },
}

/// Runs one of them; `index` fails when a file could not be read.
pub(super) fn collection(config: &Config, command: &Command) -> anyhow::Result<ExitCode> {
    if config.data().exists() {
        // What another account writes, the bot could not read.
        folder::ensure_ours(config.data())?;
    }
    let collections = app::collections(config)?;
    match command {
        Command::Index { name, empty } => Runtime::new()?.block_on(index(config, collections, name.as_deref(), *empty)),
        Command::List => Ok(list(&collections)),
        Command::Test { name, question } => Runtime::new()?.block_on(test(config, collections, name, question)),
    }
}

async fn index(config: &Config, collections: Collections, name: Option<&str>, empty: bool) -> anyhow::Result<ExitCode> {
    let names = match name {
        Some(name) => vec![collections.get(name).map(|_| name.to_owned())?],
        None => collections.iter().map(|(name, _)| name.to_owned()).collect(),
    };
    let encoders = app::open_encoders(config, &app::processors(config)?)?;
    let ((reader, _), shared) = (assistant::reader(&config.documents), app::postgres(config)?);
    let indexing = Indexing::new(collections, &config.documents, reader, encoders.embedding, shared);
    let mut failed = false;
    for name in &names {
        let (begun, mut shown) = (Instant::now(), Shown::new(name));
        let outcome = indexing.index(name, Options { empty }, &mut |progress| shown.show(progress)).await;
        shown.end();
        match outcome.with_context(|| format!("collection {name}")) {
            Ok(summary) => {
                say(name, &summary, begun.elapsed());
                failed |= !summary.failed.is_empty();
            }
            Err(error) => {
                output::complain(&format!("{error:#}"));
                failed = true;
            }
        }
    }
    Ok(ExitCode::from(u8::from(failed)))
}

fn say(name: &str, summary: &Summary, took: Duration) {
    for (path, reason) in &summary.failed {
        output::note(&format!("{name}: {path}: {reason}"));
    }
    output::say(&format!(
        "{name}: {} read, {} unchanged, {} copies, {} removed, {} failed; {} documents, {} passages; {:.1} s",
        summary.read,
        summary.unchanged,
        summary.copies,
        summary.removed,
        summary.failed.len(),
        summary.documents,
        summary.passages,
        took.as_secs_f64()
    ));
}

fn list(collections: &Collections) -> ExitCode {
    let mut failed = false;
    for (name, collection) in collections.iter() {
        let kept = match collections.kept(name).with_context(|| format!("collection {name}")) {
            Ok(kept) => kept,
            // The others are listed all the same.
            Err(error) => {
                output::complain(&format!("{error:#}"));
                failed = true;
                continue;
            }
        };
        let manifest = kept.manifest();
        let (documents, passages) =
            manifest.documents().fold((0_usize, 0_u64), |(documents, passages), (_, stored)| {
                (documents + 1, passages + u64::from(stored.passages))
            });
        let when = manifest.completed_at.and_then(|at| jiff::Timestamp::from_millisecond(at.cast_signed()).ok());
        let when = when.map_or_else(
            || "not read to its end yet".to_owned(),
            |at| format!("read {}", at.strftime("%Y-%m-%d %H:%M UTC")),
        );
        let failed = match manifest.failures().count() {
            0 => String::new(),
            failed => format!(", {failed} files not read"),
        };
        output::say(&format!(
            "{name} — {}: {documents} documents, {passages} passages{failed}; {when}; {}",
            collection.title(name),
            of(collection)
        ));
    }
    ExitCode::from(u8::from(failed))
}

/// Who searches a collection, and where.
fn of(collection: &Collection) -> String {
    let to = match &collection.compagnons[..] {
        [] => "those that name it".to_owned(),
        named => named.join(", "),
    };
    let engine = if collection.index == Engine::Postgres { "PostgreSQL" } else { "embedded" };
    format!("{engine}; for {to}")
}

async fn test(config: &Config, collections: Collections, name: &str, question: &str) -> anyhow::Result<ExitCode> {
    let is_shared = collections.get(name)?.index == Engine::Postgres;
    let of = || format!("collection {name}");
    if !is_shared {
        let was_read = !collections.kept(name).with_context(of)?.manifest().entries.is_empty();
        ensure!(was_read, "collection {name}: nothing was read yet: compagnon collection index {name}");
    }
    let encoders = app::open_encoders(config, &app::processors(config)?)?;
    let (embedding, shared) = (encoders.embedding, app::postgres(config)?);
    let index: Arc<dyn Index> = app::index(config, shared.clone());
    let searchable = Searchable::new(collections, Arc::clone(&index), embedding.as_deref(), shared);
    searchable.try_load(name).await.with_context(of)?;
    let vector = match &embedding {
        Some(model) => model.embed(TextKind::Query, &[question.to_owned()]).await.context("the question")?.pop(),
        None => None,
    };
    let query = Query { text: question.to_owned(), vector, generic: None, most: SHOWN };
    let hits = index.search(&[Partition::Collection(name.to_owned())], &query).await.with_context(of)?;
    if hits.is_empty() {
        output::say("nothing is found");
    }
    let threshold = threshold::Threshold::default();
    for (hit, rank) in hits.iter().zip(1..) {
        let link = searchable.document(name, hit.document).await.and_then(|document| document.link);
        let enough = threshold::is_evidence_enough(&hit.evidence, &threshold);
        output::say(&line(rank, hit, enough));
        output::say(&format!("   {}", beginning(&hit.passage.text)));
        if let Some(link) = link {
            output::say(&format!("   {link}"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// A hit on one line: what and where, and what speaks for it.
fn line(rank: usize, hit: &Hit, enough: bool) -> String {
    let place = match &hit.passage.place {
        Place::Whole => String::new(),
        Place::Page(page) => format!(", page {page}"),
        Place::Slide(slide) => format!(", slide {slide}"),
        Place::Sheet(sheet) => format!(", sheet {sheet}"),
    };
    let headings = if hit.passage.headings.is_empty() {
        String::new()
    } else {
        format!(" — {}", hit.passage.headings.join(" › "))
    };
    let cosine = hit.evidence.cosine.map_or_else(String::new, |cosine| format!(", cosine {cosine:.3}"));
    let verdict = if enough { "shown" } else { "below the threshold" };
    format!(
        "{rank}. {}{place}{headings}  [score {:.4}, words {:.2}{cosine}: {verdict}]",
        hit.title, hit.score, hit.evidence.words
    )
}

/// The beginning of a passage, on one line.
fn beginning(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut beginning: String = line.chars().take(160).collect();
    if beginning.len() < line.len() {
        beginning.push('…');
    }
    beginning
}

/// How far a reading is: a bar on a terminal, and elsewhere a line every ten seconds.
enum Shown {
    Bar(ProgressBar),
    Lines { name: String, said: Instant },
}

impl Shown {
    fn new(name: &str) -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines { name: name.to_owned(), said: Instant::now() };
        }
        let bar = ProgressBar::new(0).with_prefix(name.to_owned());
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} files, {msg}, {eta} left") {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }

    fn show(&mut self, progress: Progress) {
        let Progress { done, of, passages } = progress;
        match self {
            Self::Bar(bar) => {
                bar.set_length(of as u64);
                bar.set_position(done as u64);
                bar.set_message(format!("{passages} passages"));
            }
            Self::Lines { name, said } if said.elapsed() >= EVERY => {
                *said = Instant::now();
                output::note(&format!("{name}: {done} of {of} files, {passages} passages"));
            }
            Self::Lines { .. } => {}
        }
    }

    fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{beginning, line};
    use crate::{
        document::{Partition, Passage, Place},
        index::{Evidence, Hit},
    };

    #[test]
    fn a_hit_says_where_it_stands_and_what_speaks_for_it() {
        let passage = Passage {
            ordinal: 0,
            place: Place::Page(3),
            headings: vec!["Congés".into(), "Report".into()],
            text: "x".into(),
        };
        let evidence = Evidence { cosine: Some(0.9), words: 0.5 };
        let partition = Partition::Collection("rh".into());
        let hit = Hit { partition, document: 1, title: "Guide.pdf".into(), passage, score: 0.0325, evidence };
        assert_eq!(
            line(1, &hit, true),
            "1. Guide.pdf, page 3 — Congés › Report  [score 0.0325, words 0.50, cosine 0.900: shown]"
        );
    }

    #[test]
    fn a_passage_is_shown_by_its_beginning() {
        assert_eq!(beginning("a\n  b"), "a b");
        assert_eq!(beginning(&"é".repeat(161)), "é".repeat(160) + "…");
    }
}
