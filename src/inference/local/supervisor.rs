//! Keeps the engine's work going: a panic that no step has caught ends its loop, which is told, and begun anew a little later.
//!
//! The weights stay where they are. What cannot be mended so (a fault that comes back at once, every time) is given up after
//! [`MOST`] deaths within [`WINDOW`]: from then on the engine says that it is not healthy, and whoever looks after the process
//! restarts that. Work that stands still for as long as its [`Patience`] is given up as well, and the process ends by itself: a thread
//! cannot be ended from outside, and it holds the weights and the processors.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// How many deaths within [`WINDOW`] are the end.
const MOST: usize = 5;
const WINDOW: Duration = Duration::from_mins(10);
/// The wait before the first new beginning; each further one within the window waits twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// How the work stands, as other threads see it.
#[derive(Debug, Default)]
pub(super) struct Life {
    stage: AtomicU8,
    /// Counts the turns of the work, two for each: odd while it works, even while it waits for work.
    turns: AtomicU64,
    /// For how many of its looks the watchdog has seen the same turn go on.
    still: AtomicU32,
    /// Whether it was given up because a turn did not end.
    hung: AtomicBool,
    /// Cancelled when it is over.
    over: CancellationToken,
}

/// What [`Life`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// At work, or waiting for some.
    Alive,
    /// It died, and is begun anew in a moment.
    Recovering,
    /// It has ended for good.
    Over,
}

impl Life {
    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Alive,
            1 => Stage::Recovering,
            _ => Stage::Over,
        }
    }

    /// What is over stays over.
    fn set(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
        if stage == Stage::Over {
            self.over.cancel();
        }
    }

    /// It goes on after a death, unless it was given up meanwhile.
    fn revive(&self) {
        let (from, to) = (Stage::Recovering as u8, Stage::Alive as u8);
        // The only other stage is the end.
        let _ = self.stage.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The work begins a turn. Called by its own thread alone.
    pub(super) fn begin(&self) {
        let turns = self.turns.load(Ordering::Relaxed);
        self.turns.store((turns + 1) | 1, Ordering::Relaxed);
    }

    /// The work waits for more.
    pub(super) fn rest(&self) {
        let turns = self.turns.load(Ordering::Relaxed);
        self.turns.store(turns + turns % 2, Ordering::Relaxed);
    }

    /// Waits until it is over.
    pub(super) async fn over(&self) {
        self.over.cancelled().await;
    }

    /// Whether it is over because a turn did not end.
    pub(super) fn hung(&self) -> bool {
        self.hung.load(Ordering::Acquire)
    }

    /// For how long a turn has gone on, when that is much longer than one should.
    pub(super) fn stalled(&self, patience: Patience) -> Option<Duration> {
        let still = self.still.load(Ordering::Relaxed);
        (still >= patience.looks / 2).then(|| patience.interval * still)
    }
}

/// How long one turn of the work may take. It is counted in looks of the watchdog and not read from a clock: while the whole
/// process is stopped, neither goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    interval: Duration,
    /// After half of them it is said, after all of them the work is given up.
    looks: u32,
}

impl Patience {
    /// For a turn of at most `time`.
    pub(super) fn of(time: Duration) -> Self {
        const LOOKS: u32 = 60;
        Self { interval: time / LOOKS, looks: LOOKS }
    }
}

/// Looks at the work until it is over; gives it up when one turn goes on for longer than there is patience. True when it was.
pub(super) fn watch(life: &Life, patience: Patience) -> bool {
    let mut seen = 0;
    while life.stage() != Stage::Over {
        thread::sleep(patience.interval);
        if look(life, &mut seen, patience) {
            return true;
        }
    }
    false
}

/// One look; `seen` is what the one before saw. True when it was the last of all patience.
fn look(life: &Life, seen: &mut u64, patience: Patience) -> bool {
    let turns = life.turns.load(Ordering::Relaxed);
    let same = turns % 2 == 1 && turns == *seen && life.stage() == Stage::Alive;
    let still = if same { life.still.load(Ordering::Relaxed) + 1 } else { 0 };
    *seen = turns;
    life.still.store(still, Ordering::Relaxed);
    let time = patience.interval * still;
    if still >= patience.looks {
        tracing::error!(?time, "a step of the model does not end: the engine is given up");
        life.hung.store(true, Ordering::Release);
        life.set(Stage::Over);
        return true;
    }
    if still == patience.looks / 2 {
        tracing::error!(?time, "a step of the model takes very long");
    }
    false
}

