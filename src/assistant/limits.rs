//! How much one person and one room may ask.
//!
//! Kept in memory: a restart forgives. Nobody who is refused is refused aloud twice in a row: a refusal that is answered by a program
//! would be the loop itself.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::NoOpMiddleware,
    state::keyed::HashMapStateStore,
};
use ruma::{OwnedRoomId, OwnedUserId, RoomId};

use super::{
    circuit_breaker::{self, CircuitBreaker},
    config::{self, Rate},
};
use crate::message::Incoming;

/// A room that was welcomed is not welcomed again for this long, whoever throws the bot out and invites it anew meanwhile.
const WELCOMED: Duration = Duration::from_hours(24);

/// With more keys than this, those that are back to rest are forgotten.
const TIDY_AT: usize = 1_000;

type Buckets<K, C> = RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// What is to be done with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is read.
    Pass,
    /// It is refused, and its author told when to come back.
    Slow(Duration),
    /// It is refused, and its author told that a loop was seen and how long the silence lasts.
    Loop(Duration),
    /// It is refused without a word: its author knows.
    Silent,
}

/// The token buckets and the circuit breaker.
pub struct Limits<C: Clock = DefaultClock> {
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
    breaker: CircuitBreaker,
    /// When rooms were welcomed. It outlives what is known of the room, which is forgotten when the bot leaves.
    welcomed: HashMap<OwnedRoomId, Instant>,
}

