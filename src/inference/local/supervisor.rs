//! Keeps the engine's thread alive: a panic that no step has caught is logged, and the thread's work is restarted a little later.
//!
//! The weights stay in memory. A fault that comes back every time cannot be repaired by that: after [`MAX_DEATHS`] within [`WINDOW`]
//! the engine is dead. So is one whose step does not end within its [`StallTimeout`]: a thread cannot be ended from outside, and it
//! holds the weights and the processors. A dead engine ends the process, which is restarted by whatever started it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// The engine is dead after as many panics within [`WINDOW`].
const MAX_DEATHS: usize = 5;
const WINDOW: Duration = Duration::from_mins(10);
/// The wait before the first restart; each further one within the window waits twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The state of the supervised thread, as other threads see it.
#[derive(Debug, Default)]
pub(super) struct Liveness {
    stage: AtomicU8,
    /// Counts the turns of the thread's loop, two for each: odd while it computes, even while it waits for work.
    turns: AtomicU64,
    /// How many looks of the watchdog have seen the same turn.
    stalled_looks: AtomicU32,
    /// Whether it is dead because a turn did not end.
    hung: AtomicBool,
    /// Cancelled when it is dead.
    dead: CancellationToken,
}

/// The stages of [`Liveness`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Computing, or waiting for work.
    Alive,
    /// It panicked, and is restarted in a moment.
    Restarting,
    /// It has ended for good.
    Dead,
}

impl Liveness {
    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Alive,
            1 => Stage::Restarting,
            _ => Stage::Dead,
        }
    }

    /// Stages only move forward: what is dead stays dead.
    fn set(&self, stage: Stage) {
        self.stage.fetch_max(stage as u8, Ordering::AcqRel);
        if stage == Stage::Dead {
            self.dead.cancel();
        }
    }

    /// It goes on after a panic, unless it was given up meanwhile.
    fn revive(&self) {
        let (from, to) = (Stage::Restarting as u8, Stage::Alive as u8);
        // The only other stage is the end.
        let _ = self.stage.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
    }

    /// A turn begins. Called by the supervised thread only.
    pub(super) fn turn(&self) {
        let turns = self.turns.load(Ordering::Relaxed);
        self.turns.store((turns + 1) | 1, Ordering::Relaxed);
    }

    /// The thread waits for work.
    pub(super) fn wait(&self) {
        let turns = self.turns.load(Ordering::Relaxed);
        self.turns.store(turns + turns % 2, Ordering::Relaxed);
    }

    /// Waits until it is dead.
    pub(super) async fn dead(&self) {
        self.dead.cancelled().await;
    }

    /// Whether it is dead because a turn did not end.
    pub(super) fn is_hung(&self) -> bool {
        self.hung.load(Ordering::Acquire)
    }

    /// For how long a turn has been running, once that is half of the timeout.
    pub(super) fn stalled(&self, timeout: StallTimeout) -> Option<Duration> {
        let looks = self.stalled_looks.load(Ordering::Relaxed);
        (looks >= timeout.looks / 2).then(|| timeout.interval * looks)
    }
}

/// How long one turn may take. It is counted in looks of the watchdog and not read from a clock: while the whole process is stopped
/// (a suspended machine, a debugger), neither goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct StallTimeout {
    interval: Duration,
    /// After half of them the log says so; after all of them the engine is dead.
    looks: u32,
}

impl StallTimeout {
    /// For a turn of at most `time`.
    pub(super) fn new(time: Duration) -> Self {
        const LOOKS: u32 = 60;
        Self { interval: time / LOOKS, looks: LOOKS }
    }
}

/// Watches the thread until it is dead. True when a turn did not end in time, so that it was given up here.
pub(super) fn watch(liveness: &Liveness, timeout: StallTimeout) -> bool {
    let mut seen = 0;
    while liveness.stage() != Stage::Dead {
        thread::sleep(timeout.interval);
        if look(liveness, &mut seen, timeout) {
            return true;
        }
    }
    false
}

/// One look; `seen` is the turn that the look before has seen. True when the timeout has passed.
fn look(liveness: &Liveness, seen: &mut u64, timeout: StallTimeout) -> bool {
    let turns = liveness.turns.load(Ordering::Relaxed);
    let same = turns % 2 == 1 && turns == *seen && liveness.stage() == Stage::Alive;
    let looks = if same { liveness.stalled_looks.load(Ordering::Relaxed) + 1 } else { 0 };
    *seen = turns;
    liveness.stalled_looks.store(looks, Ordering::Relaxed);
    let time = timeout.interval * looks;
    if looks >= timeout.looks {
        tracing::error!(?time, "a step of the model does not end: the engine is given up");
        liveness.hung.store(true, Ordering::Release);
        liveness.set(Stage::Dead);
        return true;
    }
    if looks == timeout.looks / 2 {
        tracing::error!(?time, "a step of the model takes very long");
    }
    false
}

