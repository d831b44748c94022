//! Without the markup that has only begun, so that a draft shows none.

use super::Transform;
use crate::matrix;

/// Holds the text back to its end: only the whole tells what is open.
#[derive(Default)]
pub struct Settle {
    text: String,
}

impl Transform for Settle {
    fn push(&mut self, piece: &str, _: &mut String) {
        self.text.push_str(piece);
    }

    fn finish(&mut self, out: &mut String) {
        out.push_str(&matrix::settled(&std::mem::take(&mut self.text)));
    }
}
