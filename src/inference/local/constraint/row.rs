//! The form of one answer while it is generated.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Instant;

use llguidance::toktrie::SimpleVob;

use super::closing::Budget;
use super::masks::{Masks, Pending, Ready};
use crate::inference::local::thinking::{self, Reasoning};
use crate::inference::{InferenceError, OutputFormat};

/// Tokens of white space that may stand between the reasoning and the form; they are not shown.
const MOST_BLANK: usize = 2;

/// The form of one answer, and how far it is.
pub(in super::super) struct Constraint {
    masks: Arc<Masks>,
    phase: Phase,
    place: Place,
    /// The tokens that open and close the reasoning, where the vocabulary has them.
    open: Option<u32>,
    close: Option<u32>,
    /// The tokens that the answer may have. Half of them are the most for the reasoning, so that the form has the other half.
    budget: Budget,
    /// The tokens that close the form before the tokens run out, the next one last. Then only an end may follow.
    closing: Option<Vec<u32>>,
    /// Whether a form can be closed: JSON can.
    closes: bool,
}

/// What the next token belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The form, or the tag that opens the reasoning.
    Begin,
    /// The reasoning, which may have so many tokens more.
    Reasoning(usize),
    /// The form, or so many tokens of white space before it.
    Blank(usize),
    /// The form.
    Form,
}

/// The place in the form.
enum Place {
    /// Its mask is being computed.
    Waiting(Pending),
    Known(Ready),
    /// The form is complete, and nothing can follow.
    Over,
}

impl Constraint {
    /// An answer of at most `tokens` tokens in this form.
    pub(in super::super) fn new(
        masks: &Arc<Masks>,
        format: &Arc<OutputFormat>,
        reasoning: Reasoning,
        tokens: usize,
    ) -> Result<Self, InferenceError> {
        let reserved = |tag| masks.vocabulary().reserved(tag);
        let (open, close) = (reserved(thinking::OPEN), reserved(thinking::CLOSE));
        let most = tokens / 2;
        let budget = Budget { most: tokens, left: tokens, longest: 0 };
        let closes = matches!(**format, OutputFormat::JsonSchema(_));
        let phase = match reasoning {
            Reasoning::Open => Phase::Reasoning(most),
            // A reasoning that could not be ended is not begun.
            Reasoning::Possible if open.is_some() && close.is_some() && most > 0 => Phase::Begin,
            Reasoning::Possible | Reasoning::Closed => Phase::Form,
        };
        let place = Place::Waiting(masks.first(format)?);
        Ok(Self { masks: Arc::clone(masks), phase, place, open, close, budget, closing: None, closes })
    }

