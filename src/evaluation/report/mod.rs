//! Reports of a run: for a terminal, in Markdown and in HTML. JSON is the run itself.

mod html;
mod markdown;
mod shown;
mod terminal;

pub use self::{html::html, markdown::markdown, terminal::terminal};
