//! A model that is given placeholders.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::mpsc;

use super::form::{hidden_format, words};
use crate::{
    assistant::entities::{Entities, Found},
    compagnon::Language,
    conversation::Role,
    inference::{
        CacheHint, CacheScope, ChatModel, CountAccuracy, Generation, Haste, Health, InferenceError, Message,
        ModelLimits, OutputFormat, Piece, Request, TextFilter, TokenCounter,
    },
    pseudonym::{Restorer, Restoring, Table},
};

/// How often a request is gone through again because a name was found in a text after others that have it, too.
const MOST_PASSES: usize = 4;

/// How many pieces of an answer wait to be read.
const PIECES: usize = 64;

/// A model behind a table: it is given placeholders, and what it writes is given back with what they stand for.
#[derive(Clone)]
pub struct Veiled {
    model: Arc<dyn ChatModel>,
    table: Arc<Mutex<Table>>,
    /// What finds names beside the rules, where the configuration has that.
    entities: Option<Arc<Entities>>,
    /// What it has found in all that was read.
    found: Arc<Mutex<Found>>,
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
        Self { model, table, entities: None, found: Arc::default(), language, one_way: false, last: Arc::default() }
    }

    /// The same, which sends nothing that this has not read.
    #[must_use]
    pub fn reading(self, entities: Option<Arc<Entities>>) -> Self {
        Self { entities, ..self }
    }

    /// Has the model that finds names read texts, where there is one: what is made of them then is without these names.
    pub async fn read<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Result<(), InferenceError> {
        let Some(entities) = &self.entities else { return Ok(()) };
        let texts: Vec<&str> = texts.into_iter().collect();
        let found = entities.read(&texts, Haste::Answer).await?;
        self.found.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
        Ok(())
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
        let (mut table, found) = (self.table(), self.found());
        for text in texts {
            table.pseudonymise_with(text, &found.of(text));
        }
    }

    /// A text with placeholders.
    #[must_use]
    pub fn hidden(&self, text: &str) -> String {
        let (mut table, found) = (self.table(), self.found());
        table.pseudonymise_with(text, &found.of(text)).text
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
        let (mut table, found) = (self.table(), self.found());
        let mut messages = Vec::new();
        for _ in 0..MOST_PASSES {
            let known = table.known();
            messages = request.messages.iter().map(|message| hidden(&mut table, &found, message)).collect();
            if table.known() == known {
                break;
            }
        }
        let format = request.format.as_ref().map(|format| hidden_format(&mut table, &found, format));
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
        let (base, sampling) = (request.base.clone(), request.sampling.clone());
        (Request { base, messages, sampling, cache, format }, restorer)
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Taken after the table, by whoever takes both.
    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has the model answer what was read.
    fn answered(&self, request: &Request) -> Result<Generation, InferenceError> {
        let (request, restorer) = self.prepared(request);
        let restorer = match request.format.as_deref() {
            Some(OutputFormat::JsonSchema(_)) => restorer.within_json(),
            _ => restorer,
        };
        let restorer = Arc::new(restorer);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&restorer);
        let generation = self.model.generate(request)?;
        Ok(if self.one_way { generation } else { generation.through(Restoring::new(restorer)) })
    }

    /// Has all of a request read but what is the same for all conversations, which nobody has written in one. Then it is answered.
    async fn read_and_answered(&self, request: &Request) -> Result<Generation, InferenceError> {
        let own = request.messages.iter().skip(request.cache.shared_prefix_len);
        let chosen = request.format.as_deref().map(words).unwrap_or_default();
        self.read(own.map(|message| message.content.as_str()).chain(chosen.iter().map(String::as_str))).await?;
        self.answered(request)
    }

    /// Gives on what is answered, or why nothing is.
    async fn give(&self, request: &Request, pieces: &mpsc::Sender<Result<Piece, InferenceError>>) {
        let mut generation = match self.read_and_answered(request).await {
            Ok(generation) => generation,
            Err(error) => {
                // A reader that was dropped needs no error.
                let _ = pieces.send(Err(error)).await;
                return;
            }
        };
        while let Some(piece) = generation.next().await {
            if pieces.send(piece).await.is_err() {
                return;
            }
        }
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
        let (table, found) = (Arc::clone(&self.table), Arc::clone(&self.found));
        Arc::new(Counter { plain: self.model.token_counter(), table, found, language: self.language })
    }

    fn generate(&self, request: Request) -> Result<Generation, InferenceError> {
        if self.entities.is_none() {
            return self.answered(&request);
        }
        let (pieces, reader) = mpsc::channel(PIECES);
        let own = self.clone();
        tokio::spawn(async move {
            tokio::select! {
                biased;
                // Nobody waits for the answer any more.
                () = pieces.closed() => {}
                () = own.give(&request, &pieces) => {}
            }
        });
        Ok(Generation::new(reader))
    }

    fn is_remote(&self) -> bool {
        self.model.is_remote()
    }

    fn is_test_model(&self) -> bool {
        self.model.is_test_model()
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
    found: Arc<Mutex<Found>>,
    language: Language,
}

impl TokenCounter for Counter {
    fn count(&self, message: &Message) -> usize {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut hidden = hidden(&mut table, &found, message);
        explain(&mut hidden, self.language);
        self.plain.count(&hidden)
    }

    fn accuracy(&self) -> CountAccuracy {
        self.plain.accuracy()
    }
}

/// A message with placeholders.
fn hidden(table: &mut Table, found: &Found, message: &Message) -> Message {
    let name = message.name.as_deref().map(|name| person(table, name));
    Message {
        role: message.role,
        content: table.pseudonymise_with(&message.content, &found.of(&message.content)).text,
        name,
    }
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
