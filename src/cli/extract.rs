//! `extract`: the child process that reads a document for the bot. It is no command for people, and neither reads the configuration nor
//! logs: a file comes by standard input, its passages go by standard output.

use std::process::ExitCode;

use clap::Args;

use crate::documents::child::{self, Task};

/// Options of `extract`.
#[derive(Args)]
pub(super) struct Arguments {
    /// The limits, as JSON.
    #[arg(long)]
    limits: String,
    /// Try what the child must not be able to do, and report what came of it.
    #[arg(long)]
    probe: bool,
}

pub(super) fn extract(arguments: &Arguments) -> ExitCode {
    child::run(&arguments.limits, if arguments.probe { Task::Probe } else { Task::Extract })
}
