//! What came of a run: each case with its answers, and shares with their intervals.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Failed, Said};
use crate::{energy::Energy, usage::Finish};

/// The quantile of the normal distribution for an interval of 95 %.
const QUANTILE: f64 = 1.959_963_985;

/// One answer to a case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// The seed that it was sampled with.
    pub seed: u64,
    /// The answer.
    pub answer: String,
    /// What is wrong with it.
    pub failed: Vec<Failed>,
    /// From the request to the end of the answer, in seconds; others may have shared the engine meanwhile.
    pub seconds: f64,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens of the answer.
    pub completion_tokens: usize,
    /// What it took.
    #[serde(default)]
    pub energy: Energy,
    /// Why it ended. One that was cut is judged as it stands, as people would read it: what it should not have may only have been to come.
    #[serde(default)]
    pub finish: Finish,
}

impl Attempt {
    /// Whether the answer was cut.
    #[must_use]
    pub fn cut(&self) -> bool {
        self.finish == Finish::Length
    }
}

/// A case with its answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    /// The file of its set.
    pub set: String,
    /// Its name.
    pub name: String,
    /// What is measured by it.
    pub kind: String,
    /// Who was asked.
    pub compagnon: String,
    /// The question.
    pub query: String,
    /// What was said before it, oldest first.
    #[serde(default)]
    pub turns: Vec<Said>,
    /// An answer that is right, where the case has one.
    pub output_true: Option<String>,
    /// The passages that it was asked with.
    pub passages: Vec<String>,
    /// The answers, one a repeat.
    pub attempts: Vec<Attempt>,
}

impl CaseResult {
    /// Whether every repeat passed.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.attempts.is_empty() && self.attempts.iter().all(|attempt| attempt.failed.is_empty())
    }

    /// How many repeats passed.
    #[must_use]
    pub fn repeats_passed(&self) -> usize {
        self.attempts.iter().filter(|attempt| attempt.failed.is_empty()).count()
    }

    /// What was wrong, each once, in the order in which it was met.
    #[must_use]
    pub fn reasons(&self) -> Vec<&Failed> {
        let mut reasons: Vec<&Failed> = Vec::new();
        for failed in self.attempts.iter().flat_map(|attempt| &attempt.failed) {
            if !reasons.contains(&failed) {
                reasons.push(failed);
            }
        }
        reasons
    }
}

/// A run of one set or several.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The version of the program.
    pub version: String,
    /// The model that answered.
    pub model: String,
    /// The model that judged; nothing where no case asks for a judge.
    pub judge: Option<String>,
    /// The day.
    pub date: String,
    /// From the first request to the last answer, in seconds.
    pub seconds: f64,
    /// The cases, in the order of the sets. Of a run that was stopped: those of which every repeat was asked.
    pub cases: Vec<CaseResult>,
    /// How far the run came, where it was stopped.
    #[serde(default)]
    pub incomplete: Option<Incomplete>,
    /// The cases of a run that was stopped of which some repeats were asked. They count nowhere: whether they pass is not known.
    #[serde(default)]
    pub unfinished: Vec<CaseResult>,
}

/// How far a run came that was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incomplete {
    /// The cases of which every repeat was asked.
    pub asked: usize,
    /// All that should have been asked.
    pub of: usize,
}

impl Run {
    /// How many cases passed.
    #[must_use]
    pub fn share(&self) -> Share {
        Share::of(self.cases.iter())
    }

    /// Makes a run that was stopped of one that has all cases, whether they were asked or not. `repeats` says how often the case at an index should
    /// have been asked.
    pub fn stop(&mut self, repeats: impl Fn(usize) -> usize) {
        let of = self.cases.len();
        for (index, case) in std::mem::take(&mut self.cases).into_iter().enumerate() {
            if case.attempts.len() >= repeats(index) {
                self.cases.push(case);
            } else if !case.attempts.is_empty() {
                self.unfinished.push(case);
            }
        }
        let asked = self.cases.len();
        self.incomplete = (asked < of).then_some(Incomplete { asked, of });
    }

    /// Why no case has an answer, where none has that was asked: the engine is at fault then, and no case.
    #[must_use]
    pub fn unanswered(&self) -> Option<&str> {
        let attempts = || self.cases.iter().flat_map(|case| &case.attempts);
        if attempts().any(|attempt| !attempt.answer.is_empty()) {
            return None;
        }
        attempts().flat_map(|attempt| &attempt.failed).find_map(|failed| match failed {
            Failed::NoAnswer(reason) => Some(reason.as_str()),
            _ => None,
        })
    }

    /// How many answers were cut.
    #[must_use]
    pub fn cut(&self) -> Share {
        let attempts = self.cases.iter().flat_map(|case| &case.attempts).filter(|attempt| !attempt.answer.is_empty());
        attempts.fold(Share::default(), |share, attempt| Share {
            passed: share.passed + usize::from(attempt.cut()),
            of: share.of + 1,
        })
    }

    /// What all answers took.
    #[must_use]
    pub fn energy(&self) -> Energy {
        let attempts = self.cases.iter().flat_map(|case| &case.attempts);
        attempts.fold(Energy::NONE, |sum, attempt| sum.and(attempt.energy))
    }

