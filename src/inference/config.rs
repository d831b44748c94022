//! The `model` section of the configuration.

use std::path::PathBuf;

use serde::Deserialize;

use super::Sampling;

/// Which model answers, where its file is, and its limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The GGUF file. Without it and without `hub`, the embedded witness answers.
    pub file: Option<PathBuf>,
    /// The file's SHA-256, in hexadecimal; a file that differs is refused.
    pub sha256: Option<String>,
    /// A file of the hub, fetched once by `compagnon model pull`.
    pub hub: Option<Hub>,
    /// Refuses to reach the hub, whatever the command line asks.
    pub offline: bool,
    /// The most tokens of prompt and answer together, within what the model and the engine can hold.
    pub context: usize,
    /// Requests that may wait for the engine.
    pub queue: usize,
    /// How words are chosen, unless a compagnon says otherwise.
    pub sampling: SamplingConfig,
}

/// A file of the hub, at a pinned revision.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// The repository, as `owner/name`.
    pub repo: String,
    /// The file in it.
    pub file: String,
    /// The commit (best) or branch.
    pub revision: String,
    /// The hub's address, for a mirror.
    #[serde(default)]
    pub endpoint: Option<String>,
}

/// How words are chosen.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SamplingConfig {
    /// See [`Sampling::temperature`].
    pub temperature: f32,
    /// See [`Sampling::top_p`].
    pub top_p: f32,
    /// See [`Sampling::top_k`].
    pub top_k: usize,
    /// See [`Sampling::repetition_penalty`].
    pub repetition_penalty: f32,
    /// See [`Sampling::max_tokens`].
    pub max_tokens: usize,
}

impl Default for Config {
    fn default() -> Self {
        let sampling = SamplingConfig::default();
        Self { file: None, sha256: None, hub: None, offline: false, context: 4096, queue: 64, sampling }
    }
}

impl Default for SamplingConfig {
    fn default() -> Self {
        Self { temperature: 0.3, top_p: 0.95, top_k: 40, repetition_penalty: 1.05, max_tokens: 1024 }
    }
}

impl From<SamplingConfig> for Sampling {
    fn from(config: SamplingConfig) -> Self {
        let SamplingConfig { temperature, top_p, top_k, repetition_penalty, max_tokens } = config;
        Self { temperature, top_p, top_k, repetition_penalty, max_tokens, seed: None, stop: Vec::new() }
    }
}

impl Config {
    /// Checks what the types cannot; the error is one sentence that names the key.
    pub fn validate(&self) -> Result<(), String> {
        let sampling = &self.sampling;
        let rules = [
            (self.file.is_none() || self.hub.is_none(), "model: give `file` or `hub`, not both"),
            (self.sha256.as_deref().is_none_or(is_digest), "model.sha256 must be 64 hexadecimal digits"),
            (self.context >= 128, "model.context must be at least 128 tokens"),
            (self.queue > 0, "model.queue must be at least 1"),
            ((0.0..=5.0).contains(&sampling.temperature), "model.sampling.temperature must be between 0 and 5"),
            (sampling.top_p > 0.0 && sampling.top_p <= 1.0, "model.sampling.top_p must be above 0 and at most 1"),
            (
                (0.5..=2.0).contains(&sampling.repetition_penalty),
                "model.sampling.repetition_penalty must be between 0.5 and 2",
            ),
            (
                sampling.max_tokens > 0 && sampling.max_tokens < self.context,
                "model.sampling.max_tokens must be at least 1 and less than model.context",
            ),
        ];
        match rules.iter().find(|(holds, _)| !holds) {
            None => Ok(()),
            Some((_, sentence)) => Err((*sentence).to_owned()),
        }
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::Config;

    #[test]
    fn each_bad_value_names_its_key() {
        assert_eq!(Config::default().validate(), Ok(()));
        let cases = [
            ("file: a\nhub: {repo: a/b, file: c, revision: d}", "not both"),
            ("sha256: xyz", "model.sha256"),
            ("context: 1", "model.context"),
            ("queue: 0", "model.queue"),
            ("sampling: {temperature: -1}", "temperature"),
            ("sampling: {top_p: 0}", "top_p"),
            ("sampling: {repetition_penalty: 9}", "repetition_penalty"),
            ("sampling: {max_tokens: 4096}", "max_tokens"),
        ];
        for (text, expected) in cases {
            let config: Config = serde_yaml::from_str(text).expect(text);
            let sentence = config.validate().expect_err(text);
            assert!(sentence.contains(expected), "{text} → {sentence}");
        }
    }
}
