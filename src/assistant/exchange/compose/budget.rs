//! How a model's context is shared between the answer, what a question points at, and the conversation. Pure; all sizes are tokens.

use super::shorten::shortened;
use crate::{
    conversation::{Role, Turn, trimmed},
    material::{Material, MaterialKind},
};

/// The least length of an answer, where the configuration does not ask for less.
const LEAST_ANSWER: usize = 128;

/// What of a conversation a request does not hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many of the oldest turns.
    pub turns: usize,
    /// Whether the last exchange is shortened.
    pub last_exchange: bool,
    /// Whether what the question points at is shortened, or a part of it left out.
    pub material: bool,
}

/// The least length of an answer that usually has up to `longest`: a question is refused before its answer gets shorter.
pub fn least_answer(longest: usize) -> usize {
    longest.min(LEAST_ANSWER)
}

/// What is free beside the system prompt, the question and the least answer.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    free: usize,
    least: usize,
    longest: usize,
}

impl Budget {
    /// Of `free` tokens beside the system prompt; `None` where the question leaves no answer.
    pub fn new(free: usize, question: usize, longest: usize) -> Option<Self> {
        let least = least_answer(longest);
        Some(Self { free: free.checked_sub(question + least)?, least, longest })
    }

    /// What is free with the usual length of an answer.
    fn spare(&self) -> usize {
        self.free.saturating_sub(self.longest - self.least)
    }

    /// How much of it what the question points at may take: it is why the question was asked, but the answer needs room too.
    pub fn for_material(&self) -> usize {
        (self.spare() * 2 / 3).max(self.free / 3)
    }

    /// How much of it the passages that answer a question may take: they are what it is to be answered from.
    pub fn for_sources(&self) -> usize {
        (self.spare() * 3 / 4).max(self.free / 2)
    }

    /// How much of it the last exchange may take: a question such as "shorter, please" is about it.
    fn for_last_exchange(&self) -> usize {
        self.spare().max(self.free / 2)
    }

    /// Takes some of it.
    pub fn take(&mut self, tokens: usize) {
        self.free = self.free.saturating_sub(tokens);
    }

    /// The most tokens of the answer.
    pub fn answer(&self) -> usize {
        (self.least + self.free).min(self.longest)
    }
}

/// What the question points at, within a budget. The oldest messages of a thread go first, but not the one that began it; then the longest
/// texts are shortened.
pub fn fitted(material: &[Material], budget: usize, cost: impl Fn(&[Material]) -> usize) -> Vec<Material> {
    let mut kept = material.to_vec();
    if cost(&kept) > budget {
        // Neither the message replied to nor one of the thread takes everything.
        for index in 0..kept.len() {
            shorten(&mut kept, index, budget / 2, &cost);
        }
    }
    while cost(&kept) > budget {
        let in_thread = kept.iter().filter(|one| one.kind == MaterialKind::Thread).count();
        match in_thread {
            0 => break,
            // The last but the beginning.
            1 => drop(kept.remove(0)),
            _ => drop(kept.remove(1)),
        }
    }
    if cost(&kept) > budget {
        shorten(&mut kept, 0, budget, &cost);
        if cost(&kept) > budget {
            kept.clear();
        }
    }
    kept
}

/// Shortens one message so that it alone costs at most `budget`.
fn shorten(kept: &mut [Material], index: usize, budget: usize, cost: &impl Fn(&[Material]) -> usize) {
    let alone = |text: &str| cost(&[Material { content: Ok(text.to_owned()), ..kept[index].clone() }]);
    let Ok(text) = &kept[index].content else { return };
    if alone(text) > budget
        && let Some(short) = shortened(text, budget, alone)
    {
        kept[index].content = Ok(short);
    }
}

/// The turns that fit, oldest first, and what was left out. The budget is charged for them.
pub fn kept(turns: &[Turn], budget: &mut Budget, cost: impl Fn(&Turn) -> usize) -> (Vec<Turn>, LeftOut) {
    let Some(start) = turns.iter().rposition(|turn| turn.role == Role::User) else {
        return (Vec::new(), LeftOut { turns: turns.len(), ..LeftOut::default() });
    };
    let (older, last) = turns.split_at(start);
    let Some((last, last_exchange)) = last_exchange(last, budget.for_last_exchange(), &cost) else {
        return (Vec::new(), LeftOut { turns: turns.len(), ..LeftOut::default() });
    };
    budget.take(last.iter().map(&cost).sum());
    let older = trimmed(older, budget.spare(), &cost);
    budget.take(older.iter().map(&cost).sum());
    let left_out = LeftOut { turns: start - older.len(), last_exchange, material: false };
    (older.iter().cloned().chain(last).collect(), left_out)
}

