//! The transforms between a generation and what people read: each takes pieces of text and gives pieces of text, so that what it does
//! holds for the draft, the answer and the history alike. A capability that changes the model's text is one more transform in a chain.

mod blocks;
mod citations;
mod cut;
mod ellipsis;
mod settle;
#[cfg(test)]
mod tests;
mod transform;
mod trim;

use std::sync::Arc;

pub use self::citations::{Checks, Extract, Mark, Placeholders, comparable, marks, without_marks};
pub use self::transform::{Chain, Transform};
use self::{blocks::CloseBlocks, citations::Citations, cut::Cut, ellipsis::Ellipsis, settle::Settle, trim::Trim};

/// The longest draft, in bytes: a longer answer is split into several messages once it is complete.
pub const LONGEST_DRAFT: usize = 6 * 1024;

/// What an answer is checked against.
#[derive(Clone)]
pub enum Checking {
    /// Documents.
    Against(Arc<Checks>),
    /// There are none: marks point at nothing, and go.
    Unsourced,
    /// There are none, and the marks of people stay.
    Nothing,
}

/// From the generation to the answer, as people read it. One from documents is checked against them.
#[must_use]
pub fn answer(checking: Checking) -> Chain {
    let checked = match checking {
        Checking::Against(checks) => Some(Citations::new(checks)),
        Checking::Unsourced => Some(Citations::unsourced()),
        Checking::Nothing => None,
    };
    let checked = checked.map(|citations| Box::new(citations) as Box<dyn Transform>);
    Chain::new(checked.into_iter().chain([Box::<Trim>::default() as Box<dyn Transform>]).collect())
}

/// From the answer so far to the draft that shows it.
#[must_use]
pub fn draft() -> Chain {
    Chain::new(vec![
        Box::new(Cut::at(LONGEST_DRAFT)),
        Box::<Settle>::default(),
        Box::<CloseBlocks>::default(),
        Box::<Ellipsis>::default(),
    ])
}

/// From the answer to the text that shows it, below which the bot's own sentences stand.
#[must_use]
pub fn complete() -> Chain {
    Chain::new(vec![Box::<CloseBlocks>::default()])
}
