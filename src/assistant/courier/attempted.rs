//! What became of an item of an answer.

use crate::{assistant::texts::Text, store::Sent};

/// What became of an item.
pub(super) enum Attempted {
    /// It is where it belongs.
    Done(Sent),
    /// It never will be: what is said in its place.
    Refused(Text<'static>),
}
