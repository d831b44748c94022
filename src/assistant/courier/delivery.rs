//! Getting an answer into its room, once, whatever the homeserver does meanwhile.
//!
//! The answer is already in the store's outbox. Each part has a transaction id made from the question, so trying again never doubles it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use ruma::{EventId, OwnedEventId, RoomId};
use tokio::sync::Semaphore;

use super::{
    attempted::Attempted,
    homeserver::{Homeserver, unless_refused},
    notice_queue::NoticeQueue,
    outgoing::{RATING_PART, about, edition, edition_of, notice, transaction},
    unconfirmed::UnconfirmedTransactions,
    withdrawal::Withdrawals,
};
use crate::{
    assistant::{
        clock::now,
        config::Config,
        counting::{self, End},
        dispatch::InProgress,
        failure::Failure,
        lifecycle::Lifecycle,
        limits::Limits,
    },
    conversation::Turn,
    matrix::Sought,
    message::{Incoming, Item, MessageKind, Outgoing},
    privacy::Facts,
    services::Services,
    statistics::{Activity, Counted, Outcome, Rating, Refusal},
    store::{Acknowledgement, Answer, Change, Conclusion, Delivery, Queued, Sent, Store, StoreError},
    usage::AnswerUsage,
};

/// An answer that could not be delivered for this long helps nobody any more.
const DELIVER_FOR: Duration = Duration::from_hours(7 * 24);

/// Brings into the rooms what is in the outbox, and the bot's own sentences.
pub struct Courier {
    pub(super) parts: Parts,
    /// Drafts of which nobody knows whether they arrived.
    pub unconfirmed: UnconfirmedTransactions,
    /// The notices that wait for the rate budget.
    pub(super) notices: NoticeQueue,
    /// Each upload that runs holds a file in memory.
    pub(super) uploads: Semaphore,
}

/// What a [`Courier`] needs.
pub struct Parts {
    /// The outbox.
    pub store: Store,
    /// Where the messages go.
    pub homeserver: Arc<Homeserver>,
    /// Where calls go.
    pub services: Arc<Services>,
    /// What the bot takes back.
    pub withdrawals: Arc<Withdrawals>,
    /// The questions for which something is generated or sent.
    pub in_progress: InProgress,
    /// The circuit breaker is told of each answer.
    pub limits: Arc<Limits>,
    /// Whom sentences name.
    pub privacy: Arc<Facts>,
    /// The languages, and whether answers are streamed.
    pub config: Arc<Config>,
    /// The tasks.
    pub lifecycle: Arc<Lifecycle>,
}

/// What is written together at the end of a question.
#[derive(Default)]
pub struct Ending {
    /// What is added to the conversation.
    pub turns: Vec<Turn>,
    /// What is sent.
    pub items: Vec<Item>,
    /// What else changes.
    pub changes: Vec<Change>,
    /// What the answer cost, and who answered; `None` for the bot's own sentences.
    pub usage: Option<AnswerUsage>,
    /// Whether nobody asked for it: nobody is mentioned by it.
    pub unasked: bool,
    /// How the question ended. `None`: it is not counted.
    pub outcome: Option<Outcome>,
    /// The kind of work, where the question alone does not tell it.
    pub activity: Option<Activity>,
    /// When the first text of the answer came, in milliseconds since the epoch.
    pub first_text_at: Option<u64>,
}

/// An answer in the store, on its way.
pub struct Concluded {
    /// `None`: the question is not waiting any more, or has another text, and nothing is sent.
    delivery: Option<Delivery>,
    /// Whether an earlier attempt may have sent a part of it.
    resumed: bool,
}

/// How many files are uploaded at a time: each is in memory meanwhile.
const UPLOADS: usize = 2;

/// Whether no item before this one is a text.
fn is_first_text(delivery: &Delivery, part: usize) -> bool {
    delivery.answer.items.iter().take(part).all(|before| before.text().is_none())
}

