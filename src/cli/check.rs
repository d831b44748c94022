//! `compagnon check`: everything that can be wrong before `run`, one line per finding.

use std::process::ExitCode;

use tokio::runtime::Runtime;

use crate::{
    app::open_model,
    assistant::prompt,
    compagnon::Library,
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
    match Library::load(config.prompts.as_deref()) {
        Ok((library, problems)) => {
            for problem in problems {
                findings.add("prompt", Err(problem.to_string()));
            }
            for compagnon in library.iter() {
                let fits = model
                    .map_or(Ok(()), |model| prompt::fits(model, &config.model.sampling, &config.assistant, compagnon));
                let described = format!("{} — {}", compagnon.id, compagnon.about.description);
                let too_long =
                    |_| format!("{}: it does not leave room for a question in the model's context", compagnon.id);
                findings.add("prompt", fits.map(|()| described).map_err(too_long));
            }
            let default = library.get(&config.assistant.compagnon);
            findings.add("default compagnon", default.map(|c| c.title().to_owned()).map_err(|error| error.to_string()));
        }
        Err(error) => findings.add("prompts", Err(error.to_string())),
    }
}

fn homeserver(config: &Config, findings: &mut Findings) -> anyhow::Result<()> {
    let outcome = match config.matrix() {
        Ok(section) => Runtime::new()?.block_on(matrix::probe(section)).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    findings.add("homeserver", outcome);
    Ok(())
}
