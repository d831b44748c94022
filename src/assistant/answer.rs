//! One question → one answer.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::sync::MutexGuard;
use tokio_util::sync::DropGuard;

use super::{
    Assistant, Failure, commands, contact, delivery, history,
    notices::Worth,
    now,
    prompt::{Ask, PromptError, request},
    running::Interruption,
    streaming::{self, End, Written},
    texts::Text,
    voice::{self, Voice},
};
use crate::{
    compagnon::{Settings, SettingsPatch},
    conversation::{Role, Turn},
    inference::{Finish, Request},
    matrix::{self, RoomFacts},
    message::{Incoming, Item, MessageKind, Outgoing},
    store::{Answer, Change, Conclusion, Delivery, Queued, QueuedKind},
};

/// For this long after a start, what arrives may have waited at the homeserver while the bot was down; later it is fresh, whatever the
/// homeserver's clock says.
const CATCH_UP: Duration = Duration::from_mins(5);

/// The part of an answer that is a remark beside it: no answer has as many parts.
const REMARK_PART: usize = 998;

/// "Is typing" fades after four seconds; it is shown anew before.
const TYPING_AGAIN: Duration = Duration::from_secs(3);

/// A question on which the process died so often, each time at another attempt, is given up.
const MOST_INTERRUPTED: u32 = 4;

pub(super) async fn attempt(
    assistant: &Assistant,
    mut queued: Queued,
    turn: &mut Option<MutexGuard<'_, ()>>,
) -> Result<(), Failure> {
    let arrived = Instant::now();
    if queued.interrupted >= MOST_INTERRUPTED {
        tracing::error!(event_id = %queued.question.event_id, "the process died of a question again and again: it is given up");
        return give_up(assistant, &queued, &Text::GivenUp).await;
    }
    if assistant.store.restored_at().await?.is_some_and(|restored| queued.question.sent_at <= restored) {
        // The bot that was backed up went on until it ended: this may be answered already.
        queued.attempts = queued.attempts.max(2);
        if is_stale(&queued, assistant.started, now(), assistant.config.max_age) && is_shown(assistant, &queued).await?
        {
            assistant.store.close_question(&queued.question.room_id, &queued.question.event_id, now()).await?;
            return Ok(());
        }
    }
    let question = &queued.question;
    if !assistant.may_ask(question) {
        tracing::info!(event_id = %question.event_id, "a question is dropped: its author has no access any more");
        assistant.store.drop_question(&question.room_id, &question.event_id, now()).await?;
        return Ok(());
    }
    match &queued.kind {
        QueuedKind::Welcome => return contact::welcome(assistant, &queued).await,
        QueuedKind::Missed => return decline(assistant, &queued, &Text::Missed).await,
        QueuedKind::Question | QueuedKind::Command(_) | QueuedKind::Attachment | QueuedKind::Unparsed => {}
    }
    if is_stale(&queued, assistant.started, now(), assistant.config.max_age) {
        if queued.again.is_some() {
            tracing::info!(event_id = %question.event_id, "an answer is not given again: that was asked too long ago");
            assistant.store.close_question(&question.room_id, &question.event_id, now()).await?;
            return Ok(());
        }
        return decline(assistant, &queued, &Text::TooOld).await;
    }
    match &queued.kind {
        QueuedKind::Command(call) => return commands::execute(assistant, &queued, call).await,
        QueuedKind::Attachment => return decline(assistant, &queued, &Text::CannotRead).await,
        _ => {}
    }
    let settings = assistant.store.room_settings(&question.room_id).await?;
    let facts = contact::facts(assistant, question).await?;
    if let Some(refusal) = refusal(assistant, question, facts.as_ref()) {
        return decline(assistant, &queued, &refusal).await;
    }
    contact::inform(assistant, &queued, &settings).await?;
    let history = history::of(assistant, question, facts.as_ref()).await?;
    let voice = Voice { opened: history.opened, ..voice::of_room(assistant, &question.room_id, &settings).await? };
    let room = facts.and_then(|facts| facts.name).unwrap_or_default();
    let request = match prompt(assistant, question, &history.turns, &settings, &voice, &room) {
        Ok(request) => request,
        Err(PromptError::TooLong) => return decline(assistant, &queued, &Text::TooLong).await,
        Err(PromptError::Compagnon(error)) => {
            tracing::error!(%error, "the compagnon cannot be used");
            return decline(assistant, &queued, &Text::Failed).await;
        }
    };
    let entered = assistant.runs.enter(question);
    // An edit or a redaction that came before the line above found nothing to interrupt.
    if !assistant.store.is_waiting(question).await? {
        return Ok(());
    }
    let generation = assistant.model.generate(request)?;
    let prepared = arrived.elapsed();
    let _typing = show_typing(assistant, question);
    let (end, draft) = streaming::stream(assistant, &queued, &entered.run, generation).await?;
    let queued = Queued { draft, ..queued };
    // Delivering may take long, and kills nobody.
    turn.take();
    match end {
        End::Written(written) => {
            log(&queued, prepared, &written);
            let end = (written.usage.finish == Finish::Length).then_some(Text::Cut);
            conclude(assistant, &queued, &settings, &voice, &written.text, end).await
        }
        End::Interrupted(Interruption::Changed, _) => Ok(()),
        End::Interrupted(Interruption::Stopped, text) => {
            conclude(assistant, &queued, &settings, &voice, &text, Some(Text::Stopped)).await
        }
        End::Failed(error) => Err(error.into()),
    }
}

