//! The circuit breaker that ends loops between programs: who reacts to each answer faster than a person types, or at a steadier pace, is
//! not answered for a while. Pure: the time is given.
//!
//! Only the first message after an answer is a reaction to it. Who writes on while earlier questions wait for their answers reacts to
//! none of them, whatever the pace.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use ruma::{OwnedEventId, OwnedUserId};

use crate::message::{ConversationId, Incoming};

/// A message that comes this soon after the answer to the same author's last one was not typed by a person.
const FAST: Duration = Duration::from_secs(2);

/// How long a breaker stays open.
pub const OPEN: Duration = Duration::from_hours(1);

/// How long it stays open where nothing but the pace tells a program from a person. A loop ends with the first message that is not answered.
pub const OPEN_IN_DOUBT: Duration = Duration::from_mins(10);

/// Within this time of an answer, a message may be one of a steady series: a slower program than [`FAST`] tells.
const STEADY_WITHIN: Duration = Duration::from_secs(30);

/// By no more than this do the replies of a program differ in their delay. A person reads and types at another pace each time.
const STEADY: Duration = Duration::from_secs(3);

/// The same for messages that a person may have typed and that are no replies.
const STEADY_IN_DOUBT: Duration = Duration::from_secs(1);

/// Nobody types as many characters in a second.
const TYPED_A_SECOND: u32 = 20;

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
    /// It is the one that opens the breaker, for this long.
    Opens(Duration),
    /// It comes while the breaker is open.
    Open,
}

struct Breaker {
    answered: Instant,
    /// The newest message.
    newest: Option<OwnedEventId>,
    /// Whether nothing was written since the question of the last answer: what comes next is a reaction to it.
    waits: bool,
    /// Two for each fast reaction in a row, one for each other fast message.
    fast: u32,
    /// Reactions that are replies, or longer than a person types in the time.
    marked: Series,
    /// All reactions.
    all: Series,
    open_until: Option<Instant>,
}

/// Reactions to the answers, one after the other, at a steady pace.
#[derive(Clone, Copy)]
struct Series {
    count: u32,
    fastest: Duration,
    slowest: Duration,
}

impl CircuitBreaker {
    /// Counts a message. After `loop_after` fast reactions in a row, or one more steady reaction than that, the breaker opens.
    pub fn check(&mut self, message: &Incoming, loop_after: u32, now: Instant) -> State {
        let key = (message.written_in(), message.sender.clone());
        let Some(breaker) = self.breakers.get_mut(&key) else { return State::Closed };
        if breaker.is_open(now) {
            return State::Open;
        }
        breaker.count(message, now);
        let Some(time) = breaker.verdict(loop_after) else { return State::Closed };
        breaker.forget();
        breaker.open_until = Some(now + time);
        State::Opens(time)
    }

    /// Whether the breaker is open for the author of a message, which is not counted.
    pub fn is_open(&self, message: &Incoming, now: Instant) -> bool {
        let breaker = self.breakers.get(&(message.written_in(), message.sender.clone()));
        breaker.is_some_and(|breaker| breaker.is_open(now))
    }

