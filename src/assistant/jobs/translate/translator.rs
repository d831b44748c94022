//! The translation itself, without a room: texts in a batch over the engine's rows, each checked, and asked for once more where it is wrong.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, future::BoxFuture, stream};

use super::{
    clean::{Fault, clean, fault},
    masks::Masked,
    memory::{Made, Memory},
    prompt::{Asked, Prompt},
};
use crate::{
    assistant::exchange::patiently,
    inference::{ChatModel, InferenceError, Request, Sampling},
    translation::{
        checks::{Difference, Known, Languages, differences},
        glossary::{Given, Terms},
        languages::TextLanguage,
    },
    usage::{Finish, Usage},
};

/// How many texts are translated at once: the engine computes them together, and its other rows stay free for rooms.
pub const AT_ONCE: usize = 6;

/// What translations are made with.
#[derive(Clone, Copy)]
pub struct Translator<'a> {
    /// What translates.
    pub model: &'a dyn ChatModel,
    /// How it usually samples.
    pub sampling: &'a Sampling,
    /// The language of the texts, where it is known.
    pub from: Option<TextLanguage>,
    /// The language to translate to.
    pub to: TextLanguage,
    /// The terms to keep to.
    pub terms: &'a Terms,
    /// How many texts are translated at once.
    pub at_once: usize,
    /// Told how many texts are done.
    pub progress: &'a (dyn Fn(usize) + Sync),
}

/// A text to be translated.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The text.
    pub text: &'a str,
    /// What stands before it; empty where that says nothing of it.
    pub before: &'a str,
}

/// A translation.
#[derive(Clone)]
#[cfg_attr(test, derive(Debug))]
pub struct Translation {
    /// What it says: the text itself, where no translation could be used.
    pub text: String,
    /// Whether that is so.
    pub failed: bool,
    /// Terms that it does not use: what stands in the text, and what should stand here.
    pub unused: Vec<(String, String)>,
    /// What of the text is not in it.
    pub differences: Vec<Difference>,
}

/// What came of several texts.
pub struct Translated {
    /// A translation for each.
    pub translations: Vec<Translation>,
    /// How many were known already: from the same texts, and from before.
    pub known: usize,
    /// What the model's work cost; nothing where it had none.
    pub usage: Option<Usage>,
}

/// A text that the model is asked for, with where its translation goes.
struct Open<'a> {
    source: Source<'a>,
    terms: Vec<Given<'a>>,
    key: String,
}

/// A passage's key, with what was made of it and what that cost.
type Answered = Result<(String, (Attempt, Usage)), InferenceError>;

