//! Counts the tokens of a prompt's messages one by one, without rendering the prompt: history is cut to the context before that.

use std::sync::Arc;

use super::template::Template;
use super::tokenizer::Tokenizer;
use crate::conversation::Role;
use crate::inference::{CountAccuracy, Message, TokenCounter};

/// The most tokens that a template adds around a name.
const AROUND_NAME: usize = 4;

/// A counter with the model's own tokenizer and template.
pub(super) struct PromptCounter {
    tokenizer: Arc<Tokenizer>,
    markup: Markup,
}

impl PromptCounter {
    /// A counter for prompts of this template. The error is one sentence.
    pub(super) fn new(template: &Template, tokenizer: Arc<Tokenizer>) -> Result<Self, String> {
        let markup = Markup::measure(template, &tokenizer)?;
        Ok(Self { tokenizer, markup })
    }
}

impl TokenCounter for PromptCounter {
    fn count(&self, message: &Message) -> usize {
        let name = message.name.as_deref().map_or(0, |name| self.tokenizer.count(name) + AROUND_NAME);
        self.tokenizer.count(&message.content) + name + self.markup.of(message.role)
    }

    fn accuracy(&self) -> CountAccuracy {
        CountAccuracy::UpperBound
    }
}

/// What a template adds around a message, in tokens, rounded so that sums are upper bounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Markup {
    system: usize,
    user: usize,
    assistant: usize,
}

impl Markup {
    /// Measures three small conversations, because a template does not say what it adds.
    pub(super) fn measure(template: &Template, tokenizer: &Tokenizer) -> Result<Self, String> {
        let sample = |role| Message::new(role, "x");
        let [system, user, assistant] = [Role::System, Role::User, Role::Assistant].map(sample);
        let one = tokenizer.count("x");
        let length = |messages: &[&Message]| {
            let messages: Vec<Message> = messages.iter().map(|message| (*message).clone()).collect();
            let ids = tokenizer.prompt(&template.render(&messages)?)?;
            Ok::<usize, String>(ids.len().saturating_sub(one * messages.len()))
        };
        // The first question includes the BOS and the opening of the answer; later ones are counted with them, too, which is more than
        // they have.
        let single = length(&[&user])?;
        let pair = length(&[&user, &assistant, &user])?.saturating_sub(single);
        let instructions = length(&[&system, &user])?.saturating_sub(single);
        // Words across the border of a text and its markup may be tokenised differently: two tokens for that.
        Ok(Self { system: instructions + 2, user: single + 2, assistant: pair.saturating_sub(single) + 2 })
    }

    fn of(self, role: Role) -> usize {
        match role {
            Role::System => self.system,
            Role::User => self.user,
            Role::Assistant => self.assistant,
        }
    }
}
