//! One question → one answer.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio_util::sync::DropGuard;

use super::{
    Assistant, Failure, delivery, now,
    prompt::{PromptError, request},
    streaming,
    texts::Text,
};
use crate::{
    conversation::{Role, Turn},
    inference::{Finish, InferenceError, Request},
    matrix,
    message::{Incoming, Kind},
    store::{Answer, Conclusion, Queued},
};

/// For this long after a start, what arrives may have waited at the homeserver while the bot was down; later it is fresh, whatever the
/// homeserver's clock says.
const CATCH_UP: Duration = Duration::from_mins(5);

/// "Is typing" fades after four seconds; it is shown anew before.
const TYPING_AGAIN: Duration = Duration::from_secs(3);

/// Answers a question and delivers the answer.
pub(super) async fn answer(assistant: &Assistant, queued: Queued) -> Result<(), Failure> {
    let arrived = Instant::now();
    let question = &queued.question;
    let Some(attempt) = assistant.store.begin(question)? else {
        // Forgotten with its room, or answered already.
        return Ok(());
    };
    if is_stale(&queued, assistant.started, now(), assistant.config.max_age) {
        return decline(assistant, &queued, Text::TooOld).await;
    }
    if question.body.trim().is_empty() {
        return decline(assistant, &queued, Text::NoQuestion).await;
    }
    let turns = assistant.store.turns(&question.conversation())?;
    let request = match prompt(assistant, &turns, question) {
        Ok(request) => request,
        Err(PromptError::TooLong) => return decline(assistant, &queued, Text::TooLong).await,
        Err(PromptError::Compagnon(error)) => {
            tracing::error!(%error, "the compagnon cannot be used");
            return decline(assistant, &queued, Text::Failed).await;
        }
    };
    let generation = match assistant.model.generate(request) {
        Ok(generation) => generation,
        Err(error) => return decline(assistant, &queued, excuse(&error)).await,
    };
    let prepared = arrived.elapsed();
    let _typing = show_typing(assistant, question);
    let (written, draft) = streaming::stream(assistant, &queued, attempt, generation).await?;
    let queued = Queued { draft, ..queued };
    let written = match written {
        Ok(written) => written,
        Err(error) => {
            tracing::error!(event_id = %queued.question.event_id, %error, "no answer was written");
            return decline(assistant, &queued, excuse(&error)).await;
        }
    };
    let question = &queued.question;
    tracing::info!(
        event_id = %question.event_id,
        attempt,
        prepare_us = prepared.as_micros(),
        prompt_tokens = written.usage.prompt_tokens,
        prefill_ms = written.usage.prefill.as_millis(),
        completion_tokens = written.usage.completion_tokens,
        decode_ms = written.usage.decode.as_millis(),
        show_us = written.shown_after.map(|delay| delay.as_micros()),
        "answered"
    );
    conclude(assistant, &queued, &written.text, written.usage.finish).await
}

/// Says one of the bot's own sentences instead of an answer. It is delivered as surely as an answer, and leaves no trace in the conversation.
pub(super) async fn decline(assistant: &Assistant, queued: &Queued, text: Text) -> Result<(), Failure> {
    let parts = vec![text.say(assistant.config.language).to_owned()];
    finish(assistant, queued, Vec::new(), Kind::Notice, parts).await
}

/// Stores an answer with its question, then delivers it.
async fn conclude(assistant: &Assistant, queued: &Queued, text: &str, end: Finish) -> Result<(), Failure> {
    let text = text.trim();
    if text.is_empty() {
        return decline(assistant, queued, Text::Empty).await;
    }
    let question = &queued.question;
    let turn = |role, content: &str| Turn {
        role,
        content: content.to_owned(),
        event_id: question.event_id.clone(),
        at: now(),
    };
    let turns = vec![turn(Role::User, &question.body), turn(Role::Assistant, text)];
    let mut parts = matrix::parts(text);
    if end == Finish::Length {
        let cut = Text::Cut.say(assistant.config.language);
        if let Some(last) = parts.last_mut() {
            *last = format!("{last}\n\n{cut}");
        }
    }
    finish(assistant, queued, turns, Kind::Text, parts).await
}

