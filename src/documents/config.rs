//! The `documents` section of the configuration: how large a file may be, and how much its reading may cost.

use jiff::SignedDuration;
use serde::Deserialize;

use url::Url;

use crate::setting::{self, Refused, duration, lasts, require, within};

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
    /// The antivirus proxy through which files are downloaded, and only through it. Without it, they are downloaded from the homeserver.
    pub scanner: Option<Scanner>,
}

/// An antivirus proxy with the interface of Matrix Content Scanner, as Tchap has one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scanner {
    /// Its address, without `/_matrix`.
    pub url: String,
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
            scanner: None,
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
        within("documents.at_once", self.at_once, 1..=16)?;
        let bare = |url: &Url| {
            url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none()
        };
        let is_sound = self.scanner.is_none() || self.scanner_url().as_ref().is_some_and(bare);
        require(is_sound, "documents.scanner.url", "it must be an http or https URL without an account, `?` and `#`")
    }

    /// The address of the antivirus proxy.
    #[must_use]
    pub fn scanner_url(&self) -> Option<Url> {
        let url = &self.scanner.as_ref()?.url;
        Url::parse(url).ok().filter(|_| setting::is_web(url))
    }

    /// What is no error and should still be said, one sentence each.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let url = self.scanner.as_ref().map(|scanner| &scanner.url);
        let is_open = url.is_some_and(|url| url.starts_with("http://") && !setting::is_local(url));
        let warning = "documents.scanner.url: http:// sends the token and the keys of files readable over the network; use https://";
        is_open.then(|| warning.to_owned()).into_iter().collect()
    }

    /// The limits in one line: a file that was refused under others may be read under these.
    #[must_use]
    pub fn limits(&self) -> String {
        let Self { file_size, unpacked, ratio, pages, time, processor_time, memory, output, at_once: _, scanner: _ } =
            self;
        let seconds = [time.as_secs(), processor_time.as_secs()];
        format!("{file_size} {unpacked} {ratio} {pages} {seconds:?} {memory} {output}")
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
    fn a_proxy_is_off_unless_it_is_named_and_warned_about_in_clear() {
        let read = |yaml: &str| serde_yaml::from_str::<Config>(yaml).expect("of the right form");
        assert_eq!(read("{}").scanner_url(), None);
        let config = read("{scanner: {url: 'https://matrix.example/'}}");
        assert_eq!(config.scanner_url().map(String::from).as_deref(), Some("https://matrix.example/"));
        assert_eq!(config.warnings(), [""; 0]);
        assert!(read("{scanner: {url: 'http://h.example'}}").warnings()[0].contains("documents.scanner.url"));
        assert_eq!(read("{scanner: {url: 'http://localhost:1'}}").warnings(), [""; 0]);
    }

    #[test]
    fn other_limits_are_told_apart() {
        let limits = |yaml: &str| serde_yaml::from_str::<Config>(yaml).expect("of the right form").limits();
        assert_eq!(limits("{}"), limits("{at_once: 3, scanner: {url: 'https://h/'}}"));
        for yaml in [
            "{file_size: 11}",
            "{unpacked: 201}",
            "{ratio: 101}",
            "{pages: 2001}",
            "{time: 61s}",
            "{processor_time: 46s}",
            "{memory: 1025}",
            "{output: 33}",
        ] {
            assert_ne!(limits("{}"), limits(yaml), "{yaml}");
        }
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
            ("{scanner: {url: ''}}", "documents.scanner.url"),
            ("{scanner: {url: 'ftp://h/'}}", "documents.scanner.url"),
            ("{scanner: {url: 'https://u:p@h/'}}", "documents.scanner.url"),
            ("{scanner: {url: 'https://h/?x'}}", "documents.scanner.url"),
        ] {
            let refusal = refusal(yaml).expect(yaml);
            assert!(refusal.starts_with(key), "{yaml}: {refusal}");
        }
    }
}