impl<'a> Translator<'a> {
    /// Translates texts, in order. Dropping it ends the requests.
    pub async fn translate(&self, sources: &[Source<'a>], memory: &mut Memory) -> Result<Translated, InferenceError> {
        let made = Made { from: self.from, to: self.to, model: self.model.name() };
        let mut texts: HashMap<String, Attempt> = HashMap::new();
        let (mut open, mut keys): (Vec<Open<'a>>, Vec<String>) = (Vec::new(), Vec::new());
        let mut opened: HashSet<String> = HashSet::new();
        for source in sources {
            let terms = self.terms.occurring(&without_tags(source.text));
            let key = made.key(source.text, &terms);
            if !texts.contains_key(&key) && !opened.contains(&key) {
                if let Some(text) = memory.get(&key) {
                    texts.insert(key.clone(), Attempt { text, ..Attempt::default() });
                } else {
                    opened.insert(key.clone());
                    open.push(Open { source: *source, terms, key: key.clone() });
                }
            }
            keys.push(key);
        }
        let asked = open.len();
        let done = AtomicUsize::new(sources.len().saturating_sub(asked));
        let prompt = Prompt::new(self.model, self.sampling, self.from, self.to);
        let requests = open.iter().map(|open| {
            let (prompt, done) = (&prompt, &done);
            async move {
                let translated = self.one(prompt, open).await?;
                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                (self.progress)(done);
                Ok((open.key.clone(), translated))
            }
            .boxed()
        });
        // Boxed and collected: the compiler does not see that a stream of closures may move between threads.
        let requests: Vec<BoxFuture<'_, Answered>> = requests.collect();
        let answers: Vec<(String, (Attempt, Usage))> =
            stream::iter(requests).buffered(self.at_once.max(1)).try_collect().await?;
        let mut usage: Option<Usage> = None;
        for (key, (attempt, cost)) in answers {
            usage = Some(usage.map_or(cost, |usage| usage.and(cost)));
            if attempt.fault.is_none() {
                memory.put(key.clone(), attempt.text.clone());
            }
            texts.insert(key, attempt);
        }
        let translations = sources.iter().zip(&keys).map(|(source, key)| self.judged(source, texts.get(key)));
        Ok(Translated { translations: translations.collect(), known: sources.len().saturating_sub(asked), usage })
    }

    /// A translation with what is to be said of it.
    fn judged(&self, source: &Source<'_>, attempt: Option<&Attempt>) -> Translation {
        let Some(Attempt { text, fault: None, .. }) = attempt else {
            return Translation {
                text: source.text.to_owned(),
                failed: true,
                unused: Vec::new(),
                differences: Vec::new(),
            };
        };
        let (plain_source, plain) = (without_tags(source.text), without_tags(text));
        let terms = self.terms.occurring(&plain_source);
        let owned = |term: Given<'_>| (term.source.to_owned(), term.target.to_owned());
        let unused = self.terms.unused(&terms, &plain).into_iter().map(owned).collect();
        let languages = Languages { from: self.from, to: self.to, lexicon: &lexicon };
        let mut differences = differences(&plain_source, &plain, &languages);
        // What a term says is not missing because it is written otherwise.
        differences.retain(|difference| !terms.iter().any(|term| term.source.contains(&difference.shown)));
        Translation { text: text.clone(), failed: false, unused, differences }
    }

    /// The translation of one text: of two attempts, where the first is wrong, the better one.
    async fn one(&self, prompt: &Prompt<'_>, open: &Open<'_>) -> Result<(Attempt, Usage), InferenceError> {
        let masked = Masked::new(open.source.text);
        let asked = Asked { text: &masked.text, before: open.source.before, terms: &open.terms };
        let (first, usage) = self.attempt(&prompt.request(&asked), open, Some(&masked)).await?;
        if first.is_good() {
            return Ok((first, usage));
        }
        let (second, more) = if first.fault.is_some() {
            self.attempt(&prompt.again(&asked), open, Some(&masked)).await?
        } else if first.marks_lost {
            // Without marks: the model writes itself what they stand for.
            let asked = Asked { text: open.source.text, ..asked };
            self.attempt(&prompt.request(&asked), open, None).await?
        } else {
            let unused = self.terms.unused(&open.terms, &without_tags(&first.text));
            self.attempt(&prompt.correction(&asked, &first.written, &unused), open, Some(&masked)).await?
        };
        let better = if second.badness() < first.badness() { second } else { first };
        Ok((better, usage.and(more)))
    }

    async fn attempt(
        &self,
        request: &Request,
        open: &Open<'_>,
        masked: Option<&Masked>,
    ) -> Result<(Attempt, Usage), InferenceError> {
        let (written, usage) = patiently(self.model, request).await?;
        let asked = masked.map_or(open.source.text, |masked| masked.text.as_str());
        let written = clean(&written, asked);
        let foreign = self.from != Some(self.to);
        let fault = fault(&written, asked, usage.finish == Finish::Length, foreign);
        let restored = match masked {
            Some(masked) => masked.restored(&written),
            None => Some(written.clone()),
        };
        let marks_lost = restored.is_none();
        let text = restored.unwrap_or_else(|| written.clone());
        let unused = self.terms.unused(&open.terms, &without_tags(&text)).len();
        let tags_lost = !same_tags(open.source.text, &text);
        Ok((Attempt { text, written, fault, marks_lost, tags_lost, unused }, usage))
    }
}

/// What an attempt came to.
#[derive(Default)]
struct Attempt {
    /// The translation.
    text: String,
    /// The same as the model wrote it.
    written: String,
    fault: Option<Fault>,
    marks_lost: bool,
    tags_lost: bool,
    /// How many terms it does not use.
    unused: usize,
}

impl Attempt {
    fn is_good(&self) -> bool {
        self.badness() == (false, false, false, 0)
    }

    /// The less, the better.
    fn badness(&self) -> (bool, bool, bool, usize) {
        (self.fault.is_some(), self.marks_lost, self.tags_lost, self.unused)
    }
}

/// What is known of a French word.
fn lexicon(word: &str) -> Known {
    if crate::pseudonym::is_ordinary(word) {
        Known::Ordinary
    } else if crate::pseudonym::is_name(word) {
        Known::Name
    } else {
        Known::Nothing
    }
}

/// A text without the tags of a segment's runs.
fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    each_tag(text, |before, _| plain.push_str(before));
    plain
}

/// Whether two texts have the same tags, each once more or less.
fn same_tags(one: &str, other: &str) -> bool {
    let tags = |text: &str| {
        let mut tags = Vec::new();
        each_tag(text, |_, tag| tags.extend((!tag.is_empty()).then(|| tag.replace(' ', ""))));
        tags.sort_unstable();
        tags
    };
    tags(one) == tags(other)
}

/// The stretches of a text, each with the tag behind it; the last one has none.
fn each_tag(text: &str, mut see: impl FnMut(&str, &str)) {
    let (mut start, mut from) = (0, 0);
    while let Some(at) = text.get(from..).and_then(|rest| rest.find('<')).map(|at| from + at) {
        let rest = text.get(at + 1..).unwrap_or_default();
        let end = rest.find('>').filter(|end| *end <= 12);
        let inside = end.and_then(|end| rest.get(..end)).map(|inside| inside.trim().trim_start_matches('/').trim());
        match (inside, end) {
            (Some(digits), Some(end)) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                let behind = at + 1 + end + 1;
                see(text.get(start..at).unwrap_or_default(), text.get(at..behind).unwrap_or_default());
                (start, from) = (behind, behind);
            }
            _ => from = at + 1,
        }
    }
    see(text.get(start..).unwrap_or_default(), "");
}
