//! `compagnon backup`: what the bot remembers, in one sealed file, whether or not it runs. Nothing is written in the data folder, so
//! that any account that may read it can make backups.

use std::{
    io::{self, BufWriter, IsTerminal as _, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::output;
use crate::{
    app::{control, folder},
    config::Config,
    matrix,
    store::{Database, backup_key, copy_store, seal_backup, seal_into},
};

/// The standard output, in place of a file.
const STREAM: &str = "-";

/// Options of `backup`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The file to write, `-` for the standard output. It must not be there yet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file with the backup's key, made if it is not there. Keep it apart from the backups: without it none can be opened.
    #[arg(long, value_name = "KEY")]
    key_file: PathBuf,
}

/// Writes the file, from the running bot or from the folder of one that is stopped.
pub(super) fn backup(config: &Config, arguments: &Arguments) -> anyhow::Result<()> {
    let (file, data) = (&arguments.file, config.data());
    let to_stream = file.as_os_str() == STREAM;
    ensure!(!to_stream || !io::stdout().is_terminal(), "a backup is not text: send the standard output into a file");
    if !to_stream {
        let there = file.try_exists().with_context(|| file.display().to_string())?;
        ensure!(!there, "{} is there already: give the backup another name", file.display());
        ensure_outside(data, file, "the backup")?;
    }
    // Before the key: what cannot be backed up leaves none.
    let frames: Box<dyn Read> = match control::ask(data)? {
        Some(stream) => Box::new(stream),
        None => Box::new(io::Cursor::new(frames(data)?)),
    };
    if !arguments.key_file.exists() {
        ensure_outside(data, &arguments.key_file, "the key")?;
    }
    let (key, made) = backup_key(&arguments.key_file, true)?;
    if made {
        let key_file = arguments.key_file.display();
        output::note(&format!("a new key was made: {key_file}; keep it apart from the backups"));
    }
    if to_stream {
        let records = seal_into(frames, BufWriter::new(io::stdout().lock()), &key).context("the standard output")?;
        output::note(&format!("{records} records; what has come of the stream cannot be verified from here"));
    } else {
        let records = seal_backup(frames, file, &key)?;
        output::say(&format!("{}: {records} records, written and read again", file.display()));
    }
    Ok(())
}

/// What lies in the data folder is lost with it.
fn ensure_outside(data: &Path, file: &Path, what: &str) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().with_context(|| format!("the folder {} of {what}", folder.display()))?;
    let inside = data.canonicalize().is_ok_and(|data| folder.starts_with(data));
    ensure!(!inside, "{} is in the data folder, and {what} would be lost with it: put it elsewhere", file.display());
    Ok(())
}

/// The frames of a folder that no bot works on.
fn frames(data: &Path) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let store = data.join("store");
    let there = store.try_exists().with_context(|| format!("{} cannot be read", store.display()))?;
    ensure!(there, "there is no store in the data folder {}: nothing to back up", data.display());
    let (beside, others) = copy(data)?;
    let snapshot = Database::open(beside.path())?.snapshot()?;
    let mut frames = Zeroizing::new(Vec::new());
    snapshot.write(&others, &mut *frames)?;
    Ok(frames)
}

/// The store, copied to where temporary files are, and what goes with it. The folder is free again when this returns.
fn copy(data: &Path) -> anyhow::Result<(TempDir, matrix::Files)> {
    let _held = folder::hold_to_read(data)?;
    let temporary = || format!("no temporary folder could be made in {} (TMPDIR)", std::env::temp_dir().display());
    let beside = tempfile::Builder::new().prefix("compagnon-backup-").tempdir().with_context(temporary)?;
    copy_store(data, beside.path())?;
    let others = matrix::portable(data).with_context(|| format!("the session's files in {}", data.display()))?;
    Ok((beside, others))
}
