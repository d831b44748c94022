//! `compagnon privacy`: the notice that people are due, and the entry of the record of processing, from the same values as what the bot says.

use std::io::{self, Write as _};

use clap::ValueEnum;

use super::output;
use crate::{app::privacy::facts, assistant::texts::privacy, compagnon::Language, config::Config};

/// Options of `privacy`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
    /// In which language. Without it, `assistant.language`.
    #[arg(long, value_enum)]
    language: Option<Tongue>,
}

/// How the notice is written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Markdown.
    Md,
    /// A page that needs nothing else.
    Html,
    /// For programs.
    Json,
}

/// A language, as it is named on the command line.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tongue {
    /// French.
    Fr,
    /// English.
    En,
}

/// Writes the notice to standard output, and to standard error the keys without which it is not complete.
pub(super) fn print(config: &Config, arguments: &Arguments) -> anyhow::Result<()> {
    let language = match arguments.language {
        Some(Tongue::Fr) => Language::Fr,
        Some(Tongue::En) => Language::En,
        None => config.assistant.language,
    };
    let facts = facts(config);
    let view = privacy::View { facts: &facts, here: None, language };
    let text = match arguments.format {
        Format::Md => privacy::markdown(&view),
        Format::Html => privacy::html(&view),
        Format::Json => format!("{:#}\n", privacy::json(&view)),
    };
    io::stdout().write_all(text.as_bytes())?;
    let lacks = config.privacy.lacks();
    if !lacks.is_empty() {
        let keys = lacks.iter().map(|key| format!("privacy.{key}")).collect::<Vec<_>>().join(", ");
        output::note(&format!("not complete: give {keys}"));
    }
    Ok(())
}
