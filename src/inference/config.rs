//! The `model` section of the configuration.

use std::path::PathBuf;

use serde::Deserialize;

/// Which model answers, where its file is, and its limits.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The GGUF file. Without it (and without `hub`), the embedded witness model answers.
    pub file: Option<PathBuf>,
    /// The file's SHA-256, in hexadecimal; a file that differs is refused.
    pub sha256: Option<String>,
}
