//! `compagnon chat`: a compagnon in the terminal. Where the authors of prompts work: the prompt is read anew before each question.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::PathBuf,
};

use anyhow::Context as _;
use ruma::owned_event_id;

use crate::{
    app::open_model,
    assistant::prompt,
    compagnon::{Compagnon, Library, Settings},
    config::Config,
    conversation::{Role, Turn},
    inference::{ChatModel, Piece, Request},
};

/// The compagnon that speaks when nothing is configured: the one the embedded model was trained for.
const WITNESS: &str = "temoin";

/// Options of `chat`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The compagnon to talk to, by identifier (default: the configuration's; `temoin` without one).
    #[arg(long, value_name = "ID", conflicts_with = "prompt")]
    compagnon: Option<String>,
    /// A compagnon's file to try, wherever it is.
    #[arg(long, value_name = "FILE")]
    prompt: Option<PathBuf>,
}

/// Talks until the input ends. `bare` says that no configuration was named.
pub(super) fn chat(config: &Config, arguments: &Arguments, bare: bool) -> anyhow::Result<()> {
    let default = if bare { WITNESS } else { &config.assistant.compagnon };
    let model = open_model(config)?;
    let in_terminal = io::stdin().is_terminal();
    if in_terminal {
        super::say(&format!("{}. An empty line or Ctrl-D ends.", model.name()));
    }
    let mut turns: Vec<Turn> = Vec::new();
    for line in io::stdin().lock().lines() {
        let line = line.context("the input cannot be read")?;
        let question = line.trim();
        if question.is_empty() {
            break;
        }
        let outcome = compagnon(config, arguments, default).and_then(|compagnon| {
            let ask = prompt::Ask {
                compagnon: &compagnon,
                settings: &Settings::default(),
                room: "",
                turns: &turns,
                question,
                asker: None,
                name: None,
                // One conversation in one process: its past is found again at the next question.
                owner: 1,
            };
            let request = prompt::request(&*model, &config.model.sampling, &config.assistant, &ask)?;
            answer(&*model, request)
        });
        match outcome {
            Ok(answer) => {
                let turn = |role, content: String| Turn {
                    role,
                    content,
                    event_id: owned_event_id!("$terminal:localhost"),
                    at: 0,
                    asker: None,
                    name: None,
                };
                turns.extend([turn(Role::User, question.to_owned()), turn(Role::Assistant, answer)]);
            }
            // An author mends the file and asks again; a script must notice.
            Err(error) if in_terminal => super::say(&format!("({error:#})")),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn compagnon(config: &Config, arguments: &Arguments, default: &str) -> anyhow::Result<Compagnon> {
    if let Some(path) = &arguments.prompt {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("prompt");
        return Compagnon::parse(id, &text).with_context(|| path.display().to_string());
    }
    let (library, _) = Library::load(config.prompts.as_deref())?;
    Ok(Compagnon::clone(library.get(arguments.compagnon.as_deref().unwrap_or(default))?))
}

/// Prints the answer as it is written, and gives it back.
fn answer(model: &dyn ChatModel, request: Request) -> anyhow::Result<String> {
    let mut generation = model.generate(request)?;
    let mut answer = String::new();
    let mut out = io::stdout();
    while let Some(piece) = generation.blocking_next() {
        if let Piece::Text(text) = piece? {
            write!(out, "{text}")?;
            out.flush()?;
            answer.push_str(&text);
        }
    }
    writeln!(out)?;
    Ok(answer)
}
