//! `compagnon model`: the files of models.

use std::process::ExitCode;

use anyhow::Context as _;

use super::output;
use crate::{app::folder, config::Config, inference::hub};

/// What to do with model files.
#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Fetch the files that `model.hub`, `model.embedding.hub`, `model.reranker.hub` and `model.entities.hub` name, once.
    Pull,
    /// List the files that were fetched.
    List,
    /// Read every fetched file again and compare it with the manifest.
    Verify,
}

/// Runs one of them; `verify` fails when a file differs.
pub(super) fn model(config: &Config, command: &Command) -> anyhow::Result<ExitCode> {
    let data = config.data();
    match command {
        Command::Pull => {
            for entry in pull(config)? {
                output::say(&format!("{}/{} at {}, {} bytes", entry.repo, entry.file, entry.revision, entry.bytes));
                output::say(&format!("sha256: {}", entry.sha256));
            }
        }
        Command::List => {
            for entry in hub::list(data)? {
                output::say(&format!(
                    "{}/{} at {}  {} bytes  {}",
                    entry.repo, entry.file, entry.revision, entry.bytes, entry.sha256
                ));
            }
        }
        Command::Verify => {
            let mut wrong = 0;
            for hub::Verified { entry, outcome } in hub::verify(data)? {
                match outcome {
                    Ok(()) => output::say(&format!("ok    {}/{}", entry.repo, entry.file)),
                    Err(reason) => {
                        wrong += 1;
                        output::say(&format!("wrong {}/{}: {reason}", entry.repo, entry.file));
                    }
                }
            }
            return Ok(ExitCode::from(u8::from(wrong > 0)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn pull(config: &Config) -> anyhow::Result<Vec<hub::Entry>> {
    if config.data().exists() {
        // What another account pulls, the bot could not read.
        folder::ensure_ours(config.data())?;
    }
    let model = &config.model;
    let mut entries = Vec::new();
    if let Some(hub) = &model.hub {
        entries.push(hub::pull(hub, model.sha256.as_deref(), model.offline, config.data())?);
    }
    for encoder in [&model.embedding, &model.reranker, &model.entities].into_iter().flatten() {
        if let Some(hub) = &encoder.hub {
            entries.extend(hub::folders::pull_folder(hub, model.offline, config.data())?);
        }
    }
    let first = entries.first().map(|_| ());
    first.context(
        "model.hub is not set: name a repo, a file and a revision in it (or a repo and a revision in model.embedding.hub, \
         model.reranker.hub or model.entities.hub)",
    )?;
    Ok(entries)
}
