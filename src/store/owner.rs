//! The thread that owns the database, and the way to it.
//!
//! sled and the disk block; the async runtime must not. So one thread has the database, and what is to be done with it is sent there as a
//! closure, through a bounded channel, in order. A closure that was sent is run to its end, whether or not somebody still waits for its
//! result: a future that is dropped leaves no half of a write.
//!
//! Between two closures the thread seals a slice of a room anew where a key is to be replaced (`rotate.rs`).

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{mpsc, oneshot};

use super::database::Database;
use super::error::StoreError;

/// How many closures wait; who sends one more waits itself.
const WAITING: usize = 64;

/// How long the end of the program waits for the keys that are being replaced.
const LAST_ROTATIONS: Duration = Duration::from_secs(1);

type Job = Box<dyn FnOnce(&Database) + Send>;

/// The thread. Dropping it waits until the database is closed.
pub(super) struct Owner {
    /// `None` only while it is dropped.
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Owner {
    pub(super) fn start(database: Database) -> Result<Self, StoreError> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let thread = thread::Builder::new().name("store".to_owned());
        let thread = thread.spawn(move || serve(&database, waiting)).map_err(StoreError::Files)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Has a closure run by the thread, and waits for its result.
    pub(super) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Database) -> Result<T, StoreError> + Send + 'static,
    ) -> impl Future<Output = Result<T, StoreError>> + Send {
        let (answer, answered) = oneshot::channel();
        // Boxed before the future begins, which then is small whatever the closure holds.
        let job: Job = Box::new(move |database| {
            // Nobody may wait for it any more.
            let _ = answer.send(job(database));
        });
        async move {
            let jobs = self.jobs.as_ref().ok_or(StoreError::Stopped)?;
            jobs.send(job).await.map_err(|_| StoreError::Stopped)?;
            wait(answered).await
        }
    }
}

#[cfg(not(test))]
async fn wait<T>(answered: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
    answered.await.unwrap_or(Err(StoreError::Stopped))
}

/// Under a paused clock the runtime would skip ahead to the next timer while the thread works; a blocking task keeps it from that.
#[cfg(test)]
async fn wait<T: Send + 'static>(answered: oneshot::Receiver<Result<T, StoreError>>) -> Result<T, StoreError> {
    let answer = tokio::task::spawn_blocking(move || answered.blocking_recv());
    answer.await.ok().and_then(Result::ok).unwrap_or(Err(StoreError::Stopped))
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.jobs = None;
        let Some(thread) = self.thread.take() else { return };
        // Not by itself: a closure may hold the last handle.
        if thread.thread().id() != thread::current().id() {
            let _ = thread.join();
        }
    }
}

fn serve(database: &Database, mut jobs: mpsc::Receiver<Job>) {
    database.defer_rotations();
    let mut rotating = true;
    loop {
        let job = if rotating {
            match jobs.try_recv() {
                Ok(job) => Some(job),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => break,
            }
        } else {
            match jobs.blocking_recv() {
                Some(job) => Some(job),
                None => break,
            }
        };
        if let Some(job) = job
            && catch_unwind(AssertUnwindSafe(|| job(database))).is_err()
        {
            // What it had in memory may be half changed. Whoever waits is told, and whoever comes.
            tracing::error!("the store's thread has panicked: nothing more is stored until the next start");
            return;
        }
        rotating = rotate(database);
    }
    // What is left is asked for in the database: the next start ends it.
    let until = Instant::now() + LAST_ROTATIONS;
    while Instant::now() < until && rotate(database) {}
}

/// Seals a slice anew; returns whether there is more to do.
fn rotate(database: &Database) -> bool {
    match catch_unwind(AssertUnwindSafe(|| database.rotation_slice())) {
        Ok(Ok(more)) => more,
        Ok(Err(error)) => {
            tracing::error!(%error, "the key of a room could not be replaced yet; it is tried again with the next write");
            false
        }
        Err(_) => {
            tracing::error!("the replacing of a room's key has panicked; it is tried again with the next write");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::time::Duration;

    use super::{Owner, StoreError, WAITING};
    use crate::store::database::Database;

    fn owner() -> (tempfile::TempDir, Owner) {
        let folder = tempfile::tempdir().unwrap();
        let owner = Owner::start(Database::open(folder.path()).unwrap()).unwrap();
        (folder, owner)
    }

    #[tokio::test]
    async fn a_panic_is_an_error_for_whoever_waits_and_whoever_comes() {
        let (folder, owner) = owner();
        let behind = owner.run(|_| Ok(()));
        let panics = owner.run(|_| -> Result<(), StoreError> { panic!("for the test") });
        let (panicked, _) = tokio::join!(panics, behind);
        assert!(panicked.unwrap_err().is_fatal());
        assert!(owner.run(|_| Ok(())).await.unwrap_err().is_fatal());
        drop(owner);
        Database::open(folder.path()).expect("the folder is free again");
    }

    #[tokio::test]
    async fn a_closure_whose_future_is_dropped_is_run_to_its_end() {
        let (folder, owner) = owner();
        let ran = Arc::new(AtomicUsize::new(0));
        for _ in 0..2 * WAITING {
            let ran = ran.clone();
            let write = owner.run(move |database| {
                ran.fetch_add(1, Relaxed);
                database.new_number()
            });
            // Polled once: it is sent, and then nobody waits for it.
            tokio::select! { biased; _ = write => {}, () = std::future::ready(()) => {} }
        }
        drop(owner);
        let ran = ran.load(Relaxed) as u64;
        assert!(ran >= WAITING as u64);
        assert_eq!(Database::open(folder.path()).unwrap().new_number().unwrap(), ran + 1);
    }

    #[tokio::test]
    async fn the_last_handle_may_be_dropped_on_the_thread_itself() {
        let (folder, owner) = owner();
        let owner = Arc::new(owner);
        let held = owner.clone();
        let send = owner.run(move |_| {
            std::thread::sleep(Duration::from_millis(20));
            drop(held);
            Ok(())
        });
        tokio::select! { biased; _ = send => {}, () = std::future::ready(()) => {} }
        drop(owner);
        // Nobody waits for the thread: it closes the database when it is done.
        crate::store::tests::until_free(folder.path());
    }
}