/// Whether the room shows an answer to a question.
async fn is_shown(assistant: &Assistant, queued: &Queued) -> Result<bool, Failure> {
    let question = &queued.question;
    let ask = || assistant.gateway.find_sent(&question.room_id, &question.event_id, 0);
    Ok(delivery::unless_refused(delivery::persist(assistant, ask).await)?.flatten().is_some())
}

/// Why a question is not even put to the model.
fn refusal(assistant: &Assistant, question: &Incoming, facts: Option<&RoomFacts>) -> Option<Text<'static>> {
    let limit = assistant.config.limits.question;
    if facts.is_some_and(|facts| facts.open) && !assistant.externals {
        Some(Text::RefusedOpenRoom)
    } else if facts.is_some_and(|facts| assistant.access.encryption(facts.encrypted).is_err()) {
        Some(Text::RefusedUnencrypted)
    } else if commands::is_blank(question.text()) {
        Some(Text::NoQuestion)
    } else {
        (question.text().chars().count() > limit).then_some(Text::QuestionTooLong { limit })
    }
}

fn log(queued: &Queued, prepared: Duration, written: &Written) {
    tracing::info!(
        event_id = %queued.question.event_id,
        attempt = queued.attempts,
        prepare_us = prepared.as_micros(),
        prompt_tokens = written.usage.prompt_tokens,
        prefill_ms = written.usage.prefill.as_millis(),
        completion_tokens = written.usage.completion_tokens,
        decode_ms = written.usage.decode.as_millis(),
        show_us = written.shown_after.map(|delay| delay.as_micros()),
        "answered"
    );
}

/// Says one of the bot's own sentences instead of an answer. It is delivered as surely as an answer, and leaves no trace in the conversation.
pub(super) async fn decline(assistant: &Assistant, queued: &Queued, text: &Text<'_>) -> Result<(), Failure> {
    let settings = assistant.store.room_settings(&queued.question.room_id).await?;
    let items = vec![notice(text.say(voice::language(&assistant.config, &settings)).into_owned())];
    let question = &queued.question.event_id;
    if queued.draft.is_none() && queued.shown.is_empty() && !assistant.unsure.has(question) {
        let fast = matches!(text, Text::Busy | Text::SlowDown { .. } | Text::LoopStopped);
        let worth = if fast { Worth::Spare } else { Worth::Owed };
        return assistant.notify(queued, items, Vec::new(), worth).await;
    }
    // It takes the place of a text that people see: as the end of an answer does, at once.
    conclude_with(assistant, queued, Vec::new(), items, Vec::new()).await?.deliver(assistant).await
}

/// A sentence of the bot's own, as an item.
pub(super) fn notice(text: String) -> Item {
    Item::Notice { text }
}

/// Says why there is no answer, to whoever has asked; what the bot wanted to say unasked, it does not say.
pub(super) async fn give_up(assistant: &Assistant, queued: &Queued, text: &Text<'_>) -> Result<(), Failure> {
    if queued.question.is_message() {
        return decline(assistant, queued, text).await;
    }
    assistant.store.drop_question(&queued.question.room_id, &queued.question.event_id, now()).await?;
    Ok(())
}

/// Says one of the bot's own sentences beside an answer, which stays as it is.
pub(super) async fn remark(assistant: &Assistant, queued: &Queued, text: &Text<'_>) -> Result<(), Failure> {
    let question = &queued.question;
    let settings = assistant.store.room_settings(&question.room_id).await?;
    let text = text.say(voice::language(&assistant.config, &settings));
    let edition = delivery::edition(queued.again.as_deref(), &[]);
    let transaction = delivery::transaction(&question.event_id, REMARK_PART, &edition);
    let outgoing = Outgoing {
        kind: MessageKind::Notice,
        complete: true,
        markdown: &text,
        ..assistant.outgoing(question, REMARK_PART, &transaction)
    };
    delivery::unless_refused(delivery::send(assistant, &outgoing).await).map(drop)
}

