//! How far a download is: a bar on a terminal, and elsewhere a line every ten seconds, so that a log shows that it moves.

use std::io::{self, IsTerminal as _, Write};
use std::time::{Duration, Instant};

use hf_hub::api::Progress;
use indicatif::{HumanBytes, ProgressBar};

/// How often a line is written.
const EVERY: Duration = Duration::from_secs(10);

/// What the download is shown with.
pub(super) enum Shown {
    /// On a terminal.
    Bar(ProgressBar),
    /// In a log.
    Lines(Lines<io::Stderr>),
}

impl Shown {
    pub(super) fn new() -> Self {
        if io::stderr().is_terminal() { Self::Bar(ProgressBar::new(0)) } else { Self::Lines(Lines::new(io::stderr())) }
    }
}

impl Progress for Shown {
    fn init(&mut self, size: usize, file: &str) {
        match self {
            Self::Bar(bar) => Progress::init(bar, size, file),
            Self::Lines(lines) => lines.begin(size as u64, file, Instant::now()),
        }
    }

    fn update(&mut self, size: usize) {
        match self {
            Self::Bar(bar) => Progress::update(bar, size),
            Self::Lines(lines) => lines.add(size as u64, Instant::now()),
        }
    }

    fn finish(&mut self) {
        match self {
            Self::Bar(bar) => Progress::finish(bar),
            Self::Lines(lines) => lines.end(),
        }
    }
}

/// Lines of a log.
pub(super) struct Lines<W> {
    out: W,
    file: String,
    size: u64,
    done: u64,
    said: Option<Instant>,
}

impl<W: Write> Lines<W> {
    fn new(out: W) -> Self {
        Self { out, file: String::new(), size: 0, done: 0, said: None }
    }

    /// A download begins, or goes on after it was cut.
    fn begin(&mut self, size: u64, file: &str, now: Instant) {
        file.clone_into(&mut self.file);
        (self.size, self.done) = (size, 0);
        self.said.get_or_insert(now);
    }

    fn add(&mut self, bytes: u64, now: Instant) {
        self.done += bytes;
        if self.said.is_some_and(|said| now.saturating_duration_since(said) < EVERY) {
            return;
        }
        self.said = Some(now);
        let percent = (self.done * 100).checked_div(self.size).unwrap_or(100);
        self.say(&format!("{percent} % of {}", HumanBytes(self.size)));
    }

    fn end(&mut self) {
        self.say(&format!("{} downloaded, now verified", HumanBytes(self.size)));
    }

    /// A reader that has gone away does not end the download.
    fn say(&mut self, what: &str) {
        let _ = writeln!(self.out, "{}: {what}", self.file);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::{EVERY, Lines};

    #[test]
    fn a_line_every_ten_seconds_and_one_at_the_end() {
        let mut lines = Lines::new(Vec::new());
        let begun = Instant::now();
        lines.begin(4 << 30, "m.gguf", begun);
        for second in 0..25 {
            lines.add(100 << 20, begun + EVERY / 10 * second);
        }
        lines.end();
        let said = String::from_utf8(lines.out).unwrap();
        assert_eq!(
            said.lines().collect::<Vec<_>>(),
            ["m.gguf: 26 % of 4.00 GiB", "m.gguf: 51 % of 4.00 GiB", "m.gguf: 4.00 GiB downloaded, now verified"]
        );
    }
}
