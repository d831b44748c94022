//! The parent's side: starts the child, gives it a file, and reads its answer within the limits.

use std::{
    fmt,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::{Arc, Once},
    time::Duration,
};

use nix::libc;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    sync::Semaphore,
    time::timeout,
};
use tracing::warn;

use super::{
    Config, Confinement, ExtractError, Limit,
    extracted::{Extracted, SourceFile},
    limits::Limits,
    wire::{ANSWER_TIMES, Answer, Header},
};

/// Said once a process: the kernel does not change.
static LACKING: Once = Once::new();

/// Reads files, each in a child process of its own.
#[derive(Clone, Debug)]
pub struct Extractor {
    config: Config,
    program: Program,
    turns: Arc<Semaphore>,
}

/// What reads a file.
#[derive(Clone, Debug)]
enum Program {
    /// A child, which runs this program.
    Child(PathBuf),
    /// The process itself.
    #[cfg(any(test, fuzzing))]
    Here,
}

impl Extractor {
    /// With the limits of the configuration, and the running program as the child.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self::with_program(config, PathBuf::from("/proc/self/exe"))
    }

    /// With another program as the child: tests are no `compagnon` themselves.
    #[must_use]
    pub fn with_program(config: &Config, program: PathBuf) -> Self {
        Self::made(config, Program::Child(program))
    }

    /// Without a child: for tests of what becomes of passages.
    #[cfg(any(test, fuzzing))]
    #[must_use]
    pub fn in_process(config: &Config) -> Self {
        Self::made(config, Program::Here)
    }

    fn made(config: &Config, program: Program) -> Self {
        Self { turns: Arc::new(Semaphore::new(config.at_once)), config: config.clone(), program }
    }

    /// Reads a file. Dropping the future ends the child.
    pub async fn extract(&self, file: SourceFile<'_>) -> Result<Extracted, ExtractError> {
        if file.bytes.len() as u64 > self.config.largest_file() {
            return Err(ExtractError::TooLarge(Limit::File(self.config.file_size)));
        }
        let _turn = self.turns.acquire().await.map_err(|_| ExtractError::Failed("closed".to_owned()))?;
        let answer = match &self.program {
            Program::Child(program) => self.ask(program, file).await?,
            #[cfg(any(test, fuzzing))]
            Program::Here => {
                return super::parse::parse(file.bytes, file.name, file.media_type, &Limits::of(&self.config));
            }
        };
        if let Some(lacking) = answer.confinement.lacks() {
            LACKING.call_once(|| warn!(lacking, "this kernel confines the reading of documents less than it could"));
        }
        answer.result
    }

    /// How the kernel confines a child, for `check`: a small text is read.
    pub async fn confinement(&self) -> Result<Confinement, ExtractError> {
        let file = SourceFile { name: "probe.txt", media_type: None, bytes: b"probe" };
        match &self.program {
            Program::Child(program) => Ok(self.ask(program, file).await?.confinement),
            #[cfg(any(test, fuzzing))]
            Program::Here => Ok(Confinement::default()),
        }
    }

    async fn ask(&self, program: &PathBuf, file: SourceFile<'_>) -> Result<Answer, ExtractError> {
        let failed = |what: &str, error: &dyn fmt::Display| ExtractError::Failed(format!("{what}: {error}"));
        let limits = serde_json::to_string(&Limits::of(&self.config)).map_err(|error| failed("limits", &error))?;
        let mut child = Command::new(program)
            .args(["extract", "--limits", &limits])
            .env_clear()
            // One heap for all threads: address space is limited, and an arena of a thread takes 64 MiB of it.
            .env("MALLOC_ARENA_MAX", "1")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed("the child does not start", &error))?;
        let time = Duration::try_from(self.config.time).unwrap_or(Duration::MAX);
        let Ok(said) = timeout(time, self.exchange(&mut child, file)).await else {
            let _ = child.kill().await;
            return Err(ExtractError::TimedOut);
        };
        let (answer, status) = said.map_err(|error| failed("the child", &error))?;
        if answer.len() as u64 > self.longest_answer() {
            return Err(ExtractError::TooLarge(Limit::Text(self.config.output)));
        }
        serde_json::from_slice(&answer).map_err(|_| self.end(status))
    }

    /// Gives the child its file and takes its answer, both at a time: it may end before it has read all.
    async fn exchange(&self, child: &mut Child, file: SourceFile<'_>) -> std::io::Result<(Vec<u8>, ExitStatus)> {
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let header = Header { name: beginning(file.name), media_type: file.media_type.map(beginning) };
        let write = async {
            let Some(mut input) = input else { return };
            let mut header = serde_json::to_vec(&header).unwrap_or_default();
            header.push(b'\n');
            // Who ends early says why in its answer, or by its exit.
            if input.write_all(&header).await.is_ok() {
                let _ = input.write_all(file.bytes).await;
            }
        };
        let read = async {
            let mut answer = Vec::new();
            if let Some(output) = output {
                output.take(self.longest_answer() + 1).read_to_end(&mut answer).await?;
            }
            Ok::<_, std::io::Error>(answer)
        };
        let ((), answer) = tokio::join!(write, read);
        let answer = answer?;
        Ok((answer, child.wait().await?))
    }

    fn longest_answer(&self) -> u64 {
        Limits::of(&self.config).output * ANSWER_TIMES
    }

    /// Why a child that gave no answer ended.
    fn end(&self, status: ExitStatus) -> ExtractError {
        match status.signal() {
            // The limit of processor time.
            Some(libc::SIGXCPU) => ExtractError::TimedOut,
            // A panic is caught in the child. What aborts it, or has the kernel end it, is memory or stack that it does not get.
            Some(libc::SIGABRT | libc::SIGSEGV | libc::SIGBUS | libc::SIGKILL) => {
                ExtractError::TooLarge(Limit::Memory(self.config.memory))
            }
            _ => ExtractError::Failed(format!("the child ended without an answer: {status}")),
        }
    }
}

/// As much of a name as tells its format.
fn beginning(text: &str) -> String {
    let chars: Vec<char> = text.chars().rev().take(200).collect();
    chars.into_iter().rev().collect()
}
