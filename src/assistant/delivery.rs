//! Getting an answer into its room, once, whatever the homeserver does meanwhile.
//!
//! The answer is already in the store's outbox. Each part has a transaction id made from the question, so trying again never doubles it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use ruma::{EventId, OwnedEventId};

use super::{Assistant, Failure, withdraw::take_back_now};
use crate::{
    matrix::SendError,
    message::{Incoming, Item, MessageKind, Outgoing},
    store::Delivery,
};

/// The longest wait between two tries at a homeserver that does not answer.
const LONGEST_BACKOFF: Duration = Duration::from_mins(1);

/// How long one thing is asked of the homeserver, in one go.
const PERSIST_FOR: Duration = Duration::from_hours(24);

/// An answer that could not be delivered for this long helps nobody any more.
const DELIVER_FOR: Duration = Duration::from_hours(7 * 24);

/// The transaction id of part `part` of the answer to a question; `variant` tells a text's later editions from its first.
pub(super) fn transaction(question: &EventId, part: usize, variant: &str) -> String {
    let digest = blake3::hash(question.as_bytes()).to_hex();
    format!("compagnon-{}-{part}{variant}", &digest[..32])
}

/// What tells the transaction ids of an answer given again from those of the earlier one, and those of a draft from those of an earlier
/// one that somebody has taken away: under the same id the homeserver would give back what is gone.
pub(super) fn edition(again: Option<&EventId>, lost: &[OwnedEventId]) -> String {
    again.into_iter().chain(lost.last().map(|lost| &**lost)).map(|event| edition_of(event.as_str())).collect()
}

/// What tells the transaction ids of messages apart that go to several persons for one cause.
pub(super) fn edition_of(text: &str) -> String {
    format!("-{}", &blake3::hash(text.as_bytes()).to_hex()[..16])
}

/// The transactions of drafts of which nobody knows whether they arrived, by question.
///
/// A homeserver that was frozen may still make such a draft visible when it wakes up: in the place of the answer, when that has the same
/// transaction id, or over it, when it is an edit. So before the answer is final its text goes out under each of these ids: once that is
/// acknowledged, nothing under that id can come after it.
#[derive(Debug, Default)]
pub(super) struct Unsure(Mutex<HashMap<OwnedEventId, Vec<String>>>);

impl Unsure {
    /// Notes one.
    pub(super) fn add(&self, question: &EventId, transaction: &str) {
        let mut unsure = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transactions = unsure.entry(question.to_owned()).or_default();
        if !transactions.iter().any(|known| known == transaction) {
            transactions.push(transaction.to_owned());
        }
    }

    /// Whether there are any of a question.
    pub(super) fn has(&self, question: &EventId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(question)
    }

    /// Those of a question, which are then forgotten.
    pub(super) fn take(&self, question: &EventId) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(question).unwrap_or_default()
    }
}

/// Sends what of an answer is not sent yet, and marks the question as done. `resumed` says that a process before this one may have sent
/// some of it without living to write that down.
pub(super) async fn deliver(assistant: &Assistant, delivery: &Delivery, resumed: bool) -> Result<(), Failure> {
    let (question, answer) = (&delivery.question, &delivery.answer);
    if u128::from(super::now().saturating_sub(delivery.stored_at)) > DELIVER_FOR.as_millis() {
        tracing::warn!(event_id = %question.event_id, "an answer could not be delivered for seven days: it is given up");
        assistant.store.delivered(question, super::now()).await?;
        assistant.withdraw().await;
        return Ok(());
    }
    let mut refused = false;
    // Each part goes by what the store says then: the draft may have been taken away meanwhile, or all of it with its question.
    while let Some(current) = assistant.store.delivery(question).await? {
        if current.sequence != delivery.sequence {
            // Another answer to the question was written since (it was edited): that one is delivered by whoever wrote it.
            return Ok(());
        }
        let part = current.sent.len();
        let Some(item) = current.answer.items.get(part) else { break };
        let event_id = match send_part(assistant, &current, part, item, resumed).await {
            Ok(event_id) => event_id,
            Err(Failure::Refused(reason)) => {
                tracing::warn!(event_id = %question.event_id, reason, "an answer could not be delivered");
                refused = true;
                break;
            }
            Err(other) => return Err(other),
        };
        if assistant.store.delivery(question).await?.is_some_and(|newer| newer.sequence != delivery.sequence) {
            assistant.store.stray(question, &event_id, super::now()).await?;
            assistant.withdraw().await;
            return Ok(());
        }
        assistant.store.part_sent(question, part, &event_id, super::now()).await?;
    }
    for too_many in answer.shown.iter().skip(answer.items.len()) {
        take_back_now(assistant, &question.room_id, too_many).await?;
    }
    assistant.store.delivered(question, super::now()).await?;
    if refused {
        assistant.withdraw().await;
    } else {
        // Its question may have been taken back while a part of it was on its way.
        assistant.may_write_again(&question.room_id).await;
    }
    assistant.limits.answered(question, Instant::now());
    Ok(())
}

