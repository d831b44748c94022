//! The trie of a vocabulary, compiled forms, and the threads that compute masks while the model computes.
//!
//! Nothing of this exists until the first answer with a form. A form is compiled twice: at once for single bytes, so that one that
//! cannot be followed is refused where it is asked for, and then by the threads for the model's tokens, of which they make a trie
//! (0.2 s and 45 MB for 150,000 tokens). What a row takes longer for than a step keeps no other row waiting: see `Worker`.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Builder;

use llguidance::toktrie::SimpleVob;
use llguidance::{Matcher, ParserFactory};

use super::closing::{self, Budget};
use super::grammar;
use crate::inference::local::vocabulary::Vocabulary;
use crate::inference::{InferenceError, OutputFormat};

/// Threads that compute masks, so that one slow form does not keep all others waiting.
const THREADS: usize = 2;

/// Masks that may wait to be computed: each row waits for one at most, and those of abandoned rows are few.
const MOST_WAITING: usize = 4096;

/// Compiled forms that are kept, the least recently used goes first.
const MOST_COMPILED: usize = 16;

/// What identifies a form, without containing it.
type Key = [u8; 32];

/// A row's place in its form, and the tokens that may follow.
pub(super) struct Ready {
    pub matcher: Box<Matcher>,
    pub mask: SimpleVob,
    /// The tokens that close the form, the next one last, where that has to begin now.
    pub closing: Vec<u32>,
    /// The longest way to the end that was found so far, in tokens.
    pub longest: usize,
}

/// Where [`Ready`] comes, or the reason why it does not, in one sentence without content.
pub(super) type Pending = Receiver<Result<Ready, String>>;

/// The masks of one model.
pub(in super::super) struct Masks {
    shared: Arc<Shared>,
    jobs: OnceLock<SyncSender<Job>>,
}

struct Shared {
    vocabulary: Arc<Vocabulary>,
    /// For single bytes.
    bytes: OnceLock<Result<ParserFactory, String>>,
    /// For the model's tokens.
    tokens: OnceLock<Result<ParserFactory, String>>,
    /// The most recently used first.
    compiled: Mutex<VecDeque<(Key, Matcher)>>,
    /// Tokens that may close a reasoning's tag and continue it with text, for vocabularies in which it is no token.
    straddling: OnceLock<Vec<u32>>,
    /// Tokens of white space alone.
    blank: OnceLock<Vec<u32>>,
}

struct Job {
    work: Work,
    reply: SyncSender<Result<Ready, String>>,
}

enum Work {
    /// The first mask of a form.
    First(Key, Arc<OutputFormat>),
    /// The mask after what was consumed; with a budget, its end is thought of.
    Next(Box<Matcher>, Option<Budget>),
}

impl Masks {
    /// Masks for a vocabulary.
    pub(in super::super) fn new(vocabulary: Arc<Vocabulary>) -> Self {
        let shared = Shared {
            vocabulary,
            bytes: OnceLock::new(),
            tokens: OnceLock::new(),
            compiled: Mutex::default(),
            straddling: OnceLock::new(),
            blank: OnceLock::new(),
        };
        Self { shared: Arc::new(shared), jobs: OnceLock::new() }
    }

    pub(super) fn vocabulary(&self) -> &Vocabulary {
        &self.shared.vocabulary
    }

    /// Begins a form, whose first mask is computed from now on.
    pub(super) fn first(&self, format: &Arc<OutputFormat>) -> Result<Pending, InferenceError> {
        grammar::check(format).map_err(InferenceError::Format)?;
        let key = key(format);
        if !self.shared.is_known(&key) {
            let bytes = self.shared.bytes.get_or_init(|| caught(grammar::of_bytes));
            let bytes = bytes.as_ref().map_err(|reason| InferenceError::Engine(reason.clone()))?;
            caught(|| grammar::compile(bytes, format)).map_err(InferenceError::Format)?;
        }
        self.submit(Work::First(key, Arc::clone(format))).map_err(|full| match full {
            Refused::Full => InferenceError::Busy,
            Refused::Stopped => InferenceError::Engine("the threads for the forms of answers have stopped".to_owned()),
        })
    }

    /// Continues a form.
    pub(super) fn next(&self, matcher: Box<Matcher>, budget: Option<Budget>) -> Result<Pending, String> {
        self.submit(Work::Next(matcher, budget)).map_err(|_| "the form of an answer cannot be continued now".to_owned())
    }

