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

/// What a template adds around a message, in tokens, rounded so that the sum over a request that begins with a system message is an upper
/// bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Markup {
    system: usize,
    user: usize,
    assistant: usize,
}

impl Markup {
    /// Measures small conversations, because a template does not say what it adds. Each begins with a system message, as every request
    /// does: a template may put a long one of its own into a conversation that has none.
    pub(super) fn measure(template: &Template, tokenizer: &Tokenizer) -> Result<Self, String> {
        let sample = |role| Message::new(role, "x");
        let [system, user, assistant] = [Role::System, Role::User, Role::Assistant].map(sample);
        let one = tokenizer.count("x");
        let length = |exchanges: usize| {
            let pair = [&assistant, &user];
            let messages = [&system, &user].into_iter().chain(std::iter::repeat_n(pair, exchanges).flatten());
            let messages: Vec<Message> = messages.cloned().collect();
            let ids = tokenizer.prompt(&template.render(&messages)?)?;
            Ok::<usize, String>(ids.len().saturating_sub(one * messages.len()))
        };
        let (first, second, third) = (length(0)?, length(1)?, length(2)?);
        // An answer and the question after it. Some templates mark the first or the last exchange otherwise than those between.
        let pair = second.saturating_sub(first).max(third.saturating_sub(second));
        // What a question alone adds cannot be measured in templates that refuse two of them in a row. Without the system message it
        // includes the BOS and the opening of the answer, which is more than it has later on, but never more than the pair.
        let alone = template.render(std::slice::from_ref(&user)).and_then(|spans| tokenizer.prompt(&spans));
        let user = alone.map_or(pair, |ids| ids.len().saturating_sub(one).min(pair));
        // Words across the border of a text and its markup may be tokenised differently: two tokens for that.
        Ok(Self { system: first.saturating_sub(user) + 2, user: user + 2, assistant: pair - user + 2 })
    }

    fn of(self, role: Role) -> usize {
        match role {
            Role::System => self.system,
            Role::User => self.user,
            Role::Assistant => self.assistant,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use proptest::prelude::*;
    use serde_json::Value as Json;

    use super::{PromptCounter, Template, TokenCounter as _, Tokenizer};
    use crate::{
        conversation::Role,
        inference::{
            Message,
            local::{gguf::Gguf, vocabulary::Vocabulary},
        },
    };

    /// A template of a published model with a tokenizer: the prompts' lengths and their prices.
    struct Case {
        name: String,
        template: Template,
        tokenizer: Arc<Tokenizer>,
        counter: PromptCounter,
    }

    impl Case {
        fn price(&self, messages: &[Message]) -> usize {
            messages.iter().map(|message| self.counter.count(message)).sum()
        }

        fn length(&self, messages: &[Message]) -> usize {
            self.tokenizer.prompt(&self.template.render(messages).unwrap()).unwrap().len()
        }
    }

    /// Each template with each vocabulary: one whose marks are control tokens, and others in which they are text.
    fn cases() -> Vec<Case> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/tokenizers");
        let json = std::fs::read_to_string(folder.join("templates.json")).unwrap();
        let json: Json = serde_json::from_str(&json).unwrap();
        let mut cases = Vec::new();
        for vocabulary in ["tekken", "qwen2", "llama-bpe", "spm"] {
            let gguf = Gguf::open(&folder.join(format!("{vocabulary}.gguf")), None, None).unwrap();
            let tokenizer = Tokenizer::load(&gguf, Arc::new(Vocabulary::read(&gguf).unwrap()), None).unwrap();
            let tokenizer = Arc::new(tokenizer);
            for case in json["cases"].as_array().unwrap() {
                let field = |key: &str| case[key].as_str().unwrap().to_owned();
                let template = Template::new(field("source"), field("bos"), field("eos")).unwrap();
                let counter = PromptCounter::new(&template, Arc::clone(&tokenizer)).unwrap();
                let name = format!("{} with {vocabulary}", field("name"));
                cases.push(Case { name, template, tokenizer: Arc::clone(&tokenizer), counter });
            }
        }
        cases
    }

    /// A system message, exchanges, and a question.
    fn conversation(texts: &[String]) -> Vec<Message> {
        let said = texts.iter().enumerate().map(|(index, text)| {
            let role = if index.is_multiple_of(2) { Role::User } else { Role::Assistant };
            Message::new(role, text.clone())
        });
        let mut messages: Vec<Message> =
            std::iter::once(Message::new(Role::System, "Vous êtes Colette, agent de la mairie.")).chain(said).collect();
        if messages.len() > 2 && messages.last().is_some_and(|last| last.role == Role::Assistant) {
            messages.pop();
        }
        messages
    }

    #[test]
    fn a_prompt_of_the_template_itself_is_counted_once() {
        for case in cases() {
            for exchanges in [0, 1, 2, 20] {
                let messages = conversation(&vec!["Où est la mairie ?".to_owned(); 1 + 2 * exchanges]);
                let (price, length) = (case.price(&messages), case.length(&messages));
                assert!(price >= length, "{}: {price} < {length}", case.name);
                // The two tokens for each border, what differs between the first exchange and the others, and the opening of an answer.
                let most = length + 4 * messages.len() + 64;
                assert!(price <= most, "{}: {price} for {length} tokens, {exchanges} exchanges", case.name);
            }
        }
    }

    #[test]
    fn people_and_instructions_that_follow_one_another_are_within_their_price() {
        let user = |text: &str| Message::new(Role::User, text);
        let system = Message::new(Role::System, "Soyez bref.");
        for case in cases() {
            for messages in [
                vec![system.clone(), user("Un."), user("Deux."), user("Trois.")],
                vec![
                    system.clone(),
                    user("Un."),
                    Message::new(Role::Assistant, "Deux."),
                    user("Trois."),
                    user("Quatre."),
                ],
            ] {
                let (price, length) = (case.price(&messages), case.length(&messages));
                assert!(price >= length, "{}: {price} < {length}", case.name);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn no_text_costs_more_than_its_price(texts in prop::collection::vec("\\PC{0,60}|[a-zé \n]{1,80}", 1..8)) {
            // Nobody says nothing: some templates refuse that.
            let texts: Vec<String> = texts.into_iter().map(|text| format!("a{text}")).collect();
            let messages = conversation(&texts);
            for case in cases() {
                let (price, length) = (case.price(&messages), case.length(&messages));
                prop_assert!(price >= length, "{}: {price} < {length}", case.name);
            }
        }
    }

    /// Ministral 3 puts 2,406 characters of its own into a conversation without a system message.
    #[test]
    fn as_much_is_remembered_of_a_conversation_as_fits() {
        let exchange = ["mot ".repeat(60), "mot ".repeat(150)];
        // How many exchanges fit beside an answer of 1,024 tokens.
        let remembered = |cost: &dyn Fn(&[Message]) -> usize| {
            let fits = |count: &usize| {
                let mut texts: Vec<String> = exchange.iter().cycle().take(2 * count).cloned().collect();
                texts.push(exchange[0].clone());
                cost(&conversation(&texts)) <= 4096 - 1024
            };
            (0..1_000).take_while(fits).count().saturating_sub(1)
        };
        for case in cases() {
            let [counted, real] = [remembered(&|said| case.price(said)), remembered(&|said| case.length(said))];
            println!("{}: {counted} exchanges of 60 and 150 words in 4,096 tokens, {real} would fit", case.name);
            assert!(counted <= real && counted + 1 >= real && counted > 0, "{}: {counted} of {real}", case.name);
        }
    }
}
