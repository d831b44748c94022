//! What a model is asked: messages, sampling parameters, and what a prefix cache may keep of them.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::Deserialize;

use crate::conversation::Role;

/// One message of a prompt. Its text is content, never markup: an engine encodes it with control tokens off.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The text.
    pub content: String,
    /// The author's name, where several people speak. A template renders it in a field of its own, outside the text.
    pub name: Option<String>,
}

impl Message {
    /// A message without a name.
    #[must_use]
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), name: None }
    }
}

impl fmt::Debug for Message {
    /// Leaves the text out: what people write never reaches a log.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Message")
            .field("role", &self.role)
            .field("bytes", &self.content.len())
            .finish_non_exhaustive()
    }
}

/// How tokens are sampled, and when to stop.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Sampling {
    /// 0 takes the most likely token each time; the higher, the more varied. No unit.
    pub temperature: f32,
    /// Only the smallest set of tokens whose probabilities reach this sum is sampled from (0 < p ≤ 1).
    pub top_p: f32,
    /// At most this many of the most likely tokens are sampled from; 0 means all.
    pub top_k: usize,
    /// Only tokens with at least this share of the highest probability are sampled from (0 ≤ p ≤ 1); 0 means all.
    pub min_p: f32,
    /// Divides (positive) or multiplies (negative) the logits of the answer's last 64 tokens; 1 changes nothing. The
    /// prompt's own tokens are left alone: names and figures must be copied from it.
    pub repetition_penalty: f32,
    /// Subtracted once from the logit of each token that the answer contains already (-2 to 2); 0 changes nothing.
    pub presence_penalty: f32,
    /// Makes sampling repeatable; `None` takes a fresh seed.
    pub seed: Option<u64>,
    /// The most tokens an answer may have.
    pub max_tokens: usize,
    /// Texts that end the answer; they are not part of it.
    pub stop: Vec<String>,
}

impl Default for Sampling {
    /// A low temperature: answers for work are to be accurate before they are varied.
    fn default() -> Self {
        Self {
            temperature: 0.3,
            top_p: 0.95,
            top_k: 40,
            min_p: 0.0,
            repetition_penalty: 1.05,
            presence_penalty: 0.0,
            seed: None,
            max_tokens: 1024,
            stop: Vec::new(),
        }
    }
}

/// A prompt and how to answer it.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The rules that stand before everything else, where there are any: the program's own, the same for every conversation. They are no
    /// message, so that nothing that is done to messages, and nothing that stands in one, changes them.
    pub base: Option<Arc<str>>,
    /// The system prompt, the history and the question, oldest first.
    pub messages: Vec<Message>,
    /// How to sample tokens.
    pub sampling: Sampling,
    /// What a prefix cache may keep of the prompt.
    pub cache: CacheHint,
    /// The form that the answer must have; any text without one.
    pub format: Option<Arc<OutputFormat>>,
}

impl Request {
    /// A request of which nothing is shared or kept.
    #[must_use]
    pub fn new(messages: Vec<Message>, sampling: Sampling) -> Self {
        Self { messages, sampling, ..Self::default() }
    }

    /// The messages as they are rendered: the base is the beginning of the system message.
    #[must_use]
    pub fn rendered(&self) -> Cow<'_, [Message]> {
        let Some(base) = self.base.as_deref() else { return Cow::Borrowed(&self.messages) };
        let (system, others) = match self.messages.split_first() {
            Some((first, others)) if first.role == Role::System => (Some(first), others),
            _ => (None, &*self.messages),
        };
        let system = Self::system(Some(base), system.map_or("", |system| &system.content));
        std::iter::once(system).chain(others.iter().cloned()).collect()
    }

    /// The system message of a base and a text: what counting one counts.
    #[must_use]
    pub fn system(base: Option<&str>, text: &str) -> Message {
        Message::new(Role::System, [base, Some(text)].into_iter().flatten().collect::<Vec<_>>().join("\n"))
    }
}

/// The form of an answer. A model's reasoning, where it has one, is free: the form is of what follows it.
///
/// An answer that ends by itself ([`Finish::Stop`](super::Finish::Stop)) has the form. One whose tokens run out
/// ([`Finish::Length`](super::Finish::Length)) is cut: where it can, an engine then closes JSON in time, with values that are empty or
/// meaningless, so that it parses and is what the schema says; where it cannot (fewer tokens than the least text of the form, a
/// pattern), and after a stop text or the time limit, the text ends anywhere.
#[derive(Clone, PartialEq)]
pub enum OutputFormat {
    /// JSON that this JSON schema accepts, on one line. Schemas say how long everything may be (`maxLength`, `maxItems`): what is bounded
    /// ends. Fields are written in the schema's order, and no others but where it says something of `additionalProperties`; numbers
    /// without bounds stay within 10¹⁵; what may be anything is a text, a number, a boolean or null. Not supported, and refused: `not`,
    /// `if`, `uniqueItems`, `oneOf` whose parts overlap, references to elsewhere.
    JsonSchema(serde_json::Value),
    /// A text that this regular expression matches as a whole: without anchors, look-around and back-references.
    Pattern(String),
}

impl fmt::Debug for OutputFormat {
    /// Leaves the schema out: its enumerations may be of a conversation.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::JsonSchema(_) => formatter.debug_struct("JsonSchema").finish_non_exhaustive(),
            Self::Pattern(pattern) => {
                formatter.debug_struct("Pattern").field("bytes", &pattern.len()).finish_non_exhaustive()
            }
        }
    }
}

/// Who may reuse what was computed of a prompt. A cache hit is observably faster, so it reveals that the prefix was cached: a
/// prefix is matched only where this allows it. An engine without a prefix cache of its own ignores it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheHint {
    /// The conversation, as an opaque key whose upper 32 bits are the room's. What was computed of it is matched by the same key
    /// only. 0 keeps nothing.
    pub cache_key: u64,
    /// How many of the first messages contain nothing of one conversation, so that every conversation may reuse them: 1 for a
    /// system prompt without anything of the room, else 0. The base is always reused.
    pub shared_prefix_len: usize,
}

/// What [`ChatModel::invalidate`](super::ChatModel::invalidate) removes from the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CacheScope {
    /// One conversation, by its [`CacheHint::cache_key`].
    Conversation(u64),
    /// All conversations whose cache key has these upper 32 bits: a room and its threads.
    Room(u32),
    /// All conversations. Shared prefixes stay: they contain nothing of a conversation.
    Conversations,
    /// All conversations and all shared prefixes.
    All,
}

impl CacheScope {
    /// Whether the conversation with this cache key is in the scope.
    #[must_use]
    pub fn covers(self, cache_key: u64) -> bool {
        match self {
            Self::Conversation(one) => cache_key == one,
            Self::Room(room) => cache_key >> 32 == u64::from(room),
            Self::Conversations | Self::All => true,
        }
    }
}
