//! The shortest way to the end of a form, for an answer whose tokens run out: JSON that is closed in time parses.
//!
//! The way is found by trying, on a copy of the row's state: in a string, the quote that ends it; outside, what closes an object or
//! a list, and else the longest token that is forced. What is found is followed to the end. It costs a mask for each of its tokens, so
//! it is looked for now and then only, beside the model's own work.

use std::ops::Range;

use llguidance::Matcher;
use llguidance::toktrie::{SimpleVob, TokenId};

use crate::inference::local::vocabulary::Vocabulary;

/// Tokens before the end of an answer from which on the way is looked for more often, and how much more often.
const NEAR: usize = 512;
const RARELY: usize = 4;

/// How many tokens lie between two looks then, by the tokens of the answer.
const SHARE: usize = 32;
const BETWEEN: Range<usize> = 2..24;

/// When an answer must be closed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// The tokens that it may have.
    pub most: usize,
    /// Those that are left.
    pub left: usize,
    /// The longest way that was found so far: a token may begin an object that makes it as long again. [`usize::MAX`] once there was none
    /// within the tokens left: then it is too late for good.
    pub longest: usize,
}

impl Budget {
    fn between(self) -> usize {
        (self.most / SHARE).clamp(BETWEEN.start, BETWEEN.end)
    }

    /// Whether the way is looked for now.
    fn is_due(self) -> bool {
        let step = if self.left <= NEAR { self.between() } else { RARELY * self.between() };
        self.longest < usize::MAX && self.left.is_multiple_of(step)
    }

    /// Whether a way so long must be gone now. In its first half, an answer is closed only where it is about to be too late.
    fn is_last_call(self, way: usize) -> bool {
        let late = self.left <= self.most / 2;
        self.left < if late { self.longest + 2 * self.between() } else { way + self.between() }
    }
}

/// The tokens that close a form, the next one last, if that has to begin now; none if there is time, or no way was found. The longest way
/// so far is updated.
pub(super) fn way(matcher: &Matcher, budget: &mut Budget, vocabulary: &Vocabulary) -> Vec<TokenId> {
    if !budget.is_due() {
        return Vec::new();
    }
    let Some(mut way) = shortest(matcher, budget.left, vocabulary) else {
        budget.longest = usize::MAX;
        return Vec::new();
    };
    budget.longest = budget.longest.max(way.len());
    if !budget.is_last_call(way.len()) {
        return Vec::new();
    }
    way.reverse();
    way
}

fn shortest(matcher: &Matcher, most: usize, vocabulary: &Vocabulary) -> Option<Vec<TokenId>> {
    let mut matcher = matcher.deep_clone();
    let mut way = Vec::new();
    while !matcher.is_stopped() && !matcher.is_accepting().ok()? {
        if way.len() == most {
            return None;
        }
        let token = choose(&matcher.compute_mask().ok()?, vocabulary)?;
        matcher.consume_token(token).ok()?;
        way.push(token);
    }
    Some(way)
}

/// What leads to the end.
fn choose(mask: &SimpleVob, vocabulary: &Vocabulary) -> Option<TokenId> {
    let (mut inside, mut quote, mut close) = (false, None, None);
    let [mut comma, mut null, mut longest]: [Option<(usize, TokenId)>; 3] = [None; 3];
    let longer = |best: &mut Option<(usize, TokenId)>, length, token| {
        if best.is_none_or(|(most, _)| length > most) {
            *best = Some((length, token));
        }
    };
    for token in mask.iter() {
        let bytes = vocabulary.bytes(token);
        match bytes {
            // This letter begins nothing of JSON, so that it is allowed in strings alone.
            b"k" => inside = true,
            b"\"" => quote = Some(token),
            b"}" | b"]" => close = Some(token),
            [b',', ..] => longer(&mut comma, bytes.len(), token),
            [b'n', ..] => longer(&mut null, bytes.len(), token),
            _ => {}
        }
        longer(&mut longest, bytes.len(), token);
    }
    let [comma, null, longest] = [comma, null, longest].map(|best| best.map(|(_, token)| token));
    // Digits could follow digits for ever, hence the comma.
    let first = if inside { quote } else { close.or(comma).or(null).or(quote) };
    first.or(longest)
}
