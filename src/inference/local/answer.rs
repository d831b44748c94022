//! One answer being written: from logits to the pieces its reader is sent.

use std::time::Instant;

use tokio::sync::mpsc;

use super::sampler::Sampler;
use super::scheduler::Read;
use super::text::{Characters, Passed, Stops};
use super::thinking::{self, Thoughts};
use super::vocabulary::Vocabulary;
use crate::inference::{Finish, Generation, InferenceError, Piece, Sampling, Usage};

/// What follows in an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A token, after which the model is asked again.
    Token(u32),
    /// Nothing.
    End(Finish),
}

/// The state of one answer outside the model.
pub(super) struct Answer {
    pieces: mpsc::Sender<Result<Piece, InferenceError>>,
    sampler: Sampler,
    characters: Characters,
    thoughts: Thoughts,
    stops: Stops,
    /// Whether the next text is the answer's first, whose leading space belongs to the tokenizer.
    at_start: bool,
    stopped: bool,
    /// The most tokens it may have.
    room: usize,
    written: usize,
    /// When its prompt began to be read.
    started: Option<Instant>,
    /// When its prompt had been read.
    read: Option<Instant>,
}

impl Answer {
    /// An answer of at most `room` tokens, and where to read it. `thinking` when the prompt's end has opened the thoughts.
    pub(super) fn new(sampling: &Sampling, room: usize, thinking: bool, vocabulary: &Vocabulary) -> (Self, Generation) {
        // Room for a text with each token, what each filter held back, and the end: a slow reader never holds up the engine.
        let (pieces, reader) = mpsc::channel(room + 4);
        let answer = Self {
            pieces,
            sampler: Sampler::new(sampling),
            characters: Characters::default(),
            thoughts: Thoughts::new(thinking),
            stops: Stops::new(&sampling.stop),
            at_start: vocabulary.space_prefix,
            stopped: false,
            room,
            written: 0,
            started: None,
            read: None,
        };
        (answer, Generation::new(reader))
    }

    /// Where it is read, for who may have to say that it will never end.
    pub(super) fn reader(&self) -> mpsc::WeakSender<Result<Piece, InferenceError>> {
        self.pieces.downgrade()
    }

    /// Whether nobody reads it any more.
    pub(super) fn is_abandoned(&self) -> bool {
        self.pieces.is_closed()
    }

    /// Takes note that its prompt begins to be read.
    pub(super) fn start(&mut self, now: Instant) {
        self.started = Some(now);
    }

    /// When it was started.
    pub(super) fn started(&self) -> Option<Instant> {
        self.started
    }

    /// Draws the next token and sends the text that it completes; `None` when no logit is a number.
    pub(super) fn draw(&mut self, logits: &mut [f32], vocabulary: &Vocabulary, now: Instant) -> Option<Next> {
        self.read.get_or_insert(now);
        if self.written >= self.room {
            return Some(Next::End(Finish::Length));
        }
        let token = self.sampler.draw(logits)?;
        if vocabulary.ends(token) {
            return Some(Next::End(Finish::Stop));
        }
        self.written += 1;
        self.push(token, vocabulary);
        Some(match () {
            () if self.stopped => Next::End(Finish::Stop),
            // The last token allowed needs no successor.
            () if self.written >= self.room => Next::End(Finish::Length),
            () => Next::Token(token),
        })
    }

    /// Sends what was held back, and the end.
    pub(super) fn finish(mut self, finish: Finish, read: Read, now: Instant) {
        if !self.stopped {
            let broken = self.characters.finish();
            self.filter(broken);
        }
        if !self.stopped {
            let held = self.thoughts.finish();
            self.pass(&held);
        }
        if !self.stopped {
            let held = self.stops.finish();
            self.send(held);
        }
        let started = self.started.unwrap_or(now);
        let spoke = self.read.unwrap_or(now);
        let usage = Usage {
            prompt_tokens: read.prompt,
            cached_tokens: read.cached,
            completion_tokens: self.written,
            prefill: spoke.saturating_duration_since(started),
            decode: now.saturating_duration_since(spoke),
            finish,
        };
        // A reader that has gone needs no end.
        let _ = self.pieces.try_send(Ok(Piece::Done(usage)));
    }

    /// Ends with an error.
    pub(super) fn fail(self, error: InferenceError) {
        let _ = self.pieces.try_send(Err(error));
    }

    fn push(&mut self, token: u32, vocabulary: &Vocabulary) {
        let mark = vocabulary.tokens.get(token as usize).and_then(|token| thinking::mark(token));
        let bytes = mark.map_or_else(|| vocabulary.bytes(token), str::as_bytes);
        let text = self.characters.push(bytes);
        self.filter(&text);
    }

    fn filter(&mut self, mut text: &str) {
        if self.at_start && !text.is_empty() {
            text = text.strip_prefix(' ').unwrap_or(text);
            self.at_start = false;
        }
        let shown = self.thoughts.push(text);
        self.pass(&shown);
    }

    fn pass(&mut self, text: &str) {
        match self.stops.push(text) {
            Passed::Text(text) => self.send(text),
            Passed::Stopped(text) => {
                self.stopped = true;
                self.send(text);
            }
        }
    }

    fn send(&self, text: String) {
        if !text.is_empty() {
            // The channel has room for every piece; a reader that has gone is noticed before the next step.
            let _ = self.pieces.try_send(Ok(Piece::Text(text)));
        }
    }
}
