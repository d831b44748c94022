//! How a version of a compagnon stands by its cases, and how it compares with the one before.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Attempt, CaseResult, Change, Failed, Run, Share, compare, kept::KeptCases};

/// The most versions of which a result is kept.
const MOST_RESULTS: usize = 20;

/// What came of the cases in one version, without their texts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionResult {
    /// The version.
    pub version: u32,
    /// The model's name.
    pub model: String,
    /// The day, as in `2026-11-29`.
    pub date: String,
    /// The numbers of the cases that passed.
    pub passed: BTreeSet<u32>,
    /// Of those that failed.
    pub failed: BTreeSet<u32>,
}

impl VersionResult {
    /// How many passed.
    #[must_use]
    pub fn share(&self) -> Share {
        Share { passed: self.passed.len(), of: self.passed.len() + self.failed.len() }
    }

    /// All cases that it is of.
    fn numbers(&self) -> BTreeSet<u32> {
        self.passed.union(&self.failed).copied().collect()
    }

    /// As a run, to be compared.
    fn run(&self) -> Run {
        let case = |number: u32, failed: Vec<Failed>| CaseResult {
            name: number.to_string(),
            attempts: vec![Attempt { failed, ..Attempt::default() }],
            ..CaseResult::default()
        };
        let passed = self.passed.iter().map(|number| case(*number, Vec::new()));
        let failed = self.failed.iter().map(|number| case(*number, vec![Failed::NoAnswer(String::new())]));
        Run { cases: passed.chain(failed).collect(), ..Run::default() }
    }
}

/// The results of one compagnon's versions, the newest of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptResults {
    /// In the order of the versions.
    #[serde(default)]
    results: Vec<VersionResult>,
}

impl KeptResults {
    /// Takes a result in the place of the one that this version had.
    pub fn put(&mut self, result: VersionResult) {
        self.results.retain(|known| known.version != result.version);
        self.results.push(result);
        self.results.sort_by_key(|known| known.version);
        self.results.drain(..self.results.len().saturating_sub(MOST_RESULTS));
    }

    /// That of a version.
    #[must_use]
    pub fn of(&self, version: u32) -> Option<&VersionResult> {
        self.results.iter().find(|known| known.version == version)
    }

    /// How a result compares with that of the nearest version before it that has a case in common with it.
    #[must_use]
    pub fn versus(&self, result: &VersionResult) -> Option<Versus> {
        let numbers = result.numbers();
        let mut before = self.results.iter().filter(|known| known.version < result.version);
        let before = before.rfind(|known| !known.numbers().is_disjoint(&numbers))?;
        let (earlier, later) = (before.run(), result.run());
        let comparison = compare(&earlier, &later);
        let named = |wanted: Change| {
            let changes = comparison.changes.iter().filter(|(change, _)| *change == wanted);
            let mut numbers: Vec<u32> = changes.filter_map(|(_, case)| case.name.parse().ok()).collect();
            numbers.sort_unstable();
            numbers
        };
        let model = (before.model != result.model).then(|| before.model.clone());
        Some(Versus { version: before.version, model, better: named(Change::Better), worse: named(Change::Worse) })
    }
}

/// How a version compares with an earlier one, by the cases that both were asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versus {
    /// The earlier version.
    pub version: u32,
    /// The model that answered then, where it was another one.
    pub model: Option<String>,
    /// The cases that pass now and did not then.
    pub better: Vec<u32>,
    /// Those that passed then and do not now.
    pub worse: Vec<u32>,
}

/// How a version stands by its cases, for whoever decides on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There are no cases.
    NoCases,
    /// They were never asked.
    NotRun,
    /// They were asked in an earlier version only.
    Older {
        /// The version that is decided on.
        version: u32,
        /// What came of the newest one that they were asked in.
        result: VersionResult,
    },
    /// They were asked in this version.
    Run {
        /// What came of it.
        result: VersionResult,
        /// Whether cases were added or removed since.
        changed: bool,
        /// How it compares with an earlier version.
        versus: Option<Versus>,
    },
}

