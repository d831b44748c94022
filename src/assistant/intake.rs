//! Admission: what comes from the rooms is screened by the access rules, written down with the sync cursor, held to the limits, and put
//! into the lanes. What needs no turn is done at once.

use std::{sync::Arc, time::Instant};

use super::{
    access::AccessRules,
    addressing::Addressing,
    bursts::Bursts,
    clock::now,
    commands,
    config::Config,
    counting::day,
    courier::{Administrators, Courier, Verifications, Withdrawals},
    dispatch::{Dispatcher, Work},
    lifecycle::Lifecycle,
    limits::{Limits, Verdict},
    texts::Text,
};
use crate::{
    matrix::Batch,
    message::{Edit, Incoming, Reaction},
    statistics::{self, Rating, Reason},
    store::{Accept, Edited, Queued, QueuedKind, Reactions, Store, StoreError},
};

/// Takes what comes from the rooms.
pub struct Intake {
    /// The durable inbox.
    pub store: Store,
    /// Who may have the bot act.
    pub access: Arc<AccessRules>,
    /// Which messages are for the bot.
    pub addressing: Addressing,
    /// How much one person and one room may ask.
    pub limits: Arc<Limits>,
    /// What people send in bursts and the bot cannot read.
    pub bursts: Bursts,
    /// Where questions wait for their turn, and what is under way for those that are edited or redacted.
    pub dispatcher: Arc<Dispatcher>,
    /// What stops at once.
    pub commands: Arc<commands::Parts>,
    /// What says refusals.
    pub courier: Arc<Courier>,
    /// Whom a full disk concerns.
    pub administrators: Arc<Administrators>,
    /// What answers requests to verify the bot's device.
    pub verifications: Arc<Verifications>,
    /// What the bot takes back.
    pub withdrawals: Arc<Withdrawals>,
    /// The tasks.
    pub lifecycle: Arc<Lifecycle>,
    /// In which time zone days are counted.
    pub config: Arc<Config>,
}

/// Why a question does not wait for its turn.
enum Refusal {
    /// Its author is told.
    Say(Text<'static>),
    /// Its author knows.
    Silent,
}

impl Intake {
    /// Writes down what a sync response brought. When it returns, the questions in it will be answered even if the process dies.
    pub async fn accept(&self, mut batch: Batch) -> Result<(), StoreError> {
        let refused = self.addressing.not_served(&batch.messages, |message| self.access.may_ask(message)).await?;
        self.access.screen(&mut batch);
        let mut questions = self.addressing.addressed(batch.messages).await?;
        questions.extend(refused);
        let (edits, unheeded) = self.addressing.edits(batch.edits).await?;
        self.take(&Accept {
            next_batch: Some(&batch.next_batch),
            questions: &questions,
            undecrypted: &batch.undecrypted,
            left: &batch.left,
            edits: &edits,
            unheeded: &unheeded,
            redactions: &batch.redactions,
            upgraded: &batch.upgraded,
            gaps: &batch.gaps,
            closed: &batch.closed,
            reactions: Some(&self.ratings(&batch.reactions)),
        })
        .await?;
        self.verifications.answer(batch.verifications);
        for reaction in batch.reactions.into_iter().filter(|reaction| commands::is_stop(&reaction.key)) {
            let commands = Arc::clone(&self.commands);
            self.lifecycle.spawn(async move { commands::react(&commands, reaction).await });
        }
        Ok(())
    }

    /// The reactions of people that rate answers, or say why one is not useful. A program finds nothing of an answer.
    fn ratings(&self, reactions: &[Reaction]) -> Reactions {
        let rates = |reaction: &&Reaction| {
            let known = Rating::of_emoji(&reaction.key).is_some() || Reason::of_emoji(&reaction.key).is_some();
            known && !self.config.limits.bots.contains(&reaction.sender)
        };
        let given = reactions.iter().filter(rates).cloned().collect();
        Reactions { day: day(&self.config, now()), given, asks_why: self.config.ratings.ask_why }
    }

    /// Takes messages whose key arrived after them: as [`Intake::accept`], outside of a sync.
    pub async fn accept_late(
        &self,
        mut messages: Vec<Incoming>,
        mut edits: Vec<Edit>,
        mut reactions: Vec<Reaction>,
    ) -> Result<(), StoreError> {
        self.access.screen_texts(&mut messages, &mut edits);
        self.access.screen_reactions(&mut reactions);
        let questions = self.addressing.addressed(messages).await?;
        let (edits, unheeded) = self.addressing.edits(edits).await?;
        let ratings = self.ratings(&reactions);
        let (edits, unheeded, reactions) = (&*edits, &*unheeded, Some(&ratings));
        let accept = Accept { questions: &questions, edits, unheeded, reactions, ..Accept::default() };
        self.take(&accept).await
    }