/// Work that can be begun anew.
pub(super) trait Work {
    /// Works until there will be no more to do.
    fn serve(&mut self);

    /// Makes good what a panic in [`Work::serve`] has left behind. Called before the wait: nobody shall wait for what is lost.
    fn recover(&mut self);
}

/// Does the work, through panics.
pub(super) fn supervise(work: &mut impl Work, life: &Life) {
    let mut deaths: VecDeque<Instant> = VecDeque::new();
    // Read from another thread, it must not say "alive" of what has ended, however it ended.
    let _end = Ending(life);
    while catch_unwind(AssertUnwindSafe(|| work.serve())).is_err() {
        life.set(Stage::Recovering);
        let now = Instant::now();
        deaths.retain(|death| now.duration_since(*death) < WINDOW);
        deaths.push_back(now);
        let recovered = catch_unwind(AssertUnwindSafe(|| work.recover())).is_ok();
        if deaths.len() >= MOST || !recovered {
            tracing::error!(deaths = deaths.len(), "the engine died again and is given up");
            return;
        }
        let wait = FIRST_WAIT * (1 << (deaths.len() - 1));
        tracing::error!(deaths = deaths.len(), ?wait, "the engine died: its answers failed, and it is started again");
        life.rest();
        thread::sleep(wait);
        life.revive();
    }
}

struct Ending<'a>(&'a Life);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.set(Stage::Over);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Life, MOST, Patience, Stage, Work, look, supervise, watch};

    /// Dies as often as it is told.
    struct Mortal<'a> {
        deaths: usize,
        served: usize,
        life: &'a Life,
        seen: Vec<Stage>,
    }

    impl Work for Mortal<'_> {
        fn serve(&mut self) {
            self.served += 1;
            self.seen.push(self.life.stage());
            assert!(self.served > self.deaths, "a death that was asked for");
        }

        fn recover(&mut self) {
            self.seen.push(self.life.stage());
        }
    }

    fn run(deaths: usize) -> (usize, Vec<Stage>, Stage) {
        let life = Life::default();
        let mut work = Mortal { deaths, served: 0, life: &life, seen: Vec::new() };
        supervise(&mut work, &life);
        (work.served, work.seen, life.stage())
    }

    #[test]
    fn work_that_dies_is_told_and_begun_anew() {
        use Stage::{Alive, Recovering};
        let (served, seen, end) = run(2);
        assert_eq!(served, 3);
        assert_eq!(seen, [Alive, Recovering, Alive, Recovering, Alive]);
        assert_eq!(end, Stage::Over, "it has ended by itself");
    }

    #[test]
    fn a_turn_that_does_not_end_is_told_then_given_up_and_stays_so() {
        let (life, patience) = (Life::default(), Patience::of(Duration::from_mins(5)));
        life.begin();
        let mut seen = 0;
        let mut stalled = Vec::new();
        while !look(&life, &mut seen, patience) {
            stalled.extend(life.stalled(patience));
        }
        assert_eq!((stalled[0], stalled.len()), (Duration::from_secs(150), 30));
        assert_eq!(life.stage(), Stage::Over);
        life.revive();
        assert_eq!(life.stage(), Stage::Over);
        assert!(!watch(&life, patience), "there is nothing left to watch");
    }

    #[test]
    fn turns_that_end_and_rests_are_no_reason() {
        let (life, patience) = (Life::default(), Patience::of(Duration::from_mins(5)));
        let mut seen = 0;
        for _ in 0..200 {
            assert!(!look(&life, &mut seen, patience), "it rests");
        }
        for _ in 0..200 {
            life.begin();
            assert!(!look(&life, &mut seen, patience), "each look sees another turn");
        }
        life.rest();
        for _ in 0..200 {
            assert!(!look(&life, &mut seen, patience), "it rests again");
        }
        assert_eq!((life.stage(), life.stalled(patience)), (Stage::Alive, None));
    }

    #[test]
    fn work_that_dies_every_time_is_given_up() {
        let (served, _, end) = run(usize::MAX);
        assert_eq!((served, end), (MOST, Stage::Over));
    }
}
