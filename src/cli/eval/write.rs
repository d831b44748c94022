//! What a run leaves in files, and the earlier run that it is compared with.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};

use super::file::read;
use crate::evaluation::{Comparison, Experiment, Run, evalap, report};

/// The answers for `EvalAP`.
#[derive(clap::Args)]
pub(super) struct EvalAp {
    /// Write the answers to this file, as the body of `EvalAP`'s `POST /v1/experiment_set`.
    #[arg(long, value_name = "FILE", requires = "dataset")]
    evalap: Option<PathBuf>,
    /// The dataset whose rows are these cases, by its name in `EvalAP`.
    #[arg(long, value_name = "NAME", requires = "evalap")]
    dataset: Option<String>,
    /// The metrics that `EvalAP` computes.
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "judge_precision,output_length")]
    metrics: Vec<String>,
    /// The model that judges there.
    #[arg(long, value_name = "NAME", requires = "evalap")]
    evalap_judge: Option<String>,
}

impl EvalAp {
    /// Writes the body, where it is asked for.
    pub(super) fn write(&self, run: &Run) -> anyhow::Result<()> {
        let (Some(file), Some(dataset)) = (&self.evalap, &self.dataset) else { return Ok(()) };
        let name = format!("{} {} {}", env!("CARGO_PKG_NAME"), run.model, run.date);
        let judge = self.evalap_judge.as_deref();
        let body = evalap(run, &Experiment { name: &name, dataset, metrics: &self.metrics, judge });
        write(file, &serde_json::to_string_pretty(&body)?)
    }
}

/// Refuses a report whose form its name does not say.
pub(super) fn ensure_known(files: &[PathBuf]) -> anyhow::Result<()> {
    match files.iter().find(|file| !["json", "md", "html"].contains(&extension(file))) {
        Some(file) => bail!("{}: a report is a .json, .md or .html file", file.display()),
        None => Ok(()),
    }
}

fn extension(file: &Path) -> &str {
    file.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// Writes a report in the form that its name says.
pub(super) fn report(file: &Path, run: &Run, comparison: Option<&Comparison<'_>>) -> anyhow::Result<()> {
    let text = match extension(file) {
        "md" => report::markdown(run, comparison),
        "html" => report::html(run, comparison),
        _ => serde_json::to_string_pretty(run)?,
    };
    write(file, &text)
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    fs::write(file, text).with_context(|| format!("{} cannot be written", file.display()))
}

/// An earlier run.
pub(super) fn baseline(file: &Path) -> anyhow::Result<Run> {
    serde_json::from_slice(&read(file)?).with_context(|| {
        format!("{} is not the JSON report of a run (`--report FILE.json` writes one)", file.display())
    })
}
