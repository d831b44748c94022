//! `compagnon restore`: a backup becomes a data folder, whole or not at all.

use std::{
    fs::{self, DirBuilder, File},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};

use crate::{
    app::folder::{self, RESTORING},
    assistant,
    config::Config,
    matrix,
    store::{backup_key, unseal_backup},
};

/// What may be in the folder already: none of it is what a backup holds.
const BESIDE: [&str; 4] = ["lock", "lost+found", "models", RESTORING];

/// In this order into their place. Until the last of them is there, the store refuses to open: a restore that is cut short is not
/// taken for a store.
const PLACED: [&str; 6] = ["rooms.keys", "store", "store.head", "recovery.key", "retired.json", "store.key"];

/// Options of `restore`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The backup.
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
    let beside = data.join(RESTORING);
    ensure_empty(data)?;
    // What an earlier restore, cut short before it put anything in place, has left.
    if beside.exists() {
        fs::remove_dir_all(&beside)?;
    }
    let _lock = folder::hold(data)?;
    DirBuilder::new().mode(0o700).create(&beside)?;
    let unsealed = unseal_backup(&arguments.file, &key, &beside, &matrix::PORTABLE, assistant::now());
    let records = match unsealed {
        Ok(records) => records,
        Err(error) => {
            fs::remove_dir_all(&beside)?;
            return Err(error).with_context(|| arguments.file.display().to_string());
        }
    };
    for name in PLACED {
        if beside.join(name).exists() {
            fs::rename(beside.join(name), data.join(name))?;
        }
    }
    fs::remove_dir_all(&beside)?;
    File::open(data)?.sync_all()?;
    super::say(&format!("{}: {records} records", data.display()));
    if data.join("recovery.key").exists() {
        super::say("the next start logs in as a new device, which takes over the bot's identity with recovery.key");
    } else {
        super::say("the next start logs in as a new device; the backup has no recovery.key to sign it with");
    }
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
            "the data folder {} is not empty ({} is there): a backup is restored into an empty one",
            data.display(),
            name.display()
        );
    }
    Ok(())
}
