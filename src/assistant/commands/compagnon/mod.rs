//! `!compagnon`: who answers in this room, and what it is told.
//!
//! `find` looks compagnons up, `choose` shows and chooses them, `make` writes them, `publish` brings them into the catalogue, `mastered` has the answers that they give word for word, `cases`
//! those that they are judged by, `tune` sets what the room adds, `prompt` shows what the model is told in all. `action` reads what is asked for, `say` has what they answer in common.

mod action;
mod cases;
mod choose;
mod find;
mod make;
mod mastered;
mod prompt;
mod publish;
mod say;
mod tune;

use super::{Context, Reply};
use crate::assistant::failure::Failure;

use action::{Action, action};
pub(super) use action::{SPEC, authority, bare, is_english, only_reads, runs_cases};
pub use cases::{ToRun, to_run};
use say::{not_found, title, usage};

pub(super) async fn run(context: &Context<'_>, arguments: &str, text: &str) -> Result<Reply, Failure> {
    let Some((action, rest)) = action(arguments) else {
        // `!compagnon rh` is short for choosing it.
        return if arguments.is_empty() {
            choose::current(context).await
        } else {
            choose::choose(context, arguments).await
        };
    };
    match action {
        Action::List => choose::list(context).await,
        Action::View => choose::view(context, rest).await,
        Action::Choose => choose::choose(context, rest).await,
        Action::Create => make::create(context, rest, text).await,
        Action::Edit => make::edit(context, rest, text).await,
        Action::Revert => make::revert(context, rest).await,
        Action::Delete => make::delete(context, rest).await,
        Action::Publish => publish::propose(context, rest).await,
        Action::Withdraw => publish::withdraw(context, rest).await,
        Action::Proposals => publish::proposals(context).await,
        Action::Accept => publish::accept(context, rest).await,
        Action::Decline => publish::decline(context, rest).await,
        Action::Addition => tune::addition(context, rest, text).await,
        Action::Mastered => mastered::run(context, rest, text).await,
        Action::Cases => cases::run(context, rest, text).await,
        Action::Set => tune::set(context, rest).await,
    }
}
