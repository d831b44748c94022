//! The model's chat template, rendered so that the text of messages is never mixed with its markup.
//!
//! The template gets a placeholder for each message's text. The rendered prompt is split at the placeholders, and the texts are inserted
//! as content. White space at the ends of a text is left in the placeholder, because many templates trim it.

use std::fmt::Write as _;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, context};
use rand::Rng;

use super::gguf::Gguf;
use super::gguf_error::{GgufError, one_line};
use super::tokenizer::Span;
use super::vocabulary::Vocabulary;
use crate::conversation::Role;
use crate::inference::Message;

/// The template for a file that has none but has its tokens.
pub(super) const CHATML: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
                                 {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// The instructions that rendering may execute: a thousand times what a long conversation needs, and well under a second.
const FUEL: u64 = 5_000_000;

const OPEN: char = '\u{E000}';
const CLOSE: char = '\u{E001}';

/// A compiled chat template.
pub(super) struct Template {
    environment: Environment<'static>,
    bos: String,
    eos: String,
    /// Whether it renders the speaker's name from a field of its own.
    names: bool,
}

impl Template {
    /// The template of a file, or [`CHATML`] where it has none but has its tokens.
    pub(super) fn of(gguf: &Gguf, vocabulary: &Vocabulary) -> Result<Self, GgufError> {
        let spelling = |key: &str| {
            let id = gguf.number(key).and_then(|id| vocabulary.tokens.get(id as usize));
            id.cloned().unwrap_or_default()
        };
        let source = match gguf.text("tokenizer.chat_template") {
            Some(source) => source,
            None if ["<|im_start|>", "<|im_end|>"].iter().all(|token| vocabulary.reserved(token).is_some()) => CHATML,
            None => return Err(GgufError::unsupported("it has no chat template: it is not made for conversations")),
        };
        let (bos, eos) = (spelling("tokenizer.ggml.bos_token_id"), spelling("tokenizer.ggml.eos_token_id"));
        Self::new(source.to_owned(), bos, eos)
    }

    /// Compiles a template; `bos` and `eos` are the spellings it may write.
    pub(super) fn new(source: String, bos: String, eos: String) -> Result<Self, GgufError> {
        let environment = Self::compile(source)
            .map_err(|error| GgufError::damaged(format!("its chat template cannot be read: {error}")))?;
        let mut template = Self { environment, bos, eos, names: true };
        let probe = Message { name: Some("name".to_owned()), ..Message::new(Role::User, "text") };
        let shown = template.try_render(std::slice::from_ref(&probe)).unwrap_or_default();
        template.names = shown.contains(&Span::Content("name".to_owned()));
        Ok(template)
    }

    fn compile(source: String) -> Result<Environment<'static>, Error> {
        let mut environment = Environment::new();
        // As the transformers library sets Jinja up for chat templates.
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        environment.set_fuel(Some(FUEL));
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.add_function("raise_exception", |reason: String| -> Result<Value, Error> {
            Err(Error::new(ErrorKind::InvalidOperation, reason))
        });
        environment.add_function("strftime_now", strftime_now);
        environment.add_filter("tojson", tojson);
        environment.add_template_owned("chat", source)?;
        Ok(environment)
    }

    /// The prompt for these messages, ready for the answer. The error never contains content.
    ///
    /// A template that refuses two messages of one person in a row gets adjacent messages of one role joined; one that refuses or drops
    /// the system message gets it at the start of the first question.
    pub(super) fn render(&self, messages: &[Message]) -> Result<Vec<Span>, String> {
        let headed: Vec<Message>;
        let messages = if self.names || messages.iter().all(|message| message.name.is_none()) {
            messages
        } else {
            headed = messages.iter().map(head).collect();
            &headed
        };
        let first = match self.try_render(messages) {
            Ok(spans) if shows_system(&spans, messages) => return Ok(spans),
            first => first,
        };
        // With its own role where the template takes it: without a system message, some put a long one of their own there.
        let joined = join(messages.iter().cloned());
        if let Ok(spans) = self.try_render(&joined)
            && shows_system(&spans, &joined)
        {
            return Ok(spans);
        }
        let folded = self.try_render(&fold(messages));
        if folded.is_err() && first.is_ok() { first } else { folded }
    }

    fn try_render(&self, messages: &[Message]) -> Result<Vec<Span>, String> {
        let mut nonce = [0; 16];
        rand::rng().fill_bytes(&mut nonce);
        let mut open = OPEN.to_string();
        for byte in nonce {
            // Writing to a string cannot fail.
            let _ = write!(open, "{byte:02x}");
        }
        open.push(':');
        let values: Vec<Value> = messages
            .iter()
            .enumerate()
            .map(|(index, message)| {
                let content = placeholder(&message.content, &open, index);
                let mut fields = vec![("role", role(message.role).to_owned()), ("content", content)];
                // Templates also ask whether there is such a field at all.
                let name = message.name.as_deref().map(|name| placeholder(name, &open, messages.len() + index));
                fields.extend(name.map(|name| ("name", name)));
                Value::from_pairs(fields)
            })
            .collect();
        let context = context! {
            messages => values,
            // As transformers calls a template: they are defined as none.
            tools => Value::from(()),
            documents => Value::from(()),
            add_generation_prompt => true,
            bos_token => self.bos.as_str(),
            eos_token => self.eos.as_str(),
            // Reasoning models: an answer without reasoning comes sooner.
            enable_thinking => false,
        };
        let rendering = self
            .environment
            .get_template("chat")
            .and_then(|template| template.render(context))
            .map_err(|error| one_line(&format!("the chat template failed: {error}")))?;
        Ok(cut(&rendering, &open, messages))
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// The outer white space of a text around a placeholder for the rest; a blank text is left as it is.
fn placeholder(content: &str, open: &str, index: usize) -> String {
    let core = content.trim();
    if core.is_empty() {
        return content.to_owned();
    }
    let lead = &content[..content.len() - content.trim_start().len()];
    let trail = &content[content.trim_end().len()..];
    format!("{lead}{open}{index}{CLOSE}{trail}")
}

/// Splits a rendered prompt at its placeholders.
fn cut(rendering: &str, open: &str, messages: &[Message]) -> Vec<Span> {
    let mut parts = rendering.split(open);
    let mut spans = vec![Span::Markup(parts.next().unwrap_or_default().to_owned())];
    for part in parts {
        // A template that cut a placeholder has dropped that text: the rest is markup.
        let Some((index, markup)) = part.split_once(CLOSE) else { continue };
        if let Some(text) = index.parse().ok().and_then(|index| text(messages, index)) {
            spans.push(Span::Content(text.trim().to_owned()));
        }
        spans.push(Span::Markup(markup.to_owned()));
    }
    spans
}

/// The text that a placeholder stands for: first the contents, then the names.
fn text(messages: &[Message], index: usize) -> Option<&str> {
    match index.checked_sub(messages.len()) {
        None => messages.get(index).map(|message| message.content.as_str()),
        Some(index) => messages.get(index)?.name.as_deref(),
    }
}

/// The brackets around a name before a text.
const BRACKETS: [char; 2] = ['⟦', '⟧'];

/// For a template without a field for names: the name before the text, in brackets that are removed from all texts, so that no text can
/// pretend to be another speaker's.
fn head(message: &Message) -> Message {
    let content = message.content.replace(BRACKETS, "");
    let content = match &message.name {
        Some(name) => format!("⟦{}⟧ {}", name.replace(BRACKETS, ""), content.trim_start()),
        None => content,
    };
    Message::new(message.role, content)
}

fn shows_system(spans: &[Span], messages: &[Message]) -> bool {
    messages
        .iter()
        .filter(|message| message.role == Role::System && !message.content.trim().is_empty())
        .all(|message| spans.contains(&Span::Content(message.content.trim().to_owned())))
}

/// Without a system role, and with roles that alternate: the system message becomes a part of the first question.
fn fold(messages: &[Message]) -> Vec<Message> {
    join(messages.iter().map(|message| {
        let role = if message.role == Role::System { Role::User } else { message.role };
        Message { role, ..message.clone() }
    }))
}

/// With roles that alternate.
fn join(messages: impl Iterator<Item = Message>) -> Vec<Message> {
    let mut joined: Vec<Message> = Vec::new();
    for message in messages {
        match joined.last_mut().filter(|last| last.role == message.role) {
            Some(last) => {
                last.content.push_str("\n\n");
                last.content.push_str(&message.content);
                last.name = last.name.take().or(message.name);
            }
            None => joined.push(message),
        }
    }
    joined
}

fn strftime_now(format: &str) -> Result<String, Error> {
    jiff::fmt::strtime::format(format, &jiff::Zoned::now())
        .map_err(|_| Error::new(ErrorKind::InvalidOperation, "strftime_now: the format cannot be used"))
}

/// Jinja's `tojson` as chat templates expect it: minijinja's, without its escapes for HTML.
fn tojson(value: &Value, indent: Option<Value>, options: minijinja::value::Kwargs) -> Result<Value, Error> {
    let escaped = minijinja::filters::tojson(value, indent, options)?.to_string();
    let mut plain = String::with_capacity(escaped.len());
    let mut rest = escaped.as_str();
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let (escape, character) = match rest.get(at..at + 6) {
            Some("\\u003c") => (6, "<"),
            Some("\\u003e") => (6, ">"),
            Some("\\u0026") => (6, "&"),
            Some("\\u0027") => (6, "'"),
            // Every other escape is two ASCII characters that stay; after `\u` the digits follow as text.
            _ => (2, &rest[at..at + 2]),
        };
        plain.push_str(character);
        rest = &rest[at + escape..];
    }
    plain.push_str(rest);
    Ok(Value::from_safe_string(plain))
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
