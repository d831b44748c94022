//! How much one person and one room may ask, and the breaker that ends loops between programs.
//!
//! Kept in memory: a restart forgives. Nobody who is refused is refused aloud twice in a row: a refusal that is answered by a program
//! would be the loop itself.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use ruma::{OwnedRoomId, OwnedUserId};

use super::config::{self, Rate};
use crate::message::{ConversationId, Incoming};

/// A message that comes this soon after the answer to the same author's last one was not typed by a person.
const REFLEX: Duration = Duration::from_secs(2);

/// How long the breaker stays open.
const MUTED: Duration = Duration::from_hours(1);

/// With more keys than this, those that are back to rest are forgotten.
const TIDY_AT: usize = 1_000;

type Buckets<K, C> = RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// What is to be done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is read.
    Pass,
    /// It is refused, and its author told when to come back.
    Slow(Duration),
    /// It is refused, and its author told that a loop was seen.
    Loop,
    /// It is refused without a word: its author knows.
    Silent,
}

/// The buckets and the breaker.
pub(super) struct Limits<C: Clock = DefaultClock> {
    clock: C,
    persons: Buckets<OwnedUserId, C>,
    rooms: Buckets<OwnedRoomId, C>,
    loop_after: u32,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Until when an author's refusals are silent: one was said aloud.
    told: HashMap<OwnedUserId, Instant>,
    /// How an author's messages follow the answers in a conversation.
    habits: HashMap<(ConversationId, OwnedUserId), Habit>,
}

struct Habit {
    answered: Instant,
    reflexes: u32,
    muted_until: Option<Instant>,
}

impl Limits {
    pub(super) fn new(config: &config::Limits) -> Self {
        Self::by(config, DefaultClock::default())
    }
}

impl<C: Clock + Clone> Limits<C> {
    /// With a clock for the buckets.
    fn by(config: &config::Limits, clock: C) -> Self {
        Self {
            persons: buckets(config.person, &clock),
            rooms: buckets(config.room, &clock),
            clock,
            loop_after: config.loop_after,
            state: Mutex::default(),
        }
    }

    /// Counts a message.
    pub(super) fn check(&self, message: &Incoming, now: Instant) -> Verdict {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(verdict) = state.reflex(message, self.loop_after, now) {
            return verdict;
        }
        let limited =
            [wait(&self.persons, &message.sender, &self.clock), wait(&self.rooms, &message.room_id, &self.clock)];
        let Some(wait) = limited.into_iter().flatten().max() else {
            state.told.remove(&message.sender);
            return Verdict::Pass;
        };
        match state.told.insert(message.sender.clone(), now + wait) {
            Some(until) if until > now => Verdict::Silent,
            _ => Verdict::Slow(wait),
        }
    }

    /// Notes that an answer to this person was delivered.
    pub(super) fn answered(&self, message: &Incoming, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.habits.len() > TIDY_AT {
            state
                .habits
                .retain(|_, habit| now < habit.answered + REFLEX || habit.muted_until.is_some_and(|until| now < until));
            state.told.retain(|_, until| now < *until);
            self.persons.retain_recent();
            self.rooms.retain_recent();
        }
        let key = (message.conversation(), message.sender.clone());
        let habit = state.habits.entry(key).or_insert(Habit { answered: now, reflexes: 0, muted_until: None });
        habit.answered = now;
    }
}

impl State {
    /// What the breaker says of a message, if it has a word to say.
    fn reflex(&mut self, message: &Incoming, loop_after: u32, now: Instant) -> Option<Verdict> {
        let habit = self.habits.get_mut(&(message.conversation(), message.sender.clone()))?;
        if habit.muted_until.is_some_and(|until| now < until) {
            return Some(Verdict::Silent);
        }
        habit.reflexes = if now < habit.answered + REFLEX { habit.reflexes + 1 } else { 0 };
        if habit.reflexes <= loop_after {
            return None;
        }
        habit.reflexes = 0;
        habit.muted_until = Some(now + MUTED);
        Some(Verdict::Loop)
    }
}

fn buckets<K: Hash + Eq + Clone, C: Clock + Clone>(rate: Rate, clock: &C) -> Buckets<K, C> {
    let period = Duration::from_hours(1) / rate.per_hour.get();
    // The period is zero for no rate that fits in 32 bits.
    let quota = Quota::with_period(period).unwrap_or_else(|| Quota::per_hour(rate.per_hour)).allow_burst(rate.burst);
    RateLimiter::new(quota, HashMapStateStore::new(HashMap::new()), clock.clone())
}

