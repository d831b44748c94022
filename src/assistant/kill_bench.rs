//! What the tests share in which the process dies: a process of its own is started for some steps in a folder, dies at a point, and the next
//! one goes on from what that folder holds.
//!
//! The long run of all of them: `COMPAGNON_KILLS=20 cargo test --lib kills -- --nocapture`.

use std::{
    env, fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{self, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::tests::Bench;

/// Where a process dies: a point, and which of the times that it comes past there.
pub(super) type Point = (&'static str, usize);

/// A process that a test starts.
pub(super) struct Process<'a> {
    /// The test that it runs, by its full name; that one begins with [`Ordered::read`].
    pub(super) test: &'a str,
    /// What it finds and leaves.
    pub(super) folder: &'a Path,
    /// What it does, parted by spaces.
    pub(super) steps: String,
    /// Where it dies. `None`: it comes to its end.
    pub(super) point: Option<Point>,
    /// What else it is told.
    pub(super) flags: &'a [&'a str],
}

impl Process<'_> {
    /// Runs it. Whether it died.
    pub(super) fn dies(self) -> bool {
        let mut command = Command::new(env::current_exe().expect("this program"));
        command.args(["--exact", self.test, "--nocapture"]);
        command.env("COMPAGNON_TEST_FOLDER", self.folder).env("COMPAGNON_TEST_STEPS", self.steps);
        if let Some((point, count)) = self.point {
            command.env("COMPAGNON_TEST_POINT", format!("{point} {count}"));
        }
        command.envs(self.flags.iter().map(|flag| (*flag, "1")));
        let _ = fs::remove_file(self.folder.join("over"));
        let log = fs::File::create(self.folder.join("log")).expect("a file");
        command.stdout(log.try_clone().expect("a file")).stderr(Stdio::from(log));
        let died = died(command.status().expect("started"));
        let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        assert!(died || self.folder.join("over").exists(), "it did not come to its end: {}", log());
        died
    }
}

/// What this process was started for.
pub(super) struct Ordered {
    pub(super) folder: PathBuf,
    pub(super) steps: Vec<String>,
}

impl Ordered {
    /// `None`: nobody has started it for anything.
    pub(super) fn read() -> Option<Self> {
        let folder = env::var_os("COMPAGNON_TEST_FOLDER")?.into();
        let steps = env::var("COMPAGNON_TEST_STEPS").expect("steps");
        Some(Self { folder, steps: steps.split(' ').map(str::to_owned).collect() })
    }

    /// From here on it dies at its point, if it has one.
    pub(super) fn arm() {
        let Ok(point) = env::var("COMPAGNON_TEST_POINT") else { return };
        let (point, count) = point.rsplit_once(' ').expect("a point and a count");
        let left = AtomicUsize::new(count.parse().expect("a count"));
        let dies = move || {
            if left.fetch_sub(1, Ordering::Relaxed) == 1 {
                process::abort();
            }
        };
        fail::cfg_callback(point, dies).expect("a point");
    }

    /// It has come to its end.
    pub(super) async fn over(&self, bench: &Bench) {
        assert_nothing_is_left(bench).await;
        fs::write(self.folder.join("over"), "").expect("written");
    }
}

/// Nothing waits, nothing is on its way, and every record opens.
pub(super) async fn assert_nothing_is_left(bench: &Bench) {
    let store = bench.store();
    assert!(store.undelivered().await.expect("readable").is_empty());
    assert!(store.queued().await.expect("readable").is_empty());
    assert!(store.withdrawals().await.expect("readable").is_empty());
    assert_eq!(store.damaged().await.expect("readable"), 0);
}

/// Whether it died by a signal; otherwise it must have come to its end.
pub(super) fn died(status: ExitStatus) -> bool {
    assert!(status.success() || status.signal().is_some(), "it ended by itself: {status}");
    status.signal().is_some()
}

/// How many kills there are at each point.
pub(super) fn kills() -> usize {
    env::var("COMPAGNON_KILLS").ok().and_then(|count| count.parse().ok()).unwrap_or(1)
}
