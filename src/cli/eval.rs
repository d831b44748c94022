//! `compagnon eval`: asks the cases of a set, judges the answers, and compares them with an earlier run.

mod ask;
mod documents;
mod file;
mod judge;
mod progress;
mod stop;
mod write;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use anyhow::{Context as _, bail, ensure};
use futures_util::{StreamExt as _, stream};
use tokio::{runtime::Runtime, select};
use tokio_util::sync::CancellationToken;

use self::{
    ask::{Asked, Asker, Plan},
    documents::CaseDocuments,
    file::read,
    judge::Judge,
    progress::Shown,
};
use super::{chat, output, status};
use crate::{
    app::{Encoders, open_encoders, open_entities, open_local, open_model, processors},
    assistant::{Entities, compose},
    compagnon::{Bases, Compagnon, Library},
    config::Config,
    evaluation::{self, Attempt, Case, CaseResult, Run, compare, report},
    inference::{self, ChatModel},
};

/// Options of `eval`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The sets of cases: .yaml, .jsonl or .csv files.
    #[arg(required = true, value_name = "SET")]
    sets: Vec<PathBuf>,
    /// The compagnon that is asked where neither a case nor its set names one (default: the configuration's).
    #[arg(long, value_name = "ID", conflicts_with = "prompt")]
    compagnon: Option<String>,
    /// The file of a compagnon that answers all cases.
    #[arg(long, value_name = "FILE")]
    prompt: Option<PathBuf>,
    /// How often each case is asked, where it does not say. It passes only if every repeat does.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=20))]
    repeats: u32,
    /// The seed of the first repeat, where a case does not say; each further one adds 1.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How many cases the engine computes together.
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    at_once: u16,
    /// Ask only cases whose name or kind contains this.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// The file of another model that judges rubrics (default: the model that answers).
    #[arg(long, value_name = "FILE")]
    judge: Option<PathBuf>,
    /// The JSON report of an earlier run: what got better, what got worse.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Fail where fewer than this many percent of the cases pass.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    threshold: Option<f64>,
    /// Write the report to this file: .json, .md or .html; may be repeated.
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
    #[command(flatten)]
    evalap: write::EvalAp,
}

fn percent(text: &str) -> Result<f64, String> {
    let percent: f64 = text.trim_end_matches('%').trim().parse().map_err(|_| "not a number".to_owned())?;
    if (0.0..=100.0).contains(&percent) { Ok(percent) } else { Err("from 0 to 100".to_owned()) }
}