/// Whether this part takes the place of the draft, if it is a text: the first one does, behind files and calls too. In an answer given again
/// part 0 alone, since each of the others has a message of the earlier answer to replace.
fn replaces_draft(delivery: &Delivery, part: usize) -> bool {
    part == 0 || (delivery.answer.again.is_none() && is_first_text(delivery, part))
}

fn is_too_old(delivery: &Delivery) -> bool {
    u128::from(now().saturating_sub(delivery.stored_at)) > DELIVER_FOR.as_millis()
}

impl Courier {
    /// A courier with nothing on its way.
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            unconfirmed: UnconfirmedTransactions::default(),
            notices: NoticeQueue::default(),
            uploads: Semaphore::new(UPLOADS),
        }
    }

    /// Stores an answer and what changes with it, in one write. It is delivered by [`Courier::deliver_concluded`].
    pub async fn conclude(&self, queued: &Queued, ending: Ending) -> Result<Concluded, Failure> {
        let end = ending.outcome.map(|outcome| End {
            outcome,
            activity: ending.activity,
            model: ending.usage.as_ref().map(|usage| usage.model.as_str()),
            first_text_at: ending.first_text_at,
        });
        let counted = self.counted(queued, end).await?;
        let Ending { turns, items, changes, usage, unasked, .. } = ending;
        let question = &queued.question;
        let (draft, again, shown) = (queued.draft.clone(), queued.again.clone(), queued.shown.clone());
        // Which drafts were lost, the store knows best.
        let answer = Answer { items, draft, again, shown, lost: Vec::new(), unasked };
        let conclusion = Conclusion { question, turns, answer, changes, usage, counted };
        let delivery = self.parts.store.conclude(conclusion, now()).await?;
        Ok(Concluded { delivery, resumed: queued.attempts > 1 })
    }

    /// What is counted of a question that ends so.
    async fn counted(&self, queued: &Queued, end: Option<End<'_>>) -> Result<Option<Counted>, StoreError> {
        let Some(end) = end else { return Ok(None) };
        let settings = self.parts.store.room_settings(&queued.question.room_id).await?;
        Ok(counting::counted(queued, end, &settings, &self.parts.config, now()))
    }

    /// Drops a question that nobody is told of, never to be accepted again, and counts why. Returns whether it was waiting.
    pub async fn refuse(&self, queued: &Queued, refusal: Refusal) -> Result<bool, StoreError> {
        let (store, question) = (&self.parts.store, &queued.question);
        match self.counted(queued, Some(End::refused(refusal))).await? {
            Some(counted) => store.refuse_question(question, counted, now()).await,
            None => store.drop_question(&question.room_id, &question.event_id, now()).await,
        }
    }

    /// Ends a question of which the room shows what it should, and counts how it ended.
    pub async fn close(&self, queued: &Queued, outcome: Outcome) -> Result<bool, StoreError> {
        let (store, question) = (&self.parts.store, &queued.question);
        let end = End { outcome, ..End::refused(Refusal::Failure) };
        match self.counted(queued, Some(end)).await? {
            Some(counted) => store.close_counted(question, counted, now()).await,
            None => store.close_question(&question.room_id, &question.event_id, now()).await,
        }
    }

    /// Delivers an answer, if there is something to send.
    pub async fn deliver_concluded(&self, concluded: Concluded) -> Result<(), Failure> {
        let Some(delivery) = concluded.delivery else { return Ok(()) };
        self.deliver(&delivery, concluded.resumed).await
    }

    /// Nothing of a question is on its way any more: what the room shows of it is delivered, or among the withdrawals.
    pub async fn settled(&self, question: &Incoming) {
        self.unconfirmed.take(&question.event_id);
        self.parts.withdrawals.run().await;
    }

    /// Gives up the answers that could not be delivered for too long, so that neither they nor their files are kept.
    pub async fn give_up_old_deliveries(&self) -> Result<(), Failure> {
        for delivery in self.parts.store.undelivered().await?.iter().filter(|delivery| is_too_old(delivery)) {
            self.give_up_delivery(delivery).await?;
        }
        Ok(())
    }

    async fn give_up_delivery(&self, delivery: &Delivery) -> Result<(), Failure> {
        let question = &delivery.question;
        tracing::warn!(event_id = %question.event_id, "an answer could not be delivered for seven days: it is given up");
        self.parts.store.delivered(delivery, now()).await?;
        self.parts.withdrawals.run().await;
        Ok(())
    }

    /// Sends what of an answer is not sent yet, and marks the question as done. `resumed` says that a process before this one may have sent
    /// some of it without living to write that down.
    pub async fn deliver(&self, delivery: &Delivery, resumed: bool) -> Result<(), Failure> {
        let Parts { store, withdrawals, .. } = &self.parts;
        let question = &delivery.question;
        if is_too_old(delivery) {
            return self.give_up_delivery(delivery).await;
        }
        let (mut refused, mut last) = (false, None);
        // Each part goes by what the store says then: the draft may have been taken away meanwhile, or all of it with its question.
        while let Some(current) = store.delivery(question).await? {
            if current.sequence != delivery.sequence {
                // Another answer to the question was written since (it was edited): that one is delivered by whoever wrote it.
                return Ok(());
            }
            let part = current.sent.len();
            let Some(item) = current.answer.items.get(part) else { break };
            let acknowledged = match self.send_item(&current, part, item, resumed).await {
                Ok(acknowledged) => acknowledged,
                Err(Failure::Refused(reason)) => {
                    if !self.is_current(delivery).await? {
                        return Ok(());
                    }
                    tracing::warn!(event_id = %question.event_id, reason, "an answer could not be delivered");
                    refused = true;
                    break;
                }
                Err(other) => return Err(other),
            };
            if let Acknowledgement::Sent(Sent::Message(event)) = &acknowledged {
                last = Some(event.clone());
            }
            if !store.acknowledge(delivery, part, acknowledged, now()).await? {
                // Another answer to the question was stored since (it was edited): that one is delivered by whoever stored it.
                withdrawals.run().await;
                return Ok(());
            }
        }
        for too_many in delivery.answer.shown.iter().skip(delivery.answer.items.len()) {
            withdrawals.withdraw_now(&question.room_id, too_many).await?;
        }
        store.delivered(delivery, now()).await?;
        if refused {
            withdrawals.run().await;
        } else {
            // Its question may have been taken back while a part of it was on its way.
            withdrawals.may_write_again(&question.room_id).await;
        }
        self.parts.limits.answered(question, Instant::now());
        if let Some(last) = last.filter(|_| delivery.series.is_some() && self.parts.config.ratings.offer) {
            self.offer_ratings(&question.room_id, &last).await;
        }
        Ok(())
    }

    /// Puts under an answer the emojis by which it is rated. Its own reactions never come back to the bot.
    async fn offer_ratings(&self, room: &RoomId, answer: &EventId) {
        for rating in [Rating::Useful, Rating::NotUseful] {
            let key = rating.emoji();
            let transaction = transaction(answer, RATING_PART, &edition_of(key));
            if !self.parts.homeserver.react(room, answer, key, &transaction).await {
                return;
            }
        }
    }

    /// Whether the outbox still has this answer: its question may have been taken back, or answered anew.
    pub(super) async fn is_current(&self, delivery: &Delivery) -> Result<bool, StoreError> {
        let stored = self.parts.store.delivery(&delivery.question).await?;
        Ok(stored.is_some_and(|stored| stored.sequence == delivery.sequence))
    }

    /// Sends one item; in the place of one that is refused for good, the sentence that says so.
    async fn send_item(
        &self,
        delivery: &Delivery,
        part: usize,
        item: &Item,
        resumed: bool,
    ) -> Result<Acknowledgement, Failure> {
        let attempted = match item {
            Item::Markdown { .. } | Item::Notice { .. } => {
                let event = self.send_part(delivery, part, item, resumed).await?;
                Attempted::Done(Sent::Message(event))
            }
            Item::File(file) => self.send_file(delivery, part, file, resumed).await?,
            Item::Egress(egress) if egress.once => self.call_once(delivery, part, egress).await?,
            Item::Egress(egress) => self.call(delivery, egress).await?,
            Item::Post(post) => self.send_post(delivery, part, post, resumed).await?,
            Item::Linked(linked) => {
                let event = self.send_part(delivery, part, &Self::linked(delivery, linked), resumed).await?;
                Attempted::Done(Sent::Message(event))
            }
        };
        match attempted {
            Attempted::Done(sent) => Ok(Acknowledgement::Sent(sent)),
            Attempted::Refused(text) => {
                let settings = self.parts.store.room_settings(&delivery.question.room_id).await?;
                let sentence = notice(text.say(self.parts.config.language_in(&settings)).into_owned());
                self.send_part(delivery, part, &sentence, resumed).await.map(Acknowledgement::Refused)
            }
        }
    }

    /// Sends one part, in the place of what is shown of it already, and gives the message that people see.
    async fn send_part(
        &self,
        delivery: &Delivery,
        part: usize,
        item: &Item,
        resumed: bool,
    ) -> Result<OwnedEventId, Failure> {
        let (question, answer) = (&delivery.question, &delivery.answer);
        let replaces_draft = replaces_draft(delivery, part);
        let send_edition = |transaction: String, shown: Option<OwnedEventId>| async move {
            let outgoing = Outgoing {
                replaces: shown.as_deref(),
                kind: if item.is_notice() { MessageKind::Notice } else { MessageKind::Text },
                markdown: item.text().unwrap_or_default(),
                links: item.links(),
                sources: item.sources(),
                opens: is_first_text(delivery, part),
                complete: true,
                asker: Some(&*question.sender).filter(|_| question.is_message() && !answer.unasked),
                ..about(question, part, &transaction)
            };
            self.parts.homeserver.send(&outgoing).await
        };
        let edition = edition(answer.again.as_deref(), &answer.lost);
        // The drafts are of part 0, whichever part takes their place.
        let number = if replaces_draft { 0 } else { part };
        let variant = |end: &str| transaction(&question.event_id, number, &format!("{edition}{end}"));
        let mut shown = answer.draft.as_ref().filter(|_| replaces_draft).or_else(|| answer.shown.get(part)).cloned();
        for unconfirmed in if replaces_draft { self.unconfirmed.take(&question.event_id) } else { Vec::new() } {
            let event_id = send_edition(unconfirmed, shown.clone()).await?;
            shown.get_or_insert(event_id);
        }
        if shown.is_none() && resumed {
            // The edits of a draft that was taken away may still stand there.
            let is_there = |event: &OwnedEventId| !answer.lost.contains(event);
            shown = self.find_sent(question, part, Sought::Text).await?.filter(is_there);
            if shown.is_none() && part != number {
                shown = self.find_sent(question, number, Sought::Draft).await?.filter(is_there);
            }
        }
        let shown = match shown {
            // What is found may be an unfinished draft, so it is edited; of the parts that replace none there is one edition only.
            Some(event_id) if !replaces_draft && answer.again.is_none() => return Ok(event_id),
            Some(event_id) => event_id,
            // A draft of an earlier process may still be on its way, and this be taken for its repetition. So it is edited too.
            None if resumed && replaces_draft => send_edition(variant(""), None).await?,
            None => return send_edition(variant(""), None).await,
        };
        // An edit has an id of its own, which nobody replies to: the message people see is the one edited.
        send_edition(variant("-final"), Some(shown.clone())).await?;
        Ok(shown)
    }

    /// The message of this sort in the room that already holds part `part` of the answer to `question`, if there is one.
    pub async fn find_sent(
        &self,
        question: &Incoming,
        part: usize,
        sought: Sought,
    ) -> Result<Option<OwnedEventId>, Failure> {
        let homeserver = &self.parts.homeserver;
        // A room that does not let itself be read may still take the message, or refuse it in its turn.
        let find = || homeserver.gateway.find_sent(&question.room_id, &question.event_id, part, sought);
        Ok(unless_refused(homeserver.retry(find).await)?.flatten())
    }
}
