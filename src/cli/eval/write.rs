//! What a run leaves in files, and the earlier run that it is compared with.

use std::{
    collections::HashSet,
    fs::{self, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use tempfile::{Builder, NamedTempFile};

use super::super::output;
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
    fn write(&self, run: &Run) -> anyhow::Result<()> {
        let (Some(file), Some(dataset)) = (&self.evalap, &self.dataset) else { return Ok(()) };
        let name = format!("{} {} {}", env!("CARGO_PKG_NAME"), run.model, run.date);
        let judge = self.evalap_judge.as_deref();
        let body = evalap(run, &Experiment { name: &name, dataset, metrics: &self.metrics, judge });
        write(file, &serde_json::to_string_pretty(&body)?)
    }
}

/// Refuses outputs that cannot be written, before hours are spent on what would stand in them.
pub(super) fn ensure_writable(reports: &[PathBuf], evalap: &EvalAp) -> anyhow::Result<()> {
    if let Some(file) = reports.iter().find(|file| !["json", "md", "html"].contains(&extension(file))) {
        bail!("{}: a report is a .json, .md or .html file", file.display());
    }
    let mut known = HashSet::new();
    for file in reports.iter().chain(&evalap.evalap) {
        let cannot = || format!("{} cannot be written", file.display());
        let Place::File(place) = Place::of(file).with_context(cannot)? else { continue };
        if place.exists() {
            OpenOptions::new().append(true).open(&place).with_context(cannot)?;
        } else {
            temporary(&place).with_context(cannot)?;
        }
        ensure!(known.insert(place), "{} would be written twice", file.display());
    }
    Ok(())
}

fn extension(file: &Path) -> &str {
    file.extension().and_then(|extension| extension.to_str()).unwrap_or_default()
}

/// Writes all that is asked for: reports of the run, and its rows for `EvalAP`. What cannot be written is said, and keeps nothing else from being written; whether all was.
pub(super) fn outputs(
    reports: &[PathBuf],
    evalap: &EvalAp,
    run: &Run,
    rows: &Run,
    comparison: Option<&Comparison<'_>>,
) -> bool {
    let written = reports.iter().map(|file| report(file, run, comparison)).chain([evalap.write(rows)]);
    let failed = written.filter_map(Result::err).inspect(|error| output::complain(&format!("{error:#}")));
    failed.count() == 0
}

/// Writes a report in the form that its name says.
fn report(file: &Path, run: &Run, comparison: Option<&Comparison<'_>>) -> anyhow::Result<()> {
    let text = match extension(file) {
        "md" => report::markdown(run, comparison),
        "html" => report::html(run, comparison),
        _ => serde_json::to_string_pretty(run)?,
    };
    write(file, &text)
}

fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let written = Place::of(file).and_then(|place| match place {
        Place::File(file) => replace(&file, text),
        Place::Standard => io::stdout().write_all(text.as_bytes()),
        Place::Device => {
            OpenOptions::new().append(true).open(file).and_then(|mut device| device.write_all(text.as_bytes()))
        }
    });
    written.with_context(|| format!("{} cannot be written", file.display()))
}

/// What an output goes to.
enum Place {
    /// A file, by a name that no link stands behind.
    File(PathBuf),
    /// Standard output.
    Standard,
    /// A pipe or another device: nothing that could be replaced.
    Device,
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        // By its name it can be opened by root alone: the process is hardened.
        if path == Path::new("/dev/stdout") {
            return Ok(Self::Standard);
        }
        // What these lead to may be a file that the shell has open.
        if ["/dev/fd", "/dev/stderr", "/proc"].iter().any(|open| path.starts_with(open)) {
            return Ok(Self::Device);
        }
        match fs::metadata(path) {
            Ok(known) if known.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(known) if known.is_file() => fs::canonicalize(path).map(Self::File),
            Ok(_) => Ok(Self::Device),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let name = path.file_name().ok_or(error)?;
                Ok(Self::File(fs::canonicalize(folder(path))?.join(name)))
            }
            Err(error) => Err(error),
        }
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Puts a text in the place of a file, so that there is always the old one or the whole of the new one.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let old = fs::metadata(file).ok().map(|old| old.permissions());
    let mut made = match temporary(file) {
        Ok(made) => made,
        // A file in a folder that is not ours can only be written over.
        Err(_) if old.is_some() => return fs::write(file, text),
        Err(error) => return Err(error),
    };
    made.write_all(text.as_bytes())?;
    if let Some(old) = old {
        made.as_file().set_permissions(old)?;
    }
    made.as_file().sync_all()?;
    match made.persist(file) {
        Ok(_) => Ok(()),
        // A file that is mounted by itself, as into a container, cannot be replaced.
        Err(error) if error.error.kind() == io::ErrorKind::ResourceBusy => fs::write(file, text),
        Err(error) => Err(error.error),
    }
}

/// The permissions of a new file, of which the process's mask takes some.
const NEW: u32 = 0o666;

/// A file beside another one, which is removed unless it takes its place.
fn temporary(file: &Path) -> io::Result<NamedTempFile> {
    Builder::new().prefix(".eval-").permissions(Permissions::from_mode(NEW)).tempfile_in(folder(file))
}

/// An earlier run, however long its report is: this program has written it.
pub(super) fn baseline(file: &Path) -> anyhow::Result<Run> {
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    serde_json::from_slice(&bytes).with_context(|| {
        format!("{} is not the JSON report of a run (`--report FILE.json` writes one)", file.display())
    })
}

#[cfg(test)]
mod tests {
    use super::{Run, baseline, replace};
    use crate::evaluation::{Attempt, CaseResult};

    #[test]
    fn a_report_of_any_length_can_be_compared_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("run.json");
        let attempts = vec![Attempt { answer: "a".repeat(65 * 1024 * 1024), ..Attempt::default() }];
        let run = Run { cases: vec![CaseResult { attempts, ..CaseResult::default() }], ..Run::default() };
        replace(&file, &serde_json::to_string(&run).expect("JSON")).expect("written");
        assert!(baseline(&file).expect("a run") == run);
    }
}