async fn finish(
    assistant: &Assistant,
    queued: &Queued,
    turns: Vec<Turn>,
    kind: Kind,
    parts: Vec<String>,
) -> Result<(), Failure> {
    let question = &queued.question;
    let answer = Answer { kind, parts, draft: queued.draft.clone() };
    let Some(delivery) = assistant.store.conclude(Conclusion { question, turns, answer }, now())? else {
        // The room was forgotten while the answer was written.
        return Ok(());
    };
    // An earlier process that began may have sent a part of it.
    delivery::deliver(assistant, &delivery, queued.attempts > 0).await
}

fn prompt(assistant: &Assistant, turns: &[Turn], question: &Incoming) -> Result<Request, PromptError> {
    let compagnon = assistant.library.get(&assistant.config.compagnon)?;
    request(&*assistant.model, &assistant.sampling, &assistant.config, compagnon, turns, &question.body)
}

/// The sentence for an agent when the model gave nothing.
fn excuse(error: &InferenceError) -> Text {
    match error {
        InferenceError::Busy => Text::Busy,
        InferenceError::PromptTooLong { .. } => Text::TooLong,
        InferenceError::Engine(_) => Text::Failed,
    }
}

/// Whether a question has waited longer than `max_age`.
fn is_stale(queued: &Queued, started: u64, now: u64, max_age: SignedDuration) -> bool {
    let waited_here = now.saturating_sub(queued.received_at);
    let caught_up = queued.received_at > started.saturating_add(CATCH_UP.as_millis() as u64);
    let elsewhere = if caught_up { 0 } else { now.saturating_sub(queued.question.sent_at) };
    u128::from(waited_here.max(elsewhere)) > max_age.unsigned_abs().as_millis()
}

/// Shows "is typing" until the guard is dropped, and the question as read.
fn show_typing(assistant: &Assistant, question: &Incoming) -> DropGuard {
    let done = assistant.abort.child_token();
    let gateway = assistant.gateway.clone();
    let (question, until) = (question.clone(), done.clone());
    assistant.tasks.spawn(async move {
        gateway.read(&question.room_id, question.thread.as_deref(), &question.event_id).await;
        while !until.is_cancelled() {
            gateway.typing(&question.room_id, true).await;
            let _ = tokio::time::timeout(TYPING_AGAIN, until.cancelled()).await;
        }
        gateway.typing(&question.room_id, false).await;
    });
    done.drop_guard()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::is_stale;
    use crate::{assistant::fakes::queued, store::Queued};

    const HOUR: u64 = 3_600_000;

    #[test]
    fn a_question_is_old_by_our_clock_or_by_the_time_the_bot_was_down() {
        let max_age = SignedDuration::from_hours(12);
        let started = 1_000 * HOUR;
        let asked = |sent_at: u64, received_at: u64| {
            let mut queued = queued("$q:h", "!a:h");
            queued.question.sent_at = sent_at;
            Queued { received_at, ..queued }
        };
        let cases = [
            ("fresh", asked(started, started), started, false),
            ("sent while the bot was down, a day ago", asked(started - 24 * HOUR, started), started, true),
            ("sent while the bot was down, an hour ago", asked(started - HOUR, started), started, false),
            (
                "from a homeserver a day behind, in normal life",
                asked(started - 24 * HOUR, started + HOUR),
                started + HOUR,
                false,
            ),
            ("dated ten years ahead", asked(started + 90_000 * HOUR, started), started, false),
            ("accepted a day ago, never answered", asked(started - 24 * HOUR, started - 24 * HOUR), started, true),
        ];
        for (name, queued, now, stale) in cases {
            assert_eq!(is_stale(&queued, started, now, max_age), stale, "{name}");
        }
    }
}
