//! `!refaire`: the last answer to this person, written again in its place.

use super::{Context, Outcome, Spec};
use crate::{
    assistant::{failure::Failure, texts::Text},
    compagnon::Answers,
    conversation::Role,
    message::{Content, Incoming},
};

pub(super) const SPEC: Spec = Spec { names: &["refaire", "redo"], forms: [&[], &[]], urgent: false, instance: false };

pub(super) async fn run(context: &Context<'_>) -> Result<Outcome, Failure> {
    let message = context.message;
    let store = &context.parts.store;
    let mut conversation = message.conversation();
    if message.thread.is_none() && context.settings.answers == Answers::Thread {
        // Their last question has a thread of its own.
        let last = store.last_thread_of(&message.room_id, &message.sender).await?;
        conversation.thread = last.or(conversation.thread);
    }
    let turns = store.turns(&conversation).await?;
    let last = turns.iter().rfind(|turn| turn.role == Role::User && turn.asker.as_ref() == Some(&message.sender));
    let otherwise = context.say(&Text::NothingToRedo)?;
    let Some(last) = last else { return Ok(otherwise.into()) };
    let question = Incoming {
        event_id: last.event_id.clone(),
        content: Content::Text(last.content.clone()),
        thread: conversation.thread,
        ..message.clone()
    };
    Ok(Outcome::Generate { question: Box::new(question), reply: context.say(&Text::Redoing)?, otherwise })
}
