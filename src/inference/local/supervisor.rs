//! Keeps the engine's work going: a panic that no step has caught ends its loop, which is told, and begun anew a little later.
//!
//! The weights stay where they are. What cannot be mended so (a fault that comes back at once, every time) is given up after
//! [`MOST`] deaths within [`WINDOW`]: from then on the engine says that it is not healthy, and whoever looks after the process
//! restarts that.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// How many deaths within [`WINDOW`] are the end.
const MOST: usize = 5;
const WINDOW: Duration = Duration::from_mins(10);
/// The wait before the first new beginning; each further one within the window waits twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// How the work stands, as other threads see it.
#[derive(Debug, Default)]
pub(super) struct Life(AtomicU8);

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
        match self.0.load(Ordering::Acquire) {
            0 => Stage::Alive,
            1 => Stage::Recovering,
            _ => Stage::Over,
        }
    }

    fn set(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Release);
    }
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
            tracing::error!(deaths = deaths.len(), "the engine died again and is given up: restart the program");
            return;
        }
        let wait = FIRST_WAIT * (1 << (deaths.len() - 1));
        tracing::error!(deaths = deaths.len(), ?wait, "the engine died: its answers failed, and it is started again");
        std::thread::sleep(wait);
        life.set(Stage::Alive);
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
    use super::{Life, MOST, Stage, Work, supervise};

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
    fn work_that_dies_every_time_is_given_up() {
        let (served, _, end) = run(usize::MAX);
        assert_eq!((served, end), (MOST, Stage::Over));
    }
}
