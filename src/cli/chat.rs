//! `compagnon chat`: a compagnon in the terminal, for authors of prompts: the prompt is read again before each question.

mod input;
mod room;

use std::{
    io::{self, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context as _;
use ruma::owned_event_id;
use rustyline::DefaultEditor;
use tokio::runtime::Runtime;

use self::input::{Input, read_file};
use super::output;
use crate::{
    app::{open_entities, open_model, processors},
    assistant::{Entities, Veiled, compose},
    compagnon::{Bases, Compagnon, Library, Pseudonyms},
    config::Config,
    conversation::{Role, Turn},
    inference::{ChatModel, Piece, Request},
    pseudonym::Table,
};

/// The compagnon without a configuration: the one that the embedded test model was trained for.
const WITNESS: &str = "temoin";

/// Options of `chat`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The compagnon to talk to, by identifier (default: the configuration's; `temoin` without one).
    #[arg(long, value_name = "ID", conflicts_with = "prompt")]
    compagnon: Option<String>,
    /// The file of a compagnon to try.
    #[arg(long, value_name = "FILE")]
    prompt: Option<PathBuf>,
    #[command(flatten)]
    room: room::Options,
}

/// Talks until the input ends. `bare` says that no configuration was named.
pub(super) fn chat(config: &Config, arguments: &Arguments, bare: bool) -> anyhow::Result<()> {
    let default = if bare { WITNESS } else { &config.assistant.compagnon };
    let processors = processors(config)?;
    let model = open_model(config, &processors)?;
    let entities = open_entities(config, &processors)?;
    // The model that finds names works in tasks.
    let runtime = Runtime::new()?;
    let _within = runtime.enter();
    let in_terminal = io::stdin().is_terminal();
    let mut input = if in_terminal {
        output::say(&format!("{}. Ctrl-D ends.", model.name()));
        Input::Terminal(Box::new(DefaultEditor::new().context("the terminal cannot be used")?))
    } else {
        Input::Stream
    };
    let room = arguments.room.read()?;
    let mut turns: Vec<Turn> = Vec::new();
    while let Some(question) = input.next()? {
        let question = question.as_str();
        let outcome = compagnon(config, arguments, default).and_then(|(bases, compagnon)| {
            let veil = veil(&model, &compagnon, entities.as_ref());
            let reader: &dyn ChatModel = veil.as_ref().map_or(&*model, |veil| veil);
            let ask = compose::Ask {
                bases: &bases,
                compagnon: &compagnon,
                settings: &room.settings,
                room: &room.name,
                facts: &room.facts,
                summary: None,
                turns: &turns,
                material: &room.material(&compagnon),
                sources: &[],
                question,
                asker: None,
                name: None,
                // One conversation per process, whose KV cache the next question reuses.
                cache_key: 1,
            };
            if let Some(veil) = &veil {
                let texts = || turns.iter().map(|turn| turn.content.as_str()).chain([question]);
                runtime.block_on(veil.read(texts()))?;
                veil.learn(texts());
            }
            let mut composed = compose::compose(
                reader,
                &config.model.sampling,
                &config.assistant,
                &ask,
                compose::today(&config.assistant),
            )?;
            let request = std::mem::take(&mut composed.request);
            if arguments.room.show_prompt {
                composed.request = veil.as_ref().map_or_else(|| request.clone(), |veil| veil.veiled(&request));
                output::say(&room::shown(&composed));
            }
            answer(reader, request)
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
            // In a terminal the author corrects the file and asks again; a script must fail.
            Err(error) if in_terminal => output::say(&format!("({error:#})")),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What stands before the model for this compagnon. Its table begins anew with each question: all that was said goes through it again.
pub(super) fn veil(
    model: &Arc<dyn ChatModel>,
    compagnon: &Compagnon,
    entities: Option<&Arc<Entities>>,
) -> Option<Veiled> {
    let asked = Pseudonyms::of(compagnon.about.pseudonyms, None, model.is_remote());
    let veiled = || Veiled::new(Arc::clone(model), Table::new(), compagnon.about.language);
    (asked != Pseudonyms::No).then(|| veiled().reading(entities.cloned()))
}

/// The compagnon of a file, called as the file is.
pub(super) fn of_file(path: &Path) -> anyhow::Result<Compagnon> {
    let text = read_file(path)?;
    let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("prompt");
    Compagnon::parse(id, &text).with_context(|| path.display().to_string())
}

/// Who answers, and the rules that stand before what it says.
fn compagnon(config: &Config, arguments: &Arguments, default: &str) -> anyhow::Result<(Arc<Bases>, Arc<Compagnon>)> {
    let (library, _) = Library::load(config.prompts.as_deref())?;
    let compagnon = match &arguments.prompt {
        Some(path) => Arc::new(of_file(path)?),
        None => Arc::clone(library.get(arguments.compagnon.as_deref().unwrap_or(default))?),
    };
    Ok((Arc::clone(library.bases()), compagnon))
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
