//! One answer while it is generated: from logits to the pieces that its reader gets.

use std::time::Instant;

use tokio::sync::mpsc;

use super::constraint::Constraint;
use super::sampler::Sampler;
use super::scheduler::PromptUsage;
use super::text::{Characters, Passed, Stops};
use super::thinking::{self, ReasoningFilter};
use super::vocabulary::Vocabulary;
use crate::energy::Energy;
use crate::inference::{Finish, Generation, InferenceError, Piece, Sampling, Usage};

/// How an answer continues.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With this token, which the model computes next.
    Token(u32),
    /// Not at all.
    End(Finish),
    /// Not yet: what may follow is still being computed. The same logits are needed again.
    Wait,
    /// Not at all, for this reason: one sentence without content.
    Fail(String),
}

/// The state of one answer outside the model.
pub(super) struct Answer {
    pieces: mpsc::Sender<Result<Piece, InferenceError>>,
    sampler: Sampler,
    constraint: Option<Constraint>,
    characters: Characters,
    reasoning: ReasoningFilter,
    stops: Stops,
    /// Whether the next text is the answer's first, whose leading space belongs to the tokenizer.
    at_start: bool,
    stopped: bool,
    /// The most tokens it may have.
    max_new_tokens: usize,
    generated: usize,
    /// When its prefill began.
    started: Option<Instant>,
    /// When its prefill ended.
    prefilled: Option<Instant>,
    /// What its share of the steps took.
    energy: Energy,
}

impl Answer {
    /// An answer of at most `max_new_tokens` tokens, in a form if there is a constraint, and where to read it. `thinking` when the
    /// prompt ends inside the reasoning.
    pub(super) fn new(
        sampling: &Sampling,
        max_new_tokens: usize,
        thinking: bool,
        constraint: Option<Constraint>,
        vocabulary: &Vocabulary,
    ) -> (Self, Generation) {
        // A place for a text with each token, for what each filter held back, and for the end: the engine never waits for a reader.
        let (pieces, reader) = mpsc::channel(max_new_tokens + 4);
        let answer = Self {
            pieces,
            sampler: Sampler::new(sampling),
            characters: Characters::default(),
            reasoning: ReasoningFilter::new(thinking),
            stops: Stops::new(&sampling.stop),
            // A form is written as it is.
            at_start: vocabulary.space_prefix && constraint.is_none(),
            constraint,
            stopped: false,
            max_new_tokens,
            generated: 0,
            started: None,
            prefilled: None,
            energy: Energy::NONE,
        };
        (answer, Generation::new(reader))
    }

    /// A handle by which the reader can be told that the answer will never end.
    pub(super) fn reader(&self) -> mpsc::WeakSender<Result<Piece, InferenceError>> {
        self.pieces.downgrade()
    }

    /// Whether the reader was dropped.
    pub(super) fn is_abandoned(&self) -> bool {
        self.pieces.is_closed()
    }

    /// Records that the prefill begins.
    pub(super) fn start(&mut self, now: Instant) {
        self.started = Some(now);
    }

    /// Adds its share of a step.
    pub(super) fn spend(&mut self, energy: Energy) {
        self.energy = self.energy.and(energy);
    }

    /// When the prefill began.
    pub(super) fn started(&self) -> Option<Instant> {
        self.started
    }

    /// Samples the next token and sends the text that it completes; `None` when no logit is a number. It waits until then for what
    /// may follow in the answer's form.
    pub(super) fn sample(
        &mut self,
        logits: &mut [f32],
        vocabulary: &Vocabulary,
        now: Instant,
        until: Instant,
    ) -> Option<Next> {
        self.prefilled.get_or_insert(now);
        if self.generated >= self.max_new_tokens {
            return Some(Next::End(Finish::Length));
        }
        match self.constraint.as_mut().map_or(Ok(true), |constraint| constraint.prepare(until)) {
            Ok(true) => {}
            Ok(false) => return Some(Next::Wait),
            Err(reason) => return Some(Next::Fail(reason)),
        }
        let constraint = self.constraint.as_ref();
        let token = self.sampler.sample_among(logits, |logits| {
            if let Some(constraint) = constraint {
                constraint.restrict(logits);
            }
        })?;
        // A form that was closed for want of tokens is not what the model wanted to say.
        let cut = self.constraint.as_ref().is_some_and(Constraint::is_cut);
        let stop = if cut { Finish::Length } else { Finish::Stop };
        if vocabulary.ends(token) {
            return Some(Next::End(stop));
        }
        self.generated += 1;
        if let Some(Err(reason)) = self.constraint.as_mut().map(|constraint| constraint.accept(token)) {
            return Some(Next::Fail(reason));
        }
        self.push(token, vocabulary);
        let over = self.constraint.as_ref().is_some_and(Constraint::is_over);
        Some(match () {
            () if self.stopped || over => Next::End(stop),
            // Nothing follows the last token allowed.
            () if self.generated >= self.max_new_tokens => Next::End(Finish::Length),
            () => Next::Token(token),
        })
    }

    /// Sends what was held back, and the end.
    pub(super) fn finish(mut self, finish: Finish, prompt: PromptUsage, now: Instant) {
        if !self.stopped {
            let broken = self.characters.finish();
            self.filter(broken);
        }
        if !self.stopped {
            let held = self.reasoning.finish();
            self.pass(&held);
        }
        if !self.stopped {
            let held = self.stops.finish();
            self.send(held);
        }
        let started = self.started.unwrap_or(now);
        let prefilled = self.prefilled.unwrap_or(now);
        let usage = Usage {
            prompt_tokens: prompt.prompt,
            cached_tokens: prompt.cached,
            completion_tokens: self.generated,
            prefill: prefilled.saturating_duration_since(started),
            decode: now.saturating_duration_since(prefilled),
            energy: self.energy,
            finish,
        };
        // A reader that was dropped needs no end.
        let _ = self.pieces.try_send(Ok(Piece::Done(usage)));
    }

    /// Ends with an error.
    pub(super) fn fail(self, error: InferenceError) {
        let _ = self.pieces.try_send(Err(error));
    }

    fn push(&mut self, token: u32, vocabulary: &Vocabulary) {
        let tag = vocabulary.tokens.get(token as usize).and_then(|token| thinking::tag(token));
        let bytes = tag.map_or_else(|| vocabulary.bytes(token), str::as_bytes);
        let text = self.characters.push(bytes);
        let Some(constraint) = &mut self.constraint else { return self.filter(&text) };
        // In a form, a tag of reasoning is text.
        if constraint.is_formed() {
            return self.pass(&text);
        }
        let reasoning = constraint.is_reasoning();
        let shown = self.reasoning.push(&text);
        if reasoning && !self.reasoning.is_inside() {
            constraint.end_reasoning();
        }
        self.pass(&shown);
    }

    fn filter(&mut self, mut text: &str) {
        if self.at_start && !text.is_empty() {
            text = text.strip_prefix(' ').unwrap_or(text);
            self.at_start = false;
        }
        let shown = self.reasoning.push(text);
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
            // The channel has a place for every piece; a dropped reader is noticed before the next step.
            let _ = self.pieces.try_send(Ok(Piece::Text(text)));
        }
    }
}
