//! The summaries of long conversations, made by the model itself off the way of any answer.
//!
//! When the turns of a conversation are about to fill their share of the model's context, the older half of them is condensed. That begins only
//! once no question waits or is answered anywhere, and it is given up as soon as one comes in: it is tried again when all is quiet.

mod prompt;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use self::prompt::Prompt;
use super::{effective::EffectiveCompagnon, whole::whole};
use crate::{
    assistant::{
        clock::now,
        config::Config,
        dispatch::Lanes,
        entities::Entities,
        failure::Failure,
        lifecycle::Lifecycle,
        veil::{Place, Veil},
    },
    compagnon::{Language, LibraryWatcher},
    conversation::{Role, Turn, trimmed},
    inference::{ChatModel, InferenceError, Message, Request, Sampling},
    message::ConversationId,
    store::{NewSummary, Past, Store},
};

/// The most conversations that wait for their summary. One that finds no place comes again with its next answer.
const MOST_WAITING: usize = 100;

/// How often questions interrupt a summary, all its requests together. The next answer in its conversation begins anew.
const MOST_TRIES: usize = 5;

/// How often a conversation whose summary fails is tried until the program starts again: what is in it may be what the engine fails on.
const MOST_FAILURES: usize = 2;

/// The most failures that are remembered; the oldest are forgotten.
const FAILURES: usize = 200;

/// The most requests to the model for one summary: what is older than these take in is left out of it.
const MOST_REQUESTS: usize = 8;

/// The most characters of a summary, whatever the length of the model's tokens.
const LONGEST: usize = 2_000;

/// Makes summaries, one at a time.
pub struct Summaries {
    parts: Parts,
    waiting: Mutex<Waiting>,
}

/// What making a summary needs.
pub struct Parts {
    /// What was said, and the summaries.
    pub store: Store,
    /// What writes them.
    pub model: Arc<dyn ChatModel>,
    /// What finds names beside the rules, where the configuration has that.
    pub entities: Option<Arc<Entities>>,
    /// The library of compagnons: a summary is in the language of its compagnon.
    pub library: Arc<LibraryWatcher>,
    /// The `assistant` section of the configuration.
    pub config: Arc<Config>,
    /// How the model samples.
    pub sampling: Arc<Sampling>,
    /// Where questions wait: they come first.
    pub lanes: Arc<Lanes>,
    /// The tasks.
    pub lifecycle: Arc<Lifecycle>,
}

#[derive(Default)]
struct Waiting {
    conversations: VecDeque<Due>,
    /// One entry for each failure.
    failed: VecDeque<ConversationId>,
    running: bool,
}

/// A conversation that is about to be too long.
struct Due {
    conversation: ConversationId,
    /// How many tokens its turns may have.
    room: usize,
}

