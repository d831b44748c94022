//! The command line: one file per subcommand.

mod backup;
mod bench;
mod chat;
mod check;
mod collection;
mod descriptors;
mod eval;
mod extract;
mod guide;
mod harden;
mod health;
mod kill;
mod model;
mod output;
mod privacy;
mod restore;
mod run;
pub mod status;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use crate::{config::Config, telemetry};

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
    /// Check the configuration, the prompts, the model and the account, and report each finding in one line.
    Check(check::Arguments),
    /// Pull, list or verify model files.
    #[command(subcommand)]
    Model(model::Command),
    /// Read, list or test the collections of documents that the configuration names.
    #[command(subcommand)]
    Collection(collection::Command),
    /// Measure how fast a model answers on this machine, compared with the limits of the hardware.
    Bench(bench::Arguments),
    /// Ask the cases of a set, judge the answers, and compare them with an earlier run.
    Eval(eval::Arguments),
    /// Print the guide for agents, as one page to be put where they can read it.
    Guide(guide::Arguments),
    /// Write the notice on personal data and the entry of the record of processing, as the configuration makes them true.
    Privacy(privacy::Arguments),
    /// Ask the running bot whether it is healthy (for a container's health check).
    Health,
    /// Write the bot's store into one encrypted file. Works while the bot runs.
    Backup(backup::Arguments),
    /// Read a document for the bot, in a process that can do nothing else.
    #[command(hide = true)]
    Extract(extract::Arguments),
    /// Restore a backup into an empty data folder. The next start logs in as a new device.
    Restore(restore::Arguments),
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
            output::complain(&format!("{error:#}"));
            ExitCode::from(status::of(&error))
        }
    }
}

fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    // Before the configuration is read: whoever reads documents knows none of its secrets.
    if let Command::Extract(options) = &arguments.command {
        return Ok(extract::extract(options));
    }
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
        Command::Collection(command) => return collection::collection(&config?, &command),
        Command::Bench(options) => bench::bench(&config?, &options)?,
        Command::Eval(options) => return eval::eval(&config?, &options),
        // It says the same whatever the configuration.
        Command::Guide(options) => guide::guide(&options)?,
        Command::Privacy(options) => privacy::print(&config?, &options)?,
        Command::Health => health::health(&config?)?,
        Command::Backup(options) => backup::backup(&config?, &options)?,
        Command::Restore(options) => restore::restore(&config?, &options)?,
        Command::Extract(options) => return Ok(extract::extract(&options)),
    }
    Ok(ExitCode::SUCCESS)
}
