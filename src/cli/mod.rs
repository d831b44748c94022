//! The command line: one file per subcommand.

mod backup;
mod bench;
mod chat;
mod check;
mod descriptors;
mod harden;
mod health;
mod kill;
mod model;
mod restore;
mod run;

use std::{
    ffi::OsString,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};

use crate::{
    compagnon::FolderError,
    config::{Config, ConfigError},
    inference::local::OpenError,
    matrix::{SessionError, SyncError},
    store::StoreError,
    telemetry,
};

/// A Matrix bot for Tchap: it answers agents with a language model loaded locally.
#[derive(Parser)]
#[command(name = "compagnon", version, about)]
struct Arguments {
    /// The configuration file. Environment variables such as `COMPAGNON__MATRIX__USER` override its keys.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer in Matrix until stopped.
    Run,
    /// Talk to a compagnon in the terminal, without Matrix.
    Chat(chat::Arguments),
    /// Read the configuration, the prompts and the model, ask the homeserver about the account, and say each finding in one line.
    Check(check::Arguments),
    /// Pull, list or verify model files.
    #[command(subcommand)]
    Model(model::Command),
    /// Measure how fast a model answers on this machine, and how far that is from what the machine could do.
    Bench(bench::Arguments),
    /// Ask the running bot whether it is healthy (for a container's health check).
    Health,
    /// Write what the bot remembers into one sealed file. Works while the bot runs.
    Backup(backup::Arguments),
    /// Make an empty data folder from a backup. The next start logs in as a new device.
    Restore(restore::Arguments),
}

/// What the exit status tells ops, beside 0 (done) and 2 (the command line is wrong, from clap).
///
/// | status | meaning | what to do |
/// |---|---|---|
/// | 1 | anything not below | read the sentence |
/// | 3 | the configuration is refused | mend the key that is named |
/// | 4 | the homeserver refuses the account: wrong password, logged out, expired | give new credentials |
/// | 5 | the encryption keys of the session are lost, damaged, or of an earlier time | the sentence names the files |
/// | 6 | another process works on the same data folder, or for the same account | stop one of the two |
pub mod status {
    /// The configuration is refused.
    pub const CONFIGURATION: u8 = 3;
    /// The homeserver refuses the account.
    pub const ACCOUNT: u8 = 4;
    /// The session's encryption keys are lost.
    pub const KEYS: u8 = 5;
    /// The data folder, or the account, is in use.
    pub const IN_USE: u8 = 6;
}

/// Runs the command line and gives its exit status. An error is one sentence on standard error.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    harden::harden();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match execute(arguments) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(exit_status(&error))
        }
    }
}

fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // Kill points, for the tests: nothing unless the program was built with them.
    let _scenario = fail::has_failpoints().then(fail::FailScenario::setup);
    if fail::has_failpoints() {
        kill::lay().map_err(anyhow::Error::msg)?;
    }
    let file = arguments.config.as_deref();
    let config = Config::load(file);
    if config.is_err() && matches!(arguments.command, Command::Run) && Config::asks_for_json(file) {
        telemetry::start(&telemetry::Config { json: true, ..telemetry::Config::default() });
    }
    match arguments.command {
        Command::Run => run::run(config?, file)?,
        Command::Chat(options) => chat::chat(&config?, &options, file.is_none())?,
        Command::Check(options) => return check::check(config, &options),
        Command::Model(command) => return model::model(&config?, &command),
        Command::Bench(options) => bench::bench(&config?, &options)?,
        Command::Health => health::health(&config?)?,
        Command::Backup(options) => backup::backup(&config?, &options)?,
        Command::Restore(options) => restore::restore(&config?, &options)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The exit status for an error: see [`status`].
fn exit_status(error: &anyhow::Error) -> u8 {
    if error.is::<ConfigError>() || error.is::<FolderError>() || error.is::<crate::app::Unfit>() || refuses_model(error)
    {
        return status::CONFIGURATION;
    }
    if error.is::<crate::app::InUse>() || matches!(error.downcast_ref(), Some(StoreError::InUse)) {
        return status::IN_USE;
    }
    if let Some(SyncError::Expired | SyncError::LoggedOut { soft: false }) =
        error.downcast_ref::<SyncError<StoreError>>()
    {
        return status::ACCOUNT;
    }
    match error.downcast_ref::<SessionError>() {
        Some(error) if error.is_account() => status::ACCOUNT,
        Some(
            SessionError::CryptoStoreLost
            | SessionError::CryptoStoreDamaged(_)
            | SessionError::SessionDamaged
            | SessionError::RolledBack { .. },
        ) => status::KEYS,
        Some(SessionError::AnotherBot { .. } | SessionError::TakenOver(_)) => status::IN_USE,
        Some(SessionError::Config(_)) => status::CONFIGURATION,
        _ => 1,
    }
}

/// Whether the model that the configuration names is what cannot be used.
fn refuses_model(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(OpenError::File { .. } | OpenError::NotPulled(_)))
}

/// One line on standard error, in the form of the log where that is JSON.
fn complain(line: &str) {
    if !telemetry::last_words(line) {
        let _ = writeln!(io::stderr(), "compagnon: {line}");
    }
}

/// One line for who reads along, where the output may be a file.
fn note(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// One line of output; a reader that has gone away is no error.
fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
