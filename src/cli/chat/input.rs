//! What `compagnon chat` reads: questions, line by line, and files.

use std::{
    fs::File,
    io::{self, BufRead, Read},
    path::Path,
};

use anyhow::{Context as _, ensure};
use rustyline::{DefaultEditor, error::ReadlineError};

/// The longest line and the longest file, in bytes.
const LONGEST: u64 = 1 << 20;

/// Where the questions come from.
pub(super) enum Input {
    /// A person, with line editing and a history. It is kept in memory only, because it contains what people write.
    Terminal(Box<DefaultEditor>),
    /// A file or a program.
    Stream,
}

impl Input {
    /// The next question; `None` at the end of the input. Empty lines are skipped.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<String>> {
        loop {
            let line = match self {
                Self::Terminal(editor) => match editor.readline("> ") {
                    Ok(line) => line,
                    // Ctrl-C discards the line.
                    Err(ReadlineError::Interrupted) => continue,
                    Err(ReadlineError::Eof) => return Ok(None),
                    Err(error) => return Err(error).context("the input cannot be read"),
                },
                Self::Stream => match read_line(&mut io::stdin().lock()).context("the input cannot be read")? {
                    Some(line) => line,
                    None => return Ok(None),
                },
            };
            let question = line.trim();
            if question.is_empty() {
                continue;
            }
            if let Self::Terminal(editor) = self {
                let _ = editor.add_history_entry(question);
            }
            return Ok(Some(question.to_owned()));
        }
    }
}

/// A line. Invalid UTF-8 is replaced; a line that is too long is read in pieces.
fn read_line(input: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    input.take(LONGEST).read_until(b'\n', &mut bytes)?;
    Ok((!bytes.is_empty()).then(|| String::from_utf8_lossy(&bytes).into_owned()))
}

/// The text of a file.
pub(super) fn read_file(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text));
    let read = read.with_context(|| path.display().to_string())?;
    ensure!(read as u64 <= LONGEST, "{} is longer than {} KiB", path.display(), LONGEST / 1024);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::read_line;

    #[test]
    fn neither_an_empty_line_nor_broken_text_ends_the_input() {
        let mut input: &[u8] = b"one\n\n\xff two\nlast";
        let mut lines = Vec::new();
        while let Some(line) = read_line(&mut input).unwrap() {
            lines.push(line.trim().to_owned());
        }
        assert_eq!(lines, ["one", "", "\u{fffd} two", "last"]);
    }

    #[test]
    fn a_line_without_end_is_read_in_pieces() {
        let bytes = vec![b'a'; super::LONGEST as usize + 3];
        let mut input = bytes.as_slice();
        assert_eq!(read_line(&mut input).unwrap().unwrap().len() as u64, super::LONGEST);
        assert_eq!(read_line(&mut input).unwrap().unwrap(), "aaa");
    }
}
