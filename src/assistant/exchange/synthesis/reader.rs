//! The reading itself, without a room: parts in rounds, until the notes fit.

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};
use tokio::sync::watch;

use super::{
    parts::{Part, fitted, parts, words_of},
    prompt::Prompt,
};
use crate::{
    assistant::exchange::whole::patiently,
    compagnon::Language,
    conversation::Role,
    document::{Document, Passage, Source},
    inference::{ChatModel, InferenceError, Message, Sampling},
};

/// How many parts are read at once: the engine computes them together, and its other rows stay free for rooms.
pub(super) const AT_ONCE: usize = 6;

/// The most parts of a round: about 600,000 words with a context of 4,096 tokens. What comes after is left out, and that is said.
const MOST_PARTS: usize = 300;

/// The most rounds. Each makes what is left several times shorter.
const MOST_ROUNDS: usize = 4;

/// The most characters of the notes on one part, whatever the length of the model's tokens.
const LONGEST_NOTES: usize = 2_000;

/// A document with all of its passages.
#[derive(Clone, Debug)]
pub struct Whole {
    /// The document.
    pub document: Document,
    /// Its passages, in order.
    pub passages: Vec<Passage>,
}

/// How far the reading has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many parts are read, over all rounds that have begun.
    pub read: usize,
    /// How many there are.
    pub parts: usize,
}

/// What a synthesis is made with.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    /// What reads.
    pub model: &'a dyn ChatModel,
    /// How it usually samples.
    pub sampling: &'a Sampling,
    /// The language of the notes.
    pub language: Language,
    /// What is asked.
    pub question: &'a str,
    /// Where the progress is told.
    pub progress: &'a watch::Sender<Progress>,
}

/// What was read.
#[derive(Debug)]
pub struct Notes {
    /// The notes, as sources of the answer.
    pub sources: Vec<Source>,
    /// The documents' own words of which each note was made: what can be quoted.
    pub words: Vec<String>,
    /// Whether the end of the documents was left out.
    pub left_out: bool,
}

impl Reader<'_> {
    /// Reads documents, and gives notes on them that cost at most `budget` tokens. Dropping it ends the requests.
    pub async fn read(&self, documents: &[Whole], budget: usize) -> Result<Notes, InferenceError> {
        let counter = self.model.token_counter();
        let cost = |text: &str| counter.count(&Message::new(Role::User, text));
        let prompt = Prompt::new(self.model, self.sampling, self.language, self.question)?;
        let mut texts: Option<Vec<Vec<Passage>>> = None;
        let mut left_out = false;
        for round in 1..=MOST_ROUNDS {
            let read: Vec<&[Passage]> = match &texts {
                Some(texts) => texts.iter().map(Vec::as_slice).collect(),
                None => documents.iter().map(|whole| whole.passages.as_slice()).collect(),
            };
            let mut parts = parts(&read, prompt.room(), cost);
            left_out |= parts.len() > MOST_PARTS;
            parts.truncate(MOST_PARTS);
            let (notes, before) = (self.round(&prompt, documents, &parts).await?, parts.len());
            let shortened: Vec<Vec<Passage>> =
                documents.iter().enumerate().map(|(index, _)| passages_of(&notes, index)).collect();
            let total: usize = shortened.iter().flatten().map(|passage| cost(&passage.text)).sum();
            tracing::debug!(round, parts = before, tokens = total, "documents were read");
            texts = Some(shortened);
            if total <= budget || notes.len() <= 1 {
                break;
            }
        }
        let texts = texts.unwrap_or_default();
        let begin: Vec<Vec<u32>> = texts.iter().map(|notes| notes.iter().map(|note| note.ordinal).collect()).collect();
        let fitted = fitted(texts, budget, cost);
        left_out |= fitted.left_out;
        let (sources, words) = quotable(documents, &begin, fitted.passages);
        Ok(Notes { sources, words, left_out })
    }

    /// The notes on each part, in order.
    async fn round(
        &self,
        prompt: &Prompt<'_>,
        documents: &[Whole],
        parts: &[Part],
    ) -> Result<Vec<Part>, InferenceError> {
        self.progress.send_modify(|progress| progress.parts += parts.len());
        let title = |part: &Part| documents.get(part.document).map_or("", |whole| whole.document.title.as_str());
        let requests = parts.iter().enumerate().map(|(index, part)| {
            let request = prompt.request(title(part), part, index + 1, parts.len());
            let noted = async move {
                let (text, _) = patiently(self.model, &request).await?;
                self.progress.send_modify(|progress| progress.read += 1);
                let passage = Passage { text: shortest(&text), ..part.passage.clone() };
                Ok(Part { document: part.document, passage })
            };
            noted.boxed()
        });
        // Boxed and collected: the compiler does not see that a stream of closures may move between threads.
        let requests: Vec<BoxFuture<'_, Result<Part, InferenceError>>> = requests.collect();
        stream::iter(requests).buffered(AT_ONCE).try_collect().await
    }
}

/// Notes, each with the index of its document, as sources with the documents' words that they stand for: those from where a note begins until
/// where the next one does. `begin` says that of all notes on each document.
fn quotable(documents: &[Whole], begin: &[Vec<u32>], notes: Vec<(usize, Passage)>) -> (Vec<Source>, Vec<String>) {
    let (mut sources, mut words) = (Vec::new(), Vec::new());
    for (index, passage) in notes {
        let (Some(whole), Some(begin)) = (documents.get(index), begin.get(index)) else { continue };
        let first = passage.ordinal;
        let end = begin.iter().copied().filter(|next| *next > first).min().unwrap_or(u32::MAX);
        let of_it = whole.passages.iter().filter(move |one| (first..end).contains(&one.ordinal));
        words.push(words_of(of_it.clone()));
        let Document { partition, number, title, link, .. } = &whole.document;
        sources.push(Source {
            mark: sources.len() + 1,
            partition: partition.clone(),
            document: *number,
            title: title.clone(),
            link: link.clone(),
            passage,
            passages: of_it.count().max(1) as u32,
        });
    }
    (sources, words)
}

/// The notes on one document. A part of which nothing was noted has none.
fn passages_of(notes: &[Part], document: usize) -> Vec<Passage> {
    let of_it = notes.iter().filter(|part| part.document == document && !part.passage.text.is_empty());
    of_it.map(|part| part.passage.clone()).collect()
}

/// Notes without white space around them, and not longer than they may be.
fn shortest(text: &str) -> String {
    let text = text.trim();
    match text.char_indices().nth(LONGEST_NOTES) {
        None => text.to_owned(),
        Some((end, _)) => text[..end].rsplit_once(' ').map_or(&text[..end], |(whole, _)| whole).to_owned(),
    }
}
