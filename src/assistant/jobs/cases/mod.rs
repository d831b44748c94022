//! The cases of a compagnon, run: each question is put to the model as a room would put it, a few at a time as rows of one batch, and each answer is
//! judged. What is answered is kept at once, under the compagnon's own key: a process that dies asks only for what was not.
//!
//! It is the compagnon that is judged: neither the room's instruction nor its settings are in the prompt, nothing was said before, and of documents
//! only those that everybody has who chooses it. A room that wants pseudonyms has them here, too.

mod ask;
mod shown;

use std::sync::Arc;

use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};

use self::{
    ask::{Answered, Asker},
    shown::{beginning, rows},
};
use super::{job::Job, texts::notices};
use crate::{
    assistant::{
        cases,
        clock::now,
        commands::{self, ToRun, inert},
        courier::Ending,
        exchange::compose,
        failure::Failure,
        texts::{Cases, Text},
    },
    evaluation::{KeptAnswer, KeptCase, KeptCases, KeptRun, RunOf, VersionResult},
    matrix,
    message::Item,
    statistics::Outcome,
    usage::Usage,
};

/// How many cases are asked at once: the engine computes them together, and its other rows stay free for rooms.
const AT_ONCE: usize = 4;

/// Runs the cases that the command asks for.
pub(super) async fn run(job: &Job<'_>) -> Result<Ending, Failure> {
    let asked = match commands::to_run(&job.parts.commands, job.queued, job.call).await {
        // Not knowing is no refusal: the person is told that it was not checked.
        Err(Failure::Unchecked(reason)) => {
            tracing::warn!(reason, "what a person may do in a room could not be asked");
            return Ok(job.ends(&Text::NotChecked));
        }
        other => other?,
    };
    let asked = match asked {
        Ok(asked) => asked,
        Err(said) => return Ok(Ending { items: notices(&said), ..Ending::default() }),
    };
    let title = inert(asked.compagnon.title());
    let store = &job.parts.store;
    let there = cases::of(store, asked.number).await?;
    if there.cases.is_empty() {
        return Ok(job.ends(&Text::Cases(Cases::None { title: &title })));
    }
    take_turn(job).await;
    let (run, usage) = answered(job, &asked, &there).await?;
    let result = result(job, &run, &there);
    let mut results = cases::results(store, asked.number).await?;
    results.put(result.clone());
    let versus = results.versus(&result);
    let rows = rows(&there, &run);
    let done = Cases::Done {
        title: &title,
        version: asked.version,
        model: &run.of.model,
        versus: versus.as_ref(),
        rows: &rows,
    };
    let parts = matrix::parts(&job.text(&Text::Cases(done))).into_iter();
    Ok(Ending {
        items: parts.map(|text| Item::Markdown { text, links: Vec::new(), sources: Vec::new() }).collect(),
        changes: vec![cases::keep_results(asked.number, &results), cases::end_run(asked.number)],
        usage: usage.map(|usage| job.usage(usage)),
        outcome: Some(Outcome::Answered),
        ..Ending::default()
    })
}

/// Waits until no other cases are run, and holds the turn until what comes of these is stored: the results of one compagnon are then read and
/// written by one run at a time, and the engine has the rows of one beside the questions of rooms.
async fn take_turn(job: &Job<'_>) {
    let turns = Arc::clone(&job.parts.cases);
    let turn = if let Ok(turn) = Arc::clone(&turns).try_lock_owned() {
        turn
    } else {
        job.progressed(1, &Text::Cases(Cases::Waiting));
        turns.lock_owned().await
    };
    // It is set once.
    let _ = job.turn.set(turn);
}

/// Has the cases answered, but for those that an earlier process has had answered, and keeps each answer. What was asked now has a cost.
async fn answered(job: &Job<'_>, wanted: &ToRun, there: &KeptCases) -> Result<(KeptRun, Option<Usage>), Failure> {
    let store = &job.parts.store;
    let model = job.parts.model.name().to_owned();
    let of = RunOf { message: job.message.event_id.to_string(), version: wanted.version, model };
    let left = cases::run(store, wanted.number).await?.filter(|run| run.of == of);
    let mut run = left.unwrap_or_else(|| KeptRun { of, answers: std::collections::BTreeMap::new() });
    let open: Vec<&KeptCase> = there.cases.iter().filter(|case| !run.answers.contains_key(&case.number)).collect();
    let asker = Asker::new(job, wanted).await?;
    // Boxed and collected: the compiler does not see that a stream of closures may move between threads.
    let requests: Vec<BoxFuture<'_, Result<(u32, Answered), Failure>>> = open
        .iter()
        .map(|case| {
            let asker = &asker;
            async move { Ok((case.number, asker.ask(case).await?)) }.boxed()
        })
        .collect();
    let mut answers = stream::iter(requests).buffer_unordered(AT_ONCE);
    let (mut usage, all) = (None, there.cases.len());
    while let Some(answer) = answers.next().await {
        let (number, Answered { text, failed, usage: cost }) = answer?;
        usage = match (usage, cost) {
            (Some(one), Some(other)) => Some(Usage::and(one, other)),
            (one, other) => one.or(other),
        };
        run.answers.insert(number, KeptAnswer { shown: beginning(&text), failed });
        store.apply(&[cases::keep_run(wanted.number, &run)], now()).await?;
        fail::fail_point!("case-kept");
        let done = run.answers.len();
        // One more than are answered: that others are waited for was told as the first.
        job.progressed(done + 1, &Text::Cases(Cases::Progress { done, all }));
    }
    drop(answers);
    Ok((run, usage))
}

/// What is kept of a run, without its texts.
fn result(job: &Job<'_>, run: &KeptRun, there: &KeptCases) -> VersionResult {
    let mut result = VersionResult {
        version: run.of.version,
        model: run.of.model.clone(),
        date: compose::today(&job.parts.config).to_string(),
        ..VersionResult::default()
    };
    for case in &there.cases {
        match run.answers.get(&case.number) {
            Some(answer) if answer.failed.is_empty() => result.passed.insert(case.number),
            _ => result.failed.insert(case.number),
        };
    }
    result
}
