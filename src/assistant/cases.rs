//! The cases by which a compagnon that was made by command is judged, and what came of them: in the store, under the compagnon's own key.
//!
//! They are written by commands alone, the results and the run that is under way by the job alone: neither overwrites what the other one writes.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::clock::{later, now};
use crate::{
    compagnon::Made,
    document::made,
    evaluation::{KeptCases, KeptResults, KeptRun, Standing, standing},
    job::{JobKind, JobScope, JobState},
    store::{Change, Store, StoreError},
};

/// For how long the answers of a run are kept that nobody goes on with.
const RUN_FOR: Duration = Duration::from_hours(24);

/// The cases of a compagnon.
pub async fn of(store: &Store, number: u64) -> Result<KeptCases, StoreError> {
    kept(store, JobKind::Cases, number).await.map(Option::unwrap_or_default)
}

/// What came of them.
pub async fn results(store: &Store, number: u64) -> Result<KeptResults, StoreError> {
    kept(store, JobKind::CaseResults, number).await.map(Option::unwrap_or_default)
}

/// The run of them that an earlier process has left.
pub async fn run(store: &Store, number: u64) -> Result<Option<KeptRun>, StoreError> {
    kept(store, JobKind::CaseRun, number).await
}

/// How a version stands by them.
pub async fn standing_of(store: &Store, made: &Made, version: u32) -> Result<Standing, StoreError> {
    let (cases, results) = (of(store, made.number).await?, results(store, made.number).await?);
    Ok(standing(&cases, &results, version))
}

/// The change that keeps the cases.
pub fn keep(number: u64, cases: &KeptCases) -> Change {
    Change::KeepJob(Box::new(state(JobKind::Cases, number, cases, u64::MAX)))
}

/// The changes that keep fewer cases: those that were removed are gone for good.
pub fn keep_fewer(number: u64, cases: &KeptCases) -> Vec<Change> {
    vec![Change::DropJob(JobKind::Cases, scope(number)), keep(number, cases)]
}

/// The change that keeps what came of them.
pub fn keep_results(number: u64, results: &KeptResults) -> Change {
    Change::KeepJob(Box::new(state(JobKind::CaseResults, number, results, u64::MAX)))
}

/// The change that keeps a run that is under way.
pub fn keep_run(number: u64, run: &KeptRun) -> Change {
    Change::KeepJob(Box::new(state(JobKind::CaseRun, number, run, later(now(), RUN_FOR))))
}

/// The change that ends it.
pub fn end_run(number: u64) -> Change {
    Change::DropJob(JobKind::CaseRun, scope(number))
}

async fn kept<T: DeserializeOwned>(store: &Store, kind: JobKind, number: u64) -> Result<Option<T>, StoreError> {
    let state = store.job_state(kind, &scope(number), now()).await?;
    // What another release wrote differently counts for nothing.
    Ok(state.and_then(|state| serde_json::from_value(state.content).ok()))
}

fn state(kind: JobKind, number: u64, content: &impl Serialize, until: u64) -> JobState {
    let content = serde_json::to_value(content).unwrap_or(Value::Null);
    JobState { kind, scope: scope(number), by: None, at: now(), until, content }
}

fn scope(number: u64) -> JobScope {
    JobScope::Compagnon(made(number))
}
