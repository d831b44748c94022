//! The limits of one reading, as the child is told them.

use serde::{Deserialize, Serialize};

use super::Config;

const MEGABYTE: u64 = 1_000_000;

/// How many times the limit of a file a rewritten file may have, beside a megabyte: a translation is longer, and other programs pack better.
const REWRITTEN_TIMES: u64 = 2;

/// What the reading of one file may cost. Sizes are in bytes, times in seconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Limits {
    /// The file.
    pub file: u64,
    /// What it unpacks to, all parts together.
    pub unpacked: u64,
    /// How many times its packed size a part unpacks to.
    pub ratio: u64,
    /// Pages, slides or sheets.
    pub pages: u32,
    /// Processor time.
    pub processor_time: u64,
    /// Address space.
    pub memory: u64,
    /// Text.
    pub output: u64,
}

impl Limits {
    pub(super) fn of(config: &Config) -> Self {
        Self {
            file: config.largest_file(),
            unpacked: config.unpacked * MEGABYTE,
            ratio: config.ratio,
            pages: config.pages,
            processor_time: config.processor_time.as_secs().unsigned_abs(),
            memory: config.memory * MEGABYTE,
            output: config.output * MEGABYTE,
        }
    }

    /// The most bytes of a rewritten file.
    pub(super) fn rewritten(&self) -> u64 {
        self.file * REWRITTEN_TIMES + MEGABYTE
    }
}
