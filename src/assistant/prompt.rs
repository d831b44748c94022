//! What a model is given: the compagnon's system prompt, as much of the conversation as fits, and the question. `chat` in the terminal
//! and answers in rooms are made by the same function, so that authors of prompts see what agents will get.

use jiff::{Timestamp, tz::TimeZone};

use super::Config;
use crate::{
    compagnon::{Compagnon, CompagnonError, Variables},
    conversation::{Role, Turn, trimmed},
    inference::{ChatModel, Message, Request, Sampling},
};

/// Tokens kept free for what a template adds around the whole prompt.
const MARGIN: usize = 16;

/// Why no prompt was made.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// The system prompt and the question alone fill the model's context.
    #[error("the question is too long for the model's context")]
    TooLong,
    /// The compagnon cannot be used.
    #[error(transparent)]
    Compagnon(#[from] CompagnonError),
}

/// The request for a question; `turns` are those of its conversation, oldest first.
pub fn request(
    model: &dyn ChatModel,
    sampling: &Sampling,
    config: &Config,
    compagnon: &Compagnon,
    turns: &[Turn],
    question: &str,
) -> Result<Request, PromptError> {
    let about = &compagnon.about;
    let sampling = Sampling {
        temperature: about.temperature.unwrap_or(sampling.temperature),
        // Half of the context at most, so that a small model keeps room for what it is asked.
        max_tokens: about.max_tokens.unwrap_or(sampling.max_tokens).min(model.context_length() / 2),
        ..sampling.clone()
    };
    let message = |role, content: &str| Message { role, content: content.to_owned() };
    let system = message(Role::System, &system_prompt(config, compagnon)?);
    let asked = message(Role::User, question);
    let cost = |message: &Message| model.count_tokens(message);
    let taken = sampling.max_tokens + cost(&system) + cost(&asked) + MARGIN;
    let budget = model.context_length().checked_sub(taken).ok_or_else(|| {
        eprintln!("{} {} {} {}", model.context_length(), sampling.max_tokens, cost(&system), cost(&asked));
        PromptError::TooLong
    })?;
    let history = trimmed(turns, budget, |turn| cost(&message(turn.role, &turn.content)));
    let history = history.iter().map(|turn| message(turn.role, &turn.content));
    let messages = std::iter::once(system).chain(history).chain(std::iter::once(asked)).collect();
    Ok(Request { messages, sampling })
}

fn system_prompt(config: &Config, compagnon: &Compagnon) -> Result<String, CompagnonError> {
    let zone = TimeZone::get(&config.time_zone).unwrap_or(TimeZone::UTC);
    let date = config.language.date(Timestamp::now().to_zoned(zone).date());
    compagnon.system_prompt(&Variables { date: &date, organisation: &config.organisation })
}
