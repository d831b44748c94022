//! What comes from the rooms: which messages are for the bot, which of them wait for an answer, and what is done at once.

use std::{collections::BTreeSet, time::Instant};

use ruma::{EventId, RoomId};

use super::{
    Assistant, Failure, answer, commands, inbox::Work, limits::Verdict, now, running::Interruption, texts::Text,
};
use crate::{
    command::Call,
    compagnon::Answers,
    inference::CacheScope,
    matrix::Batch,
    message::{Content, Edit, Incoming},
    store::{Accept, Admitted, Edited, Queued, QueuedKind, StoreError},
};

impl Assistant {
    /// Writes down what a sync response brought. When it returns, the questions in it will be answered even if the process dies.
    pub async fn accept(&self, mut batch: Batch) -> Result<(), StoreError> {
        self.screen(&mut batch);
        let questions = self.addressed(batch.messages).await?;
        let edits = new_texts(batch.edits);
        self.take(&Accept {
            next_batch: Some(&batch.next_batch),
            questions: &questions,
            undecrypted: &batch.undecrypted,
            left: &batch.left,
            edits: &edits,
            redactions: &batch.redactions,
            upgraded: &batch.upgraded,
            gaps: &batch.gaps,
            closed: &batch.closed,
        })
        .await?;
        for reaction in batch.reactions.into_iter().filter(|reaction| commands::is_stop(&reaction.key)) {
            self.spawn(|assistant| commands::react(assistant, reaction));
        }
        Ok(())
    }

    /// Takes messages whose key arrived after them: as [`Assistant::accept`], outside of a sync.
    pub async fn accept_late(&self, mut messages: Vec<Incoming>, mut edits: Vec<Edit>) -> Result<(), StoreError> {
        self.screen_texts(&mut messages, &mut edits);
        let questions = self.addressed(messages).await?;
        self.take(&Accept { questions: &questions, edits: &new_texts(edits), ..Accept::default() }).await
    }

    /// Writes down what came, and starts on what is new in it.
    async fn take(&self, accept: &Accept<'_>) -> Result<(), StoreError> {
        let accepted = self.store.accept(accept, now()).await?;
        // What is written for a room the bot is out of reaches nobody.
        for run in accept.left.iter().flat_map(|room| self.runs.of_room(room)) {
            run.interrupt(Interruption::Changed);
        }
        for room in accept.left {
            self.model.invalidate(CacheScope::Room(self.room_key(room)));
        }
        for queued in accepted.new {
            self.admit(queued).await?;
        }
        for edited in accepted.edited {
            self.edited(edited);
        }
        for draft in &accepted.lost {
            if let Some(run) = self.runs.about(&draft.room_id, &draft.redacts) {
                run.lose(&draft.redacts);
            }
        }
        if !accepted.redacted.is_empty() {
            for redaction in accept.redactions {
                self.changed(&redaction.room_id, &redaction.redacts);
            }
            // In which thread it stood is gone with it.
            for room in accept.redactions.iter().map(|redaction| &redaction.room_id).collect::<BTreeSet<_>>() {
                self.model.invalidate(CacheScope::Room(self.room_key(room)));
            }
        }
        let came_in = || accept.questions.iter().any(|admitted| admitted.kind == QueuedKind::Welcome);
        if !accepted.redacted.is_empty() || !accepted.lost.is_empty() || came_in() {
            self.withdraw().await;
        }
        Ok(())
    }

    /// A question has a new text. What is being written from the old one is given up at once; the new one is answered once it is at rest.
    fn edited(&self, edited: Edited) {
        let Edited { queued, anew } = edited;
        let first = self.edits.note(&queued.question.event_id);
        self.changed(&queued.question.room_id, &queued.question.event_id);
        self.model.invalidate(CacheScope::Conversation(self.cache_key(&queued.question.conversation())));
        // Where it waits or is being answered, its turn looks at the edits itself.
        if anew && first {
            self.spawn(|assistant| async move { assistant.report(answer_anew(&assistant, queued).await) });
        }
    }