    fn submit(&self, work: Work) -> Result<Pending, Refused> {
        let (reply, pending) = sync_channel(1);
        let jobs = self.jobs.get_or_init(|| start(&self.shared));
        match jobs.try_send(Job { work, reply }) {
            Ok(()) => Ok(pending),
            Err(TrySendError::Full(_)) => Err(Refused::Full),
            Err(TrySendError::Disconnected(_)) => Err(Refused::Stopped),
        }
    }

    /// Tokens with text after a `>`: in a reasoning whose end is no token of its own, the form would begin in their middle.
    pub(super) fn straddling(&self) -> &[u32] {
        self.shared.straddling.get_or_init(|| {
            self.ids(|bytes| {
                let after = bytes.iter().position(|byte| *byte == b'>').map(|at| &bytes[at + 1..]);
                after.is_some_and(|rest| !rest.trim_ascii().is_empty())
            })
        })
    }

    /// Tokens of white space alone.
    pub(super) fn blank(&self) -> &[u32] {
        self.shared.blank.get_or_init(|| self.ids(|bytes| !bytes.is_empty() && bytes.trim_ascii().is_empty()))
    }

    fn ids(&self, holds: impl Fn(&[u8]) -> bool) -> Vec<u32> {
        let vocabulary = self.vocabulary();
        (0..vocabulary.tokens.len() as u32).filter(|id| holds(vocabulary.bytes(*id))).collect()
    }
}

/// Why nothing more can be submitted.
enum Refused {
    Full,
    Stopped,
}

/// Starts the threads, which end when the sender is dropped. If the system has none left, the first request is told so.
fn start(shared: &Arc<Shared>) -> SyncSender<Job> {
    let (jobs, waiting) = sync_channel(MOST_WAITING);
    let waiting = Arc::new(Mutex::new(waiting));
    for _ in 0..THREADS {
        let (shared, waiting) = (Arc::clone(shared), Arc::clone(&waiting));
        let started: io::Result<_> = Builder::new().name("masks".to_owned()).spawn(move || work(&shared, &waiting));
        if let Err(error) = started {
            tracing::error!(%error, "a thread for the forms of answers cannot be started");
        }
    }
    jobs
}

fn work(shared: &Shared, waiting: &Mutex<Receiver<Job>>) {
    loop {
        let job = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { work, reply }) = job else { return };
        let ready = caught(|| match work {
            Work::First(key, format) => ready(shared, Box::new(shared.begin(key, &format)?), None),
            Work::Next(matcher, budget) => ready(shared, matcher, budget),
        });
        // The row may be gone.
        let _ = reply.try_send(ready);
    }
}

fn ready(shared: &Shared, mut matcher: Box<Matcher>, mut budget: Option<Budget>) -> Result<Ready, String> {
    let closing = budget.as_mut().map(|budget| closing::way(&matcher, budget, &shared.vocabulary)).unwrap_or_default();
    let longest = budget.map_or(0, |budget| budget.longest);
    match matcher.compute_mask() {
        Ok(mask) => Ok(Ready { matcher, mask, closing, longest }),
        // Its words may quote the answer.
        Err(_) => Err("the form of an answer became too complex, or no token continues it".to_owned()),
    }
}

impl Shared {
    /// A form at its beginning. It shares nothing with other answers, so that what one of them makes it grow to goes with it.
    fn begin(&self, key: Key, format: &OutputFormat) -> Result<Matcher, String> {
        if let Some(matcher) = self.known(&key) {
            return Ok(matcher);
        }
        let factory = self.tokens.get_or_init(|| caught(|| grammar::of_vocabulary(&self.vocabulary)));
        let matcher = grammar::compile(factory.as_ref().map_err(Clone::clone)?, format)?;
        let begun = matcher.deep_clone();
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.truncate(MOST_COMPILED - 1);
        compiled.push_front((key, matcher));
        Ok(begun)
    }

    fn is_known(&self, key: &Key) -> bool {
        let compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.iter().any(|(known, _)| known == key)
    }

    fn known(&self, key: &Key) -> Option<Matcher> {
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        let at = compiled.iter().position(|(known, _)| known == key)?;
        let found = compiled.remove(at)?;
        let matcher = found.1.deep_clone();
        compiled.push_front(found);
        Some(matcher)
    }
}

/// Without panics: what is read comes from elsewhere.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    let failed = || "the form of an answer cannot be followed".to_owned();
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(failed()))
}

fn key(format: &OutputFormat) -> Key {
    let mut hasher = blake3::Hasher::new();
    match format {
        OutputFormat::JsonSchema(schema) => hasher.update(b"schema ").update(schema.to_string().as_bytes()),
        OutputFormat::Pattern(pattern) => hasher.update(b"pattern ").update(pattern.as_bytes()),
    };
    *hasher.finalize().as_bytes()
}
