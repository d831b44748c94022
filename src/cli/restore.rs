//! `compagnon restore`: a backup becomes a data folder, whole or not at all.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Read},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

use super::output;
use crate::{
    app::folder::{self, RESTORING},
    assistant,
    config::Config,
    matrix,
    store::{backup_key, unseal_backup},
};

/// What the folder may contain already: nothing that a backup contains.
const BESIDE: [&str; 4] = ["lock", "lost+found", "models", RESTORING];

/// The files in the order in which they are moved into place. Without the last of them the store refuses to open, so an interrupted restore
/// is not taken for a store.
const PLACED: [&str; 6] = ["rooms.keys", "store", "store.head", "recovery.key", "retired.json", "store.key"];

/// Options of `restore`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The backup, `-` for the standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The file with the backup's key.
    #[arg(long, value_name = "KEY")]
    key_file: PathBuf,
}

/// Puts the backup into the empty data folder.
pub(super) fn restore(config: &Config, arguments: &Arguments) -> anyhow::Result<()> {
    let data = config.data();
    let (key, _) = backup_key(&arguments.key_file, false)?;
    let named = || arguments.file.display().to_string();
    let backup: Box<dyn Read> = match arguments.file.to_str() {
        Some("-") => Box::new(io::stdin().lock()),
        _ => Box::new(File::open(&arguments.file).with_context(named)?),
    };
    let beside = data.join(RESTORING);
    ensure_empty(data)?;
    // Left by an earlier restore that was interrupted before it moved anything.
    if beside.exists() {
        fs::remove_dir_all(&beside).with_context(|| beside.display().to_string())?;
    }
    let _lock = folder::hold(data)?;
    DirBuilder::new().mode(0o700).create(&beside).with_context(|| beside.display().to_string())?;
    let unsealed = unseal_backup(backup, &key, &beside, &matrix::PORTABLE, assistant::now());
    let records = match unsealed {
        Ok(records) => records,
        Err(error) => {
            fs::remove_dir_all(&beside)?;
            return Err(error).with_context(named);
        }
    };
    for name in PLACED {
        if beside.join(name).exists() {
            fs::rename(beside.join(name), data.join(name)).with_context(|| data.join(name).display().to_string())?;
        }
    }
    fs::remove_dir_all(&beside)?;
    File::open(data)?.sync_all()?;
    output::say(&format!("{}: {records} records", data.display()));
    if data.join("recovery.key").exists() {
        output::say("the next start logs in as a new device, which recovers the bot's identity with recovery.key");
    } else {
        output::say("the next start logs in as a new device; the backup contains no recovery.key to sign it with");
    }
    let with_password = config.matrix.as_ref().is_some_and(|matrix| matrix.device_id.is_none());
    output::say(if with_password {
        "it also logs the old device out, once the bot that was backed up has stopped"
    } else {
        "log the old device out yourself: that requires the account's password"
    });
    Ok(())
}

fn ensure_empty(data: &Path) -> anyhow::Result<()> {
    if !data.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(data).with_context(|| data.display().to_string())? {
        let name = entry?.file_name();
        ensure!(
            BESIDE.iter().any(|known| name == *known),
            "the data folder {} is not empty (it contains {}): a backup is restored into an empty one",
            data.display(),
            name.display()
        );
    }
    Ok(())
}
