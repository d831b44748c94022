//! `!stop`, or 🛑 on a message: the answer being written ends where it is.

use std::sync::Arc;

use super::{Context, Reply, Spec};
use crate::{
    assistant::{
        Assistant, Failure, delivery, now,
        running::{Interruption, Run},
        texts::Text,
    },
    message::Reaction,
};

pub(super) const SPEC: Spec =
    Spec { names: &["stop", "stop", "arrêter", "arrête"], forms: [&[], &[]], urgent: true, instance: false };

pub(super) async fn run(context: &Context<'_>) -> Result<Reply, Failure> {
    let (assistant, message) = (context.assistant, context.message);
    let run = assistant.runs.near(&message.conversation(), &message.sender);
    if let Some(run) = &run
        && run.asker != message.sender
        && !context.administers().await?
    {
        return context.say(&Text::StopNotYours);
    }
    let dropped = drop_waiting(context, run.as_deref())?;
    if let Some(run) = &run {
        run.interrupt(Interruption::Stopped);
    }
    let stopped = run.is_some() || dropped > 0;
    context.say(&if stopped { Text::Stopping { dropped } } else { Text::NothingToStop })
}

/// Drops the questions of this person that wait in this conversation, and says how many there were: who says stop wants silence.
fn drop_waiting(context: &Context<'_>, run: Option<&Run>) -> Result<usize, Failure> {
    let (store, message) = (&context.assistant.store, context.message);
    let mut dropped = 0;
    for queued in store.queued()? {
        let question = &queued.question;
        let theirs = question.sender == message.sender && question.conversation() == message.conversation();
        let running = run.is_some_and(|run| run.question == question.event_id);
        if theirs && !running && queued.sequence < context.queued.sequence {
            dropped += usize::from(store.drop_question(&question.room_id, &question.event_id, now())?);
        }
    }
    Ok(dropped)
}

/// Stops the answer that a 🛑 was put on, if who put it may.
pub(in crate::assistant) async fn react(assistant: Arc<Assistant>, reaction: Reaction) {
    let Some(run) = assistant.runs.about(&reaction.room_id, &reaction.target) else { return };
    if run.asker != reaction.sender {
        let gateway = &assistant.gateway;
        let level = delivery::persist(&assistant, || gateway.power_level(&reaction.room_id, &reaction.sender)).await;
        if !level.is_ok_and(|level| level.is_some_and(|level| level >= assistant.config.power_level)) {
            return;
        }
    }
    run.interrupt(Interruption::Stopped);
}

/// Whether an emoji means stop: 🛑, with or without the mark that asks for its coloured form.
pub(in crate::assistant) fn is_stop(emoji: &str) -> bool {
    emoji.trim_end_matches('\u{fe0f}') == "🛑"
}
