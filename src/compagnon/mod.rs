//! A compagnon: a named assistant, written by people as a Markdown file with front matter and a system prompt.
//!
//! Parsing and rendering are pure; `library` reads the prompts folder and `watcher` rereads it when it changes.

mod base;
mod bounds;
mod definition;
mod language;
mod library;
mod made;
mod settings;
mod watcher;

pub use base::{BaseError, Bases};
pub use bounds::{Field, FieldError, HOTTEST, alike, check_name, is_invisible};
pub use definition::{About, Compagnon, CompagnonError, VARIABLES, Variables, Visibility};
pub use language::Language;
pub use library::{FolderError, Library};
pub use made::{Made, Version};
pub use settings::{Answers, Choice, Pseudonyms, Settings, SettingsPatch, Sourcing};
pub use watcher::LibraryWatcher;