/// Runs the cases. Fails where the threshold is missed, where an output cannot be written, and where it is stopped.
pub(super) fn eval(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // Everything that can be refused is, before the model is opened.
    write::ensure_writable(&arguments.report, &arguments.evalap)?;
    let baseline = arguments.baseline.as_deref().map(write::baseline).transpose()?;
    let cases = cases(config, arguments)?;
    let (bases, compagnons) = compagnons(config, arguments, &cases)?;
    let processors = processors(config)?;
    let model = open_model(config, &processors)?;
    let judge = judge(config, arguments, &cases, &model)?;
    let similar = cases.iter().any(|(_, case)| case.similar.is_some());
    let documented = cases.iter().any(|(_, case)| !case.documents.is_empty());
    let encoders = if similar || documented { open_encoders(config, &processors)? } else { Encoders::default() };
    let local = documented.then(|| open_local(config, &encoders));
    let Encoders { embedding, entities, .. } = encoders;
    if similar && embedding.is_none() {
        bail!("a case asks for `similar`, and the configuration has no model of vectors (`model.embedding`)");
    }
    let entities = match entities {
        Some(model) => Some(Arc::new(Entities::new(model))),
        None => open_entities(config, &processors)?,
    };
    let runtime = Runtime::new()?;
    let documents = local.map(|local| runtime.block_on(CaseDocuments::read(local, &cases)));
    let asker = Asker {
        config,
        documents: documents.as_ref(),
        model: &model,
        entities: entities.as_ref(),
        embedding: embedding.as_deref(),
        judge: judge.as_ref(),
        bases: &bases,
        compagnons: &compagnons,
    };
    let plans = plans(arguments, &cases);
    let begun = Instant::now();
    let stop = stop::listen(&runtime)?;
    let results = runtime.block_on(run(&asker, &plans, arguments.at_once, &stop));
    let mut run = Run {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        model: model.name().to_owned(),
        judge: judge.map(|judge| judge.name().to_owned()),
        date: compose::today(&config.assistant).to_string(),
        seconds: begun.elapsed().as_secs_f64(),
        cases: results,
        ..Run::default()
    };
    // EvalAP's rows are all cases, asked or not.
    let rows = stop.is_cancelled().then(|| {
        let all = run.clone();
        run.stop(|index| plans.iter().filter(|plan| plan.index == index).count());
        Run { incomplete: run.incomplete, ..all }
    });
    let comparison = baseline.as_ref().map(|baseline| compare(baseline, &run));
    // First: it is there even where nothing can be written any more.
    output::say(report::terminal(&run, comparison.as_ref()).trim_end());
    let rows = rows.as_ref().unwrap_or(&run);
    let written = write::outputs(&arguments.report, &arguments.evalap, &run, rows, comparison.as_ref());
    if !written {
        return Ok(ExitCode::FAILURE);
    }
    if run.incomplete.is_some() {
        return Ok(ExitCode::from(status::STOPPED));
    }
    if let Some(reason) = run.unanswered() {
        bail!("no case was answered: {reason}");
    }
    let missed = arguments.threshold.is_some_and(|threshold| run.share().percent() < threshold);
    Ok(if missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A case with what its set is called.
type Named = (String, Case);

/// The cases of all sets that are asked.
fn cases(config: &Config, arguments: &Arguments) -> anyhow::Result<Vec<Named>> {
    let default = arguments.compagnon.as_deref().unwrap_or(&config.assistant.compagnon);
    let mut cases = Vec::new();
    let mut names: BTreeMap<String, &Path> = BTreeMap::new();
    for path in &arguments.sets {
        let bytes = read(path)?;
        let set = evaluation::read(path, &bytes).with_context(|| path.display().to_string())?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        if let Some(other) = names.insert(name.clone().into_owned(), path) {
            let (other, path) = (other.display(), path.display());
            bail!(
                "{other} and {path} are both called “{name}”, which runs are compared by: rename one, or run them apart"
            );
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        for mut case in set.cases {
            for document in &mut case.documents {
                *document = folder.join(&*document);
            }
            case.compagnon.get_or_insert_with(|| default.to_owned());
            cases.push((name.clone().into_owned(), case));
        }
    }
    if let Some(only) = &arguments.only {
        cases.retain(|(_, case)| case.name.contains(only.as_str()) || case.kind.contains(only.as_str()));
        ensure!(!cases.is_empty(), "no case has “{only}” in its name or kind");
    }
    documents::ensure_there(&cases)?;
    Ok(cases)
}

/// Compagnons by what cases call them.
type Compagnons = BTreeMap<String, Arc<Compagnon>>;

/// The compagnons that the cases name, and the rules that stand before what they say.
fn compagnons(config: &Config, arguments: &Arguments, cases: &[Named]) -> anyhow::Result<(Arc<Bases>, Compagnons)> {
    let mut ids: Vec<&str> = cases.iter().filter_map(|(_, case)| case.compagnon.as_deref()).collect();
    ids.sort_unstable();
    ids.dedup();
    let (library, problems) = Library::load(config.prompts.as_deref())?;
    for problem in problems {
        output::note(&format!("{problem}"));
    }
    let only = arguments.prompt.as_deref().map(chat::of_file).transpose()?.map(Arc::new);
    let of = |id: &str| match &only {
        Some(compagnon) => Ok(Arc::clone(compagnon)),
        None => library.get(id).cloned(),
    };
    let compagnons = ids.into_iter().map(|id| Ok((id.to_owned(), of(id)?))).collect::<anyhow::Result<_>>()?;
    Ok((Arc::clone(library.bases()), compagnons))
}

/// What judges rubrics, where a case has one.
fn judge(
    config: &Config,
    arguments: &Arguments,
    cases: &[Named],
    model: &Arc<dyn ChatModel>,
) -> anyhow::Result<Option<Judge>> {
    if cases.iter().all(|(_, case)| case.rubric.is_none()) {
        return Ok(None);
    }
    let Some(file) = &arguments.judge else { return Ok(Some(Judge::new(Arc::clone(model)))) };
    let mut other = config.clone();
    other.model = inference::Config { file: Some(file.clone()), hub: None, sha256: None, ..other.model };
    // Threads of its own: while it judges, the other model may be answering.
    Ok(Some(Judge::new(open_model(&other, &processors(&other)?)?)))
}

/// Each repeat of each case.
fn plans<'a>(arguments: &Arguments, cases: &'a [Named]) -> Vec<Plan<'a>> {
    let of = |(index, (set, case)): (usize, &'a Named)| {
        let seed = case.seed.unwrap_or(arguments.seed);
        let repeats = case.repeats.unwrap_or(arguments.repeats);
        (0..repeats).map(move |repeat| Plan { index, repeat, set, case, seed: seed.wrapping_add(u64::from(repeat)) })
    };
    cases.iter().enumerate().flat_map(of).collect()
}

/// Asks all of them, some at a time, until all are asked or it is stopped: then some cases have fewer attempts, or none. The cases are in their order,
/// and so are the repeats of each, whichever is answered first.
async fn run(asker: &Asker<'_>, plans: &[Plan<'_>], at_once: u16, stop: &CancellationToken) -> Vec<CaseResult> {
    let shown = Shown::new(plans.len() as u64);
    let requests = plans.iter().map(|plan| async move { (plan, asker.ask(plan).await) });
    // As they come: those that are written wait for no other.
    let mut answers = stream::iter(requests).buffer_unordered(usize::from(at_once));
    let mut results: BTreeMap<usize, CaseResult> = BTreeMap::new();
    let mut attempts: BTreeMap<(usize, u32), Attempt> = BTreeMap::new();
    loop {
        let next = select! {
            biased;
            () = stop.cancelled() => None,
            next = answers.next() => next,
        };
        let Some((plan, Asked { attempt, passages })) = next else { break };
        shown.step(attempt.failed.is_empty());
        results.entry(plan.index).or_insert_with(|| ask::unanswered(plan, passages));
        attempts.insert((plan.index, plan.repeat), attempt);
    }
    shown.end();
    for plan in plans {
        let given = || plan.case.passages.iter().map(|passage| passage.text.clone()).collect();
        results.entry(plan.index).or_insert_with(|| ask::unanswered(plan, given()));
    }
    for ((index, _), attempt) in attempts {
        results.entry(index).and_modify(|case| case.attempts.push(attempt));
    }
    results.into_values().collect()
}
