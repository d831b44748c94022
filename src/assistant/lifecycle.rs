//! The tasks of the assistant and their end: in order, at once, or because something failed that only a new start mends.

use std::time::Duration;

use tokio::sync::SetOnce;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{clock::now, failure::Failure};

/// How long tasks that are aborted may take to notice.
const AFTER_ABORT: Duration = Duration::from_secs(2);

/// What every task needs to know of the process.
pub struct Lifecycle {
    /// When this process began, in milliseconds since the epoch.
    pub started: u64,
    /// Set: no further question is begun.
    pub stop: CancellationToken,
    /// Set: tasks end where they are; the store has all that is needed to take them up again.
    pub abort: CancellationToken,
    /// Set with the reason: something failed that only a new start mends.
    broken: SetOnce<String>,
    /// The tasks that an orderly end waits for.
    pub tasks: TaskTracker,
}

impl Lifecycle {
    /// That of a process which begins now.
    pub fn new() -> Self {
        Self {
            started: now(),
            stop: CancellationToken::new(),
            abort: CancellationToken::new(),
            broken: SetOnce::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Runs a task that an orderly end waits for.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    /// Waits for this unless the process is to end.
    pub async fn until_stop<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        self.stop.run_until_cancelled(work).await.ok_or(Failure::Stopped)
    }

    /// Waits for this unless the process is to end at once.
    pub async fn until_abort<T>(&self, work: impl Future<Output = T>) -> Result<T, Failure> {
        self.abort.run_until_cancelled(work).await.ok_or(Failure::Stopped)
    }

    /// Logs why a task failed. Nothing is lost: the question is still in the store, and the next start takes it up. A fatal failure
    /// asks for that start.
    pub fn report(&self, outcome: Result<(), Failure>) {
        match outcome {
            Ok(()) | Err(Failure::Stopped) => {}
            Err(failure) => {
                tracing::error!(%failure, "a question is left for the next start");
                if failure.is_fatal() {
                    // The first reason is the cause of the others.
                    let _ = self.broken.set(failure.to_string());
                }
            }
        }
    }

    /// Waits until something fails that only a new start mends, and gives the reason.
    pub async fn broken(&self) -> String {
        self.broken.wait().await.clone()
    }

    /// Waits for the tasks, and after `grace` aborts them. A task that does not end even then is left behind: the process is about to
    /// end, and nothing depends on it.
    pub async fn end(&self, grace: Duration) {
        self.tasks.close();
        if tokio::time::timeout(grace, self.tasks.wait()).await.is_err() {
            tracing::info!("answers still being written are left for the next start");
            self.abort.cancel();
            if tokio::time::timeout(AFTER_ABORT, self.tasks.wait()).await.is_err() {
                tracing::warn!("some requests do not end and are left behind");
            }
        }
    }
}
