//! The `documents` section of the configuration: how large a file may be, and how much its reading may cost.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::setting::{Refused, duration, lasts, within};

/// The limits of one file. Sizes are in megabytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The largest file that is read.
    pub file_size: u64,
    /// What a file may unpack to, all of its parts together.
    pub unpacked: u64,
    /// How many times its packed size a part may unpack to.
    pub ratio: u64,
    /// The most pages, slides or sheets.
    pub pages: u32,
    /// How long the reading of a file may take.
    #[serde(deserialize_with = "duration::read")]
    pub time: SignedDuration,
    /// How much processor time it may take.
    #[serde(deserialize_with = "duration::read")]
    pub processor_time: SignedDuration,
    /// The address space of the process that reads it.
    pub memory: u64,
    /// The largest result: the passages of a file with their headings.
    pub output: u64,
    /// How many files are read at a time; the others wait.
    pub at_once: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file_size: 10,
            unpacked: 200,
            ratio: 100,
            pages: 2_000,
            time: SignedDuration::from_secs(60),
            processor_time: SignedDuration::from_secs(45),
            memory: 1_024,
            output: 32,
            at_once: 2,
        }
    }
}

impl Config {
    /// Checks what serde cannot.
    pub fn validate(&self) -> Result<(), Refused> {
        within("documents.file_size", self.file_size, 1..=200)?;
        within("documents.unpacked", self.unpacked, 1..=2_000)?;
        within("documents.ratio", self.ratio, 10..=10_000)?;
        within("documents.pages", self.pages, 1..=100_000)?;
        let times = SignedDuration::from_secs(1)..=SignedDuration::from_mins(10);
        lasts("documents.time", self.time, times.clone())?;
        lasts("documents.processor_time", self.processor_time, times)?;
        within("documents.memory", self.memory, 256..=16_384)?;
        within("documents.output", self.output, 1..=256)?;
        within("documents.at_once", self.at_once, 1..=16)
    }

    /// The largest file, in bytes.
    #[must_use]
    pub fn largest_file(&self) -> u64 {
        self.file_size * 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn refusal(yaml: &str) -> Option<String> {
        let config: Config = serde_yaml::from_str(yaml).expect("of the right form");
        config.validate().err().map(|refused| refused.to_string())
    }

    #[test]
    fn limits_are_within_bounds() {
        assert_eq!(refusal("{}"), None);
        assert_eq!(refusal("{file_size: 200, pages: 100000, time: 10m}"), None);
        for (yaml, key) in [
            ("{file_size: 0}", "documents.file_size"),
            ("{unpacked: 0}", "documents.unpacked"),
            ("{ratio: 1}", "documents.ratio"),
            ("{pages: 0}", "documents.pages"),
            ("{time: 0s}", "documents.time"),
            ("{processor_time: 1h}", "documents.processor_time"),
            ("{memory: 1}", "documents.memory"),
            ("{output: 0}", "documents.output"),
            ("{at_once: 0}", "documents.at_once"),
        ] {
            let refusal = refusal(yaml).expect(yaml);
            assert!(refusal.starts_with(key), "{yaml}: {refusal}");
        }
    }
}
