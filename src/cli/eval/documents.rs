//! The files that cases answer from: each is read once, and put together with the others of its case.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use anyhow::ensure;
use futures_util::{StreamExt as _, stream};

use super::{file, progress::Shown};
use crate::{
    assistant::{Found, LocalDocuments, LocalFile, LocalSet},
    document::Source,
    evaluation::Case,
};

/// The most files of one run: what they say is in memory.
const MOST_FILES: usize = 2_000;

/// How many files are in memory at a time before they are read.
const AT_ONCE: usize = 4;

/// Refuses cases, each with what its set is called, of which a file is not there, and more files than a run has.
pub(super) fn ensure_there(cases: &[(String, Case)]) -> anyhow::Result<()> {
    for (set, case) in cases {
        let missing = case.documents.iter().find(|path| !path.is_file());
        if let Some(path) = missing {
            anyhow::bail!("{set}, case {}: {} is no file that is there", case.name, path.display());
        }
    }
    let count = files(cases).len();
    ensure!(count <= MOST_FILES, "the cases answer from {count} files, more than {MOST_FILES}: split the set");
    Ok(())
}

/// Each file that a case names, once.
fn files(cases: &[(String, Case)]) -> BTreeSet<&Path> {
    cases.iter().flat_map(|(_, case)| &case.documents).map(PathBuf::as_path).collect()
}

/// The files of all cases, by the paths that a case gives. `Err`: why one of them could not be read.
pub(super) struct CaseDocuments<'a> {
    local: LocalDocuments,
    sets: HashMap<&'a [PathBuf], Result<LocalSet, String>>,
}

impl<'a> CaseDocuments<'a> {
    /// Reads all files. What cannot be read is a failure of the cases that name it.
    pub(super) async fn read(local: LocalDocuments, cases: &'a [(String, Case)]) -> Self {
        let paths = files(cases);
        let shown = Shown::new(paths.len() as u64);
        let local_ref = &local;
        let reading = paths.into_iter().map(|path| async move { (path, read(local_ref, path).await) });
        let mut read = HashMap::new();
        let mut reading = stream::iter(reading).buffer_unordered(AT_ONCE);
        while let Some((path, file)) = reading.next().await {
            shown.step(file.is_ok());
            read.insert(path, file);
        }
        drop(reading);
        shown.end();
        let mut sets = HashMap::new();
        for (_, case) in cases.iter().filter(|(_, case)| !case.documents.is_empty()) {
            sets.entry(case.documents.as_slice()).or_insert_with(|| {
                let files = case.documents.iter().filter_map(|path| read.get(path.as_path()).cloned());
                files.collect::<Result<Vec<_>, _>>().map(|files| local.put(&files))
            });
        }
        Self { local, sets }
    }

    /// The passages of a case's files that answer its question, perhaps, for a model of so many tokens; or why there are none to be had.
    pub(super) async fn sources(&self, case: &Case, context: usize) -> Result<Vec<Source>, String> {
        let set = match self.sets.get(case.documents.as_slice()) {
            Some(Ok(set)) => set,
            Some(Err(reason)) => return Err(reason.clone()),
            None => return Ok(Vec::new()),
        };
        let before = case.turns.last().map(|said| said.user.as_str());
        match self.local.search(set, &case.query, before, context).await {
            Ok(Found::Sources(sources)) => Ok(sources),
            Ok(Found::NotSearched | Found::Nothing) => Ok(Vec::new()),
            Ok(Found::Failed) => Err("its documents could not be searched".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

async fn read(local: &LocalDocuments, path: &Path) -> Result<LocalFile, String> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let bytes = file::beginning(path, local.largest_file()).map_err(|error| format!("{name} was not read: {error}"))?;
    local.read(&name, &bytes).await.map_err(|error| format!("{name} was not read: {error}"))
}
