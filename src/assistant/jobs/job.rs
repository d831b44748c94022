//! What a job knows and may use.

use std::sync::OnceLock;

use tokio::sync::{OwnedMutexGuard, watch};

use crate::{
    assistant::{
        counting,
        courier::Ending,
        entities::Found,
        exchange::{EffectiveCompagnon, Parts, patiently},
        texts::{Language, Text},
        veil::Veil,
    },
    command::Call,
    compagnon::Settings,
    inference::{ChatModel, Haste, InferenceError, Request},
    matrix::RoomFacts,
    message::{Incoming, Item},
    store::Queued,
    usage::{AnswerUsage, Usage},
};

/// A job being carried out.
pub struct Job<'a> {
    pub(super) parts: &'a Parts,
    /// The message as it waits.
    pub(super) queued: &'a Queued,
    pub(super) message: &'a Incoming,
    pub(super) call: &'a Call,
    pub(super) settings: &'a Settings,
    /// Who answers in the room: its prompt may matter, and it is named in the usage.
    pub(super) compagnon: &'a EffectiveCompagnon,
    /// What stands between the conversation and the model.
    pub(super) veil: Option<&'a Veil>,
    /// What the room is; nothing when the bot is not in it any more.
    pub(super) room: Option<&'a RoomFacts>,
    /// The language of what the bot says.
    pub(super) language: Language,
    pub(super) progress: &'a watch::Sender<Progress>,
    /// The turn that it has taken, where only one job of its kind is carried out at a time.
    pub(super) turn: &'a Turn,
}

/// A turn that is taken once.
pub(super) type Turn = OnceLock<OwnedMutexGuard<()>>;

/// How far a job has come, as the room sees it. Nothing is shown before something is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How much is done. What is shown is renewed when this has grown.
    pub done: usize,
    /// The sentence that says so.
    pub text: String,
}

impl Job<'_> {
    /// Tells how far the job has come.
    pub(super) fn progressed(&self, done: usize, text: &Text<'_>) {
        let text = self.text(text);
        self.progress.send_if_modified(|progress| {
            let further = done > progress.done;
            if further {
                *progress = Progress { done, text };
            }
            further
        });
    }

    /// What reads and writes for the job: the model, or what stands before it. Every request goes to this one, and is counted with it.
    pub(super) fn model(&self) -> &dyn ChatModel {
        match self.veil {
            Some(veil) => &veil.model,
            None => &*self.parts.model,
        }
    }

    /// The names that a model finds in texts beside the rules, where the configuration has one.
    pub(super) async fn names(&self, texts: &[&str], haste: Haste) -> Result<Found, InferenceError> {
        match &self.parts.entities {
            Some(entities) => entities.read(texts, haste).await,
            None => Ok(Found::default()),
        }
    }

    /// What the model writes for a request, with what it cost. Waits for a place in its queue.
    pub(super) async fn write(&self, request: &Request) -> Result<(String, Usage), InferenceError> {
        patiently(self.model(), request).await
    }

    /// What the work cost, with who did it.
    pub(super) fn usage(&self, usage: Usage) -> AnswerUsage {
        AnswerUsage {
            usage,
            model: self.parts.model.name().to_owned(),
            compagnon: self.compagnon.compagnon.id.clone(),
            compagnon_version: self.compagnon.version,
        }
    }

    /// A sentence in the language of the answer.
    pub(super) fn text(&self, text: &Text<'_>) -> String {
        text.say(self.language).into_owned()
    }

    /// A sentence and nothing else.
    pub(super) fn ends(&self, text: &Text<'_>) -> Ending {
        Ending { items: self.say(text), outcome: counting::outcome(text), ..Ending::default() }
    }

    /// A sentence, as the whole of what is said.
    pub(super) fn say(&self, text: &Text<'_>) -> Vec<Item> {
        super::texts::notices(&self.text(text))
    }
}
