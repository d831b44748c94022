//! The thread pool of the engine: one for everything that computes.
//!
//! A step of the model is some hundred short parallel jobs. Between two jobs the workers spin, because waking a thread takes as long
//! as a small job; after [`SPIN`] without work they park, so that an idle bot uses no processor. It is not a general-purpose pool:
//! two pools that spin on the same cores wait for each other.
#![allow(unsafe_code)] // A job borrows from its caller's stack, and the workers outlive it.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long a thread spins before it parks: longer than the serial code between two jobs of a step, and far shorter than the time
/// between two requests.
const SPIN: Duration = Duration::from_micros(50);

/// A job of fewer multiplications takes less time than waking a thread: some ten microseconds.
const MIN_PARALLEL: usize = 1 << 18;

thread_local! {
    /// Whether this thread is running a job: a nested job runs on the calling thread alone.
    static WORKING: Cell<bool> = const { Cell::new(false) };
}

/// The caller's thread and `threads - 1` workers.
pub(in super::super) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held for the duration of a job: there is one at a time.
    run_lock: Mutex<()>,
}

/// The state that the workers share.
struct Shared {
    /// Counts the jobs; a worker waits until it changes. It changes while `job` is locked.
    generation: AtomicUsize,
    /// The current job, while workers may still join it.
    job: Mutex<Option<Job>>,
    /// Workers that the caller must wait for: all of them, or those that have joined.
    pending: AtomicUsize,
    /// Whether the caller parked while it waited for them.
    caller_parked: AtomicBool,
    /// For each worker, whether it is parked or about to be.
    parked: Vec<AtomicBool>,
    /// The first panic of the current job.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    stop: AtomicBool,
}

/// A parallel job, and the thread to wake at its end.
#[derive(Clone)]
struct Job {
    work: ErasedFn,
    caller: Thread,
    /// Whether every worker must take part, or only those that join before the work is done.
    everyone: bool,
}

/// The closure of a job with its lifetime erased: it lives in a stack frame above [`Pool::run_job`].
#[derive(Clone, Copy)]
struct ErasedFn(*const (dyn Fn(usize) + Sync));

// SAFETY: the pointer leads to a `Sync` closure, and `Pool::run_job` keeps that closure alive until all threads are done with it.
unsafe impl Send for ErasedFn {}
// SAFETY: as above; a shared `ErasedFn` gives only shared access to a `Sync` closure.
unsafe impl Sync for ErasedFn {}

impl Pool {
    /// A pool of `threads` threads (at least one), of which the caller of [`Pool::run`] is the first.
    pub(in super::super) fn new(threads: usize) -> io::Result<Self> {
        let others = threads.max(1) - 1;
        let shared = Arc::new(Shared {
            generation: AtomicUsize::new(0),
            job: Mutex::new(None),
            pending: AtomicUsize::new(0),
            caller_parked: AtomicBool::new(false),
            parked: (0..others).map(|_| AtomicBool::new(false)).collect(),
            panic: Mutex::new(None),
            stop: AtomicBool::new(false),
        });
        // Made first, so that the workers already started are joined when the system refuses the next one.
        let mut pool = Self { shared, workers: Vec::with_capacity(others), run_lock: Mutex::new(()) };
        for worker in 0..others {
            let shared = Arc::clone(&pool.shared);
            let builder = thread::Builder::new().name(format!("engine-{}", worker + 1));
            pool.workers.push(builder.spawn(move || shared.serve(worker))?);
        }
        Ok(pool)
    }

    /// The number of threads, the caller's included.
    pub(in super::super) fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `work` once per thread, with the thread's index, and returns when all are done; index 0 is the caller's.
    ///
    /// Called from inside a job, it runs all indices in turn on the calling thread: the other threads are
    /// busy. A panic in `work` is resumed here, after every thread has finished.
    pub(in super::super) fn run(&self, work: impl Fn(usize) + Sync) {
        if self.workers.is_empty() || WORKING.get() {
            (0..self.threads()).for_each(work);
        } else {
            self.run_job(&work, true);
        }
    }