    /// Lets a new question wait for its turn, unless its author asks too much.
    async fn admit(&self, queued: Queued) -> Result<(), StoreError> {
        let question = &queued.question;
        let call = if let QueuedKind::Command(call) = &queued.kind { Some(call) } else { None };
        let stops = call.is_some_and(Call::is_stop);
        if stops && !self.limits.may_answer(question, Instant::now()) {
            return commands::stop_quietly(self, &queued).await;
        }
        let exempt = !question.is_message() || stops;
        let verdict = if exempt { Verdict::Pass } else { self.limits.check(question, Instant::now()) };
        // Commands are served: some of them make room.
        let no_room = !exempt && call.is_none() && !self.has_room();
        let refusal = match verdict {
            Verdict::Pass if no_room => {
                tracing::error!("the disk of the data folder is almost full: questions are refused");
                self.tell_of_full_disk(&question.event_id);
                (queued, Text::NoRoom { told: !self.config.administrators.is_empty() })
            }
            Verdict::Pass => match self.inbox_run(|inbox| inbox.push(Work::of(queued))) {
                Some(Work::Question(refused) | Work::Command(refused)) if stops => {
                    return commands::stop_quietly(self, &refused).await;
                }
                Some(Work::Question(refused) | Work::Command(refused)) => (*refused, Text::Busy),
                Some(Work::Delivery(_)) | None => return Ok(()),
            },
            Verdict::Slow(wait) => (queued, Text::SlowDown { wait }),
            Verdict::Loop => (queued, Text::LoopStopped),
            Verdict::Silent => {
                self.store.drop_question(&question.room_id, &question.event_id, now()).await?;
                return Ok(());
            }
        };
        self.spawn(|assistant| async move {
            let (refused, text) = refusal;
            let _working = assistant.at_work.enter(&refused.question.event_id);
            assistant.report(answer::decline(&assistant, &refused, &text).await);
        });
        Ok(())
    }

    /// Lets a question that was answered before wait for its turn again.
    pub(super) fn again(&self, queued: Queued) {
        // It was accepted once; and it takes the place of its own answer, not a new one.
        let refused = self.inbox_run(|inbox| inbox.resume(Work::Question(Box::new(queued))));
        debug_assert!(refused.is_none(), "what was accepted is never refused");
    }

    /// A question has another text, or is no more: an answer being written from the old one is given up.
    fn changed(&self, room: &RoomId, event: &EventId) {
        if let Some(run) = self.runs.about(room, event) {
            run.interrupt(Interruption::Changed);
        }
    }

    /// Those of the messages that are meant for the bot.
    async fn addressed(&self, messages: Vec<Incoming>) -> Result<Vec<Admitted>, StoreError> {
        let mut questions = Vec::new();
        for message in messages {
            let call = Call::read(&message);
            if self.is_addressed(&message, call.as_ref()).await? {
                questions.push(Admitted { kind: kind(&message, call), message });
            }
        }
        Ok(questions)
    }

    /// Whether a message is meant for the bot. `call` is the command in it.
    pub(super) async fn is_addressed(&self, message: &Incoming, call: Option<&Call>) -> Result<bool, StoreError> {
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
                None => message.thread.is_some() && self.store.answers_in(&message.conversation()).await?,
            }
            // A picture among colleagues asks nothing of the bot.
            || !matches!(message.content, Content::Attachment(_))
                && self.store.room_settings(&message.room_id).await?.answers == Answers::All)
    }
}

/// What a message asks for. `call` is the command in it.
pub(super) fn kind(message: &Incoming, call: Option<Call>) -> QueuedKind {
    match (&message.content, call) {
        (Content::Text(_), Some(call)) => QueuedKind::Command(call),
        (Content::Text(_), None) => QueuedKind::Question,
        (Content::Attachment(_), _) => QueuedKind::Attachment,
        (Content::Joined, _) => QueuedKind::Welcome,
        (Content::Missed, _) => QueuedKind::Missed,
    }
}

/// Lets a question wait for its turn again that has an answer and was edited, once it is at rest. Its author may ask no more in this way
/// than by writing: beyond that, the answer stays as it is.
async fn answer_anew(assistant: &Assistant, queued: Queued) -> Result<(), Failure> {
    let question = &queued.question;
    tokio::select! {
        _ = assistant.edits.settled(&question.event_id) => {}
        // It waits in the store.
        () = assistant.stop.cancelled() => return Err(Failure::Stopped),
    }
    let wait = match assistant.limits.check(question, Instant::now()) {
        Verdict::Pass => {
            assistant.again(queued);
            return Ok(());
        }
        Verdict::Slow(wait) => Some(wait),
        Verdict::Loop | Verdict::Silent => None,
    };
    tracing::info!(event_id = %question.event_id, "an edit is not answered: its author asks too much");
    assistant.store.close_question(&question.room_id, &question.event_id, now()).await?;
    let Some(wait) = wait else { return Ok(()) };
    answer::remark(assistant, &queued, &Text::SlowDown { wait }).await
}

/// The edits that count. A command is a new message: no edit becomes one.
fn new_texts(mut edits: Vec<Edit>) -> Vec<Edit> {
    edits.retain(|edit| !Call::is_command(&edit.body));
    edits
}
