//! Evaluation: cases that an answer is judged by, what came of them, and how two runs compare. Pure: whoever runs cases asks the model.
//!
//! A *case* is a question with what its answer must be like; a *set* is a file of cases. A case is asked several times (*repeats*) and passes
//! only if every repeat does: agents meet the bad day, not the average.

mod case;
mod check;
mod compare;
mod error;
mod evalap;
mod language;
mod read;
mod refusal;
pub mod report;
mod run;
#[cfg(test)]
mod shipped_tests;
mod words;

pub use self::{
    case::{Case, Passage, Said, Tongue},
    check::{Failed, Reply, check},
    compare::{Change, Comparison, compare},
    error::CaseError,
    evalap::{Experiment, evalap},
    read::{Set, read},
    run::{Attempt, CaseResult, Interval, Run, Share},
};
