//! The veil of a conversation: whether there is one, and its table between two messages.

use std::{sync::Arc, time::Duration};

use super::veiled::Veiled;
use crate::{
    assistant::{
        clock::{later, now},
        config::Config,
        entities::Entities,
        failure::Failure,
    },
    compagnon::{Compagnon, Pseudonyms, Settings},
    inference::ChatModel,
    job::{JobKind, JobScope, JobState},
    message::ConversationId,
    pseudonym::Table,
    store::{Change, Store},
};

/// What stands between a conversation and the model.
pub struct Veil {
    /// The model behind its table.
    pub model: Veiled,
    /// Whether people are shown the placeholders, too.
    pub one_way: bool,
    conversation: ConversationId,
    /// For how long the table is kept.
    kept_for: Duration,
}

/// Where a veil hangs.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Whose table it is.
    pub conversation: &'a ConversationId,
    /// Who answers there.
    pub compagnon: &'a Compagnon,
    /// What the room has set.
    pub settings: &'a Settings,
}

impl Veil {
    /// That of a conversation; nothing where the model reads what people write. `anew` begins with an empty table: what was said before was taken back,
    /// or is not for who asks now.
    pub async fn of(
        store: &Store,
        config: &Config,
        model: &Arc<dyn ChatModel>,
        entities: Option<&Arc<Entities>>,
        place: Place<'_>,
        anew: bool,
    ) -> Result<Option<Self>, Failure> {
        let Place { conversation, compagnon, settings } = place;
        let asked = Pseudonyms::of(compagnon.about.pseudonyms, settings.pseudonyms, model.is_remote());
        if asked == Pseudonyms::No {
            return Ok(None);
        }
        let table = if anew { None } else { stored(store, conversation).await? };
        let language = compagnon.about.language;
        let model = Veiled::new(Arc::clone(model), table.unwrap_or_default(), language).reading(entities.cloned());
        let kept_for = config.retention_in(settings);
        let conversation = conversation.clone();
        Ok(Some(Self { model, one_way: asked == Pseudonyms::OneWay, conversation, kept_for }))
    }

    /// What keeps the table until the next message. One that has grown too large begins anew.
    pub fn kept(&self) -> Option<Change> {
        let (kind, scope) = (JobKind::Pseudonyms, JobScope::Conversation(self.conversation.clone()));
        let content = self.model.kept()?;
        let at = now();
        let state = JobState { kind, scope, by: None, at, until: later(at, self.kept_for), content };
        Some(if state.fits() { Change::KeepJob(Box::new(state)) } else { Change::DropJob(kind, state.scope) })
    }
}

/// The table of a conversation, as it was kept.
async fn stored(store: &Store, conversation: &ConversationId) -> Result<Option<Table>, Failure> {
    let scope = JobScope::Conversation(conversation.clone());
    let state = store.job_state(JobKind::Pseudonyms, &scope, now()).await?;
    // One that another release wrote differently begins anew.
    Ok(state.and_then(|state| serde_json::from_value(state.content).ok()))
}