/// How a version stands.
#[must_use]
pub fn standing(cases: &KeptCases, results: &KeptResults, version: u32) -> Standing {
    if cases.cases.is_empty() {
        return Standing::NoCases;
    }
    if let Some(result) = results.of(version) {
        let numbers: BTreeSet<u32> = cases.cases.iter().map(|case| case.number).collect();
        let (changed, versus) = (result.numbers() != numbers, results.versus(result));
        return Standing::Run { result: result.clone(), changed, versus };
    }
    match results.results.iter().rfind(|known| known.version < version) {
        Some(older) => Standing::Older { version, result: older.clone() },
        None => Standing::NotRun,
    }
}

#[cfg(test)]
mod tests {
    use super::{KeptCases, KeptResults, MOST_RESULTS, Share, Standing, VersionResult, Versus, standing};

    fn result(version: u32, passed: &[u32], failed: &[u32]) -> VersionResult {
        let numbers = |numbers: &[u32]| numbers.iter().copied().collect();
        let (model, date) = ("a".to_owned(), "2026-11-29".to_owned());
        VersionResult { version, model, date, passed: numbers(passed), failed: numbers(failed) }
    }

    fn kept(results: &[VersionResult]) -> KeptResults {
        let mut kept = KeptResults::default();
        results.iter().cloned().for_each(|result| kept.put(result));
        kept
    }

    #[test]
    fn a_version_is_compared_case_by_case_with_the_one_before() {
        let results = kept(&[result(1, &[1], &[2]), result(2, &[1, 2], &[3]), result(4, &[9], &[])]);
        let worse = result(5, &[1, 3], &[2]);
        let versus = Versus { version: 2, model: None, better: vec![3], worse: vec![2] };
        assert_eq!(results.versus(&worse), Some(versus), "version 4 has no case in common");
        let other = VersionResult { model: "b".to_owned(), ..result(2, &[1, 2], &[]) };
        let versus = Versus { version: 1, model: Some("a".to_owned()), better: vec![2], worse: Vec::new() };
        assert_eq!(results.versus(&other), Some(versus));
        assert_eq!(results.versus(&result(1, &[1, 2], &[])), None);
        assert_eq!(worse.share(), Share { passed: 2, of: 3 });
    }

    #[test]
    fn whoever_decides_is_told_what_the_result_is_of() {
        let mut cases = KeptCases::default();
        assert_eq!(standing(&cases, &kept(&[]), 1), Standing::NoCases);
        cases.add("Combien ?", "25");
        cases.add("Quand ?", "lundi");
        assert_eq!(standing(&cases, &kept(&[]), 1), Standing::NotRun);
        let one = kept(&[result(1, &[1, 2], &[])]);
        assert_eq!(
            standing(&cases, &one, 2),
            Standing::Older { version: 2, result: result(1, &[1, 2], &[]) },
            "a result of another version is none of this one"
        );
        let two = kept(&[result(1, &[1, 2], &[]), result(2, &[1], &[2])]);
        let versus = Versus { version: 1, model: None, better: Vec::new(), worse: vec![2] };
        let run = |changed| Standing::Run { result: result(2, &[1], &[2]), changed, versus: Some(versus.clone()) };
        assert_eq!(standing(&cases, &two, 2), run(false));
        cases.add("Où ?", "Paris");
        assert_eq!(standing(&cases, &two, 2), run(true));
    }

    #[test]
    fn results_are_bounded_and_one_of_each_version() {
        let results: Vec<VersionResult> = (1..=30).map(|version| result(version, &[1], &[])).collect();
        let mut kept = kept(&results);
        assert_eq!(kept.results.len(), MOST_RESULTS);
        kept.put(result(30, &[], &[1]));
        assert_eq!((kept.results.len(), kept.of(30)), (MOST_RESULTS, Some(&result(30, &[], &[1]))));
        assert_eq!(kept.of(1), None);
    }
}
