//! How often an answer's text may be refreshed, so that refreshing never delays an answer's end.
//!
//! Synapse counts the bot's messages in a leaky bucket over all rooms (`rc_message`). This is our copy of it: refreshing draws only on the
//! part above a reserve kept for final texts; final texts are always sent, whatever the copy says, and their fate corrects it. The bot's own
//! notices draw on the upper part of it only, so that no number of commands delays an answer.

use std::time::{Duration, Instant};

/// Synapse's own limit, in messages per second.
pub const STOCK_PER_SECOND: f64 = 0.2;
/// Synapse's own limit, in messages in a row.
pub const STOCK_BURST: f64 = 10.0;

/// What part of the burst is kept: a first text may go down to the first, a refreshed one to the second. With the stock burst of 10, four
/// answers in a row then end without waiting: 10 → first text 9 → three refreshes 6 → end 5 → first text 4 → end 3 → end 2 → end 1.
const RESERVE_FIRST: f64 = 0.4;
const RESERVE_REFRESH: f64 = 0.6;
/// Below this part of the burst notices wait: with the stock burst of 10, what is left is an answer's first text and the ends of four.
const RESERVE_NOTICE: f64 = 0.5;

/// Where answers use up everything, a notice still goes out each time that the homeserver would have allowed so many messages.
const NOTICE_SHARE: f64 = 4.0;

/// The least time between two refreshes of one answer: faster only makes a phone flicker.
const SHORTEST: Duration = Duration::from_millis(700);

/// How much longer each wait is than the one before, whatever the homeserver allows: an edit rings and costs on every device of the room. So
/// many edits in five minutes are at most 60: 60 × 0.7 s + (0 + 1 + … + 59) × 0.15 s is 307 s.
const GROWTH: Duration = Duration::from_millis(150);

/// Our copy of the homeserver's bucket.
#[derive(Debug)]
pub struct RateBudget {
    configured: (f64, f64),
    per_second: f64,
    burst: f64,
    left: f64,
    at: Instant,
    /// When a notice was allowed last.
    noticed: Option<Instant>,
    /// Notices that were allowed and are not sent yet.
    promised: u32,
}

impl RateBudget {
    /// A full bucket.
    #[must_use]
    pub fn new(per_second: f64, burst: f64, now: Instant) -> Self {
        Self { configured: (per_second, burst), per_second, burst, left: burst, at: now, noticed: None, promised: 0 }
    }

    fn refill(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * self.per_second;
        self.left = (self.left + gained).min(self.burst);
        self.at = now;
    }

    /// Whether an answer's first text may be shown now.
    pub fn may_show_first(&mut self, now: Instant) -> bool {
        self.refill(now);
        self.left > self.burst * RESERVE_FIRST
    }

    /// Whether an answer that was last refreshed `since` ago, and `refreshes` times in all, may be refreshed now. The wait doubles each
    /// time up to the homeserver's own rate, so that a long answer spreads its refreshes, and goes on growing slowly.
    pub fn may_refresh(&mut self, since: Duration, refreshes: u32, now: Instant) -> bool {
        self.refill(now);
        let longest = seconds(1.0 / self.per_second).max(SHORTEST);
        let doubled = SHORTEST.saturating_mul(2_u32.saturating_pow(refreshes)).min(longest);
        let wait = doubled.max(SHORTEST + GROWTH.saturating_mul(refreshes));
        since >= wait && self.left > self.burst * RESERVE_REFRESH
    }

    /// Allows a notice, which is then to be reported by [`RateBudget::notice_done`]; or tells when to ask again.
    pub fn notice(&mut self, now: Instant) -> Result<(), Duration> {
        self.refill(now);
        let (reserve, free) = (self.burst * RESERVE_NOTICE, self.left - f64::from(self.promised));
        let since = self.noticed.map_or(Duration::MAX, |at| now.saturating_duration_since(at));
        let share = seconds(NOTICE_SHARE / self.per_second);
        let lacks = reserve + 1.0 - free;
        if lacks > 0.0 && (since < share || free < 1.0) {
            let wait = seconds(lacks / self.per_second);
            return Err(wait.min(share).max(SHORTEST));
        }
        self.noticed = Some(now);
        self.promised += 1;
        Ok(())
    }

