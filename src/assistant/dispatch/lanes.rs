//! The lanes: work of one conversation runs one at a time and in order, conversations run side by side, and what waits is bounded.
//!
//! The durable part is the store's; this is its shadow in memory, rebuilt from the store at start.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};

use tokio::sync::watch;

use crate::{
    message::ConversationId,
    store::{Delivery, Queued, QueuedKind},
};

/// Something to do in a conversation.
#[derive(Debug)]
pub enum Work {
    /// A question to answer.
    Question(Box<Queued>),
    /// A command that changes nothing: it waits for no answer.
    Command(Box<Queued>),
    /// An answer written before a restart, to be sent.
    Delivery(Box<Delivery>),
}

impl Work {
    /// A message that was accepted, for the lane it belongs in.
    #[must_use]
    pub fn of(queued: Queued) -> Self {
        let urgent = matches!(&queued.kind, QueuedKind::Command(call) if call.is_urgent());
        if urgent { Self::Command(Box::new(queued)) } else { Self::Question(Box::new(queued)) }
    }

    /// The lane it waits in.
    #[must_use]
    pub fn lane(&self) -> Lane {
        match self {
            Self::Question(queued) => Lane { conversation: queued.question.conversation(), urgent: false },
            Self::Command(queued) => Lane { conversation: queued.question.conversation(), urgent: true },
            Self::Delivery(delivery) => Lane { conversation: delivery.question.conversation(), urgent: false },
        }
    }
}

/// Where things wait for one another: each conversation has a lane for answers and one for what need not wait for them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lane {
    /// The conversation.
    pub conversation: ConversationId,
    /// Whether it is the second one.
    pub urgent: bool,
}

/// Runs a lane until [`Lanes::next`] gives nothing.
type Start = Box<dyn Fn(Lane) + Send + Sync>;

/// The lanes with work, in order of arrival within each.
pub struct Lanes {
    work: Mutex<HashMap<Lane, VecDeque<Work>>>,
    most: usize,
    most_per_conversation: usize,
    start: OnceLock<Start>,
    /// Whether any lane runs that may need the model.
    busy: watch::Sender<bool>,
}

impl Lanes {
    /// Empty lanes in which at most `most` pieces of work wait, `most_per_conversation` of them in one conversation.
    #[must_use]
    pub fn new(most: usize, most_per_conversation: usize) -> Self {
        let (start, busy) = (OnceLock::new(), watch::Sender::new(false));
        Self { work: Mutex::default(), most, most_per_conversation, start, busy }
    }

    /// Has each lane that is not running yet started when work comes into it. The first caller is the one that starts them.
    pub fn on_work(&self, start: impl Fn(Lane) + Send + Sync + 'static) {
        let _ = self.start.set(Box::new(start));
    }

    /// Adds work that has just arrived; gives it back when too much waits.
    pub fn push(&self, work: Work) -> Result<(), Work> {
        self.add(work, true)
    }

    /// Adds work that was accepted before: it is never given back.
    pub fn resume(&self, work: Work) {
        let refused = self.add(work, false);
        debug_assert!(refused.is_ok(), "what was accepted is never refused");
    }

    fn add(&self, work: Work, bounded: bool) -> Result<(), Work> {
        let lane = work.lane();
        {
            let mut lanes = self.lock();
            let waiting: usize = lanes.values().map(VecDeque::len).sum();
            let in_conversation = lanes.get(&lane).map_or(0, VecDeque::len);
            if bounded && (waiting >= self.most || in_conversation >= self.most_per_conversation) {
                return Err(work);
            }
            let runs = lanes.contains_key(&lane);
            lanes.entry(lane.clone()).or_default().push_back(work);
            self.note_busy(&lanes);
            if runs {
                return Ok(());
            }
        }
        if let Some(start) = self.start.get() {
            start(lane);
        }
        Ok(())
    }

