//! The `model` section of the configuration.

mod encoder;
mod rules;

use std::path::{Component, Path, PathBuf};

use jiff::SignedDuration;
use serde::Deserialize;

use self::rules::{default_endpoint, is_hex, is_repo};
use super::request::Sampling;
use crate::setting::{self, Refused, lasts, require, within};

pub use self::encoder::{Encoder, HubFolder, Pooling, Weights};

/// The most sequences that may be computed together: a quarter of each step of 60 tokens is left for prefill.
const MOST_SEQUENCES: usize = 45;

/// More tokens than any model's context holds, or its vocabulary.
const MOST_TOKENS: usize = 1 << 20;

/// Each stop text is searched for at every token.
const MOST_STOPS: usize = 16;

/// Which model answers, where its file is, and its limits.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The GGUF file, or a folder with `config.json`, `tokenizer.json` and safetensors, or one `.safetensors` file with these two
    /// beside it. Without it (and without `hub`), the embedded test model (the witness) answers.
    pub file: Option<PathBuf>,
    /// The file's SHA-256, in hexadecimal; a file that differs is refused.
    /// While the file is the same as when its weights were packed, it is not computed again.
    pub sha256: Option<String>,
    /// The model to download with `model pull`, and then to answer with.
    pub hub: Option<Hub>,
    /// Never reach the network for a model; `model pull` then fails instead of downloading.
    pub offline: bool,
    /// Whether the weights of a large model, packed for the processor, are kept in a file beside the model (where that cannot
    /// be written, below the data folder), so that the next start only reads them. It is about as large as the model.
    pub packed_cache: bool,
    /// The most tokens prompt and answer may have together; the model's own limit is never exceeded.
    pub context: usize,
    /// How many requests may wait behind those being answered.
    pub queue: usize,
    /// How many requests are answered at the same time.
    pub sequences: usize,
    /// The longest time one answer may take, not counting its wait; it then ends where it is.
    #[serde(deserialize_with = "setting::duration::read")]
    pub time_limit: SignedDuration,
    /// The threads that compute.
    pub threads: usize,
    /// What one processor takes while it computes, in watts: the estimate of the energy of answers, where it cannot be measured.
    pub watts_per_core: f64,
    /// Memory for the KV cache (the attention keys and values of conversations), in MiB.
    pub kv_memory: usize,
    /// How tokens are sampled where a compagnon sets nothing else.
    pub sampling: Sampling,
    /// The model that turns texts into vectors. Without it, documents are searched by their words alone.
    pub embedding: Option<Encoder>,
    /// The model that puts what was found in a better order.
    pub reranker: Option<Encoder>,
    /// The model that finds names beside the rules of pseudonymisation.
    pub entities: Option<Encoder>,
}

/// A file of a repository on the Hugging Face hub, or on a mirror of it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Hub {
    /// The repository, `owner/name`.
    pub repo: String,
    /// The GGUF's path in the repository.
    pub file: String,
    /// The full commit: a branch could change under us.
    pub revision: String,
    /// The hub's base URL.
    #[serde(default = "default_endpoint")]
    pub endpoint: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            file: None,
            sha256: None,
            hub: None,
            offline: false,
            packed_cache: true,
            context: 4096,
            queue: 64,
            sequences: 16,
            time_limit: SignedDuration::from_mins(5),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            watts_per_core: 12.0,
            kv_memory: 1024,
            sampling: Sampling::default(),
            embedding: None,
            reranker: None,
            entities: None,
        }
    }
}

impl Config {
    /// Checks what the types cannot.
    pub fn validate(&self) -> Result<(), Refused> {
        require(self.file.is_none() || self.hub.is_none(), "model.file", "it excludes model.hub: keep one of them")?;
        if let Some(sum) = &self.sha256 {
            require(is_hex(sum, 64), "model.sha256", "it must be 64 hexadecimal digits")?;
        }
        within("model.context", self.context, 64..=MOST_TOKENS)?;
        within("model.queue", self.queue, 1..=65_536)?;
        within("model.sequences", self.sequences, 1..=MOST_SEQUENCES)?;
        lasts("model.time_limit", self.time_limit, SignedDuration::from_secs(1)..=SignedDuration::from_hours(24))?;
        within("model.threads", self.threads, 1..=1024)?;
        within("model.watts_per_core", self.watts_per_core, 0.1..=1000.0)?;
        within("model.kv_memory", self.kv_memory, 1..=1 << 24)?;
        self.hub.as_ref().map_or(Ok(()), Hub::validate)?;
        for (key, encoder) in [
            ("model.embedding", &self.embedding),
            ("model.reranker", &self.reranker),
            ("model.entities", &self.entities),
        ] {
            encoder.as_ref().map_or(Ok(()), |encoder| encoder.validate(key))?;
        }
        let below = |refused: Refused| Refused::new(format!("model.sampling.{}", refused.key), refused.reason);
        self.sampling.validate().map_err(below)
    }
}

impl Hub {
    fn validate(&self) -> Result<(), Refused> {
        let path = Path::new(&self.file);
        let inside = path.components().all(|part| matches!(part, Component::Normal(_)));
        require(is_repo(&self.repo), "model.hub.repo", "it must be owner/name")?;
        require(
            inside && path.extension().is_some_and(|extension| extension == "gguf"),
            "model.hub.file",
            "it must be the path of a .gguf file in the repository",
        )?;
        require(is_hex(&self.revision, 40), "model.hub.revision", "it must be a full commit: 40 hexadecimal digits")?;
        require(setting::is_web(&self.endpoint), "model.hub.endpoint", "it must be an http or https URL")
    }
}