    /// What that is a token written, in joules; nothing where none was written.
    #[must_use]
    pub fn joules_per_token(&self) -> Option<f64> {
        let attempts = self.cases.iter().flat_map(|case| &case.attempts);
        let tokens: usize = attempts.map(|attempt| attempt.completion_tokens).sum();
        (tokens > 0).then(|| self.energy().joules() / tokens as f64)
    }

    /// The same by compagnon.
    #[must_use]
    pub fn by_compagnon(&self) -> Vec<(&str, Share)> {
        self.by(|case| &case.compagnon)
    }

    /// The same by what is measured; cases that do not say it are left out.
    #[must_use]
    pub fn by_kind(&self) -> Vec<(&str, Share)> {
        let mut kinds = self.by(|case| &case.kind);
        kinds.retain(|(kind, _)| !kind.is_empty());
        kinds
    }

    fn by<'a>(&'a self, key: impl Fn(&'a CaseResult) -> &'a str) -> Vec<(&'a str, Share)> {
        let mut groups: BTreeMap<&str, Vec<&CaseResult>> = BTreeMap::new();
        for case in &self.cases {
            groups.entry(key(case)).or_default().push(case);
        }
        groups.into_iter().map(|(key, cases)| (key, Share::of(cases.into_iter()))).collect()
    }
}

/// How many cases passed, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many passed.
    pub passed: usize,
    /// How many there are.
    pub of: usize,
}

/// From where to where a share lies with 95 % confidence, in percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The least.
    pub low: f64,
    /// The most.
    pub high: f64,
}

impl Share {
    fn of<'a>(cases: impl Iterator<Item = &'a CaseResult>) -> Self {
        cases.fold(Self::default(), |share, case| Self {
            passed: share.passed + usize::from(case.passed()),
            of: share.of + 1,
        })
    }

    /// In percent; 0 of nothing.
    #[must_use]
    pub fn percent(self) -> f64 {
        if self.of == 0 { 0.0 } else { 100.0 * self.passed as f64 / self.of as f64 }
    }

    /// Wilson's score interval (Wilson 1927), which stays within 0 and 100 % and is fair with few cases.
    #[must_use]
    pub fn interval(self) -> Interval {
        if self.of == 0 {
            return Interval { low: 0.0, high: 100.0 };
        }
        let (n, p, z2) = (self.of as f64, self.passed as f64 / self.of as f64, QUANTILE * QUANTILE);
        let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = QUANTILE * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
        Interval { low: 100.0 * (middle - half).max(0.0), high: 100.0 * (middle + half).min(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, CaseResult, Failed, Incomplete, Run, Share};

    fn case(kind: &str, passes: &[bool]) -> CaseResult {
        let attempt = |passes: &bool| Attempt {
            failed: if *passes { Vec::new() } else { vec![Failed::NotJson] },
            ..Attempt::default()
        };
        CaseResult { kind: kind.to_owned(), attempts: passes.iter().map(attempt).collect(), ..CaseResult::default() }
    }

    #[test]
    fn a_case_passes_only_if_every_repeat_does() {
        let run = Run {
            cases: vec![case("a", &[true, true]), case("a", &[true, false, false]), case("", &[])],
            ..Run::default()
        };
        assert_eq!(run.share(), Share { passed: 1, of: 3 });
        assert_eq!(run.by_kind(), [("a", Share { passed: 1, of: 2 })]);
        assert_eq!((run.cases[1].repeats_passed(), run.cases[1].reasons()), (1, vec![&Failed::NotJson]));
    }

    #[test]
    fn a_run_that_was_stopped_counts_what_it_asked_to_the_end() {
        let mut run = Run {
            cases: vec![case("a", &[false]), case("b", &[true, true]), case("c", &[true]), case("d", &[])],
            ..Run::default()
        };
        let repeats = [1, 2, 2, 1];
        run.stop(|index| repeats[index]);
        assert_eq!((run.share(), run.incomplete), (Share { passed: 1, of: 2 }, Some(Incomplete { asked: 2, of: 4 })));
        assert_eq!(run.unfinished, [case("c", &[true])]);
        let kept = serde_json::to_string(&run).expect("JSON");
        assert_eq!(serde_json::from_str::<Run>(&kept).expect("a run"), run);
        let before = r#"{"version": "0.1.0", "model": "m", "judge": null, "date": "d", "seconds": 1, "cases": []}"#;
        assert_eq!(serde_json::from_str::<Run>(before).expect("a run of before").incomplete, None);
    }

    #[test]
    fn intervals_are_wilsons() {
        // Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
        for (passed, of, low, high) in [(81, 263, 25.53, 36.62), (0, 20, 0.0, 16.11), (20, 20, 83.89, 100.0)] {
            let interval = Share { passed, of }.interval();
            assert!((interval.low - low).abs() < 0.01 && (interval.high - high).abs() < 0.01, "{interval:?}");
        }
        for of in 1..=1_000 {
            let none = Share { passed: 0, of }.interval();
            let all = Share { passed: of, of }.interval();
            assert_eq!(
                (format!("{:.1}", none.low), format!("{:.1}", all.high)),
                ("0.0".to_owned(), "100.0".to_owned())
            );
            assert!(none.high < 100.0 && all.low > 0.0, "{of}: chance is never excluded");
        }
    }
}
