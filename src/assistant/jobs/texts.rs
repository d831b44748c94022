//! Texts as items that each fit into an event.

use crate::{assistant::courier::notice, matrix, message::Item};

/// Sentences of the bot's own.
pub(super) fn notices(text: &str) -> Vec<Item> {
    matrix::parts(text).into_iter().map(notice).collect()
}
