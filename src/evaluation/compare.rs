//! Two runs, case by case.

use std::collections::HashMap;

use super::{CaseResult, Run, Share};

/// How a case has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It passes now.
    Better,
    /// It passed before.
    Worse,
    /// It is in the later run only, or asks something else there.
    New,
    /// It is in the earlier run only, or asked something else there.
    Gone,
}

/// What is different in a later run.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison<'a> {
    /// The cases that changed, with how, in the order of the later run.
    pub changes: Vec<(Change, &'a CaseResult)>,
    /// The share of the cases that both runs have, in the earlier one.
    pub before: Share,
    /// The same in the later one.
    pub after: Share,
    /// How probable it is that chance alone makes a difference as large in either direction: `McNemar`'s exact test over the cases that changed.
    pub chance: f64,
}

impl Comparison<'_> {
    /// How many cases changed so.
    #[must_use]
    pub fn count(&self, change: Change) -> usize {
        self.changes.iter().filter(|(one, _)| *one == change).count()
    }
}

/// Compares a run with an earlier one. Cases are the same by their set and name, as long as they ask the same: a case without a name is called by its
/// place, which is another one's as soon as a case is put before it. What a run that was stopped does not have is neither new nor gone.
#[must_use]
pub fn compare<'a>(before: &'a Run, after: &'a Run) -> Comparison<'a> {
    fn key(case: &CaseResult) -> (&str, &str) {
        (&case.set, &case.name)
    }
    fn asks_the_same(one: &CaseResult, other: &CaseResult) -> bool {
        one.query.trim() == other.query.trim() && one.turns == other.turns
    }
    let earlier: HashMap<_, _> = before.cases.iter().map(|case| (key(case), case)).collect();
    let later: HashMap<_, _> = after.cases.iter().map(|case| (key(case), case)).collect();
    let mut changes = Vec::new();
    let (mut was, mut is) = (Share::default(), Share::default());
    for case in &after.cases {
        let Some(old) = earlier.get(&key(case)).filter(|old| asks_the_same(old, case)) else {
            if before.incomplete.is_none() {
                changes.push((Change::New, case));
            }
            continue;
        };
        was = Share { passed: was.passed + usize::from(old.passed()), of: was.of + 1 };
        is = Share { passed: is.passed + usize::from(case.passed()), of: is.of + 1 };
        match (old.passed(), case.passed()) {
            (false, true) => changes.push((Change::Better, case)),
            (true, false) => changes.push((Change::Worse, case)),
            _ => {}
        }
    }
    let stays = |old: &CaseResult| later.get(&key(old)).is_some_and(|case| asks_the_same(old, case));
    if after.incomplete.is_none() {
        changes.extend(before.cases.iter().filter(|case| !stays(case)).map(|case| (Change::Gone, case)));
    }
    let count = |change| changes.iter().filter(|(one, _)| *one == change).count();
    let chance = mcnemar(count(Change::Better), count(Change::Worse));
    Comparison { changes, before: was, after: is, chance }
}

/// The two-sided exact probability under a fair coin of a split at least as uneven.
fn mcnemar(better: usize, worse: usize) -> f64 {
    let n = better + worse;
    if n == 0 {
        return 1.0;
    }
    // In logarithms: the coefficients of a thousand are beyond any float.
    let half = (n as f64) * 0.5_f64.ln();
    let mut coefficient = 0.0_f64;
    let mut tail = 0.0;
    for k in 0..=better.min(worse) {
        if k > 0 {
            coefficient += ((n - k + 1) as f64).ln() - (k as f64).ln();
        }
        tail += (coefficient + half).exp();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::{super::Attempt, CaseResult, Change, Run, Share, compare, mcnemar};
    use crate::evaluation::{Failed, Incomplete, Said};

    fn run(cases: &[(&str, bool)]) -> Run {
        let case = |(name, passes): &(&str, bool)| {
            let failed = if *passes { Vec::new() } else { vec![Failed::NotJson] };
            let attempts = vec![Attempt { failed, ..Attempt::default() }];
            CaseResult { name: (*name).to_owned(), attempts, ..CaseResult::default() }
        };
        Run { cases: cases.iter().map(case).collect(), ..Run::default() }
    }

    #[test]
    fn what_got_better_or_worse_is_named() {
        use Change::{Better, Gone, New, Worse};
        let before = run(&[("a", true), ("b", false), ("c", true), ("old", true)]);
        let after = run(&[("a", false), ("b", true), ("c", true), ("new", false)]);
        let comparison = compare(&before, &after);
        let named = comparison.changes.iter().map(|(change, case)| (*change, case.name.as_str())).collect::<Vec<_>>();
        assert_eq!(named, [(Worse, "a"), (Better, "b"), (New, "new"), (Gone, "old")]);
        assert_eq!((comparison.before, comparison.after), (Share { passed: 2, of: 3 }, Share { passed: 2, of: 3 }));
    }

    #[test]
    fn what_a_stopped_run_does_not_have_is_neither_new_nor_gone() {
        let stopped = |cases| Run { incomplete: Some(Incomplete { asked: 2, of: 3 }), ..run(cases) };
        let whole = run(&[("a", true), ("b", true), ("c", true)]);
        let part = stopped(&[("a", true), ("b", false)]);
        let later = compare(&whole, &part);
        assert_eq!((later.changes, later.after.of), (vec![(Change::Worse, &part.cases[1])], 2));
        let earlier = compare(&part, &whole);
        assert_eq!((earlier.changes, earlier.after.of), (vec![(Change::Better, &whole.cases[1])], 2));
    }

    #[test]
    fn a_case_that_asks_something_else_is_another_one() {
        let asking = |queries: &[&str]| {
            let mut run = run(&[("1", true), ("2", true), ("3", true)][..queries.len()]);
            for (case, query) in run.cases.iter_mut().zip(queries) {
                (*query).clone_into(&mut case.query);
            }
            run
        };
        let before = asking(&["Combien ?", "Quand ?"]);
        let mut after = asking(&["Combien ?\n", "Qui ?", "Quand ?"]);
        let named = |after: &Run| {
            let comparison = compare(&before, after);
            let changes = comparison.changes.iter().map(|(change, case)| (*change, case.query.clone()));
            (changes.collect::<Vec<_>>(), comparison.after.of)
        };
        let query = |query: &str| query.to_owned();
        let changes =
            [(Change::New, query("Qui ?")), (Change::New, query("Quand ?")), (Change::Gone, query("Quand ?"))];
        assert_eq!(named(&after), (changes.to_vec(), 1));
        after.cases.truncate(1);
        after.cases[0].turns = vec![Said { user: query("Bonjour"), assistant: query("Bonjour.") }];
        assert_eq!(named(&after).1, 0, "what was said before is part of the question");
    }

    #[test]
    fn chance_is_mcnemars() {
        // Sums of binomial coefficients over 2^n, by hand.
        for (better, worse, chance) in [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (0, 10, 2.0 / 1024.0), (3, 1, 0.625)]
        {
            assert!((mcnemar(better, worse) - chance).abs() < 1e-9, "{better} {worse}");
        }
        assert!(mcnemar(3_000, 2_000) < 1e-40 && mcnemar(2_500, 2_500) > 0.99);
    }
}
