//! With its last code block closed, so that what stands below does not become code.

use std::borrow::Cow;

use super::Transform;
use crate::matrix;

/// Lets text through and closes at the end what is open.
#[derive(Default)]
pub struct CloseBlocks {
    /// What went through: only the whole text tells whether a block is open.
    text: String,
}

impl Transform for CloseBlocks {
    fn push(&mut self, piece: &str, out: &mut String) {
        self.text.push_str(piece);
        out.push_str(piece);
    }

    fn finish(&mut self, out: &mut String) {
        let text = std::mem::take(&mut self.text);
        let Cow::Owned(closed) = matrix::closed(&text) else { return };
        if !text.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(closed.rsplit('\n').next().unwrap_or_default());
    }
}
