//! `compagnon check`: checks everything that can be wrong before `run`, one line per finding. Each step is reported before it starts.

use std::process::ExitCode;

use tokio::runtime::Runtime;

use super::{output, status};
use crate::{
    app::{Encoders, folder, open_encoders, open_model, privacy, processors},
    assistant::compose,
    collections::{self, Collections, Engine},
    compagnon::{Compagnon, Library},
    config::{Config, ConfigError},
    documents::Extractor,
    index::PostgresIndex,
    inference::{ChatModel, local::Processors},
    matrix::{self, ProbeOutcome},
    services::Services,
};

/// Options of `check`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Run only the checks that need no network.
    #[arg(long)]
    offline: bool,
}

/// The findings so far.
#[derive(Default)]
struct Findings {
    /// The exit status of `run`: that of the first error.
    status: Option<u8>,
}

impl Findings {
    fn begun(what: &str, detail: &str) {
        output::say(&format!("...   {what}: {detail}"));
    }

    fn good(what: &str, detail: &str) {
        output::say(&format!("ok    {what}: {detail}"));
    }

    fn doubtful(what: &str, detail: &str) {
        output::say(&format!("warn  {what}: {detail}"));
    }

    fn wrong(&mut self, what: &str, error: &anyhow::Error) {
        output::say(&format!("wrong {what}: {error:#}"));
        self.status.get_or_insert(status::of(error));
    }

    fn add(&mut self, what: &str, outcome: anyhow::Result<String>) {
        match outcome {
            Ok(detail) => Self::good(what, &detail),
            Err(error) => self.wrong(what, &error),
        }
    }
}

/// Runs all checks. The exit status is the one that `run` would have.
pub(super) fn check(config: Result<Config, ConfigError>, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut findings = Findings::default();
    match config {
        Ok(config) => all(&config, arguments, &mut findings)?,
        Err(error) => findings.wrong("configuration", &error.into()),
    }
    Ok(ExitCode::from(findings.status.unwrap_or(0)))
}

fn all(config: &Config, arguments: &Arguments, findings: &mut Findings) -> anyhow::Result<()> {
    Findings::good("configuration", "it is read");
    for warning in &config.warnings {
        Findings::doubtful("configuration", warning);
    }
    for doubt in privacy::doubts(config) {
        Findings::doubtful("privacy", &doubt);
    }
    let data = config.data();
    let begun = if data.exists() { "" } else { ", which the first start creates" };
    findings.add("data folder", folder::inspect(data).map(|()| format!("{}{begun}", data.display())));
    Findings::begun("model", "opens it");
    let processors = processors(config)?;
    let model = open_model(config, &processors);
    let described =
        model.as_ref().map(|model| format!("{}, context of {} tokens", model.name(), model.limits().context_length));
    match &described {
        Ok(described) => Findings::good("model", described),
        Err(error) => findings.wrong("model", error),
    }
    encoders(config, &processors, findings);
    prompts(config, model.as_deref().ok(), findings);
    if !config.services.0.is_empty() {
        let opened = Services::open(&config.services).map_err(|refused| ConfigError::from(refused).into());
        findings.add("services", opened.map(|_| config.services.0.keys().cloned().collect::<Vec<_>>().join(", ")));
    }
    if let Some(address) = config.statistics.listen {
        Findings::good("statistics", &format!("a public page at {address}, for {}", config.statistics.name));
    }
    documents(config);
    collections(config, arguments, findings);
    account(config, arguments, findings)
}

/// How the kernel confines what reads documents. The bot answers without it.
fn documents(config: &Config) {
    let lacks = Runtime::new().map_err(anyhow::Error::from).and_then(|runtime| {
        let extractor = Extractor::new(&config.documents);
        Ok(runtime.block_on(extractor.confinement())?.lacks())
    });
    match lacks {
        Ok(None) => {
            Findings::good("documents", "they are read in a process of their own, confined by Landlock and seccomp");
        }
        Ok(Some(lacking)) => {
            let detail =
                format!("they are read in a process of their own; this kernel does not confine it by {lacking}");
            Findings::doubtful("documents", &detail);
        }
        Err(error) => Findings::doubtful("documents", &format!("none can be read: {error:#}")),
    }
}

