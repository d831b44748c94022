//! `compagnon check`: everything that can be wrong before `run`, one line per finding.

use std::process::ExitCode;

use tokio::runtime::Runtime;

use crate::{
    app::open_model,
    assistant::prompt,
    compagnon::{Compagnon, Library},
    config::{Config, ConfigError},
    inference::ChatModel,
    matrix,
};

/// The findings so far.
#[derive(Default)]
struct Findings {
    wrong: usize,
}

impl Findings {
    fn add(&mut self, what: &str, outcome: Result<String, String>) {
        match outcome {
            Ok(detail) => super::say(&format!("ok    {what}: {detail}")),
            Err(reason) => {
                self.wrong += 1;
                super::say(&format!("wrong {what}: {reason}"));
            }
        }
    }
}

/// Checks all there is; the exit status is that of the configuration when it is refused, 1 when anything else is wrong.
pub(super) fn check(config: Result<Config, ConfigError>) -> anyhow::Result<ExitCode> {
    let mut findings = Findings::default();
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            findings.add("configuration", Err(error.to_string()));
            return Ok(ExitCode::from(super::status::CONFIGURATION));
        }
    };
    findings.add("configuration", Ok(format!("data in {}", config.data().display())));
    let model = open_model(&config);
    let described =
        model.as_ref().map(|model| format!("{}, context of {} tokens", model.name(), model.context_length()));
    findings.add("model", described.map_err(|error| format!("{error:#}")));
    prompts(&config, model.as_deref().ok(), &mut findings);
    homeserver(&config, &mut findings)?;
    Ok(ExitCode::from(u8::from(findings.wrong > 0)))
}

fn prompts(config: &Config, model: Option<&dyn ChatModel>, findings: &mut Findings) {
    let library = match Library::load(config.prompts.as_deref()) {
        Ok((library, problems)) => {
            for problem in problems {
                findings.add("prompt", Err(problem.to_string()));
            }
            library
        }
        Err(error) => return findings.add("prompts", Err(error.to_string())),
    };
    let fits = |compagnon: &Compagnon| {
        let fits = |model| prompt::fits(model, &config.model.sampling, &config.assistant, compagnon).is_ok();
        model.is_none_or(fits)
    };
    for compagnon in library.iter() {
        let described = format!("{} — {}", compagnon.id, compagnon.about.description);
        // Only the usual one must fit: nobody can choose the others.
        let aside = if fits(compagnon) { "" } else { " (too long for this model: it cannot be chosen)" };
        findings.add("prompt", Ok(described + aside));
    }
    let default = library.get(&config.assistant.compagnon).map_err(|error| error.to_string());
    let default = default.and_then(|compagnon| {
        let too_long = || format!("the prompt of `{}` does not leave room for a question in the model", compagnon.id);
        fits(compagnon).then(|| compagnon.title().to_owned()).ok_or_else(too_long)
    });
    findings.add("default compagnon", default);
}

fn homeserver(config: &Config, findings: &mut Findings) -> anyhow::Result<()> {
    let outcome = match config.matrix() {
        Ok(section) => Runtime::new()?.block_on(matrix::probe(section)).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    findings.add("homeserver", outcome);
    Ok(())
}
