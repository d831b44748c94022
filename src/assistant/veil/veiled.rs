//! A model that is given placeholders.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use crate::{
    compagnon::Language,
    conversation::Role,
    inference::{
        CacheHint, CacheScope, ChatModel, CountAccuracy, Generation, Health, InferenceError, Message, ModelLimits,
        OutputFormat, Request, TextFilter, TokenCounter,
    },
    pseudonym::{Restorer, Restoring, Table},
};

/// How often a request is gone through again because a name was found in a text after others that have it, too.
const MOST_PASSES: usize = 4;

/// A model behind a table: it is given placeholders, and what it writes is given back with what they stand for.
#[derive(Clone)]
pub struct Veiled {
    model: Arc<dyn ChatModel>,
    table: Arc<Mutex<Table>>,
    language: Language,
    /// Whether what it writes keeps its placeholders.
    one_way: bool,
    /// What puts back the placeholders of the last request.
    last: Arc<Mutex<Arc<Restorer>>>,
}

impl Veiled {
    /// A model behind this table. Its prompts say what placeholders are in this language.
    pub fn new(model: Arc<dyn ChatModel>, table: Table, language: Language) -> Self {
        let table = Arc::new(Mutex::new(table));
        Self { model, table, language, one_way: false, last: Arc::default() }
    }

    /// What it writes keeps its placeholders from here on.
    pub fn keep_placeholders(&mut self) {
        self.one_way = true;
    }

    /// Notes who is called how: a name that people chose for themselves is replaced wherever it stands.
    pub fn meet<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        let mut table = self.table();
        for name in names {
            person(&mut table, name);
        }
    }

    /// Reads texts before anything is made of them: a name that is recognised in one of them is replaced in all.
    pub fn learn<'a>(&self, texts: impl IntoIterator<Item = &'a str>) {
        let mut table = self.table();
        for text in texts {
            table.pseudonymise(text);
        }
    }

    /// A text with placeholders.
    #[must_use]
    pub fn hidden(&self, text: &str) -> String {
        self.table().pseudonymise(text).text
    }

    /// What a text stands for that was written in answer to the last request, with its placeholders.
    pub fn restored(&self, text: &str) -> String {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).restore(text)
    }

    /// The table, to be kept; nothing of an empty one.
    #[must_use]
    pub fn kept(&self) -> Option<Value> {
        let table = self.table();
        if table.is_empty() { None } else { serde_json::to_value(&*table).ok() }
    }

    /// A request as the model is given it.
    #[must_use]
    pub fn veiled(&self, request: &Request) -> Request {
        self.prepared(request).0
    }

    /// The same, with what puts back the placeholders that stand in it.
    fn prepared(&self, request: &Request) -> (Request, Restorer) {
        let mut table = self.table();
        let mut messages = Vec::new();
        for _ in 0..MOST_PASSES {
            let known = table.known();
            messages = request.messages.iter().map(|message| hidden(&mut table, message)).collect();
            if table.known() == known {
                break;
            }
        }
        let format = request.format.as_ref().map(|format| hidden_format(&mut table, format));
        let words = match format.as_deref() {
            Some(OutputFormat::JsonSchema(schema)) => schema.to_string(),
            Some(OutputFormat::Pattern(_)) | None => String::new(),
        };
        let texts = messages
            .iter()
            .flat_map(|message: &Message| std::iter::once(message.content.as_str()).chain(message.name.as_deref()));
        let restorer = table.restorer(texts.chain([words.as_str()]));
        let same = |(one, other): (&Message, &Message)| one.content == other.content;
        let unchanged = messages.iter().zip(&request.messages).take(request.cache.shared_prefix_len).all(same);
        // A prefix that holds something of this conversation is not for others.
        let shared_prefix_len = if unchanged { request.cache.shared_prefix_len } else { 0 };
        for message in &mut messages {
            explain(message, self.language);
        }
        let cache = CacheHint { shared_prefix_len, ..request.cache };
        (Request { messages, sampling: request.sampling.clone(), cache, format }, restorer)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ChatModel for Veiled {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn limits(&self) -> ModelLimits {
        self.model.limits()
    }

    fn token_counter(&self) -> Arc<dyn TokenCounter> {
        let (plain, table) = (self.model.token_counter(), Arc::clone(&self.table));
        Arc::new(Counter { plain, table, language: self.language })
    }

    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        let (request, restorer) = self.prepared(&request);
        let restorer = match request.format.as_deref() {
            Some(OutputFormat::JsonSchema(_)) => restorer.within_json(),
            _ => restorer,
        };
        let restorer = Arc::new(restorer);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&restorer);
        let generation = self.model.generate(request)?;
        Ok(if self.one_way { generation } else { generation.through(Restoring::new(restorer)) })
    }

    fn is_remote(&self) -> bool {
        self.model.is_remote()
    }

    fn invalidate(&self, scope: CacheScope) {
        self.model.invalidate(scope);
    }

    fn health(&self) -> Health {
        self.model.health()
    }

    async fn dead(&self) -> String {
        self.model.dead().await
    }
}

