//! Which messages are for the bot, and what each asks for.

use std::sync::Arc;

use ruma::RoomId;

use super::{
    clock::now, commands::is_blank, config::Config, documents::readable, glossaries::continuous, jobs::opens_thread,
};
use crate::{
    command::Call,
    compagnon::Answers,
    message::{Content, Edit, Incoming},
    store::{Admitted, QueuedKind, Store, StoreError},
    translation::languages::TextLanguage,
};

/// The longest message that is translated unasked, in characters.
const LONGEST_UNASKED: usize = 4_000;

/// Tells which messages are for the bot.
pub struct Addressing {
    store: Store,
    config: Arc<Config>,
}

impl Addressing {
    /// By what the store knows of rooms and of the bot's own messages.
    pub fn new(store: Store, config: Arc<Config>) -> Self {
        Self { store, config }
    }

    /// Those of the messages that are for the bot.
    pub async fn addressed(&self, messages: Vec<Incoming>) -> Result<Vec<Admitted>, StoreError> {
        let mut questions = Vec::new();
        for mut message in messages {
            join_thread(&self.store, &mut message).await?;
            let call = Call::read(&message);
            if self.is_addressed(&message, call.as_ref()).await? {
                let kind = kind(&message, call.or_else(|| Call::stop_alone(&message)));
                questions.push(Admitted { message: self.placed(message, &kind).await?, kind });
            } else if self.is_translated(&message, call.as_ref()).await? {
                let thread = message.thread.clone().unwrap_or_else(|| message.event_id.clone());
                let message = Incoming { thread: Some(thread), ..message };
                questions.push(Admitted { message, kind: QueuedKind::Command(Call::unasked_translation()) });
            }
        }
        Ok(questions)
    }

    /// Those of the messages in which somebody speaks to the bot whom it does not serve: each as no more than that, since what they wrote is not
    /// kept. Programs are never answered, nor what people say among themselves.
    pub async fn not_served(
        &self,
        messages: &[Incoming],
        serves: impl Fn(&Incoming) -> bool,
    ) -> Result<Vec<Admitted>, StoreError> {
        let mut refused = Vec::new();
        for message in messages.iter().filter(|message| message.is_message() && !serves(message)) {
            if self.config.limits.bots.contains(&message.sender) {
                continue;
            }
            let spoken_to = message.direct
                || message.mentions_me
                || match &message.replies_to {
                    Some(event_id) => self.store.is_own(event_id).await?,
                    None => false,
                };
            if spoken_to {
                let content = Content::Text(String::new());
                let message = Incoming { content, name: None, without_call: None, ..message.clone() };
                refused.push(Admitted { message, kind: QueuedKind::NotServed });
            }
        }
        Ok(refused)
    }

    /// Whether a message that is not for the bot is translated unasked: a text of a room that wants it, in another language, and not too long.
    async fn is_translated(&self, message: &Incoming, call: Option<&Call>) -> Result<bool, StoreError> {
        let Content::Text(text) = &message.content else { return Ok(false) };
        let theirs = !message.direct && !self.config.limits.bots.contains(&message.sender);
        if !theirs || call.is_some_and(|call| call.command.is_some()) || text.chars().count() > LONGEST_UNASKED {
            return Ok(false);
        }
        let Some(to) = continuous(&self.store, &message.room_id, now()).await? else { return Ok(false) };
        // Of a few words it is not known; they are left alone.
        Ok(TextLanguage::of(text).is_some_and(|language| language != to))
    }

    /// A message in the conversation that it is answered in. A file without a word waits in the main line for the questions about it: a thread
    /// of its own would keep it from them.
    pub async fn placed(&self, message: Incoming, kind: &QueuedKind) -> Result<Incoming, StoreError> {
        // The draft of a note is corrected in a thread of its own.
        if let QueuedKind::Command(call) = kind
            && message.thread.is_none()
            && !message.direct
            && opens_thread(call)
        {
            return Ok(Incoming { thread: Some(message.event_id.clone()), ..message });
        }
        let asks = match kind {
            QueuedKind::Question => true,
            QueuedKind::Attachment => readable(&message).is_none(),
            _ => false,
        };
        if asks { placed(&self.store, message).await } else { Ok(message) }
    }

