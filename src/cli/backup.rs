//! `compagnon backup`: the bot's store in one encrypted file, whether or not the bot runs. Nothing is written in the data folder, so that
//! any account that may read it can make backups.

use std::{
    io::{self, BufWriter, IsTerminal as _, Read},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    thread::{self, JoinHandle},
};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;

use super::output;
use crate::{
    app::{control, folder},
    config::Config,
    matrix,
    store::{BackupError, Database, backup_key, copy_store, seal_backup, seal_into},
};

/// Stands for the standard output.
const STREAM: &str = "-";

/// Options of `backup`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The file to write, `-` for the standard output. It must not exist yet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file with the key of the backups, created if it does not exist. Keep it apart from the backups; none can be opened without it.
    #[arg(long, value_name = "KEY")]
    key_file: PathBuf,
}

/// Writes the file, from the running bot or from the data folder of a stopped one.
pub(super) fn backup(config: &Config, arguments: &Arguments) -> anyhow::Result<()> {
    let (file, data) = (&arguments.file, config.data());
    let to_stream = file.as_os_str() == STREAM;
    ensure!(!to_stream || !io::stdout().is_terminal(), "a backup is not text: redirect the standard output to a file");
    if !to_stream {
        let there = file.try_exists().with_context(|| file.display().to_string())?;
        ensure!(!there, "{} exists already: give the backup another name", file.display());
        ensure_outside(data, file, "the backup")?;
    }
    // Before the key is created, so that a failure leaves none.
    let frames: Box<dyn Read> = match control::ask(data)? {
        Some(stream) => Box::new(stream),
        None => Box::new(Frames::of(data)?),
    };
    if !arguments.key_file.exists() {
        ensure_outside(data, &arguments.key_file, "the key")?;
    }
    let (key, made) = backup_key(&arguments.key_file, true)?;
    if made {
        let key_file = arguments.key_file.display();
        output::note(&format!("a new key was created: {key_file}; keep it apart from the backups"));
    }
    if to_stream {
        let records = seal_into(frames, BufWriter::new(io::stdout().lock()), &key).context("the standard output")?;
        output::note(&format!("{records} records written; what arrived at the end of the stream cannot be verified"));
    } else {
        let records = seal_backup(frames, file, &key)?;
        output::say(&format!("{}: {records} records, written and verified", file.display()));
    }
    Ok(())
}

/// Refuses a file in the data folder, because it would be lost with the folder.
fn ensure_outside(data: &Path, file: &Path, what: &str) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().with_context(|| format!("the folder {} of {what}", folder.display()))?;
    let inside = data.canonicalize().is_ok_and(|data| folder.starts_with(data));
    ensure!(!inside, "{} is in the data folder, and {what} would be lost with it: put it elsewhere", file.display());
    Ok(())
}

/// The frames of a folder that no bot uses, which a thread writes as they are read.
struct Frames {
    stream: UnixStream,
    thread: Option<JoinHandle<Result<usize, BackupError>>>,
}

impl Frames {
    fn of(data: &Path) -> anyhow::Result<Self> {
        let store = data.join("store");
        let there = store.try_exists().with_context(|| format!("{} cannot be read", store.display()))?;
        ensure!(there, "there is no store in the data folder {}: nothing to back up", data.display());
        let (beside, others) = copy(data)?;
        let database = Database::open(beside.path())?;
        let (stream, other_end) = UnixStream::pair()?;
        let thread = thread::Builder::new().name("backup".to_owned()).spawn(move || {
            let records = database.write_snapshot(&others, &mut BufWriter::new(other_end));
            drop((database, beside));
            records
        })?;
        Ok(Self { stream, thread: Some(thread) })
    }
}

impl Read for Frames {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(bytes)?;
        // The end, or the reason why there is no more.
        if read == 0
            && !bytes.is_empty()
            && let Some(thread) = self.thread.take()
        {
            thread.join().map_err(|_| io::Error::other("the store could not be read"))?.map_err(io::Error::other)?;
        }
        Ok(read)
    }
}

/// A copy of the store in a temporary folder, and the session files for the backup. The data folder is unlocked when this returns.
fn copy(data: &Path) -> anyhow::Result<(TempDir, matrix::PortableFiles)> {
    let _held = folder::hold_to_read(data)?;
    let temporary = || format!("no temporary folder could be created in {} (TMPDIR)", std::env::temp_dir().display());
    let beside = tempfile::Builder::new().prefix("compagnon-backup-").tempdir().with_context(temporary)?;
    copy_store(data, beside.path())?;
    let others = matrix::portable(data).with_context(|| format!("the session's files in {}", data.display()))?;
    Ok((beside, others))
}
