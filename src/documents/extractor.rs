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
use serde::de::DeserializeOwned;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    sync::Semaphore,
    task::spawn_blocking,
    time::timeout,
};
use tracing::warn;

use super::{
    Config, Confinement, ExtractError, Limit,
    extracted::{Extracted, Segments, SourceFile},
    limits::Limits,
    sound::{is_still, sound, sound_segments},
    wire::{ANSWER_TIMES, Answer, Header, LONGEST_HEADER, Refusal, Work, Written},
};

/// Said once a process: the kernel does not change.
static LACKING: Once = Once::new();

/// Reads files, each in a child process of its own.
#[derive(Clone, Debug)]
pub struct Extractor {
    config: Config,
    program: PathBuf,
    turns: Arc<Semaphore>,
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
        Self { turns: Arc::new(Semaphore::new(config.at_once)), config: config.clone(), program }
    }

    /// Reads a file. Dropping the future ends the child.
    pub async fn extract(&self, file: SourceFile<'_>) -> Result<Extracted, ExtractError> {
        let (answer, _) = self.in_turn(file, Work::Read, &[]).await?;
        self.believed(answer, sound)
    }

    /// The texts of a file that can be put back changed ([`Self::rewritten`]). Dropping the future ends the child.
    pub async fn segments(&self, file: SourceFile<'_>) -> Result<Segments, ExtractError> {
        let (answer, _) = self.in_turn(file, Work::Segments, &[]).await?;
        self.believed(answer, sound_segments)
    }

    /// The file with other texts, all else in place: as many as it has segments, each of as many runs. What is given back as it was stays as it
    /// is in the file, byte by byte. Dropping the future ends the child.
    pub async fn rewritten(&self, file: SourceFile<'_>, texts: Vec<Vec<String>>) -> Result<Vec<u8>, ExtractError> {
        // Megabytes, perhaps: on a thread that may take its time.
        let texts = spawn_blocking(move || serde_json::to_vec(&texts).ok()).await.ok().flatten();
        let texts = texts.ok_or_else(|| ExtractError::Failed("the texts cannot be written".to_owned()))?;
        if texts.len() as u64 > self.longest_answer(Work::Read) {
            return Err(ExtractError::TooLarge(Limit::Text(self.config.output)));
        }
        let (answer, rewritten) = self.in_turn(file, Work::Rewrite(texts.len() as u64), &texts).await?;
        let said: Written = self.believed(answer, |_, _| Ok(()))?;
        if said.bytes != rewritten.len() as u64 || !is_still(file.bytes, &rewritten) {
            return Err(ExtractError::Failed("the child wrote what is no such file".to_owned()));
        }
        Ok(rewritten)
    }

    /// Has a child do something with a file, when it is its turn: what it answers, and the bytes after that.
    async fn in_turn<T: DeserializeOwned + Send + 'static>(
        &self,
        file: SourceFile<'_>,
        work: Work,
        texts: &[u8],
    ) -> Result<(Answer<T>, Vec<u8>), ExtractError> {
        if file.bytes.len() as u64 > self.config.largest_file() {
            return Err(ExtractError::TooLarge(Limit::File(self.config.file_size)));
        }
        let _turn = self.turns.acquire().await.map_err(|_| ExtractError::Failed("closed".to_owned()))?;
        let (answer, rest) = self.ask(file, work, texts).await?;
        if let Some(lacking) = answer.confinement.lacks() {
            LACKING.call_once(|| warn!(lacking, "this kernel confines the reading of documents less than it could"));
        }
        Ok((answer, rest))
    }

    /// What may be believed of an answer. The child has read the file: it is the file that answers, where it has broken a parser.
    fn believed<T>(
        &self,
        answer: Answer<T>,
        sound: impl FnOnce(&T, &Limits) -> Result<(), &'static str>,
    ) -> Result<T, ExtractError> {
        match answer.result {
            Ok(said) => match sound(&said, &Limits::of(&self.config)) {
                Ok(()) => Ok(said),
                Err(reason) => Err(ExtractError::Failed(format!("the child said what it cannot have read: {reason}"))),
            },
            Err(Refusal::File(ExtractError::TooLarge(limit))) => Err(ExtractError::TooLarge(limit.of(&self.config))),
            Err(Refusal::File(error)) => Err(error),
            Err(Refusal::Child(trouble)) => Err(ExtractError::Failed(trouble.to_string())),
        }
    }

    /// How the kernel confines a child, for `check`: a small text is read.
    pub async fn confinement(&self) -> Result<Confinement, ExtractError> {
        let file = SourceFile { name: "probe.txt", media_type: None, bytes: b"probe" };
        let (answer, _) = self.ask(file, Work::Read, &[]).await?;
        let confinement = answer.confinement;
        self.believed(answer, sound).map(|_| confinement)
    }

    async fn ask<T: DeserializeOwned + Send + 'static>(
        &self,
        file: SourceFile<'_>,
        work: Work,
        texts: &[u8],
    ) -> Result<(Answer<T>, Vec<u8>), ExtractError> {
        let failed = |what: &str, error: &dyn fmt::Display| ExtractError::Failed(format!("{what}: {error}"));
        let limits = serde_json::to_string(&Limits::of(&self.config)).map_err(|error| failed("limits", &error))?;
        let mut child = Command::new(&self.program)
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
        let Ok(said) = timeout(time, self.exchange(&mut child, file, work, texts)).await else {
            let _ = child.kill().await;
            return Err(ExtractError::TimedOut);
        };
        let (mut answer, status) = said.map_err(|error| failed("the child", &error))?;
        if answer.len() as u64 > self.longest_answer(work) {
            return Err(match work {
                Work::Rewrite(_) => ExtractError::TooLarge(Limit::File(self.config.file_size)),
                Work::Read | Work::Segments => ExtractError::TooLarge(Limit::Text(self.config.output)),
            });
        }
        // Megabytes, perhaps: on a thread that may take its time.
        let read = move || {
            let end = answer.iter().position(|byte| *byte == b'\n').unwrap_or(answer.len());
            let rest = answer.get(end + 1..).unwrap_or_default().to_vec();
            answer.truncate(end);
            Some((serde_json::from_slice(&answer).ok()?, rest))
        };
        spawn_blocking(read).await.ok().flatten().ok_or_else(|| self.end(status))
    }

    /// Gives the child its file and takes its answer, both at a time: it may end before it has read all.
    async fn exchange(
        &self,
        child: &mut Child,
        file: SourceFile<'_>,
        work: Work,
        texts: &[u8],
    ) -> std::io::Result<(Vec<u8>, ExitStatus)> {
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let header = Header { name: beginning(file.name), media_type: file.media_type.map(beginning), work };
        let write = async {
            let Some(mut input) = input else { return };
            let mut header = serde_json::to_vec(&header).unwrap_or_default();
            header.push(b'\n');
            // Who ends early says why in its answer, or by its exit.
            if input.write_all(&header).await.is_ok() && input.write_all(texts).await.is_ok() {
                let _ = input.write_all(file.bytes).await;
            }
        };
        let read = async {
            let mut answer = Vec::new();
            if let Some(output) = output {
                output.take(self.longest_answer(work) + 1).read_to_end(&mut answer).await?;
            }
            Ok::<_, std::io::Error>(answer)
        };
        let ((), answer) = tokio::join!(write, read);
        let answer = answer?;
        Ok((answer, child.wait().await?))
    }

    /// The most bytes that a child may answer.
    fn longest_answer(&self, work: Work) -> u64 {
        let limits = Limits::of(&self.config);
        match work {
            Work::Read | Work::Segments => limits.output * ANSWER_TIMES,
            Work::Rewrite(_) => limits.rewritten() + LONGEST_HEADER,
        }
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

#[cfg(test)]
mod tests {
    use super::{Config, Confinement, ExtractError, Extractor, Limit, Refusal, sound};
    use crate::documents::{Extracted, Format, trouble::Trouble, wire::Answer};

    #[test]
    fn a_child_is_believed_no_more_than_a_file() {
        let extractor = Extractor::new(&Config::default());
        let empty = Extracted { format: Format::Text, title: None, pages: None, passages: Vec::new() };
        let believed = |result: Result<Extracted, Refusal>| {
            extractor.believed(Answer { confinement: Confinement::default(), result }, sound)
        };
        let Err(ExtractError::Failed(reason)) = believed(Ok(empty)) else { panic!("it is believed") };
        assert!(reason.ends_with("cannot have read: no passages"), "{reason}");
        let limit = believed(Err(Refusal::File(ExtractError::TooLarge(Limit::File(77)))));
        assert_eq!(limit, Err(ExtractError::TooLarge(Limit::File(10))), "the limit is ours");
        let trouble = believed(Err(Refusal::Child(Trouble::Limit(1))));
        assert_eq!(
            trouble.unwrap_err().to_string(),
            "reading it failed: a limit cannot be set: EPERM: Operation not permitted"
        );
    }

    #[test]
    fn a_child_has_no_words_for_the_log() {
        let said =
            r#"{"confinement":{"landlock":true,"system_calls":true},"result":{"Err":{"File":{"Failed":"secret"}}}}"#;
        assert!(serde_json::from_str::<Answer<Extracted>>(said).is_err());
        let result = Err(ExtractError::NoText.into());
        let answer: Answer<Extracted> = Answer { confinement: Confinement::default(), result };
        let said = serde_json::to_string(&answer).unwrap();
        assert!(serde_json::from_str::<Answer<Extracted>>(&said).is_ok(), "{said}");
    }
}
