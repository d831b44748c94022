//! With a sign at the end that more is to come.

use super::Transform;

/// Lets text through and ends it with " …", below a code block or a table rather than on its last line.
#[derive(Default)]
pub struct Ellipsis {
    has_text: bool,
    last_line: String,
}

impl Transform for Ellipsis {
    fn push(&mut self, piece: &str, out: &mut String) {
        self.has_text |= !piece.is_empty();
        if let Some((_, last)) = piece.rsplit_once('\n') {
            self.last_line.clear();
            self.last_line.push_str(last);
        } else {
            self.last_line.push_str(piece);
        }
        out.push_str(piece);
    }

    fn finish(&mut self, out: &mut String) {
        let last = self.last_line.trim();
        let is_block = last.starts_with('|') || (last.starts_with(['`', '~']) && last.len() >= 3);
        out.push_str(match (self.has_text, is_block) {
            (false, _) => "…",
            (true, true) => "\n\n…",
            (true, false) => " …",
        });
    }
}