/// Sends one part, in the place of what is shown of it already, and gives the message that people see.
async fn send_part(
    assistant: &Assistant,
    delivery: &Delivery,
    part: usize,
    item: &Item,
    resumed: bool,
) -> Result<OwnedEventId, Failure> {
    let (question, answer) = (&delivery.question, &delivery.answer);
    let send_edition = |transaction: String, shown: Option<OwnedEventId>| async move {
        let outgoing = Outgoing {
            replaces: shown.as_deref(),
            kind: if item.is_notice() { MessageKind::Notice } else { MessageKind::Text },
            markdown: item.text().unwrap_or_default(),
            links: item.links(),
            complete: true,
            ..assistant.outgoing(question, part, &transaction)
        };
        send(assistant, &outgoing).await
    };
    let edition = edition(answer.again.as_deref(), &answer.lost);
    let variant = |end: &str| transaction(&question.event_id, part, &format!("{edition}{end}"));
    let mut shown = answer.draft.as_ref().filter(|_| part == 0).or_else(|| answer.shown.get(part)).cloned();
    for unsure in if part == 0 { assistant.unsure.take(&question.event_id) } else { Vec::new() } {
        let event_id = send_edition(unsure, shown.clone()).await?;
        shown.get_or_insert(event_id);
    }
    if shown.is_none() && resumed {
        // The edits of a draft that was taken away may still stand there.
        shown = find_sent(assistant, question, part).await?.filter(|event| !answer.lost.contains(event));
    }
    let shown = match shown {
        // What is found of part 0 may be an unfinished draft, so it is edited; of the others there is one edition only.
        Some(event_id) if part > 0 && answer.again.is_none() => return Ok(event_id),
        Some(event_id) => event_id,
        // A draft of an earlier process may still be on its way, and this be taken for its repetition. So it is edited too.
        None if resumed && part == 0 => send_edition(variant(""), None).await?,
        None => return send_edition(variant(""), None).await,
    };
    // An edit has an id of its own, which nobody replies to: the message people see is the one edited.
    send_edition(variant("-final"), Some(shown.clone())).await?;
    Ok(shown)
}

/// Sends one message, however often it takes.
pub(super) async fn send(assistant: &Assistant, outgoing: &Outgoing<'_>) -> Result<OwnedEventId, Failure> {
    fail::fail_point!("before-put");
    let sent = put(assistant, || assistant.gateway.send(outgoing)).await?;
    fail::fail_point!("after-put");
    assistant.pace().accepted(Instant::now());
    Ok(sent)
}

/// The message in the room that already holds part `part` of the answer to `question`, if there is one.
async fn find_sent(assistant: &Assistant, question: &Incoming, part: usize) -> Result<Option<OwnedEventId>, Failure> {
    // A room that does not let itself be read may still take the message, or refuse it in its turn.
    let ask = || assistant.gateway.find_sent(&question.room_id, &question.event_id, part);
    Ok(unless_refused(persist(assistant, ask).await)?.flatten())
}

/// What the homeserver answered; nothing where the room does not let itself be asked.
pub(super) fn unless_refused<T>(answer: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Failure::Refused(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

/// Tries until the homeserver answers, waiting as long as it asks for, and longer each time when it does not answer at all. After
/// [`PERSIST_FOR`] what is asked for is left to the next start: what is stored stays stored.
pub(super) async fn persist<T, F: Future<Output = Result<T, SendError>>>(
    assistant: &Assistant,
    ask: impl FnMut() -> F,
) -> Result<T, Failure> {
    persist_for(assistant, PERSIST_FOR, ask).await
}

/// As [`persist`], for what the homeserver counts in its rate of messages: a wait that it asks for is the rate budget's too.
pub(super) async fn put<T, F: Future<Output = Result<T, SendError>>>(
    assistant: &Assistant,
    mut ask: impl FnMut() -> F,
) -> Result<T, Failure> {
    let asked = || {
        let asked = ask();
        async {
            let answer = asked.await;
            if let Err(SendError::Limited(wait)) = &answer {
                assistant.pace().limited(*wait, Instant::now());
            }
            answer
        }
    };
    persist(assistant, asked).await
}

/// As [`persist`], for another time.
pub(super) async fn persist_for<T, F: Future<Output = Result<T, SendError>>>(
    assistant: &Assistant,
    most: Duration,
    mut ask: impl FnMut() -> F,
) -> Result<T, Failure> {
    let begun = Instant::now();
    let mut backoff = Duration::from_secs(1);
    loop {
        let asked = tokio::select! {
            asked = ask() => asked,
            // What is on its way may arrive: the next start tries it under the same transaction id.
            () = assistant.abort.cancelled() => return Err(Failure::Stopped),
        };
        let (wait, reason) = match asked {
            Ok(answer) => return Ok(answer),
            Err(SendError::Refused(reason)) => return Err(Failure::Refused(reason)),
            Err(SendError::Storage(reason)) => return Err(Failure::Session(reason)),
            Err(SendError::Limited(wait)) => (wait, "it asks to wait".to_owned()),
            Err(error @ (SendError::Unreachable(_) | SendError::Account(_))) => {
                let wait = backoff;
                backoff = (backoff * 2).min(LONGEST_BACKOFF);
                // Of the account it is said once, where it is noticed.
                if let SendError::Unreachable(reason) = &error {
                    tracing::warn!(reason, ?wait, "the homeserver did not answer; trying again");
                }
                (wait, error.to_string())
            }
        };
        if begun.elapsed() + wait > most {
            return Err(Failure::Unanswered(reason));
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = assistant.abort.cancelled() => return Err(Failure::Stopped),
        }
    }
}
