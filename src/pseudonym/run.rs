//! Groups of digits and letters that may be one number.

use super::page::Page;
use super::tokens::Shape;

/// The most groups of a number, and characters.
pub(super) const GROUPS: usize = 16;

const CHARACTERS: usize = 40;

/// Groups of digits and letters that may be one number.
pub(super) struct Run {
    pub start: usize,
    pub compact: String,
    /// After each group: how many characters there are, and which token comes next.
    cuts: Vec<(usize, usize)>,
    /// Whether digits stand right before, as in a longer number.
    pub continues: bool,
}

impl Run {
    /// The groups from a token on.
    pub(super) fn at(page: &Page<'_>, start: usize) -> Self {
        let mut run = Self { start, compact: String::new(), cuts: Vec::new(), continues: continues(page, start) };
        let mut at = start;
        while run.cuts.len() < GROUPS && run.compact.len() < CHARACTERS {
            let Some(token) = page.tokens.get(at) else { break };
            let written = page.written(at);
            let fits = match token.shape {
                Shape::Number | Shape::Code => true,
                // "FR 76", "AB-123-CD", "ab 123 cd", but not "16 mars".
                Shape::Word => {
                    written.len() <= 3 || (written.len() == 4 && !written.bytes().any(|byte| byte.is_ascii_lowercase()))
                }
                _ => false,
            };
            if token.taken || !fits || !written.is_ascii() || written.contains(['-', '\'']) {
                break;
            }
            run.compact.push_str(written);
            at += 1;
            run.cuts.push((run.compact.len(), at));
            if !page.follows(at) {
                break;
            }
            if page
                .tokens
                .get(at)
                .is_some_and(|token| matches!(token.shape, Shape::Mark('.' | '-' | '–' | '‑' | '/' | '_')))
            {
                at += 1;
            }
        }
        run
    }

    /// The sizes of the groups that make up so many characters, and the token after them.
    pub(super) fn groups(&self, length: usize) -> Option<(Vec<usize>, usize)> {
        let last = self.cuts.iter().position(|(characters, _)| *characters == length)?;
        let mut before = 0;
        let sizes = self.cuts[..=last]
            .iter()
            .map(|(characters, _)| characters - std::mem::replace(&mut before, *characters))
            .collect();
        Some((sizes, self.cuts[last].1))
    }

    /// Characters and the token after them, where the groups have one of these forms; each is also accepted without a gap.
    pub(super) fn shaped(&self, length: usize, forms: &[&[usize]]) -> Option<(&str, usize)> {
        let (sizes, next) = self.groups(length)?;
        (sizes.len() == 1 || forms.contains(&sizes.as_slice())).then(|| (&self.compact[..length], next))
    }
}

/// Whether a number stands right before a token.
fn continues(page: &Page<'_>, at: usize) -> bool {
    let Some(mut before) = at.checked_sub(1) else { return false };
    if !page.follows(at) {
        return false;
    }
    if page.tokens[before].shape != Shape::Number && !page.tokens[at].space {
        match before.checked_sub(1) {
            Some(earlier) if matches!(page.tokens[before].shape, Shape::Mark('.' | '-' | '/' | ',')) => {
                before = earlier;
            }
            _ => return false,
        }
    }
    let token = &page.tokens[before];
    token.shape == Shape::Number && !token.taken
}
