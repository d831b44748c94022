//! Evaluation: cases that an answer is judged by, what came of them, and how two runs compare. Pure: whoever runs cases asks the model.
//!
//! A *case* is a question with what its answer must be like; a *set* is a file of cases. A case is asked several times (*repeats*) and passes
//! only if every repeat does: agents meet the bad day, not the average.
//!
//! Cases also come from rooms, where people attach them to a compagnon that they make: `written` reads them, `kept` and `standing` are what is
//! kept of them and of each version's result.

mod case;
mod check;
mod compare;
mod error;
mod evalap;
mod kept;
mod language;
mod read;
mod refusal;
pub mod report;
mod run;
mod schema;
#[cfg(test)]
mod shipped_tests;
mod standing;
mod words;
mod written;

pub use self::{
    case::{Case, Passage, Said, Tongue},
    check::{Failed, Reply, check},
    compare::{Change, Comparison, compare},
    error::CaseError,
    evalap::{Experiment, evalap},
    kept::{Added, KeptAnswer, KeptCase, KeptCases, KeptRun, MOST_CASES, RunOf},
    read::{Set, read},
    run::{Attempt, CaseResult, Incomplete, Interval, Run, Share},
    standing::{KeptResults, Standing, VersionResult, Versus, standing},
    written::{LONGEST_EXPECTED, LONGEST_QUESTION, MOST_EXPECTATIONS, Unwritten, expectations, has_arrow, sides},
};
