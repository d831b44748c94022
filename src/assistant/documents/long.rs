//! The documents that a question is about as a whole, where they are longer than what a model is given of them.

use super::{Documents, asked::Search, meant::meant};
use crate::{
    assistant::failure::Failure,
    document::{Document, Passage},
};

/// The most characters that are in memory of them at a time. What comes after is left out, and that is said.
const MOST_CHARACTERS: u64 = 8_000_000;

/// Documents to be read part by part.
#[derive(Default)]
pub struct Long {
    /// Each with all of its passages.
    pub documents: Vec<(Document, Vec<Passage>)>,
    /// Whether there are more than can be read.
    pub left_out: bool,
}

impl Documents {
    /// The documents that a question is about, with all of their passages. Nothing where a model can be given all of them.
    pub async fn long(&self, search: &Search<'_>) -> Result<Long, Failure> {
        let meant = meant(search);
        let mut long = Long::default();
        if search.fits(&meant) {
            return Ok(long);
        }
        let mut left = MOST_CHARACTERS;
        for document in meant {
            if left == 0 {
                long.left_out = true;
                break;
            }
            let mut passages = self.kept.passages(document).await?.unwrap_or_default();
            let read = passages.iter().take_while(|passage| {
                let characters = passage.text.chars().count() as u64;
                let fits = characters <= left;
                left = if fits { left - characters } else { 0 };
                fits
            });
            let read = read.count();
            long.left_out |= read < passages.len();
            passages.truncate(read);
            long.documents.push((document.clone(), passages));
        }
        Ok(long)
    }
}