    /// Writes down what came, and starts on what is new in it.
    async fn take(&self, accept: &Accept<'_>) -> Result<(), StoreError> {
        let accepted = self.store.accept(accept, now()).await?;
        for room in accept.left {
            self.dispatcher.left(room);
        }
        for queued in accepted.new {
            self.admit(queued).await?;
        }
        for Edited { queued, anew } in accepted.edited {
            self.dispatcher.edited(queued, anew);
        }
        self.dispatcher.untold(&accepted.untold);
        for draft in &accepted.lost {
            self.dispatcher.lost(draft);
        }
        if !accepted.redacted.is_empty() {
            self.dispatcher.redacted(accept.redactions);
        }
        let joined = || accept.questions.iter().any(|admitted| admitted.kind == QueuedKind::Welcome);
        if !accepted.redacted.is_empty() || !accepted.lost.is_empty() || joined() {
            self.withdrawals.run().await;
        }
        Ok(())
    }

    /// Lets a new question wait for its turn, unless that is too much.
    async fn admit(&self, queued: Queued) -> Result<(), StoreError> {
        if self.bursts.is_said(&queued, Instant::now()) {
            return self.drop(&queued, statistics::Refusal::Unreadable).await;
        }
        let stops = matches!(&queued.kind, QueuedKind::Command(call) if call.is_stop());
        if stops && !self.limits.may_answer(&queued.question, Instant::now()) {
            return commands::stop_quietly(&self.commands, &queued).await;
        }
        let Err(refused) = self.enqueue(queued, stops) else { return Ok(()) };
        match *refused {
            (refused, _) if stops => commands::stop_quietly(&self.commands, &refused).await,
            // A refusal under an edit is seen by nobody.
            // Nor is anybody without access told more than that.
            (refused, _)
                if matches!(refused.kind, QueuedKind::EditOf(_) | QueuedKind::AskWhy | QueuedKind::NotServed) =>
            {
                self.drop(&refused, statistics::Refusal::Rate).await
            }
            (refused, Refusal::Silent) => self.drop(&refused, statistics::Refusal::Rate).await,
            (refused, Refusal::Say(text)) => {
                self.courier.decline_beside(refused, text);
                Ok(())
            }
        }
    }

    async fn drop(&self, queued: &Queued, refusal: statistics::Refusal) -> Result<(), StoreError> {
        self.courier.refuse(queued, refusal).await.map(drop)
    }

    /// Removes from what is counted what is too old, and what tells of the people of a week that is over.
    pub async fn age_statistics(&self, now: u64) -> Result<(), StoreError> {
        self.store.age_statistics(day(&self.config, now)).await
    }

    /// The bounds on what is accepted, in one place: the rate of its author and room, the room on the disk, the room in the lanes. A stop
    /// is obeyed whatever its author has asked before.
    fn enqueue(&self, queued: Queued, stops: bool) -> Result<(), Box<(Queued, Refusal)>> {
        let exempt = stops || !queued.question.is_message();
        let verdict = if exempt { Verdict::Pass } else { self.verdict(&queued) };
        let refusal = match verdict {
            Verdict::Pass => None,
            Verdict::Slow(wait) => Some(Refusal::Say(Text::SlowDown { wait })),
            Verdict::Loop(wait) => Some(Refusal::Say(Text::LoopStopped { wait })),
            Verdict::Silent => Some(Refusal::Silent),
        };
        if let Some(refusal) = refusal {
            return Err(Box::new((queued, refusal)));
        }
        // Commands are served: some of them make room.
        let needs_disk = !exempt && !matches!(queued.kind, QueuedKind::Command(_));
        if needs_disk && !self.disk_has_room(&queued) {
            let told = self.administrators.are_there();
            return Err(Box::new((queued, Refusal::Say(Text::NoRoom { told }))));
        }
        match self.dispatcher.push(queued) {
            Err(Work::Question(refused) | Work::Command(refused)) => {
                Err(Box::new((*refused, Refusal::Say(Text::Busy))))
            }
            Err(Work::Delivery(_)) | Ok(()) => Ok(()),
        }
    }

    /// What the limits say of a message. Under an edit a refusal is seen by nobody, so its author is still to be told; whether it goes on
    /// with a loop shows once its original is known.
    fn verdict(&self, queued: &Queued) -> Verdict {
        let (message, now) = (&queued.question, Instant::now());
        match queued.kind {
            QueuedKind::EditOf(_) | QueuedKind::NotServed if self.limits.may_answer(message, now) => Verdict::Pass,
            QueuedKind::EditOf(_) | QueuedKind::NotServed => Verdict::Silent,
            _ => self.limits.check(message, now),
        }
    }

    /// Whether the disk has room for a question; the administrators are told once when it has none.
    fn disk_has_room(&self, queued: &Queued) -> bool {
        let room = self.store.has_room();
        if room {
            self.administrators.disk_has_room();
        } else {
            tracing::error!("the disk of the data folder is almost full: questions are refused");
            self.administrators.disk_is_full(&queued.question.event_id);
        }
        room
    }
}