/// How long this key has to wait; nothing when it may pass, and then it is counted.
fn wait<K: Hash + Eq + Clone, C: Clock>(buckets: &Buckets<K, C>, key: &K, clock: &C) -> Option<Duration> {
    buckets.check_key(key).err().map(|until| until.wait_time_from(clock.now()))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use governor::clock::FakeRelativeClock;
    use ruma::OwnedUserId;

    use super::{Limits, MUTED, TIDY_AT, Verdict};
    use crate::assistant::{
        config::{self, Rate},
        fakes::incoming,
    };

    fn limits(person: u32, room: u32) -> Limits {
        Limits::new(&config::Limits {
            person: Rate::of(person, 1),
            room: Rate::of(room, 1),
            ..config::Limits::default()
        })
    }

    #[test]
    fn who_asks_too_much_is_told_once_when_to_come_back() {
        let limits = limits(2, 100);
        let now = Instant::now();
        let asks = || limits.check(&incoming("$q:h", "!a:h", "?"), now);
        assert_eq!([asks(), asks()], [Verdict::Pass, Verdict::Pass]);
        let Verdict::Slow(wait) = asks() else { panic!("the third is one too many") };
        assert!(wait > Duration::from_mins(50) && wait <= Duration::from_hours(1), "{wait:?}");
        assert_eq!(asks(), Verdict::Silent);
    }

    #[test]
    fn a_room_is_limited_over_all_its_people_and_no_other_room_with_it() {
        let limits = limits(100, 2);
        let now = Instant::now();
        let asks = |person: &str, room: &str| {
            let mut message = incoming("$q:h", room, "?");
            message.sender = person.try_into().expect("a user");
            limits.check(&message, now)
        };
        assert_eq!(asks("@a:h", "!a:h"), Verdict::Pass);
        assert_eq!(asks("@b:h", "!a:h"), Verdict::Pass);
        assert!(matches!(asks("@c:h", "!a:h"), Verdict::Slow(_)));
        assert_eq!(asks("@a:h", "!b:h"), Verdict::Pass);
    }

    #[test]
    fn a_program_that_answers_each_answer_is_left_alone_for_an_hour() {
        let limits = limits(1_000, 1_000);
        let echo = incoming("$q:h", "!a:h", "?");
        let mut now = Instant::now();
        let mut turn = |pause: Duration| {
            now += pause;
            let verdict = limits.check(&echo, now);
            limits.answered(&echo, now);
            verdict
        };
        let reflex = Duration::from_millis(200);
        for _ in 0..=config::Limits::default().loop_after {
            assert_eq!(turn(reflex), Verdict::Pass);
        }
        assert_eq!(turn(reflex), Verdict::Loop);
        assert_eq!(turn(reflex), Verdict::Silent);
        assert_eq!(turn(MUTED), Verdict::Pass, "an hour later");
    }

    #[test]
    fn months_leave_no_more_behind_than_hours() {
        let clock = FakeRelativeClock::default();
        let limits = Limits::by(&config::Limits::default(), clock.clone());
        let (mut now, mut refused, mut most) = (Instant::now(), 0, 0);
        // Somebody new in a new room each minute, for ten weeks; one in ten is too fast.
        for number in 0..100_000 {
            let step = Duration::from_mins(1);
            now += step;
            clock.advance(step);
            let mut message = incoming("$q:h", &format!("!{number}:h"), "?");
            message.sender = OwnedUserId::try_from(format!("@{number}:h")).expect("a user");
            for _ in 0..if number % 10 == 0 { 22 } else { 1 } {
                match limits.check(&message, now) {
                    Verdict::Pass => limits.answered(&message, now),
                    _ => refused += 1,
                }
            }
            let state = limits.state.lock().expect("not poisoned");
            most = most.max(state.told.len() + state.habits.len() + limits.persons.len() + limits.rooms.len());
        }
        assert!(refused > 10_000, "{refused}");
        assert!(most <= 4 * (TIDY_AT + 1), "{most}");
    }

    #[test]
    fn a_person_who_types_is_no_loop() {
        let limits = limits(1_000, 1_000);
        let person = incoming("$q:h", "!a:h", "?");
        let mut now = Instant::now();
        for _ in 0..3 * config::Limits::default().loop_after {
            assert_eq!(limits.check(&person, now), Verdict::Pass);
            limits.answered(&person, now);
            now += Duration::from_secs(5);
        }
    }
}