    /// Calls `work` once for each of `0..count`; a thread takes the next index when it is done with its last. A worker that
    /// joins late is not waited for: on a busy machine the system may have given its core to another process. Nesting and
    /// panics as for [`Pool::run`].
    pub(in super::super) fn each(&self, count: usize, work: impl Fn(usize) + Sync) {
        if count <= 1 || self.workers.is_empty() || WORKING.get() {
            (0..count).for_each(work);
            return;
        }
        let next = AtomicUsize::new(0);
        let claim = |_| {
            loop {
                // Relaxed: only the index is shared; the results are published when a thread leaves `pending`.
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    break;
                }
                work(index);
            }
        };
        self.run_job(&claim, false);
    }

    /// [`Pool::each`], on the calling thread alone when the work is too little for waking a thread.
    pub(in super::super) fn each_of(&self, count: usize, multiplications: usize, work: impl Fn(usize) + Sync) {
        if multiplications < MIN_PARALLEL {
            (0..count).for_each(work);
        } else {
            self.each(count, work);
        }
    }

    /// Publishes `work`, runs the caller's share of it, and waits for the workers that have joined.
    fn run_job(&self, work: &(dyn Fn(usize) + Sync), everyone: bool) {
        let run = self.run_lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.publish(work, everyone);
        let own = guarded(work, 0);
        if !everyone {
            // No worker joins from here on. (With `everyone`, all must have joined first.)
            self.shared.job().take();
        }
        self.shared.await_workers();
        self.shared.job().take();
        let other = self.shared.panic().take();
        drop(run);
        if let Some(payload) = own.err().or(other) {
            resume_unwind(payload);
        }
    }

    /// Makes `work` the current job and wakes the workers that are parked.
    fn publish(&self, work: &(dyn Fn(usize) + Sync), everyone: bool) {
        // SAFETY: only the lifetime changes. A worker uses the closure only between joining the job, under the lock of
        // `job`, and leaving `pending`. `run_job` returns, or unwinds, only when `job` is empty again and
        // `pending` is zero: all workers that joined have left, and none joins any more. So no use outlives the borrow.
        let work = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(work) };
        let mut job = self.shared.job();
        *job = Some(Job { work: ErasedFn(work), caller: thread::current(), everyone });
        self.shared.pending.store(if everyone { self.workers.len() } else { 0 }, Ordering::SeqCst);
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        drop(job);
        self.shared.wake(&self.workers);
    }

    /// How many workers are parked, or about to park without having seen a job.
    #[cfg(test)]
    pub(super) fn parked(&self) -> usize {
        self.shared.parked.iter().filter(|parked| parked.load(Ordering::SeqCst)).count()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        self.shared.wake(&self.workers);
        for worker in self.workers.drain(..) {
            // A worker's work is guarded: it cannot have panicked.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// The loop of a worker.
    fn serve(&self, worker: usize) {
        let mut seen = 0;
        loop {
            self.await_change(seen, worker);
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let Some(job) = self.join(&mut seen) else { continue };
            // SAFETY: this worker has joined and not left `pending`: `run_job` keeps the closure until it has; see there.
            let work = unsafe { &*job.work.0 };
            if let Err(payload) = guarded(work, worker + 1) {
                self.panic().get_or_insert(payload);
            }
            if self.pending.fetch_sub(1, Ordering::SeqCst) == 1 && self.caller_parked.load(Ordering::SeqCst) {
                job.caller.unpark();
            }
        }
    }

    /// The current job, if there still is one; `seen` becomes its number, so that a worker does not join twice.
    fn join(&self, seen: &mut usize) -> Option<Job> {
        let job = self.job();
        *seen = self.generation.load(Ordering::SeqCst);
        let job = job.as_ref()?;
        if !job.everyone {
            self.pending.fetch_add(1, Ordering::SeqCst);
        }
        Some(job.clone())
    }

    fn await_change(&self, seen: usize, worker: usize) {
        // `stop` is read as well: a worker that comes too late for a job may take the generation of the end for that of the job.
        let changed = || self.generation.load(Ordering::SeqCst) != seen || self.stop.load(Ordering::SeqCst);
        if spin_until(changed) {
            return;
        }
        // The flag is set before the last read of the counter, and `wake` reads the flag after the counter has changed. With
        // SeqCst there is one order of all four, so that one of the two threads sees the other's write.
        self.parked[worker].store(true, Ordering::SeqCst);
        while !changed() {
            thread::park();
        }
        self.parked[worker].store(false, Ordering::SeqCst);
    }

    fn await_workers(&self) {
        let finished = || self.pending.load(Ordering::SeqCst) == 0;
        if spin_until(finished) {
            return;
        }
        // As above, with the last worker.
        self.caller_parked.store(true, Ordering::SeqCst);
        while !finished() {
            thread::park();
        }
        self.caller_parked.store(false, Ordering::SeqCst);
    }

    /// To be called after the generation has changed.
    fn wake(&self, workers: &[JoinHandle<()>]) {
        for (parked, worker) in self.parked.iter().zip(workers) {
            if parked.load(Ordering::SeqCst) {
                worker.thread().unpark();
            }
        }
    }

    fn job(&self) -> MutexGuard<'_, Option<Job>> {
        self.job.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn panic(&self) -> MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Calls `work`; a panic becomes a value, so that the other threads are still waited for.
fn guarded(work: &(dyn Fn(usize) + Sync), index: usize) -> thread::Result<()> {
    WORKING.set(true);
    // Unwind safe: the panic is resumed in the caller, which owns what `work` borrows.
    let result = catch_unwind(AssertUnwindSafe(|| work(index)));
    WORKING.set(false);
    result
}

/// Spins for [`SPIN`] at most; true when the condition became true.
fn spin_until(condition: impl Fn() -> bool) -> bool {
    let mut start = None;
    loop {
        for _ in 0..64 {
            if condition() {
                return true;
            }
            std::hint::spin_loop();
        }
        // The clock is read only when the condition is not true at once.
        if start.get_or_insert_with(Instant::now).elapsed() > SPIN {
            return false;
        }
    }
}

/// A slice that several threads write to, each to ranges of its own.
pub(super) struct DisjointSlices<'a, T> {
    start: *mut T,
    len: usize,
    borrowed: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: it is a `&mut [T]` whose parts are handed out under the contract of `slice_mut`; that is sound across threads for `Send`.
unsafe impl<T: Send> Sync for DisjointSlices<'_, T> {}

impl<'a, T> DisjointSlices<'a, T> {
    pub(super) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), borrowed: std::marker::PhantomData }
    }

    /// The `len` elements from `from` on.
    ///
    /// # Safety
    /// No two ranges that are borrowed at the same time may overlap.
    #[allow(clippy::mut_from_ref)] // That is the point; see the contract.
    pub(super) unsafe fn slice_mut(&self, from: usize, len: usize) -> &mut [T] {
        assert!(from <= self.len && len <= self.len - from, "a range within the slice");
        // SAFETY: in bounds of a slice borrowed for 'a, and by the contract not aliased while it lives.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }
}
