//! `compagnon backup`: what the bot remembers, in one sealed file, whether or not it runs.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use zeroize::Zeroizing;

use crate::{
    app::{control, folder},
    config::Config,
    matrix,
    store::{Store, backup_key, seal_backup},
};

/// Options of `backup`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The file to write. It must not be there yet.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file with the backup's key, made if it is not there. Keep it apart from the backups: without it none can be opened.
    #[arg(long, value_name = "KEY")]
    key_file: PathBuf,
}

/// Writes the file, from the running bot or from the folder of one that is stopped.
pub(super) fn backup(config: &Config, arguments: &Arguments) -> anyhow::Result<()> {
    let (file, data) = (&arguments.file, config.data());
    ensure!(!file.try_exists()?, "{} is there already: give the backup another name", file.display());
    let (key, made) = backup_key(&arguments.key_file, true)?;
    if made {
        super::say(&format!("a new key was made: {}; keep it apart from the backups", arguments.key_file.display()));
    }
    let records = match control::ask(data).context("the running bot cannot be asked")? {
        Some(stream) => seal_backup(stream, file, &key)?,
        None => seal_backup(frames(config)?.as_slice(), file, &key)?,
    };
    super::say(&format!("{}: {records} records", file.display()));
    Ok(())
}

/// The frames of a folder that no bot works on.
fn frames(config: &Config) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let data = config.data();
    ensure!(data.join("store").exists(), "there is no store in the data folder {}: nothing to back up", data.display());
    let _lock = folder::hold(data)?;
    let snapshot = Store::open(data)?.snapshot()?;
    let mut frames = Zeroizing::new(Vec::new());
    snapshot.write(&matrix::portable(data)?, &mut *frames)?;
    Ok(frames)
}
