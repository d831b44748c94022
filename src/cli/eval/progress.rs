//! How far a run has come, on standard error where that is a terminal.

use std::{
    io::{self, IsTerminal as _},
    sync::atomic::{AtomicU64, Ordering},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bar, with how many have failed so far.
pub(super) struct Shown {
    bar: ProgressBar,
    failed: AtomicU64,
}

impl Shown {
    pub(super) fn new(length: u64) -> Self {
        let bar = if io::stderr().is_terminal() {
            ProgressBar::new(length)
        } else {
            ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden())
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {msg} {eta}") {
            bar.set_style(style);
        }
        Self { bar, failed: AtomicU64::new(0) }
    }

    /// One more is judged.
    pub(super) fn step(&self, passed: bool) {
        let failed = self.failed.fetch_add(u64::from(!passed), Ordering::Relaxed) + u64::from(!passed);
        self.bar.set_message(format!("({failed} failed)"));
        self.bar.inc(1);
    }

    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
