//! `!stop`, or 🛑 on a message: the answer being written ends where it is.

use std::sync::Arc;

use ruma::{RoomId, UserId};

use super::{Context, Parts, Reply, Spec};
use crate::{
    assistant::{
        clock::now,
        dispatch::{ActiveGeneration, Interruption},
        failure::Failure,
        texts::Text,
    },
    message::Reaction,
    statistics::Refusal,
    store::{Queued, StoreError},
};

pub(super) const SPEC: Spec = Spec {
    names: &[
        "stop",
        "stop",
        "arrêter",
        "arrête",
        "arrêtez",
        "arrête-toi",
        "arrêtez-vous",
        "stoppe",
        "stoppez",
        "stopper",
    ],
    forms: [&[], &[]],
    urgent: true,
    instance: false,
};

pub(super) async fn run(context: &Context<'_>) -> Result<Reply, Failure> {
    let (parts, message) = (context.parts, context.message);
    let run = parts.active.near(&message.conversation(), &message.sender);
    let mut before = 0;
    if let Some(run) = &run
        && run.asker != message.sender
    {
        // Their own questions in any case, also where the homeserver cannot be asked.
        let Obeyed { dropped, stopped } = obey(parts, context.queued, None).await?;
        if !context.administers().await? {
            return context.say(&if stopped { Text::Stopping { dropped } } else { Text::StopNotYours });
        }
        before = dropped;
    }
    let Obeyed { dropped, stopped } = obey(parts, context.queued, run.as_deref()).await?;
    let dropped = before + dropped;
    context.say(&if stopped { Text::Stopping { dropped } } else { Text::NothingToStop })
}

/// Obeys a stop of somebody who has written too much to be answered, and says nothing.
pub(in crate::assistant) async fn stop_quietly(parts: &Arc<Parts>, queued: &Queued) -> Result<(), StoreError> {
    let message = &queued.question;
    let run = parts.active.near(&message.conversation(), &message.sender);
    let theirs = run.as_ref().is_none_or(|run| run.asker == message.sender);
    obey(parts, queued, run.as_deref().filter(|_| theirs)).await?;
    parts.store.drop_question(&message.room_id, &message.event_id, now()).await?;
    if let Some(run) = run.filter(|_| !theirs) {
        let (room, person) = (message.room_id.clone(), message.sender.clone());
        let parts = Arc::clone(parts);
        let lifecycle = Arc::clone(&parts.lifecycle);
        lifecycle.spawn(async move {
            if may_stop(&parts, &run, &room, &person).await {
                run.interrupt(Interruption::Stopped);
            }
        });
    }
    Ok(())
}

/// What a stop has done.
struct Obeyed {
    /// How many questions that waited are dropped.
    dropped: usize,
    /// Whether anything is stopped or dropped.
    stopped: bool,
}

/// Ends an answer and drops the questions of this person that wait.
async fn obey(parts: &Parts, queued: &Queued, run: Option<&ActiveGeneration>) -> Result<Obeyed, StoreError> {
    let mut obeyed = drop_waiting(parts, queued).await?;
    if let Some(run) = run {
        run.interrupt(Interruption::Stopped);
        obeyed.stopped = true;
    }
    // Where each question has a thread of its own, several are answered at a time.
    let stop = &queued.question;
    let theirs = parts.active.of_room(&stop.room_id).into_iter().filter(|run| run.asker == stop.sender);
    for run in theirs.filter(|run| stop.thread.is_none() && run.conversation.thread.as_ref() == Some(&run.question)) {
        run.interrupt(Interruption::Stopped);
        obeyed.stopped = true;
    }
    Ok(obeyed)
}

/// Drops the questions of this person that wait in this conversation, those that open threads from it too: who says stop wants silence. One whose
/// turn has come since the stop was looked at is ended.
async fn drop_waiting(parts: &Parts, stop: &Queued) -> Result<Obeyed, StoreError> {
    let (store, message) = (&parts.store, &stop.question);
    let mut obeyed = Obeyed { dropped: 0, stopped: false };
    for queued in store.queued().await? {
        let question = &queued.question;
        let theirs = question.sender == message.sender
            && [question.conversation(), question.written_in()].contains(&message.conversation());
        if !theirs || queued.sequence >= stop.sequence {
            continue;
        }
        if let Some(run) = parts.active.about(&question.room_id, &question.event_id) {
            run.interrupt(Interruption::Stopped);
            obeyed.stopped = true;
        } else if parts.courier.refuse(&queued, Refusal::Stopped).await? {
            obeyed.dropped += 1;
            obeyed.stopped = true;
        }
    }
    Ok(obeyed)
}

/// Stops the answer that a 🛑 was put on, if who put it may; or the question that still waits, as after a start.
pub(in crate::assistant) async fn react(parts: &Parts, reaction: Reaction) {
    let (room, person) = (&reaction.room_id, &reaction.sender);
    if let Some(run) = parts.active.about(room, &reaction.target) {
        if may_stop(parts, &run, room, person).await {
            run.interrupt(Interruption::Stopped);
        }
        return;
    }
    let waiting = parts.store.queued().await.unwrap_or_default().into_iter().find(|queued| {
        let about = queued.question.event_id == reaction.target || queued.draft.as_ref() == Some(&reaction.target);
        about && queued.question.room_id == *room
    });
    let Some(queued) = waiting else { return };
    if queued.question.sender != *person && !administers(parts, room, person).await {
        return;
    }
    // Its turn may have come meanwhile.
    if let Some(run) = parts.active.about(room, &reaction.target) {
        run.interrupt(Interruption::Stopped);
        return;
    }
    let over = if queued.draft.is_some() {
        // What is shown of it says that it ends there.
        parts.courier.decline(&queued, &Text::Stopped).await
    } else {
        parts.courier.refuse(&queued, Refusal::Stopped).await.map(drop).map_err(Failure::from)
    };
    parts.lifecycle.report(over);
}

/// Whether somebody may stop an answer: who asked for it, and who administers the room.
async fn may_stop(parts: &Parts, run: &ActiveGeneration, room: &RoomId, person: &UserId) -> bool {
    run.asker == person || administers(parts, room, person).await
}

/// Asks the homeserver; with too many asking at a time, nobody does.
async fn administers(parts: &Parts, room: &RoomId, person: &UserId) -> bool {
    let Ok(_place) = parts.checks.try_acquire() else { return false };
    let level = parts.homeserver.retry(|| parts.homeserver.gateway.power_level(room, person)).await;
    level.is_ok_and(|level| level.is_some_and(|level| level >= parts.config.power_level))
}

/// Whether an emoji means stop: 🛑, with or without the mark that asks for its coloured form.
pub(in crate::assistant) fn is_stop(emoji: &str) -> bool {
    emoji.trim_end_matches('\u{fe0f}') == "🛑"
}
