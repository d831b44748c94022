//! Which work runs now: one thing at a time within a conversation, conversations side by side, and no more waiting than allowed.
//!
//! The durable part is the store's; this is its shadow in memory, rebuilt from the store at start.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

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

/// What became of work that was pushed.
#[derive(Debug)]
pub enum Admission {
    /// Nothing runs in this lane yet: the caller must run it, until [`Inbox::next`] says `None`.
    Run(Lane),
    /// Something runs there already and will come to it.
    Waits,
    /// Too much waits: it is handed back, for the bot to say that it is busy.
    Busy(Work),
}

/// The lanes with work, in order of arrival within each.
#[derive(Debug)]
pub struct Inbox {
    lanes: Mutex<HashMap<Lane, VecDeque<Work>>>,
    most: usize,
    most_per_conversation: usize,
}

impl Inbox {
    /// An empty inbox that lets at most `most` things wait, `most_per_conversation` of them in one conversation.
    #[must_use]
    pub fn new(most: usize, most_per_conversation: usize) -> Self {
        Self { lanes: Mutex::default(), most, most_per_conversation }
    }

    /// Adds work that has just arrived.
    pub fn push(&self, work: Work) -> Admission {
        self.add(work, true)
    }

    /// Adds work that was accepted before a restart: it is never refused.
    pub fn resume(&self, work: Work) -> Admission {
        self.add(work, false)
    }

    fn add(&self, work: Work, bounded: bool) -> Admission {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting: usize = lanes.values().map(VecDeque::len).sum();
        let lane = work.lane();
        let in_conversation = lanes.get(&lane).map_or(0, VecDeque::len);
        if bounded && (waiting >= self.most || in_conversation >= self.most_per_conversation) {
            return Admission::Busy(work);
        }
        let runs = lanes.contains_key(&lane);
        lanes.entry(lane.clone()).or_default().push_back(work);
        if runs { Admission::Waits } else { Admission::Run(lane) }
    }

    /// How many things wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner).values().map(VecDeque::len).sum()
    }

    /// The next thing to do in a lane; `None` ends its run.
    pub fn next(&self, lane: &Lane) -> Option<Work> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let next = lanes.get_mut(lane)?.pop_front();
        if next.is_none() {
            lanes.remove(lane);
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::{Admission, Inbox, Work};
    use crate::assistant::fakes::queued;

    fn question(event: &str, room: &str) -> Work {
        Work::Question(Box::new(queued(event, room)))
    }

    #[test]
    fn one_conversation_is_served_in_order_and_run_once() {
        let inbox = Inbox::new(10, 10);
        let first = question("$1:h", "!a:h");
        let lane = first.lane();
        assert!(matches!(inbox.push(first), Admission::Run(_)));
        assert!(matches!(inbox.push(question("$2:h", "!a:h")), Admission::Waits));
        assert!(matches!(inbox.push(question("$3:h", "!b:h")), Admission::Run(_)));
        let order: Vec<String> = std::iter::from_fn(|| inbox.next(&lane))
            .map(|work| match work {
                Work::Question(queued) => queued.question.event_id.to_string(),
                Work::Command(_) | Work::Delivery(_) => unreachable!("only questions were pushed"),
            })
            .collect();
        assert_eq!(order, ["$1:h", "$2:h"]);
        assert!(matches!(inbox.push(question("$4:h", "!a:h")), Admission::Run(_)));
    }

    #[test]
    fn too_much_waiting_is_handed_back_but_never_what_was_accepted_before_a_restart() {
        let inbox = Inbox::new(3, 2);
        for event in ["$1:h", "$2:h"] {
            assert!(!matches!(inbox.push(question(event, "!a:h")), Admission::Busy(_)));
        }
        assert!(matches!(inbox.push(question("$3:h", "!a:h")), Admission::Busy(_)), "two wait in the conversation");
        assert!(matches!(inbox.push(question("$4:h", "!b:h")), Admission::Run(_)));
        assert!(matches!(inbox.push(question("$5:h", "!c:h")), Admission::Busy(_)), "three wait in all");
        assert!(matches!(inbox.resume(question("$6:h", "!a:h")), Admission::Waits));
    }
}