impl Limits {
    /// Those of the configuration.
    pub fn new(config: &config::Limits) -> Self {
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

    /// Counts a message, or an edit of one, that has come at this time.
    pub fn check(&self, message: &Incoming, now: Instant) -> Verdict {
        let mut state = self.state();
        let verdict = self.looped(&mut state, message, now);
        if verdict != Verdict::Pass {
            return verdict;
        }
        let Some(wait) = self.wait(message) else {
            state.told.remove(&message.sender);
            return Verdict::Pass;
        };
        match state.told.insert(message.sender.clone(), now + wait) {
            Some(until) if until > now => Verdict::Silent,
            _ => Verdict::Slow(wait),
        }
    }

    /// Counts, against loops alone, a message that was counted by [`Limits::may_answer`] when it came, at this time.
    pub fn check_loop(&self, message: &Incoming, now: Instant) -> Verdict {
        self.looped(&mut self.state(), message, now)
    }

    fn looped(&self, state: &mut State, message: &Incoming, now: Instant) -> Verdict {
        match state.breaker.check(message, self.loop_after, now) {
            circuit_breaker::State::Closed => Verdict::Pass,
            circuit_breaker::State::Opens(time) => Verdict::Loop(time),
            circuit_breaker::State::Open => Verdict::Silent,
        }
    }

    /// Counts a message that is obeyed in any case, or refused without a word, and tells whether it may be answered. Its author is not
    /// told of a limit here, and so is still to be told.
    pub fn may_answer(&self, message: &Incoming, now: Instant) -> bool {
        let open = self.state().breaker.is_open(message, now);
        self.wait(message).is_none() && !open
    }

    /// Counts a message in the buckets of its author and its room; how long they have to wait, if they have to.
    fn wait(&self, message: &Incoming) -> Option<Duration> {
        let person = wait(&self.persons, &message.sender, &self.clock);
        let room = wait(&self.rooms, &message.room_id, &self.clock);
        person.max(room)
    }

    /// Whether a room is to be welcomed that the bot has come into; it counts as welcomed then.
    pub fn may_welcome(&self, room: &RoomId, now: Instant) -> bool {
        let mut state = self.state();
        if state.welcomed.len() > TIDY_AT {
            state.welcomed.retain(|_, at| now < *at + WELCOMED);
            if state.welcomed.len() > TIDY_AT {
                state.welcomed.clear();
            }
        }
        state.welcomed.insert(room.to_owned(), now).is_none_or(|at| now >= at + WELCOMED)
    }

    /// Notes that an answer to this person was delivered.
    pub fn answered(&self, message: &Incoming, now: Instant) {
        let mut state = self.state();
        if state.breaker.len() > TIDY_AT {
            state.breaker.tidy(now);
            state.told.retain(|_, until| now < *until);
            self.persons.retain_recent();
            self.rooms.retain_recent();
        }
        state.breaker.answered(message, now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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

    use super::{Limits, TIDY_AT, Verdict};
    use crate::assistant::{
        circuit_breaker::OPEN,
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
        assert_eq!(turn(reflex), Verdict::Loop(OPEN));
        assert_eq!(turn(reflex), Verdict::Silent);
        assert_eq!(turn(OPEN), Verdict::Pass, "an hour later");
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
            let maps = state.told.len() + state.breaker.remembered() + state.welcomed.len();
            most = most.max(maps + limits.persons.len() + limits.rooms.len());
            drop(state);
            limits.may_welcome(&message.room_id, now);
        }
        assert!(refused > 10_000, "{refused}");
        assert!(most <= 6 * (TIDY_AT + 2), "{most}");
    }

    #[test]
    fn a_person_who_types_is_no_loop() {
        let limits = limits(1_000, 1_000);
        let person = incoming("$q:h", "!a:h", "?");
        let mut now = Instant::now();
        for pause in [5, 7, 4].into_iter().cycle().take(24) {
            assert_eq!(limits.check(&person, now), Verdict::Pass);
            limits.answered(&person, now);
            now += Duration::from_secs(pause);
        }
    }

    #[test]
    fn a_slower_program_that_replies_to_each_answer_is_left_alone_too() {
        let limits = limits(1_000, 1_000);
        let mut reply = incoming("$q:h", "!a:h", "?");
        reply.replies_to = Some("$answer:h".try_into().expect("an id"));
        let mut now = Instant::now();
        let mut passed = 0;
        // It thinks for three seconds, more or less.
        for pause in [3_000, 2_900, 3_400, 3_100].into_iter().cycle().take(40) {
            now += Duration::from_millis(pause);
            match limits.check(&reply, now) {
                Verdict::Pass => passed += 1,
                verdict => {
                    assert_eq!(verdict, Verdict::Loop(OPEN));
                    break;
                }
            }
            limits.answered(&reply, now);
        }
        assert!(passed <= 10, "{passed} rounds");
        assert_eq!(limits.check(&reply, now + Duration::from_secs(3)), Verdict::Silent);
    }

    #[test]
    fn somebody_who_replies_each_time_at_a_pace_of_their_own_is_no_loop_nor_are_several() {
        let limits = limits(1_000, 1_000);
        let mut reply = incoming("$q:h", "!a:h", "?");
        reply.replies_to = Some("$answer:h".try_into().expect("an id"));
        let mut now = Instant::now();
        for pause in [4, 9, 6, 14, 5, 11].into_iter().cycle().take(60) {
            now += Duration::from_secs(pause);
            assert_eq!(limits.check(&reply, now), Verdict::Pass, "a person");
            limits.answered(&reply, now);
        }
        for turn in 0..60 {
            reply.sender = OwnedUserId::try_from(format!("@{}:h", turn % 2)).expect("a user");
            now += Duration::from_secs(3);
            assert_eq!(limits.check(&reply, now), Verdict::Pass, "two who take turns");
            limits.answered(&reply, now);
        }
    }

    #[test]
    fn what_is_obeyed_in_any_case_counts_and_tells_nobody() {
        let limits = limits(2, 100);
        let (stop, now) = (incoming("$q:h", "!a:h", "stop"), Instant::now());
        assert_eq!([(); 3].map(|()| limits.may_answer(&stop, now)), [true, true, false]);
        assert!(matches!(limits.check(&stop, now), Verdict::Slow(_)), "its author is still to be told");
    }

    #[test]
    fn edits_that_go_on_with_a_loop_are_counted_by_their_originals() {
        let limits = limits(1_000, 1_000);
        let mut now = Instant::now();
        let mut turn = |number: usize| {
            now += Duration::from_millis(200);
            let original = incoming(&format!("${number}:h"), "!a:h", "?");
            let verdict = limits.check_loop(&original, now);
            limits.answered(&original, now);
            verdict
        };
        let verdicts: Vec<Verdict> = (0..20).map(&mut turn).collect();
        assert!(verdicts.contains(&Verdict::Loop(OPEN)), "{verdicts:?}");
        assert_eq!(verdicts.last(), Some(&Verdict::Silent));
    }

    #[test]
    fn a_room_is_welcomed_once_a_day_whatever_was_forgotten_of_it() {
        let limits = limits(1, 1);
        let (room, now) = (incoming("$q:h", "!a:h", "").room_id, Instant::now());
        assert_eq!(
            [0, 1, 23, 48].map(|hours| limits.may_welcome(&room, now + Duration::from_hours(hours))),
            [true, false, false, true]
        );
    }
}
