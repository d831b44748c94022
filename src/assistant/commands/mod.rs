//! Commands: what people write to the bot rather than ask the model. One file each, with its [`Spec`](spec::Spec), from which the help is
//! made; `parse` reads them, `execute` has them carried out.
//!
//! A command is a new message that begins with `!`. Where the message is for the bot anyway, the `!` may be left out or be a `/`, if the
//! whole message is nothing but a command; a full stop and a polite word more or less make no difference. Nothing else is one: no edit, no
//! quote, no notice, no text in the middle of a message. For a command that is unknown the nearest one is named; it never reaches the model.

mod answers;
mod authority;
mod catch_up;
mod compagnon;
mod confirm;
mod context;
mod documents;
mod execute;
mod export;
mod forget;
#[cfg(any(test, fuzzing))]
pub(super) mod fuzz;
mod glossary;
mod help;
mod journal;
#[cfg(test)]
mod mastered_tests;
#[cfg(test)]
mod memory_tests;
mod note;
mod outcome;
mod parse;
mod parts;
mod privacy;
mod proof;
mod pseudonymise;
#[cfg(test)]
mod pseudonymise_tests;
mod redo;
mod remember;
mod retention;
mod reviews;
mod sources;
mod spec;
mod statistics;
mod status;
mod stop;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod thread_tests;
mod translate;
mod words;

pub(super) use authority::refusal;
pub(super) use compagnon::{ToRun, to_run};
pub(super) use confirm::Confirmations;
pub(super) use execute::execute;
pub(super) use forget::asks_to_forget;
pub(super) use parts::{CHECKS, Parts};
pub(super) use statistics::of_all_rooms;
pub(super) use stop::{is_stop, react, stop_quietly};
pub(super) use words::{block, inert, is_blank};

use context::Context;
use outcome::{NewFile, Outcome, Reply};
use spec::Spec;