    /// The edits that count, and those that are not followed. A command is a new message: no edit becomes one. Who is a program asks nothing.
    pub async fn edits(&self, edits: Vec<Edit>) -> Result<(Vec<Edit>, Vec<Edit>), StoreError> {
        let (mut counting, mut unheeded) = (Vec::new(), Vec::new());
        for mut edit in edits {
            if Call::is_made_by(&edit) || self.config.limits.bots.contains(&edit.sender) {
                unheeded.push(edit);
                continue;
            }
            if edit.mentions_me == Some(false) && self.answers_all(&edit.room_id).await? {
                // Nobody need call the bot there.
                edit.mentions_me = None;
            }
            counting.push(edit);
        }
        Ok((counting, unheeded))
    }

    async fn answers_all(&self, room: &RoomId) -> Result<bool, StoreError> {
        Ok(self.store.room_settings(room).await?.answers == Answers::All)
    }

    /// Whether a thread is the bot's: it takes part in it, or the thread was opened on one of its messages or on a question that it was asked.
    async fn is_in_thread(&self, message: &Incoming) -> Result<bool, StoreError> {
        let Some(root) = &message.thread else { return Ok(false) };
        Ok(self.store.answers_in(&message.conversation()).await?
            || self.store.is_own(root).await?
            || self.store.exchange_of(&message.room_id, root).await?.is_some())
    }

    /// Whether a message is for the bot. `call` is the command in it.
    pub async fn is_addressed(&self, message: &Incoming, call: Option<&Call>) -> Result<bool, StoreError> {
        if self.config.limits.bots.contains(&message.sender) {
            return Ok(false);
        }
        if message.content == Content::Missed && !message.direct {
            // Where nobody has ever talked with the bot, nobody waits for it.
            return Ok(!self.store.turns(&message.conversation()).await?.is_empty());
        }
        Ok(!message.is_message()
            || message.direct
            || message.mentions_me
            || call.is_some_and(|call| call.command.is_some())
            || match &message.replies_to {
                Some(event_id) => self.store.is_own(event_id).await?,
                None => self.is_in_thread(message).await?,
            }
            // A picture among colleagues, without a word, asks nothing of the bot; a document that it can read, perhaps.
            || (message.unread().is_none() || !is_blank(message.text()) || readable(message).is_some()) && self.answers_all(&message.room_id).await?)
    }
}

/// Puts a reply to an exchange with the bot into the thread of that exchange, where its client does not say so: some know no threads.
pub async fn join_thread(store: &Store, message: &mut Incoming) -> Result<(), StoreError> {
    if let (None, Some(target)) = (&message.thread, &message.replies_to)
        && let Some(question) = store.exchange_of(&message.room_id, target).await?
    {
        message.thread = question.thread;
    }
    Ok(())
}

/// A question in the conversation that it is answered in: where a room is answered in threads, one outside of a thread opens its own.
pub async fn placed(store: &Store, question: Incoming) -> Result<Incoming, StoreError> {
    if question.thread.is_none() && store.room_settings(&question.room_id).await?.answers == Answers::Thread {
        return Ok(Incoming { thread: Some(question.event_id.clone()), ..question });
    }
    Ok(question)
}

/// What a message asks for. `call` is the command in it.
pub fn kind(message: &Incoming, call: Option<Call>) -> QueuedKind {
    match (&message.content, call) {
        (Content::Text(_) | Content::Attachment(_), Some(call)) => QueuedKind::Command(call),
        (Content::Text(_), None) => QueuedKind::Question,
        // A caption asks something.
        (Content::Attachment(_), None) if !is_blank(message.text()) => QueuedKind::Question,
        (Content::Attachment(_) | Content::Unreadable(_), _) => QueuedKind::Attachment,
        (Content::Joined, _) => QueuedKind::Welcome,
        (Content::Missed, _) => QueuedKind::Missed,
        (Content::Rated, _) => QueuedKind::AskWhy,
    }
}
