//! The child's side: gives up everything, reads a file from its standard input, and writes what it holds to its standard output.
//!
//! The file is read in a thread of its own, which begins before system calls are closed, because the stack of the first thread has the size
//! that the parent's limits give it. Standard error is nowhere: what a parser complains about quotes the file.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    process::ExitCode,
    thread,
};

use super::{
    ExtractError, Limit,
    limits::Limits,
    parse::parse,
    probe::probe,
    sandbox::{self, Confinement},
    trouble::Trouble,
    wire::{Answer, Header, LONGEST_HEADER, Refusal},
};

/// The stack of the thread that reads. Parsers of nested things use it up before they use up memory.
const STACK: usize = 64 << 20;

/// What the child is started for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// To read a file.
    Extract,
    /// To try what it must not be able to do, and report what came of it.
    Probe,
}

/// Runs the child. `limits` is what the parent's own configuration gave it, as JSON.
#[must_use]
pub fn run(limits: &str, task: Task) -> ExitCode {
    let Ok(limits) = serde_json::from_str::<Limits>(limits) else { return ExitCode::from(2) };
    let landlock = match sandbox::enter(&limits) {
        Ok(landlock) => landlock,
        Err(trouble) => {
            return say(&Answer { confinement: Confinement::default(), result: Err(Refusal::Child(trouble)) });
        }
    };
    let work = move || {
        let confinement = Confinement { landlock, system_calls: sandbox::close_system_calls() };
        match task {
            Task::Extract => say(&Answer { confinement, result: read(&limits) }),
            Task::Probe => say(&probe()),
        }
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(work);
    thread.ok().and_then(|thread| thread.join().ok()).unwrap_or(ExitCode::FAILURE)
}

fn read(limits: &Limits) -> Result<super::Extracted, Refusal> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut header = String::new();
    let failed = |_| Refusal::Child(Trouble::Pipe);
    (&mut input).take(LONGEST_HEADER).read_line(&mut header).map_err(failed)?;
    let header: Header = serde_json::from_str(&header).unwrap_or_default();
    let mut bytes = Vec::new();
    input.take(limits.file + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limits.file {
        return Err(ExtractError::TooLarge(Limit::File(limits.file / 1_000_000)).into());
    }
    Ok(parse(&bytes, &header.name, header.media_type.as_deref(), limits)?)
}

fn say(answer: &impl serde::Serialize) -> ExitCode {
    let mut output = io::BufWriter::new(io::stdout().lock());
    let said = serde_json::to_writer(&mut output, answer).is_ok() && output.flush().is_ok();
    if said { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