impl Summaries {
    /// Nothing is due yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        Arc::new(Self { parts, waiting: Mutex::default() })
    }

    /// The turns of a conversation are about to need more than `room` tokens: it is summarised once nothing else is to be done.
    pub fn note(self: &Arc<Self>, conversation: ConversationId, room: usize) {
        let mut waiting = self.waiting();
        if waiting.failed.iter().filter(|failed| **failed == conversation).count() >= MOST_FAILURES {
            return;
        }
        let place = waiting.conversations.iter().position(|due| due.conversation == conversation);
        if let Some(due) = place.and_then(|place| waiting.conversations.get_mut(place)) {
            due.room = room;
        } else if waiting.conversations.len() < MOST_WAITING {
            waiting.conversations.push_back(Due { conversation, room });
        } else {
            return;
        }
        if !std::mem::replace(&mut waiting.running, true) {
            self.parts.lifecycle.spawn(Arc::clone(self).run());
        }
    }

    async fn run(self: Arc<Self>) {
        let lifecycle = &self.parts.lifecycle;
        while let Some(due) = self.next() {
            match lifecycle.until_stop(self.summarise(&due)).await {
                Ok(outcome) => lifecycle.report(outcome),
                Err(_) => return,
            }
        }
    }

    fn next(&self) -> Option<Due> {
        let mut waiting = self.waiting();
        let next = waiting.conversations.pop_front();
        waiting.running = next.is_some();
        next
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Brings the summary of a conversation up to date.
    async fn summarise(&self, due: &Due) -> Result<(), Failure> {
        let Parts { store, model, sampling, .. } = &self.parts;
        let mut tries = MOST_TRIES;
        for _ in 0..MOST_REQUESTS {
            let (language, veil) = self.reader(&due.conversation).await?;
            let model: &dyn ChatModel = veil.as_ref().map_or(&**model, |veil| &veil.model);
            let past = store.past(&due.conversation).await?;
            if let Some(veil) = &veil {
                let asker =
                    |turn: &'_ Turn| turn.name.clone().or_else(|| Some(turn.asker.as_ref()?.localpart().to_owned()));
                let names: Vec<String> = past.turns.iter().filter_map(asker).collect();
                veil.model.meet(names.iter().map(String::as_str));
                veil.model.read(past.turns.iter().map(|turn| turn.content.as_str())).await?;
                veil.model.learn(past.turns.iter().map(|turn| turn.content.as_str()));
            }
            let leaving = leaving(&past, due.room, |turn| {
                model.token_counter().count(&Message::new(turn.role, turn.content.clone()))
            });
            let Some(Prompt { request, turns }) =
                prompt::prompt(model, sampling, language, past.summary.as_ref(), leaving)
            else {
                return Ok(());
            };
            let text = match self.written(model, &request, &mut tries).await {
                Written::Summary(text) => text,
                Written::Interrupted => return Ok(()),
                Written::Failed => {
                    tracing::warn!("a conversation is not summarised: its oldest turns are left out");
                    self.note_failure(&due.conversation);
                    return Ok(());
                }
            };
            let continues = past.summary.as_ref().map(|summary| summary.number);
            let made = NewSummary { text, continues, turns: leaving[..turns].to_vec() };
            if !store.summarise(&due.conversation, made, now()).await? {
                // Something in it was changed or taken back meanwhile.
                return Ok(());
            }
            tracing::debug!(turns, "a conversation was summarised");
        }
        Ok(())
    }

    /// The language of a conversation's summary, and what stands between it and the model.
    async fn reader(&self, conversation: &ConversationId) -> Result<(Language, Option<Veil>), Failure> {
        let Parts { store, library, config, model, entities, .. } = &self.parts;
        let room = &conversation.room_id;
        let settings = store.room_settings(room).await?;
        let effective = EffectiveCompagnon::of_room(store, library, config, room, &settings).await?;
        let place = Place { conversation, compagnon: &effective.compagnon, settings: &settings };
        // What the summary adds to its table is not kept: the next question finds it, too.
        let veil = Veil::of(store, config, model, entities.as_ref(), place, false).await?;
        Ok((effective.compagnon.about.language, veil))
    }

    fn note_failure(&self, conversation: &ConversationId) {
        let mut waiting = self.waiting();
        waiting.failed.push_back(conversation.clone());
        if waiting.failed.len() > FAILURES {
            waiting.failed.pop_front();
        }
    }

    /// What the model writes while nobody asks for anything.
    async fn written(&self, model: &dyn ChatModel, request: &Request, tries: &mut usize) -> Written {
        let Parts { lanes, .. } = &self.parts;
        while *tries > 0 {
            lanes.quiet().await;
            let read = async {
                let generation = model.generate(request.clone())?;
                whole(generation).await.map(|(text, _)| text)
            };
            tokio::select! {
                biased;
                // Dropping the generation ends it.
                () = lanes.busy() => {}
                text = read => match text.map(|text| one_line(&text)) {
                    Ok(text) if !text.is_empty() => return Written::Summary(text),
                    Ok(_) => return Written::Failed,
                    // It takes no more requests: somebody asks for something.
                    Err(InferenceError::Busy) => {}
                    Err(error) => {
                        tracing::warn!(%error, "a summary failed");
                        return Written::Failed;
                    }
                },
            }
            *tries -= 1;
        }
        Written::Interrupted
    }
}

/// What became of a request for a summary.
enum Written {
    Summary(String),
    /// Too often.
    Interrupted,
    /// The model failed, or wrote nothing.
    Failed,
}

/// A summary is put below headings in a system message: on one line it cannot pass for one of them. A long one is cut after a word.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ").replace(char::is_control, "");
    match line.char_indices().nth(LONGEST) {
        None => line,
        Some((end, _)) => line[..end].rsplit_once(' ').map_or(&line[..end], |(whole, _)| whole).to_owned(),
    }
}

/// The turns that leave the prompt: all but the newest that need half of the room, so that it is some time until the next summary. The last
/// exchange always stays.
fn leaving(past: &Past, room: usize, cost: impl Fn(&Turn) -> usize) -> &[Turn] {
    let turns = &past.turns[past.covered..];
    let last_exchange = turns.iter().rposition(|turn| turn.role == Role::User).unwrap_or(0);
    let staying = trimmed(turns, room / 2, cost).len();
    &turns[..last_exchange.min(turns.len() - staying)]
}

#[cfg(test)]
mod tests;