    /// Notes that an answer to this message was delivered.
    pub fn answered(&mut self, message: &Incoming, now: Instant) {
        let (conversation, sender) = (message.written_in(), message.sender.clone());
        let alone = self.partners.insert(conversation.clone(), sender.clone()).is_none_or(|last| last == sender);
        let breaker = self.breakers.entry((conversation, sender)).or_insert_with(|| Breaker::new(now));
        breaker.answered = now;
        breaker.waits = breaker.newest.as_ref().is_none_or(|newest| *newest == message.event_id);
        if !alone {
            (breaker.marked, breaker.all) = (Series::NONE, Series::NONE);
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
    fn new(now: Instant) -> Self {
        Self {
            answered: now,
            newest: None,
            waits: true,
            fast: 0,
            marked: Series::NONE,
            all: Series::NONE,
            open_until: None,
        }
    }

    fn is_open(&self, now: Instant) -> bool {
        self.open_until.is_some_and(|until| now < until)
    }

    /// Counts a message in its series.
    fn count(&mut self, message: &Incoming, now: Instant) {
        let delay = now.saturating_duration_since(self.answered);
        let reaction = std::mem::take(&mut self.waits);
        self.newest = Some(message.event_id.clone());
        self.fast = if delay < FAST { self.fast.saturating_add(1 + u32::from(reaction)) } else { 0 };
        let steady = reaction && delay < STEADY_WITHIN;
        let marked = message.replies_to.is_some() || !can_be_typed(message.text(), delay);
        self.all = if steady { self.all.and(delay, STEADY_IN_DOUBT) } else { Series::NONE };
        self.marked = if steady && marked { self.marked.and(delay, STEADY) } else { Series::NONE };
    }

    /// For how long the breaker opens, if it does.
    fn verdict(&self, loop_after: u32) -> Option<Duration> {
        let longest = loop_after.saturating_add(1);
        if self.fast > loop_after.saturating_mul(2) || self.marked.count > longest {
            return Some(OPEN);
        }
        (self.all.count > longest).then_some(OPEN_IN_DOUBT)
    }

    /// Begins anew.
    fn forget(&mut self) {
        (self.fast, self.marked, self.all) = (0, Series::NONE, Series::NONE);
    }
}

/// Whether a person can have typed this in so much time.
fn can_be_typed(text: &str, time: Duration) -> bool {
    let most = time.as_secs_f64() * f64::from(TYPED_A_SECOND);
    // Text lengths are far below what a double holds exactly.
    #[allow(clippy::cast_precision_loss)]
    let length = text.chars().count() as f64;
    length <= most
}

impl Series {
    const NONE: Self = Self { count: 0, fastest: Duration::MAX, slowest: Duration::ZERO };

    /// One more, so long after the answer, where delays may differ by `tolerance`.
    fn and(self, delay: Duration, tolerance: Duration) -> Self {
        let series = Self {
            count: self.count.saturating_add(1),
            fastest: self.fastest.min(delay),
            slowest: self.slowest.max(delay),
        };
        let steady = series.slowest.saturating_sub(series.fastest) <= tolerance;
        if steady { series } else { Self { count: 1, fastest: delay, slowest: delay } }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{CircuitBreaker, OPEN, OPEN_IN_DOUBT, State};
    use crate::{
        assistant::{config::Limits, fakes::incoming},
        message::{Content, Incoming},
    };

    /// How somebody asks.
    struct Asker {
        name: &'static str,
        /// How long after the last answer, or the last question, the next message comes; from the beginning again when it ends.
        pauses: &'static [u64],
        /// How long an answer takes.
        answer: u64,
        rounds: usize,
        /// Whether the next message comes after the answer rather than after the last message.
        waits: bool,
        write: fn(Incoming) -> Incoming,
        /// After how many answers it is stopped and for how long.
        stopped: Option<(usize, Duration)>,
    }

    fn plain(message: Incoming) -> Incoming {
        message
    }

    fn mention(message: Incoming) -> Incoming {
        Incoming { mentions_me: true, direct: false, ..message }
    }

    fn reply(message: Incoming) -> Incoming {
        Incoming { replies_to: Some("$answer:h".try_into().expect("an id")), ..mention(message) }
    }

    fn threaded(message: Incoming) -> Incoming {
        Incoming { thread: Some("$root:h".try_into().expect("an id")), ..mention(message) }
    }

    fn paragraph(message: Incoming) -> Incoming {
        Incoming { content: Content::Text("Voici ma réponse, en détail. ".repeat(12)), ..mention(message) }
    }

    /// After how many answers the breaker opens, and for how long.
    fn play(asker: &Asker) -> Option<(usize, Duration)> {
        let mut breaker = CircuitBreaker::default();
        let loop_after = Limits::default().loop_after;
        let (mut now, mut pauses) = (Instant::now(), asker.pauses.iter().cycle());
        // What was asked and is answered later.
        let mut waiting: Vec<(Instant, Incoming)> = Vec::new();
        let mut answers = 0;
        for round in 0..asker.rounds {
            let pause = Duration::from_millis(*pauses.next().expect("a cycle"));
            now += pause;
            while waiting.first().is_some_and(|(at, _)| *at <= now) {
                let (at, question) = waiting.remove(0);
                breaker.answered(&question, at);
                answers += 1;
            }
            let message = (asker.write)(incoming(&format!("$q{round}:h"), "!a:h", "Et la suite ?"));
            match breaker.check(&message, loop_after, now) {
                State::Closed => {}
                State::Opens(time) => return Some((answers, time)),
                State::Open => unreachable!("it opens first"),
            }
            let begins = waiting.last().map_or(now, |(at, _)| now.max(*at));
            let at = begins + Duration::from_millis(asker.answer);
            if asker.waits {
                now = at;
                breaker.answered(&message, at);
                answers += 1;
            } else {
                waiting.push((at, message));
            }
        }
        None
    }

    /// Prints who is stopped, and when.
    #[test]
    fn programs_are_stopped_within_ten_rounds_and_people_never() {
        // Read, thought, typed: another pace each time.
        const TYPED: &[u64] = &[4_200, 7_900, 3_100, 12_400, 5_600, 9_300, 2_600, 6_800, 15_100, 4_900, 8_200];
        const THREE: &[u64] = &[3_000, 2_900, 3_400, 3_100];
        let person =
            |name, pauses, write| Asker { name, pauses, answer: 4_000, rounds: 15, waits: true, write, stopped: None };
        let program =
            |name, pauses, write, stopped| Asker { rounds: 60, stopped: Some(stopped), ..person(name, pauses, write) };
        let askers = [
            program("an echo", &[150, 300], reply, (9, OPEN)),
            program("a bot of 3 s, with mention and reply", THREE, reply, (10, OPEN)),
            program("a bot of 3 s, with mention only", THREE, mention, (10, OPEN_IN_DOUBT)),
            program("a bot of 3 s, in a thread", THREE, threaded, (10, OPEN_IN_DOUBT)),
            program("a bot of 3 s, in a direct conversation", THREE, plain, (10, OPEN_IN_DOUBT)),
            program("a bot of 2 to 5 s that writes paragraphs", &[2_100, 4_900, 3_300], paragraph, (10, OPEN)),
            program("a bot of 12 s, with mention and reply", &[12_000, 13_900, 11_500], reply, (10, OPEN)),
            person("15 quick questions, typed", TYPED, plain),
            person("15 quick questions, as replies to the answers", TYPED, reply),
            person("15 quick questions, in a thread", TYPED, threaded),
            Asker { waits: false, ..person("15 questions, one a second, without waiting", &[1_000], plain) },
            Asker {
                waits: false,
                answer: 1_500,
                ..person("15 pasted questions, answered while the next is pasted", &[800, 1_100, 950], plain)
            },
        ];
        for asker in askers {
            let stopped = play(&asker);
            let said = stopped.map_or("never".to_owned(), |(answers, time)| {
                format!("after {answers} answers, for {} min", time.as_secs() / 60)
            });
            println!("{:<60} {said}", asker.name);
            assert_eq!(stopped, asker.stopped, "{}", asker.name);
        }
    }

    #[test]
    fn an_open_breaker_closes_by_itself() {
        let mut breaker = CircuitBreaker::default();
        let message = reply(incoming("$q:h", "!a:h", "?"));
        let mut now = Instant::now();
        let mut turn = |pause: Duration| {
            now += pause;
            let state = breaker.check(&message, 2, now);
            breaker.answered(&message, now);
            state
        };
        let states: Vec<State> = (0..6).map(|_| turn(Duration::from_millis(100))).collect();
        let closed = State::Closed;
        assert_eq!(states, [closed, closed, closed, State::Opens(OPEN), State::Open, State::Open]);
        assert_eq!(turn(OPEN), State::Closed);
    }
}