/// The last exchange within a budget, and whether it is shortened: the answer is kept before the question, which is what a person sends again
/// more easily.
fn last_exchange(last: &[Turn], budget: usize, cost: impl Fn(&Turn) -> usize) -> Option<(Vec<Turn>, bool)> {
    if last.iter().map(&cost).sum::<usize>() <= budget {
        return Some((last.to_vec(), false));
    }
    let mut left = budget;
    let mut short = Vec::new();
    for (index, turn) in last.iter().enumerate().rev() {
        let priced = |text: &str| cost(&Turn { content: text.to_owned(), ..turn.clone() });
        // Three quarters at most for an answer, so that its question stays.
        let share = if index == 0 { left } else { left * 3 / 4 };
        let turn = if cost(turn) <= share {
            turn.clone()
        } else {
            Turn { content: shortened(&turn.content, share, priced)?, ..turn.clone() }
        };
        left = left.saturating_sub(cost(&turn));
        short.push(turn);
    }
    short.reverse();
    Some((short, true))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ruma::owned_event_id;

    use super::{Budget, LeftOut, Material, MaterialKind, Role, Turn, fitted, kept};
    use crate::material::Author;

    fn words(text: &str) -> usize {
        text.split_whitespace().count()
    }

    fn turn(index: usize, length: usize) -> Turn {
        let role = if index.is_multiple_of(2) { Role::User } else { Role::Assistant };
        let content = (0..length).fold(String::new(), |text, word| text + format!("mot{index}-{word} ").as_str());
        Turn { role, content, event_id: owned_event_id!("$q:h"), at: 0, asker: None, name: None }
    }

    fn exchange(lengths: &[usize], free: usize) -> (Vec<Turn>, LeftOut, usize) {
        let turns: Vec<Turn> = lengths.iter().enumerate().map(|(index, length)| turn(index, *length)).collect();
        let mut budget = Budget::new(free, 10, 400).expect("room for the least answer");
        let (kept, left_out) = kept(&turns, &mut budget, |turn| words(&turn.content));
        (kept, left_out, budget.answer())
    }

    #[test]
    fn after_one_long_text_its_ends_and_the_answer_to_it_are_kept() {
        let (kept, left_out, answer) = exchange(&[20, 20, 3_000, 150], 1_000);
        assert_eq!(left_out, LeftOut { turns: 2, last_exchange: true, material: false });
        let [question, said] = &kept[..] else { panic!("the last exchange") };
        assert_eq!(said.content, turn(3, 150).content, "the whole answer");
        assert!(question.content.starts_with("mot2-0 ") && question.content.trim_end().ends_with("mot2-2999"));
        assert!(answer >= 128, "{answer}");
    }

    #[test]
    fn what_fits_is_kept_whole_and_the_answer_has_its_usual_length() {
        let (kept, left_out, answer) = exchange(&[20, 20, 30, 40], 1_000);
        assert_eq!((kept.len(), left_out, answer), (4, LeftOut::default(), 400));
    }

    #[test]
    fn the_answer_shrinks_before_a_question_is_refused() {
        assert_eq!(Budget::new(300, 100, 400).map(|budget| budget.answer()), Some(200));
        assert_eq!(Budget::new(228, 100, 400).map(|budget| budget.answer()), Some(128));
        assert!(Budget::new(227, 100, 400).is_none());
        assert_eq!(Budget::new(20, 10, 10).map(|budget| budget.answer()), Some(10), "a model with short answers");
    }

    fn material(kind: MaterialKind, word: &str, length: usize) -> Material {
        Material { kind, author: Author::Bot, content: Ok(vec![word; length].join(" ")) }
    }

    fn cost(material: &[Material]) -> usize {
        material.iter().map(|one| 2 + one.content.as_deref().map_or(1, words)).sum()
    }

    #[test]
    fn of_a_thread_the_beginning_and_the_newest_messages_are_kept() {
        let mut thread: Vec<Material> =
            (0..30).map(|number| material(MaterialKind::Thread, &number.to_string(), 10)).collect();
        thread.push(material(MaterialKind::RepliedTo, "long", 500));
        let kept = fitted(&thread, 200, cost);
        let first_words: Vec<String> =
            kept.iter().map(|one| one.content.as_deref().unwrap().split(' ').next().unwrap().to_owned()).collect();
        assert!(cost(&kept) <= 200);
        assert_eq!((&*first_words[0], &*first_words[1]), ("0", "23"), "{first_words:?}");
        assert_eq!(kept.last().map(|one| one.kind), Some(MaterialKind::RepliedTo));
        assert_eq!(fitted(&thread, 2_000, cost), thread);
    }

    proptest! {
        #[test]
        fn nothing_costs_more_than_its_share(
            lengths in prop::collection::vec(0_usize..400, 0..12),
            free in 0_usize..2_000,
            question in 0_usize..300,
            longest in 1_usize..600,
            sizes in prop::collection::vec(0_usize..300, 0..6),
        ) {
            let Some(mut budget) = Budget::new(free, question, longest) else {
                prop_assert!(free < question + longest.min(128));
                return Ok(());
            };
            let points: Vec<Material> = sizes.iter().enumerate().map(|(index, size)| {
                let kind = if index + 1 == sizes.len() { MaterialKind::RepliedTo } else { MaterialKind::Thread };
                material(kind, "m", *size)
            }).collect();
            let points = fitted(&points, budget.for_material(), cost);
            budget.take(cost(&points));
            let turns: Vec<Turn> = lengths.iter().enumerate().map(|(index, length)| turn(index, *length)).collect();
            let (kept, left_out) = kept(&turns, &mut budget, |turn| words(&turn.content));
            let history: usize = kept.iter().map(|turn| words(&turn.content)).sum();
            prop_assert!(question + cost(&points) + history + budget.answer() <= free);
            prop_assert!(budget.answer() >= longest.min(128));
            prop_assert_eq!(left_out.turns + kept.len(), turns.len());
            prop_assert!(kept.first().is_none_or(|turn| turn.role == Role::User));
        }
    }
}
