//! No longer than a number of bytes, cut between two characters.

use super::Transform;

/// Lets text through up to a length.
#[derive(Debug)]
pub struct Cut {
    left: usize,
}

impl Cut {
    /// At most so many bytes.
    pub fn at(bytes: usize) -> Self {
        Self { left: bytes }
    }
}

impl Transform for Cut {
    fn push(&mut self, piece: &str, out: &mut String) {
        if piece.len() <= self.left {
            self.left -= piece.len();
            out.push_str(piece);
            return;
        }
        let end = (0..=self.left).rev().find(|end| piece.is_char_boundary(*end)).unwrap_or(0);
        out.push_str(&piece[..end]);
        self.left = 0;
    }

    fn finish(&mut self, _: &mut String) {}
}
