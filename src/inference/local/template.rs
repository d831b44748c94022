//! From messages to tokens, through the chat template that the model's authors wrote.
//!
//! The template never sees what people write. Each message's text is stood in for by a mark that nobody can guess; once the template is
//! rendered, what is around the marks is its own markup, where control tokens are control tokens, and the texts are put back as text.

use minijinja::{Environment, Error, ErrorKind, Value, context};
use rand::RngExt as _;

use super::{
    gguf::Metadata,
    tokenizer::{Stretch, Tokenizer},
};
use crate::{conversation::Role, inference::Message};

/// What a template may cost: they come with the model file, and one that loops must not stop the bot.
const FUEL: u64 = 2_000_000;

/// The template of models that have none but know `ChatML`'s tokens.
const CHATML: &str = "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// A chat template, ready.
pub(super) struct Template {
    environment: Environment<'static>,
    bos: String,
    eos: String,
}

impl Template {
    /// Reads the template; the error is one sentence.
    pub(super) fn read(metadata: &Metadata, tokenizer: &Tokenizer) -> Result<Self, String> {
        let source = match metadata.text("tokenizer.chat_template") {
            Some(source) => source,
            None if tokenizer.control("<|im_start|>").is_some() => CHATML,
            None => return Err("it has no chat template: choose a model made for conversation".to_owned()),
        };
        let mut environment = Environment::new();
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |reason: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, reason))
        });
        environment.add_function("strftime_now", |format: String| {
            jiff::fmt::strtime::format(&format, &jiff::Zoned::now()).unwrap_or_default()
        });
        // The whole text is the model's input, not a web page.
        environment.add_filter("tojson", |value: Value| serde_json::to_string(&value).unwrap_or_default());
        environment
            .add_template_owned("chat", source.to_owned())
            .map_err(|error| format!("its chat template cannot be read: {error}"))?;
        let spelling = |id: Option<u32>| id.map_or_else(String::new, |id| tokenizer.spelling(id).to_owned());
        Ok(Self { environment, bos: spelling(tokenizer.bos), eos: spelling(tokenizer.ends.last().copied()) })
    }

    /// The tokens of a prompt that the model is to answer.
    pub(super) fn encode(&self, tokenizer: &Tokenizer, messages: &[Message]) -> Result<Vec<u32>, String> {
        let nonce: u128 = rand::rng().random();
        let mark = |index: usize| format!("\u{E000}{nonce:032x}-{index}\u{E001}");
        // Some templates know no system role: the instructions then open the first message.
        let rendered = self.render(messages.iter().enumerate().map(|(at, message)| (message.role, mark(at)))).or_else(
            |error| match messages {
                [system, first, rest @ ..] if system.role == Role::System && first.role == Role::User => {
                    let opening = std::iter::once((Role::User, format!("{}\n\n{}", mark(0), mark(1))));
                    self.render(
                        opening.chain(rest.iter().enumerate().map(|(at, message)| (message.role, mark(at + 2)))),
                    )
                }
                _ => Err(error),
            },
        )?;
        let mut prompt = Prompt::default();
        let mut rest = rendered.as_str();
        while let Some((at, index, mark)) = (0..messages.len())
            .map(|index| (index, mark(index)))
            .filter_map(|(index, mark)| rest.find(&mark).map(|at| (at, index, mark)))
            .min()
        {
            prompt.markup(tokenizer, &rest[..at])?;
            prompt.text.push_str(&messages[index].content);
            rest = &rest[at + mark.len()..];
        }
        prompt.markup(tokenizer, rest)?;
        prompt.finish(tokenizer)
    }

    fn render(&self, messages: impl Iterator<Item = (Role, String)>) -> Result<String, String> {
        let messages: Vec<Value> =
            messages.map(|(role, content)| context! { role => role.as_str(), content }).collect();
        let template = self.environment.get_template("chat").map_err(|error| error.to_string())?;
        let variables = context! {
            messages,
            add_generation_prompt => true,
            bos_token => &*self.bos,
            eos_token => &*self.eos,
        };
        template.render(variables).map_err(|error| format!("the chat template failed: {error}"))
    }
}

/// Tokens so far, and the text that is not encoded yet: text on both sides of a mark is encoded in one go, as the model was taught.
#[derive(Default)]
struct Prompt {
    tokens: Vec<u32>,
    text: String,
}

impl Prompt {
    fn markup(&mut self, tokenizer: &Tokenizer, markup: &str) -> Result<(), String> {
        for stretch in tokenizer.stretches(markup) {
            match stretch {
                Stretch::Text(text) => self.text.push_str(&text),
                Stretch::Control(id) => {
                    self.encode(tokenizer)?;
                    self.tokens.push(id);
                }
            }
        }
        Ok(())
    }

    fn encode(&mut self, tokenizer: &Tokenizer) -> Result<(), String> {
        if !self.text.is_empty() {
            self.tokens.extend(tokenizer.encode(&std::mem::take(&mut self.text))?);
        }
        Ok(())
    }

    fn finish(mut self, tokenizer: &Tokenizer) -> Result<Vec<u32>, String> {
        self.encode(tokenizer)?;
        match tokenizer.bos {
            Some(bos) if tokenizer.add_bos && self.tokens.first() != Some(&bos) => self.tokens.insert(0, bos),
            _ => {}
        }
        Ok(self.tokens)
    }
}