    /// Waits for the next token's mask; false when it does not come in time.
    pub(in super::super) fn prepare(&mut self, until: Instant) -> Result<bool, String> {
        if let (Place::Waiting(pending), false) = (&self.place, self.is_reasoning()) {
            match pending.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(ready) => {
                    let mut ready = ready?;
                    self.budget.longest = self.budget.longest.max(ready.longest);
                    if self.closing.is_none() && !ready.closing.is_empty() {
                        self.closing = Some(std::mem::take(&mut ready.closing));
                    }
                    self.place = Place::Known(ready);
                }
                Err(RecvTimeoutError::Timeout) => return Ok(false),
                Err(RecvTimeoutError::Disconnected) => return Err("the form of an answer was lost".to_owned()),
            }
        }
        Ok(true)
    }

    /// Excludes the tokens that may not follow, whatever their logits are.
    pub(in super::super) fn restrict(&self, logits: &mut [f32]) {
        let Place::Known(Ready { mask, .. }) = &self.place else { return self.restrict_reasoning(logits) };
        if let Some(closing) = &self.closing {
            let ends = self.masks.vocabulary().all_ends();
            return keep(logits, closing.last().map_or(ends, std::slice::from_ref));
        }
        match self.phase {
            Phase::Reasoning(_) => self.restrict_reasoning(logits),
            Phase::Form | Phase::Blank(0) => apply(mask, &[], logits),
            Phase::Begin => apply(mask, self.open.as_slice(), logits),
            Phase::Blank(_) => apply(mask, self.masks.blank(), logits),
        }
    }

    fn restrict_reasoning(&self, logits: &mut [f32]) {
        if let (Phase::Reasoning(0), Some(close)) = (self.phase, self.close) {
            return keep(logits, &[close]);
        }
        let exclude = |logits: &mut [f32], id: u32| {
            if let Some(logit) = logits.get_mut(id as usize) {
                *logit = f32::NEG_INFINITY;
            }
        };
        // An end here would be an answer without its form.
        self.masks.vocabulary().all_ends().iter().for_each(|id| exclude(logits, *id));
        if self.close.is_none() {
            self.masks.straddling().iter().for_each(|id| exclude(logits, *id));
        }
    }

    /// Goes on with the token that was sampled.
    pub(in super::super) fn accept(&mut self, token: u32) -> Result<(), String> {
        self.budget.left = self.budget.left.saturating_sub(1);
        match self.phase {
            Phase::Begin if self.open == Some(token) => {
                self.phase = Phase::Reasoning(self.budget.most / 2);
                return Ok(());
            }
            Phase::Reasoning(left) => {
                self.phase = Phase::Reasoning(left.saturating_sub(1));
                return Ok(());
            }
            Phase::Blank(left) if left > 0 && self.masks.blank().contains(&token) => {
                self.phase = Phase::Blank(left - 1);
                return Ok(());
            }
            Phase::Begin | Phase::Blank(_) | Phase::Form => self.phase = Phase::Form,
        }
        let Place::Known(Ready { mut matcher, .. }) = std::mem::replace(&mut self.place, Place::Over) else {
            return Err("the form of an answer was not known".to_owned());
        };
        matcher.consume_token(token).map_err(|_| "a token is not of the form of its answer".to_owned())?;
        if let Some(closing) = &mut self.closing {
            closing.pop();
        }
        if !matcher.is_stopped() {
            let budget = (self.closes && self.closing.is_none()).then_some(self.budget);
            self.place = Place::Waiting(self.masks.next(matcher, budget)?);
        }
        Ok(())
    }

    /// The reasoning has ended.
    pub(in super::super) fn end_reasoning(&mut self) {
        self.phase = Phase::Blank(MOST_BLANK);
    }

    /// Whether the next token belongs to the reasoning.
    pub(in super::super) fn is_reasoning(&self) -> bool {
        matches!(self.phase, Phase::Reasoning(_))
    }

    /// Whether the last token belonged to the form.
    pub(in super::super) fn is_formed(&self) -> bool {
        self.phase == Phase::Form
    }

    /// Whether the form was closed because the tokens ran out.
    pub(in super::super) fn is_cut(&self) -> bool {
        self.closing.is_some()
    }

    /// Whether the form is complete, and nothing can follow.
    pub(in super::super) fn is_over(&self) -> bool {
        matches!(self.place, Place::Over)
    }
}

/// Keeps the logits that the mask allows, and these.
fn apply(mask: &SimpleVob, also: &[u32], logits: &mut [f32]) {
    let kept: Vec<(u32, f32)> =
        also.iter().filter_map(|id| logits.get(*id as usize).map(|logit| (*id, *logit))).collect();
    let words = mask.as_slice();
    for (at, chunk) in logits.chunks_mut(32).enumerate() {
        match words.get(at).copied().unwrap_or(0) {
            0 => chunk.fill(f32::NEG_INFINITY),
            u32::MAX => {}
            word => {
                for (bit, logit) in chunk.iter_mut().enumerate() {
                    if word >> bit & 1 == 0 {
                        *logit = f32::NEG_INFINITY;
                    }
                }
            }
        }
    }
    for (id, logit) in kept {
        logits[id as usize] = logit;
    }
}

/// Keeps the logits of these tokens alone.
fn keep(logits: &mut [f32], ids: &[u32]) {
    apply(&SimpleVob::new(), ids, logits);
}