    /// A notice that was allowed is sent, or given up.
    pub fn notice_done(&mut self) {
        self.promised = self.promised.saturating_sub(1);
    }

    /// A message was accepted. Accepted although the copy was empty, it shows a more generous homeserver than we thought.
    pub fn accepted(&mut self, now: Instant) {
        self.refill(now);
        self.left -= 1.0;
        if self.left < -1.0 {
            self.per_second *= 2.0;
            self.burst *= 2.0;
            self.left = self.burst / 2.0;
        }
    }

    /// How many messages in a row the homeserver would take now, as far as is known; not below 0.
    pub fn left(&mut self, now: Instant) -> f64 {
        self.refill(now);
        self.left.max(0.0)
    }

    /// A message was refused for the rate: the bucket is empty until `wait` from now, and what we had learnt is forgotten.
    pub fn limited(&mut self, wait: Duration, now: Instant) {
        (self.per_second, self.burst) = self.configured;
        self.left = 1.0 - wait.as_secs_f64() * self.per_second;
        self.at = now;
    }
}

/// A time of so many seconds; an hour where that is no time.
fn seconds(count: f64) -> Duration {
    const LONGEST: Duration = Duration::from_hours(1);
    Duration::try_from_secs_f64(count).unwrap_or(LONGEST).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{RateBudget, STOCK_BURST, STOCK_PER_SECOND};

    /// Synapse's bucket: refuses a message when it is empty.
    struct Homeserver {
        left: f64,
        at: Instant,
    }

    impl Homeserver {
        fn takes(&mut self, now: Instant) -> bool {
            self.left = (self.left + (now - self.at).as_secs_f64() * STOCK_PER_SECOND).min(STOCK_BURST);
            self.at = now;
            let takes = self.left >= 1.0;
            self.left -= f64::from(u8::from(takes));
            takes
        }
    }

    /// Four answers of `length` in a row, with text to refresh all the time, against stock limits: no message is ever refused.
    fn four_answers(length: Duration) {
        let start = Instant::now();
        let mut budget = RateBudget::new(STOCK_PER_SECOND, STOCK_BURST, start);
        let mut homeserver = Homeserver { left: STOCK_BURST, at: start };
        let mut now = start;
        for answer in 0..4 {
            let (end, mut shown, mut refreshes) = (now + length, None, 0);
            while now < end {
                let may = match shown {
                    None => budget.may_show_first(now),
                    Some(at) => budget.may_refresh(now - at, refreshes, now),
                };
                if may {
                    assert!(homeserver.takes(now), "a refresh of answer {answer} was refused");
                    budget.accepted(now);
                    refreshes += u32::from(shown.is_some());
                    shown = Some(now);
                }
                now += Duration::from_millis(50);
            }
            assert!(homeserver.takes(now), "the end of answer {answer} was refused");
            budget.accepted(now);
        }
    }

    #[test]
    fn stock_limits_never_delay_the_end_of_four_answers_in_a_row() {
        for milliseconds in [50, 500, 2_000, 10_000, 60_000] {
            four_answers(Duration::from_millis(milliseconds));
        }
    }

    /// How many times one answer is refreshed, with text to refresh all the time, where the homeserver allows that many messages.
    fn refreshes(per_second: f64, length: Duration) -> u32 {
        let start = Instant::now();
        let mut budget = RateBudget::new(per_second, 10.0 * per_second.max(1.0), start);
        let (mut now, mut shown, mut refreshes) = (start, start, 0);
        assert!(budget.may_show_first(now));
        budget.accepted(now);
        while now < start + length {
            if budget.may_refresh(now - shown, refreshes, now) {
                budget.accepted(now);
                (refreshes, shown) = (refreshes + 1, now);
            }
            now += Duration::from_millis(20);
        }
        refreshes
    }

    #[test]
    fn the_edits_of_one_message_become_rarer_whatever_the_homeserver_allows() {
        for per_second in [1.0, 10.0, 1_000.0, 1e9] {
            let (five, thirty) =
                (refreshes(per_second, Duration::from_mins(5)), refreshes(per_second, Duration::from_mins(30)));
            assert!((50..=60).contains(&five), "{five} in five minutes at {per_second} a second");
            assert!((120..=160).contains(&thirty), "{thirty} in thirty minutes at {per_second} a second");
        }
        let (five, thirty) =
            (refreshes(STOCK_PER_SECOND, Duration::from_mins(5)), refreshes(STOCK_PER_SECOND, Duration::from_mins(30)));
        assert!(five <= 60 && thirty <= 160, "{five} and {thirty} under stock limits");
    }

    #[test]
    fn a_generous_homeserver_is_noticed_and_a_refusal_believed() {
        let now = Instant::now();
        let mut budget = RateBudget::new(STOCK_PER_SECOND, STOCK_BURST, now);
        for _ in 0..12 {
            budget.accepted(now);
        }
        assert!(budget.may_show_first(now), "twelve in a row were taken where ten are allowed");
        budget.limited(Duration::from_secs(4), now);
        assert!(!budget.may_show_first(now));
        assert!(!budget.may_show_first(now + Duration::from_secs(10)));
        assert!(budget.may_show_first(now + Duration::from_mins(1)));
    }

    #[test]
    fn no_number_of_notices_takes_what_answers_need() {
        let start = Instant::now();
        let mut budget = RateBudget::new(STOCK_PER_SECOND, STOCK_BURST, start);
        let mut homeserver = Homeserver { left: STOCK_BURST, at: start };
        let (mut notices, mut answers) = (0, 0);
        // For ten minutes there is always one more notice to send, and every twenty seconds an answer of two messages.
        for second in 0..600 {
            let now = start + Duration::from_secs(second);
            while budget.notice(now).is_ok() {
                assert!(homeserver.takes(now), "a notice was refused");
                budget.accepted(now);
                budget.notice_done();
                notices += 1;
            }
            if second % 20 == 19 {
                assert!(budget.may_show_first(now), "answer {answers} waits for its first text");
                for _ in 0..2 {
                    assert!(homeserver.takes(now), "answer {answers} was refused");
                    budget.accepted(now);
                }
                answers += 1;
            }
        }
        assert!(answers == 30 && (60..=70).contains(&notices), "{notices} notices");
    }

    #[test]
    fn notices_go_out_now_and_then_however_many_answers_there_are() {
        let start = Instant::now();
        let mut budget = RateBudget::new(STOCK_PER_SECOND, STOCK_BURST, start);
        let mut allowed = 0;
        for second in 0..600 {
            let now = start + Duration::from_secs(second);
            // Answers take what comes in.
            while budget.left > 1.5 {
                budget.accepted(now);
            }
            if budget.notice(now).is_ok() {
                budget.notice_done();
                budget.accepted(now);
                allowed += 1;
            }
        }
        assert!((20..=31).contains(&allowed), "{allowed}");
    }

    #[test]
    fn notices_on_their_way_count() {
        let now = Instant::now();
        let mut budget = RateBudget::new(STOCK_PER_SECOND, STOCK_BURST, now);
        let allowed = (0..60).filter(|_| budget.notice(now).is_ok()).count();
        assert_eq!(allowed, 5, "before any of them was accepted");
        let wait = budget.notice(now).expect_err("the part for notices is used up");
        assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_secs(20), "{wait:?}");
    }
}