/// Stores an answer with its question, then delivers it. `end` says why it ended, where that needs saying.
async fn conclude(
    assistant: &Assistant,
    queued: &Queued,
    settings: &Settings,
    voice: &voice::Voice,
    text: &str,
    end: Option<Text<'_>>,
) -> Result<(), Failure> {
    let text = text.trim();
    if text.is_empty() && end != Some(Text::Stopped) {
        return decline(assistant, queued, &Text::Empty).await;
    }
    let question = &queued.question;
    let turn = |role, content: &str| Turn {
        role,
        content: content.to_owned(),
        event_id: question.event_id.clone(),
        at: now(),
        asker: Some(question.sender.clone()),
        name: question.name.clone().filter(|_| role == Role::User),
    };
    // An answer stopped before its first word is no turn of a conversation.
    let turns =
        if text.is_empty() { Vec::new() } else { vec![turn(Role::User, question.text()), turn(Role::Assistant, text)] };
    let language = voice::language(&assistant.config, settings);
    let title = &voice.title();
    let gone = voice.gone.then_some(Text::Gone { title });
    let mut whole = matrix::closed(text).into_owned();
    let opened = voice.opened.then_some(Text::Opened);
    for text in end.into_iter().chain([Text::Mark { title }]).chain(gone).chain(opened) {
        whole = format!("{whole}\n\n{}", text.say(language));
    }
    // Cut with what stands below: the last part, too, must fit into an event.
    let parts = matrix::parts(whole.trim_start());
    let items = parts.into_iter().map(|text| Item::Markdown { text, links: Vec::new() }).collect();
    let mut changes = Vec::new();
    if voice.gone {
        // Said once: from now on the usual one is what the room has chosen.
        changes.push(Change::Settings(question.room_id.clone(), vec![SettingsPatch::Compagnon(None)]));
    }
    if voice.opened {
        changes.push(Change::ForgetConversation(question.conversation()));
    }
    assistant.forget(&changes);
    conclude_with(assistant, queued, turns, items, changes).await?.deliver(assistant).await
}

/// An answer in the store, on its way.
pub(super) struct Concluded {
    /// `None`: the question is not waiting any more, or has another text, and nothing is sent.
    delivery: Option<Delivery>,
    /// Whether an earlier attempt may have sent a part of it.
    resumed: bool,
}

impl Concluded {
    /// Sends it, if there is something to send.
    pub(super) async fn deliver(self, assistant: &Assistant) -> Result<(), Failure> {
        let Some(delivery) = self.delivery else { return Ok(()) };
        delivery::deliver(assistant, &delivery, self.resumed).await
    }
}

/// Stores an answer and what changes with it, in one write.
pub(super) async fn conclude_with(
    assistant: &Assistant,
    queued: &Queued,
    turns: Vec<Turn>,
    items: Vec<Item>,
    changes: Vec<Change>,
) -> Result<Concluded, Failure> {
    let question = &queued.question;
    let (draft, again, shown) = (queued.draft.clone(), queued.again.clone(), queued.shown.clone());
    // Which drafts were lost, the store knows best.
    let answer = Answer { items, draft, again, shown, lost: Vec::new() };
    let delivery =
        assistant.store.conclude(Conclusion { question, turns, answer, changes, usage: None }, now()).await?;
    Ok(Concluded { delivery, resumed: queued.attempts > 1 })
}

fn prompt(
    assistant: &Assistant,
    question: &Incoming,
    turns: &[Turn],
    settings: &Settings,
    voice: &voice::Voice,
    room: &str,
) -> Result<Request, PromptError> {
    // A question that is answered again is answered from what came before it.
    let before = turns.iter().position(|turn| turn.event_id == question.event_id).unwrap_or(turns.len());
    let ask = Ask {
        compagnon: &voice.compagnon,
        settings,
        room,
        turns: &turns[..before],
        question: question.text(),
        asker: Some(&question.sender),
        name: question.name.as_deref(),
        cache_key: assistant.cache_key(&question.conversation()),
    };
    request(&*assistant.model, &assistant.sampling, &assistant.config, &ask)
}

/// Whether a question has waited longer than `max_age`: since it was asked, or since it was edited or asked for again.
fn is_stale(queued: &Queued, started: u64, now: u64, max_age: SignedDuration) -> bool {
    let waited_here = now.saturating_sub(queued.received_at);
    let caught_up = queued.received_at > started.saturating_add(CATCH_UP.as_millis() as u64);
    // What is answered again was asked for now, whenever it was first written.
    let elsewhere = if caught_up || queued.again.is_some() { 0 } else { now.saturating_sub(queued.question.sent_at) };
    u128::from(waited_here.max(elsewhere)) > max_age.unsigned_abs().as_millis()
}

/// Shows "is typing" until the guard is dropped, and the question as read.
fn show_typing(assistant: &Assistant, question: &Incoming) -> DropGuard {
    let done = assistant.abort.child_token();
    let gateway = assistant.gateway.clone();
    let (question, until) = (question.clone(), done.clone());
    let abort = assistant.abort.clone();
    let courtesies = async move {
        gateway.read(&question.room_id, question.thread.as_deref(), &question.event_id).await;
        while !until.is_cancelled() {
            gateway.typing(&question.room_id, true).await;
            let _ = tokio::time::timeout(TYPING_AGAIN, until.cancelled()).await;
        }
        gateway.typing(&question.room_id, false).await;
    };
    // It fades by itself where there is no time left to say that it is over.
    assistant.tasks.spawn(async move { abort.run_until_cancelled(courtesies).await });
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
