//! Without white space at the beginning and at the end: models often begin an answer with an empty line.

use super::Transform;

/// Holds white space back until a word follows.
#[derive(Debug, Default)]
pub struct Trim {
    begun: bool,
    held: String,
}

impl Transform for Trim {
    fn push(&mut self, piece: &str, out: &mut String) {
        let words = if self.begun { piece } else { piece.trim_start() };
        let end = words.trim_end().len();
        if end > 0 {
            self.begun = true;
            out.push_str(&std::mem::take(&mut self.held));
            out.push_str(&words[..end]);
        }
        if self.begun {
            self.held.push_str(&words[end..]);
        }
    }

    fn finish(&mut self, _: &mut String) {
        self.held.clear();
    }
}
