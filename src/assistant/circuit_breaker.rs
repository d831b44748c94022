//! The circuit breaker that ends loops between programs: who answers each answer faster than a person types, or at a steadier pace, is
//! not answered for an hour. Pure: the time is given.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use ruma::OwnedUserId;

use crate::message::{ConversationId, Incoming};

/// A message that comes this soon after the answer to the same author's last one was not typed by a person.
const FAST: Duration = Duration::from_secs(2);

/// How long a breaker stays open.
pub const OPEN: Duration = Duration::from_hours(1);

/// Within this time of an answer, a reply to it may be one of a steady series: a slower program than [`FAST`] tells.
const STEADY_WITHIN: Duration = Duration::from_secs(30);

/// By no more than this do the replies of a program differ in their delay. A person reads and types at another pace each time.
const STEADY: Duration = Duration::from_secs(3);

/// The breakers, one for each person in each conversation.
#[derive(Default)]
pub struct CircuitBreaker {
    breakers: HashMap<(ConversationId, OwnedUserId), Breaker>,
    /// Who was answered last in a conversation.
    partners: HashMap<ConversationId, OwnedUserId>,
}

/// What the breaker says of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It passes.
    Closed,
    /// It is the one that opens the breaker.
    Opens,
    /// It comes while the breaker is open.
    Open,
}

struct Breaker {
    answered: Instant,
    fast: u32,
    steady: Series,
    open_until: Option<Instant>,
}

/// Replies to the answers, one after the other, at a steady pace.
#[derive(Clone, Copy)]
struct Series {
    count: u32,
    fastest: Duration,
    slowest: Duration,
}

impl CircuitBreaker {
    /// Counts a message. After `loop_after` fast replies in a row, or one more steady reply than that, the breaker opens.
    pub fn check(&mut self, message: &Incoming, loop_after: u32, now: Instant) -> State {
        let key = (message.written_in(), message.sender.clone());
        let Some(breaker) = self.breakers.get_mut(&key) else { return State::Closed };
        if breaker.is_open(now) {
            return State::Open;
        }
        let delay = now.saturating_duration_since(breaker.answered);
        breaker.fast = if delay < FAST { breaker.fast + 1 } else { 0 };
        let replies = message.replies_to.is_some() && delay < STEADY_WITHIN;
        breaker.steady = if replies { breaker.steady.and(delay) } else { Series::NONE };
        if breaker.fast <= loop_after && breaker.steady.count <= loop_after.saturating_add(1) {
            return State::Closed;
        }
        (breaker.fast, breaker.steady) = (0, Series::NONE);
        breaker.open_until = Some(now + OPEN);
        State::Opens
    }

    /// Whether the breaker is open for the author of a message, which is not counted.
    pub fn is_open(&self, message: &Incoming, now: Instant) -> bool {
        let breaker = self.breakers.get(&(message.written_in(), message.sender.clone()));
        breaker.is_some_and(|breaker| breaker.is_open(now))
    }

    /// Notes that an answer to this person was delivered.
    pub fn answered(&mut self, message: &Incoming, now: Instant) {
        let (conversation, sender) = (message.written_in(), message.sender.clone());
        let alone = self.partners.insert(conversation.clone(), sender.clone()).is_none_or(|last| last == sender);
        let breaker = Breaker { answered: now, fast: 0, steady: Series::NONE, open_until: None };
        let breaker = self.breakers.entry((conversation, sender)).or_insert(breaker);
        breaker.answered = now;
        if !alone {
            breaker.steady = Series::NONE;
        }
    }

    /// How many breakers there are.
    pub fn len(&self) -> usize {
        self.breakers.len()
    }

    /// How much is remembered, for the test of its bound.
    #[cfg(test)]
    pub fn remembered(&self) -> usize {
        self.breakers.len() + self.partners.len()
    }

    /// Forgets what makes no difference any more.
    pub fn tidy(&mut self, now: Instant) {
        self.breakers.retain(|_, breaker| now < breaker.answered + STEADY_WITHIN || breaker.is_open(now));
        let breakers = &self.breakers;
        self.partners.retain(|conversation, partner| breakers.contains_key(&(conversation.clone(), partner.clone())));
    }
}

impl Breaker {
    fn is_open(&self, now: Instant) -> bool {
        self.open_until.is_some_and(|until| now < until)
    }
}

impl Series {
    const NONE: Self = Self { count: 0, fastest: Duration::MAX, slowest: Duration::ZERO };

    /// One more, so long after the answer.
    fn and(self, delay: Duration) -> Self {
        let series = Self {
            count: self.count.saturating_add(1),
            fastest: self.fastest.min(delay),
            slowest: self.slowest.max(delay),
        };
        let steady = series.slowest.saturating_sub(series.fastest) <= STEADY;
        if steady { series } else { Self { count: 1, fastest: delay, slowest: delay } }
    }
}
