//! With a sign at the end that more is to come.

use super::Transform;

/// Lets text through and ends it with " …", below a code block rather than on the line that closes it.
#[derive(Default)]
pub struct Ellipsis {
    last_line: String,
}

impl Transform for Ellipsis {
    fn push(&mut self, piece: &str, out: &mut String) {
        if let Some((_, last)) = piece.rsplit_once('\n') {
            self.last_line.clear();
            self.last_line.push_str(last);
        } else {
            self.last_line.push_str(piece);
        }
        out.push_str(piece);
    }

    fn finish(&mut self, out: &mut String) {
        let is_fence = self.last_line.trim_start().starts_with(['`', '~']) && self.last_line.trim().len() >= 3;
        out.push_str(if is_fence { "\n\n…" } else { " …" });
    }
}
