//! `compagnon guide`: the guide for agents, to be put where they can read it.

use clap::ValueEnum;

use super::output;
use crate::page;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// One accessible page without scripts, or Markdown.
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Html,
    Md,
}

/// Prints it.
pub(super) fn guide(arguments: &Arguments) -> anyhow::Result<()> {
    match arguments.format {
        Format::Html => output::say(page::guide()?.trim_end()),
        Format::Md => output::say(page::GUIDE.trim_end()),
    }
    Ok(())
}
