//! `!refaire`: the last answer to this person, written again in its place.

use super::{Context, Reply, Spec};
use crate::{
    assistant::{clock::now, dispatch::Work, failure::Failure, texts::Text},
    conversation::Role,
    message::{Content, Incoming},
};

pub(super) const SPEC: Spec = Spec { names: &["refaire", "redo"], forms: [&[], &[]], urgent: false, instance: false };

pub(super) async fn run(context: &Context<'_>) -> Result<Reply, Failure> {
    let (store, message) = (&context.parts.store, context.message);
    let turns = store.turns(&message.conversation()).await?;
    let last = turns.iter().rfind(|turn| turn.role == Role::User && turn.asker.as_ref() == Some(&message.sender));
    let Some(last) = last else { return context.say(&Text::NothingToRedo) };
    let question = Incoming {
        event_id: last.event_id.clone(),
        content: Content::Text(last.content.clone()),
        quoted: None,
        ..message.clone()
    };
    // Written down before the answer to the command, and taken up after it, since it waits in the same lane.
    match store.reopen(&question, &message.event_id, now()).await? {
        Some(queued) => context.parts.lanes.resume(Work::of(queued)),
        // A restart came between: it waits already.
        None if context.queued.attempts > 1 => {}
        None => return context.say(&Text::NothingToRedo),
    }
    context.say(&Text::Redoing)
}
