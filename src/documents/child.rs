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
    rewrite::{NotWritten, rewritten, segments},
    sandbox::{self, Confinement},
    trouble::Trouble,
    wire::{ANSWER_TIMES, Answer, Header, LONGEST_HEADER, Refusal, Work, Written},
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
            return say(&Answer::<()> { confinement: Confinement::default(), result: Err(Refusal::Child(trouble)) });
        }
    };
    let work = move || {
        let confinement = Confinement { landlock, system_calls: sandbox::close_system_calls() };
        match task {
            Task::Extract => answer(confinement, &limits),
            Task::Probe => say(&probe()),
        }
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(work);
    thread.ok().and_then(|thread| thread.join().ok()).unwrap_or(ExitCode::FAILURE)
}

/// Does what is asked of it with the file.
fn answer(confinement: Confinement, limits: &Limits) -> ExitCode {
    let Given { header, texts, bytes } = match given(limits) {
        Ok(given) => given,
        Err(refusal) => return say(&Answer::<()> { confinement, result: Err(refusal) }),
    };
    let (name, media_type) = (header.name.as_str(), header.media_type.as_deref());
    match header.work {
        Work::Read => {
            let result = parse(&bytes, name, media_type, limits).map_err(Refusal::from);
            say(&Answer { confinement, result })
        }
        Work::Segments => {
            let result = segments(&bytes, name, media_type, limits).map_err(Refusal::from);
            say(&Answer { confinement, result })
        }
        Work::Rewrite(_) => {
            let written = serde_json::from_slice::<Vec<Vec<String>>>(&texts)
                .map_err(|_| NotWritten::Misfit)
                .and_then(|texts| rewritten(&bytes, name, media_type, &texts, limits));
            match written {
                Ok(file) => {
                    let result = Ok(Written { bytes: file.len() as u64 });
                    say_with(&Answer { confinement, result }, &file)
                }
                Err(error) => say(&Answer::<Written> { confinement, result: Err(error.into()) }),
            }
        }
    }
}

impl From<NotWritten> for Refusal {
    fn from(error: NotWritten) -> Self {
        match error {
            NotWritten::File(error) => Self::File(error),
            NotWritten::Misfit => Self::Child(Trouble::Misfit),
        }
    }
}

/// What comes by the standard input.
struct Given {
    header: Header,
    texts: Vec<u8>,
    bytes: Vec<u8>,
}

fn given(limits: &Limits) -> Result<Given, Refusal> {
    let mut input = BufReader::new(io::stdin().lock());
    let mut header = String::new();
    let failed = |_| Refusal::Child(Trouble::Pipe);
    (&mut input).take(LONGEST_HEADER).read_line(&mut header).map_err(failed)?;
    let header: Header = serde_json::from_str(&header).unwrap_or_default();
    let (mut texts, mut bytes) = (Vec::new(), Vec::new());
    if let Work::Rewrite(length) = header.work {
        (&mut input).take(length.min(limits.output * ANSWER_TIMES)).read_to_end(&mut texts).map_err(failed)?;
    }
    input.take(limits.file + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limits.file {
        return Err(ExtractError::TooLarge(Limit::File(limits.file / 1_000_000)).into());
    }
    Ok(Given { header, texts, bytes })
}

fn say(answer: &impl serde::Serialize) -> ExitCode {
    say_with(answer, &[])
}

/// An answer, and the file that it is about on the lines below.
fn say_with(answer: &impl serde::Serialize, file: &[u8]) -> ExitCode {
    let mut output = io::BufWriter::new(io::stdout().lock());
    let said = serde_json::to_writer(&mut output, answer).is_ok()
        && (file.is_empty() || output.write_all(b"\n").is_ok() && output.write_all(file).is_ok())
        && output.flush().is_ok();
    if said { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