/// The work of a thread that can be restarted after a panic.
pub(super) trait Supervised {
    /// Works until nothing more can come.
    fn run(&mut self);

    /// Repairs what a panic in [`Supervised::run`] has left behind. Called before the wait, so that nobody waits for what is lost.
    fn recover(&mut self);
}

/// Runs the work, and restarts it after panics.
pub(super) fn supervise(work: &mut impl Supervised, liveness: &Liveness) {
    let mut deaths: VecDeque<Instant> = VecDeque::new();
    // However this function ends, other threads must see that the thread is dead.
    let _end = DeadOnDrop(liveness);
    while catch_unwind(AssertUnwindSafe(|| work.run())).is_err() {
        liveness.set(Stage::Restarting);
        let now = Instant::now();
        deaths.retain(|death| now.duration_since(*death) < WINDOW);
        deaths.push_back(now);
        let recovered = catch_unwind(AssertUnwindSafe(|| work.recover())).is_ok();
        if deaths.len() >= MAX_DEATHS || !recovered {
            tracing::error!(deaths = deaths.len(), "the engine died again and is given up");
            return;
        }
        let wait = FIRST_WAIT * (1 << (deaths.len() - 1));
        tracing::error!(deaths = deaths.len(), ?wait, "the engine died: its answers failed, and it is started again");
        liveness.wait();
        thread::sleep(wait);
        liveness.revive();
    }
}

struct DeadOnDrop<'a>(&'a Liveness);

impl Drop for DeadOnDrop<'_> {
    fn drop(&mut self) {
        self.0.set(Stage::Dead);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Liveness, MAX_DEATHS, Stage, StallTimeout, Supervised, look, supervise, watch};

    /// Panics in its first runs, as many as `deaths`.
    struct Panicking<'a> {
        deaths: usize,
        runs: usize,
        liveness: &'a Liveness,
        seen: Vec<Stage>,
    }

    impl Supervised for Panicking<'_> {
        fn run(&mut self) {
            self.runs += 1;
            self.seen.push(self.liveness.stage());
            assert!(self.runs > self.deaths, "a panic that the test asks for");
        }

        fn recover(&mut self) {
            self.seen.push(self.liveness.stage());
        }
    }

    fn run(deaths: usize) -> (usize, Vec<Stage>, Stage) {
        let liveness = Liveness::default();
        let mut work = Panicking { deaths, runs: 0, liveness: &liveness, seen: Vec::new() };
        supervise(&mut work, &liveness);
        (work.runs, work.seen, liveness.stage())
    }

    #[test]
    fn work_that_panics_is_restarted() {
        use Stage::{Alive, Restarting};
        let (runs, seen, end) = run(2);
        assert_eq!(runs, 3);
        assert_eq!(seen, [Alive, Restarting, Alive, Restarting, Alive]);
        assert_eq!(end, Stage::Dead, "it has ended by itself");
    }

    #[test]
    fn a_turn_that_does_not_end_is_reported_then_given_up_for_good() {
        let (liveness, timeout) = (Liveness::default(), StallTimeout::new(Duration::from_mins(5)));
        liveness.turn();
        let mut seen = 0;
        let mut stalled = Vec::new();
        while !look(&liveness, &mut seen, timeout) {
            stalled.extend(liveness.stalled(timeout));
        }
        assert_eq!((stalled[0], stalled.len()), (Duration::from_secs(150), 30));
        assert_eq!(liveness.stage(), Stage::Dead);
        liveness.revive();
        assert_eq!(liveness.stage(), Stage::Dead);
        assert!(!watch(&liveness, timeout), "there is nothing left to watch");
    }

    #[test]
    fn turns_that_end_and_waits_are_no_stall() {
        let (liveness, timeout) = (Liveness::default(), StallTimeout::new(Duration::from_mins(5)));
        let mut seen = 0;
        for _ in 0..200 {
            assert!(!look(&liveness, &mut seen, timeout), "it waits");
        }
        for _ in 0..200 {
            liveness.turn();
            assert!(!look(&liveness, &mut seen, timeout), "each look sees another turn");
        }
        liveness.wait();
        for _ in 0..200 {
            assert!(!look(&liveness, &mut seen, timeout), "it waits again");
        }
        assert_eq!((liveness.stage(), liveness.stalled(timeout)), (Stage::Alive, None));
    }

    #[test]
    fn work_that_panics_every_time_is_given_up() {
        let (runs, _, end) = run(usize::MAX);
        assert_eq!((runs, end), (MAX_DEATHS, Stage::Dead));
    }
}