impl Sampling {
    /// Checks the ranges; the refused key is the field's name.
    pub fn validate(&self) -> Result<(), Refused> {
        within("temperature", self.temperature, 0.0..=5.0)?;
        require(self.top_p > 0.0 && self.top_p <= 1.0, "top_p", "it must be above 0 and at most 1")?;
        within("top_k", self.top_k, 0..=MOST_TOKENS)?;
        within("min_p", self.min_p, 0.0..=1.0)?;
        within("repetition_penalty", self.repetition_penalty, 0.5..=2.0)?;
        within("presence_penalty", self.presence_penalty, -2.0..=2.0)?;
        within("max_tokens", self.max_tokens, 1..=MOST_TOKENS)?;
        require(self.stop.iter().all(|stop| !stop.is_empty()), "stop", "it must not hold an empty text")?;
        within("stop", self.stop.len(), 0..=MOST_STOPS)
    }
}

#[cfg(test)]
mod tests {
    use super::Config;

    fn check(yaml: &str) -> Result<(), String> {
        serde_yaml::from_str::<Config>(yaml)
            .map_err(|error| error.to_string())?
            .validate()
            .map_err(|refused| refused.to_string())
    }

    const HUB: &str = "hub: {repo: o/n, file: m.gguf, revision: 0123456789012345678901234567890123456789}";

    const FOLDER: &str = "embedding: {hub: {repo: o/n, revision: 0123456789012345678901234567890123456789}}";

    #[test]
    fn an_empty_section_is_the_witness_with_sensible_limits() {
        let config: Config = serde_yaml::from_str("{}").unwrap();
        assert_eq!(config.validate(), Ok(()));
        assert_eq!((config.context, config.queue, config.sampling.max_tokens), (4096, 64, 1024));
        assert_eq!((config.sequences, config.kv_memory, config.time_limit.as_secs()), (16, 1024, 300));
        assert!(config.threads >= 1);
        assert!(config.file.is_none() && config.hub.is_none() && !config.offline && config.packed_cache);
    }

    #[test]
    fn good_sections_pass() {
        assert_eq!(check(HUB), Ok(()));
        assert_eq!(check(FOLDER), Ok(()));
        assert_eq!(check("embedding: {folder: e5, query_prefix: 'query: ', pooling: mean, weights: stored}"), Ok(()));
        assert_eq!(check("sampling: {temperature: 0, stop: ['###'], min_p: 0.05, presence_penalty: 0.5}"), Ok(()));
        assert_eq!(check("{packed_cache: false, time_limit: 90s, threads: 2, kv_memory: 512, sequences: 4}"), Ok(()));
    }

    #[test]
    fn each_error_names_its_key() {
        let bad = [
            ("contexte: 3", "contexte"),
            ("context: 3", "model.context"),
            ("queue: 0", "model.queue"),
            ("sequences: 0", "model.sequences"),
            ("sequences: 49", "model.sequences"),
            ("time_limit: 0s", "model.time_limit"),
            ("threads: 0", "model.threads"),
            ("watts_per_core: 0", "model.watts_per_core"),
            ("watts_per_core: .nan", "model.watts_per_core"),
            ("kv_memory: 0", "model.kv_memory"),
            ("sampling: {min_p: 1.5}", "model.sampling.min_p"),
            ("sampling: {presence_penalty: 3}", "model.sampling.presence_penalty"),
            ("sha256: abc", "model.sha256"),
            (&format!("{{file: a.gguf, {HUB}}}"), "model.file"),
            ("sampling: {temperature: -1}", "model.sampling.temperature"),
            ("sampling: {temperature: .nan}", "model.sampling.temperature"),
            ("sampling: {top_p: 0}", "model.sampling.top_p"),
            ("sampling: {repetition_penalty: 0}", "model.sampling.repetition_penalty"),
            ("sampling: {max_tokens: 0}", "model.sampling.max_tokens"),
            ("sampling: {stop: ['']}", "model.sampling.stop"),
            (&HUB.replace("o/n", "../n"), "model.hub.repo"),
            (&HUB.replace("m.gguf", "../m.gguf"), "model.hub.file"),
            (&HUB.replace("m.gguf", "m.bin"), "model.hub.file"),
            (&HUB.replace("0123456789012345678901234567890123456789", "main"), "model.hub.revision"),
            (&HUB.replace('}', ", endpoint: 'ftp://x'}"), "model.hub.endpoint"),
            ("embedding: {}", "model.embedding.folder"),
            ("embedding: {folder: a, batch: 0}", "model.embedding.batch"),
            ("embedding: {folder: a, context: 1}", "model.embedding.context"),
            ("embedding: {folder: a, pooling: last}", "pooling"),
            ("reranker: {folder: a, queue: 0}", "model.reranker.queue"),
            ("entities: {folder: a, threshold: 0}", "model.entities.threshold"),
            ("entities: {folder: a, threshold: .nan}", "model.entities.threshold"),
            ("entities: {hub: {repo: o/n, revision: a}}", "model.entities.hub.revision"),
            ("reranker: {hub: {repo: o, revision: a}}", "model.reranker.hub.repo"),
            ("reranker: {hub: {repo: o/n, revision: main}}", "model.reranker.hub.revision"),
            (&FOLDER.replace("}}", ", files: [../a]}}"), "model.embedding.hub.files"),
            (&FOLDER.replace("}}", ", endpoint: x}}"), "model.embedding.hub.endpoint"),
        ];
        for (yaml, key) in bad {
            let error = check(yaml).expect_err(yaml);
            assert!(error.contains(key), "{yaml}: {error}");
        }
    }
}