impl TextFilter for Restoring {
    fn push(&mut self, piece: &str) -> String {
        Self::push(self, piece)
    }

    fn finish(&mut self) -> String {
        Self::finish(self)
    }
}

/// Counts what the model is given in the place of a message.
struct Counter {
    plain: Arc<dyn TokenCounter>,
    table: Arc<Mutex<Table>>,
    language: Language,
}

impl TokenCounter for Counter {
    fn count(&self, message: &Message) -> usize {
        let mut hidden = hidden(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner), message);
        explain(&mut hidden, self.language);
        self.plain.count(&hidden)
    }

    fn accuracy(&self) -> CountAccuracy {
        self.plain.accuracy()
    }
}

/// A message with placeholders.
fn hidden(table: &mut Table, message: &Message) -> Message {
    let name = message.name.as_deref().map(|name| person(table, name));
    Message { role: message.role, content: table.pseudonymise(&message.content).text, name }
}

/// The placeholder of somebody who is called so. What stands in brackets after a name is of their administration.
fn person(table: &mut Table, name: &str) -> String {
    let own = name.split(['[', '(']).next().unwrap_or_default().trim();
    table.person(if own.is_empty() { name } else { own })
}

/// Says in a system message what placeholders are.
fn explain(message: &mut Message, language: Language) {
    if message.role == Role::System {
        message.content.push_str("\n\n");
        message.content.push_str(match language {
            Language::Fr => {
                "Les noms et les numéros sont remplacés par des repères entre crochets, par exemple [PERSONNE_1] ou \
                 [TELEPHONE_2] : écrivez-les tels quels, comme s’ils étaient le nom ou le numéro, sans les expliquer \
                 ni en inventer d’autres."
            }
            Language::En => {
                "Names and numbers are replaced by marks in brackets, such as [PERSONNE_1] or [TELEPHONE_2]: write \
                 them as they are, as if they were the name or the number, without explaining them or making up \
                 others."
            }
        });
    }
}

/// A form of answers with placeholders: what it lets the model choose from may be names.
fn hidden_format(table: &mut Table, format: &Arc<OutputFormat>) -> Arc<OutputFormat> {
    match &**format {
        OutputFormat::JsonSchema(schema) => {
            let mut schema = schema.clone();
            hide_words(table, &mut schema, false);
            Arc::new(OutputFormat::JsonSchema(schema))
        }
        OutputFormat::Pattern(_) => Arc::clone(format),
    }
}

/// Hides the texts of a schema that are words of an answer, and not of the schema.
fn hide_words(table: &mut Table, value: &mut Value, words: bool) {
    match value {
        Value::String(text) if words => *text = table.pseudonymise(text).text,
        Value::Array(values) => values.iter_mut().for_each(|value| hide_words(table, value, words)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let of_answers = match name.as_str() {
                    "enum" | "const" | "default" | "examples" => true,
                    "title" | "description" => value.is_string(),
                    _ => false,
                };
                hide_words(table, value, words || of_answers);
            }
        }
        _ => {}
    }
}