    /// How many pieces of work wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().values().map(VecDeque::len).sum()
    }

    /// The next piece of work in a lane; `None` ends its run.
    pub fn next(&self, lane: &Lane) -> Option<Work> {
        let mut lanes = self.lock();
        let next = lanes.get_mut(lane)?.pop_front();
        if next.is_none() {
            lanes.remove(lane);
            self.note_busy(&lanes);
        }
        next
    }

    /// Waits until nothing is to be answered in any conversation. Commands in their own lanes do not count: the model has no part in them.
    pub async fn quiet(&self) {
        // The sender is here: it does not go away.
        let _ = self.busy.subscribe().wait_for(|busy| !busy).await;
    }

    /// Waits until something is to be answered in any conversation.
    pub async fn busy(&self) {
        let _ = self.busy.subscribe().wait_for(|busy| *busy).await;
    }

    /// Under the lock, so that what is noted is never older than the lanes.
    fn note_busy(&self, lanes: &HashMap<Lane, VecDeque<Work>>) {
        let busy = lanes.keys().any(|lane| !lane.urgent);
        self.busy.send_if_modified(|noted| std::mem::replace(noted, busy) != busy);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Lane, VecDeque<Work>>> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{Lane, Lanes, Work};
    use crate::assistant::fakes::queued;

    fn question(event: &str, room: &str) -> Work {
        Work::Question(Box::new(queued(event, room)))
    }

    /// Lanes, and those that were started.
    fn lanes(most: usize, most_per_conversation: usize) -> (Lanes, Arc<Mutex<Vec<Lane>>>) {
        let (lanes, started) = (Lanes::new(most, most_per_conversation), Arc::<Mutex<Vec<Lane>>>::default());
        let starts = Arc::clone(&started);
        lanes.on_work(move |lane| starts.lock().expect("not poisoned").push(lane));
        (lanes, started)
    }

    #[test]
    fn one_conversation_is_served_in_order_and_started_once() {
        let (lanes, started) = lanes(10, 10);
        let first = question("$1:h", "!a:h");
        let lane = first.lane();
        for work in [first, question("$2:h", "!a:h"), question("$3:h", "!b:h")] {
            lanes.push(work).expect("there is room");
        }
        assert_eq!(started.lock().expect("not poisoned").len(), 2);
        let order: Vec<String> = std::iter::from_fn(|| lanes.next(&lane))
            .map(|work| match work {
                Work::Question(queued) => queued.question.event_id.to_string(),
                Work::Command(_) | Work::Delivery(_) => unreachable!("only questions were pushed"),
            })
            .collect();
        assert_eq!(order, ["$1:h", "$2:h"]);
        lanes.push(question("$4:h", "!a:h")).expect("there is room");
        assert_eq!(started.lock().expect("not poisoned").iter().filter(|started| **started == lane).count(), 2);
    }

    #[tokio::test]
    async fn it_is_quiet_once_the_last_lane_has_ended() {
        let (lanes, _) = lanes(10, 10);
        lanes.quiet().await;
        let (first, second) = (question("$1:h", "!a:h"), question("$2:h", "!b:h"));
        let [one, other] = [&first, &second].map(Work::lane);
        lanes.push(first).expect("there is room");
        lanes.push(second).expect("there is room");
        lanes.busy().await;
        let quiet = lanes.quiet();
        tokio::pin!(quiet);
        let waits =
            |quiet: std::pin::Pin<&mut dyn Future<Output = ()>>| futures_util::FutureExt::now_or_never(quiet).is_none();
        for lane in [&one, &one, &other] {
            assert!(waits(quiet.as_mut()), "a lane runs until it was asked for more");
            lanes.next(lane);
        }
        assert!(waits(quiet.as_mut()));
        lanes.next(&other);
        quiet.await;
    }

    #[test]
    fn too_much_waiting_is_given_back_but_never_what_was_accepted_before_a_restart() {
        let (lanes, _) = lanes(3, 2);
        for event in ["$1:h", "$2:h"] {
            lanes.push(question(event, "!a:h")).expect("there is room");
        }
        assert!(lanes.push(question("$3:h", "!a:h")).is_err(), "two wait in the conversation");
        lanes.push(question("$4:h", "!b:h")).expect("there is room");
        assert!(lanes.push(question("$5:h", "!c:h")).is_err(), "three wait in all");
        lanes.resume(question("$6:h", "!a:h"));
        assert_eq!(lanes.waiting(), 4);
    }
}