/// Collections that cannot be read, that were never read, or that nobody searches; and the server that some may be in.
fn collections(config: &Config, arguments: &Arguments, findings: &mut Findings) {
    let (library, _) = Library::load(config.prompts.as_deref()).unwrap_or_default();
    for (name, collection) in &config.collections.0 {
        let what = format!("collection {name}");
        match collection.folder.read_dir() {
            Ok(_) => Findings::good(&what, &collection.folder.display().to_string()),
            Err(error) => {
                Findings::doubtful(&what, &format!("{} cannot be read: {error}", collection.folder.display()));
            }
        }
        for id in collection.compagnons.iter().filter(|id| *id != collections::ALL && library.get(id).is_err()) {
            Findings::doubtful(&what, &format!("there is no compagnon `{id}` in the prompts folder"));
        }
        // Of those that are shared, another bot may read it.
        let reads = collection.index == Engine::Embedded || !collection.refresh.is_zero();
        if reads && !Collections::was_read(config.data(), name) {
            Findings::doubtful(&what, &format!("it was not read yet: compagnon collection index {name}"));
        }
    }
    for compagnon in library.iter() {
        for name in compagnon.about.collections.iter().filter(|name| !config.collections.0.contains_key(*name)) {
            Findings::doubtful(
                "prompt",
                &format!("{}: there is no collection `{name}` in the configuration", compagnon.id),
            );
        }
    }
    let Some(section) = &config.postgres else { return };
    let opened = PostgresIndex::open(section).map_err(|refused| anyhow::Error::from(ConfigError::from(refused)));
    if arguments.offline {
        findings.add("postgres", opened.map(|_| "it was not asked".to_owned()));
        return;
    }
    Findings::begun("postgres", "connects");
    let asked = opened.and_then(|index| Ok(Runtime::new()?.block_on(index.check())?));
    findings.add("postgres", asked.map(|()| "it answers, and has the tables".to_owned()));
}

fn encoders(config: &Config, processors: &Processors, findings: &mut Findings) {
    match open_encoders(config, processors) {
        Ok(Encoders { embedding, reranker, entities }) => {
            let described = embedding.map(|model| {
                let limits = model.limits();
                format!("{}, vectors of {}, {} tokens of a text", model.name(), limits.dimension, limits.context_length)
            });
            let none = "none (model.embedding is not set): documents are searched by their words alone";
            Findings::good("embedding model", described.as_deref().unwrap_or(none));
            let none = "none (model.reranker is not set): what is found stays in the order of the search";
            Findings::good("reranker", reranker.as_ref().map_or(none, |model| model.name()));
            let none = "none (model.entities is not set): pseudonymisation finds names by its rules alone";
            Findings::good("names", entities.as_ref().map_or(none, |model| model.name()));
        }
        Err(error) => findings.wrong("embedding model", &error),
    }
}

fn prompts(config: &Config, model: Option<&dyn ChatModel>, findings: &mut Findings) {
    let library = match Library::load(config.prompts.as_deref()) {
        Ok((library, problems)) => {
            for problem in problems {
                Findings::doubtful("prompt", &problem.to_string());
            }
            library
        }
        Err(error) => return findings.wrong("prompts", &error.into()),
    };
    let fits = |compagnon: &Compagnon| {
        let (sampling, bases) = (&config.model.sampling, library.bases());
        let fits = |model| compose::fits(model, sampling, &config.assistant, bases, compagnon).is_ok();
        model.is_none_or(fits)
    };
    for compagnon in library.iter() {
        let described = format!("{} — {}", compagnon.id, compagnon.about.description);
        // Only the default one must fit; the others cannot be chosen.
        let aside = if fits(compagnon) { "" } else { " (too long for this model: it cannot be chosen)" };
        Findings::good("prompt", &(described + aside));
    }
    let default = library.get(&config.assistant.compagnon).map_err(anyhow::Error::from);
    let default = default.and_then(|compagnon| {
        crate::app::ensure_fits(compagnon, fits(compagnon), model)?;
        Ok(compagnon.title().to_owned())
    });
    findings.add("default compagnon", default);
}

fn account(config: &Config, arguments: &Arguments, findings: &mut Findings) -> anyhow::Result<()> {
    let section = match config.matrix() {
        Ok(section) => section,
        Err(error) => {
            findings.wrong("account", &error.into());
            return Ok(());
        }
    };
    let mut tell = |what: &str, outcome: ProbeOutcome| match outcome {
        ProbeOutcome::Begun(detail) => Findings::begun(what, &format!("{detail}, 10 s at most")),
        ProbeOutcome::Good(detail) => Findings::good(what, &detail),
        ProbeOutcome::Doubtful(detail) => Findings::doubtful(what, &detail),
        ProbeOutcome::Wrong(error) => findings.wrong(what, &error.into()),
    };
    if arguments.offline {
        matrix::probe_offline(section, config.data(), &mut tell);
        output::say("the homeserver was not asked");
        return Ok(());
    }
    Runtime::new()?.block_on(matrix::probe(section, config.data(), &mut tell));
    let streaming = &config.assistant.streaming;
    Findings::good(
        "rate limits",
        &format!(
            "homeservers do not report theirs; assistant.streaming assumes {} messages per second, {} in a row (Synapse: rc_message)",
            streaming.per_second, streaming.burst
        ),
    );
    Ok(())
}
