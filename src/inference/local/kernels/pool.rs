//! The threads of the engine: one pool for everything that computes.
//!
//! A step of the model is some hundred short parallel parts. Between two parts the workers spin, because waking a thread
//! costs as much as a small part takes; after [`SPIN`] without work they park, so that an idle bot uses no processor.
//! It is separate from any general pool because two pools that spin on the same cores wait for each other.
#![allow(unsafe_code)] // A job borrows from its caller's stack, and the workers outlive it.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, Thread};
use std::time::{Duration, Instant};

/// How long a thread looks for work before it parks: longer than the serial code between two parts of a step takes, and
/// far shorter than the time between two questions.
const SPIN: Duration = Duration::from_micros(50);

/// Fewer multiplications are not worth waking a thread: some ten microseconds.
const ALONE: usize = 1 << 18;

thread_local! {
    /// Whether this thread is inside the work of a pool: what it shares out from there, it does alone.
    static WORKING: Cell<bool> = const { Cell::new(false) };
}

/// The caller's thread and `threads - 1` workers.
pub(in super::super) struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held through a run: there is one job at a time.
    turn: Mutex<()>,
}

/// What the workers see.
struct Shared {
    /// Counts the jobs; a worker waits until it changes. It changes while `job` is locked.
    generation: AtomicUsize,
    /// The present job, while workers may still join it.
    job: Mutex<Option<Job>>,
    /// Workers that the caller must wait for: all from the beginning, or those that joined.
    pending: AtomicUsize,
    /// Whether the caller parked while it waited for them.
    caller_parked: AtomicBool,
    /// For each worker, whether it is parked or about to be.
    parked: Vec<AtomicBool>,
    /// The first panic of the present job.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    stop: AtomicBool,
}

/// One parallel part, and whom to wake at its end.
#[derive(Clone)]
struct Job {
    work: Work,
    caller: Thread,
    /// Whether every worker takes part, or whoever comes before all is done.
    everyone: bool,
}

/// The work of a job, its lifetime erased: it lives in a frame above [`Pool::share`].
#[derive(Clone, Copy)]
struct Work(*const (dyn Fn(usize) + Sync));

// SAFETY: the pointer leads to a `Sync` closure, and `Pool::share` keeps that closure alive until all threads are done with it.
unsafe impl Send for Work {}
// SAFETY: as above; a shared `Work` gives only shared access to a `Sync` closure.
unsafe impl Sync for Work {}

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
        let mut pool = Self { shared, workers: Vec::with_capacity(others), turn: Mutex::new(()) };
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
    /// Called from inside the work of a pool, it runs all indices in turn on the calling thread: the other threads are
    /// taken. A panic in `work` is raised again here, after every thread has finished.
    pub(in super::super) fn run(&self, work: impl Fn(usize) + Sync) {
        if self.workers.is_empty() || WORKING.get() {
            (0..self.threads()).for_each(work);
        } else {
            self.share(&work, true);
        }
    }

    /// Calls `work` once for each of `0..count`; a thread takes the next index when it is done with its last. A worker that
    /// comes late is not waited for: on a busy machine the system may have given its core to others. Nesting and panics as
    /// for [`Pool::run`].
    pub(in super::super) fn each(&self, count: usize, work: impl Fn(usize) + Sync) {
        if count <= 1 || self.workers.is_empty() || WORKING.get() {
            (0..count).for_each(work);
            return;
        }
        let next = AtomicUsize::new(0);
        let shares = |_| {
            loop {
                // Relaxed: the index alone is shared; what the work writes is published when a thread counts itself out.
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    break;
                }
                work(index);
            }
        };
        self.share(&shares, false);
    }

    /// [`Pool::each`], by the caller alone when all of it is so few multiplications that waking a thread takes longer.
    pub(in super::super) fn each_of(&self, count: usize, multiplications: usize, work: impl Fn(usize) + Sync) {
        if multiplications < ALONE {
            (0..count).for_each(work);
        } else {
            self.each(count, work);
        }
    }

    /// Hands `work` to the workers, takes the caller's part, and waits for those that have begun theirs.
    fn share(&self, work: &(dyn Fn(usize) + Sync), everyone: bool) {
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.publish(work, everyone);
        let own = guarded(work, 0);
        if !everyone {
            // Nobody joins from here on. (When everyone takes part, everyone must have joined first.)
            self.shared.job().take();
        }
        self.shared.await_workers();
        self.shared.job().take();
        let other = self.shared.panic().take();
        drop(turn);
        if let Some(payload) = own.err().or(other) {
            resume_unwind(payload);
        }
    }

    /// Makes `work` the present job and wakes the workers that are parked.
    fn publish(&self, work: &(dyn Fn(usize) + Sync), everyone: bool) {
        // SAFETY: only the lifetime changes. A worker uses the closure only between joining the job, under the lock of
        // `job`, and counting itself out of `pending`. `share` returns, or unwinds, only when `job` is empty again and
        // `pending` is zero: all that joined are out, and nobody joins any more. So no use outlives the borrow.
        let work = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), &'static (dyn Fn(usize) + Sync)>(work) };
        let mut job = self.shared.job();
        *job = Some(Job { work: Work(work), caller: thread::current(), everyone });
        self.shared.pending.store(if everyone { self.workers.len() } else { 0 }, Ordering::SeqCst);
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        drop(job);
        self.shared.wake(&self.workers);
    }

    /// How many workers are parked, or on the way there without having seen work.
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
    /// A worker's life.
    fn serve(&self, worker: usize) {
        let mut seen = 0;
        loop {
            self.await_change(seen, worker);
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            let Some(job) = self.join(&mut seen) else { continue };
            // SAFETY: this worker has joined and not counted itself out: `share` keeps the closure until it has; see there.
            let work = unsafe { &*job.work.0 };
            if let Err(payload) = guarded(work, worker + 1) {
                self.panic().get_or_insert(payload);
            }
            if self.pending.fetch_sub(1, Ordering::SeqCst) == 1 && self.caller_parked.load(Ordering::SeqCst) {
                job.caller.unpark();
            }
        }
    }

    /// The present job, if there still is one; `seen` becomes its number, so that nobody joins twice.
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
        // The end is looked at by itself: a worker that comes too late for a job takes the number of the end for that job's.
        let changed = || self.generation.load(Ordering::SeqCst) != seen || self.stop.load(Ordering::SeqCst);
        if spin_until(changed) {
            return;
        }
        // The flag goes up before the last look at the counter, and `wake` looks at the flag after the counter has
        // changed; both in the one order of SeqCst, so one of the two sees the other.
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
        // The same handshake as above, with the last worker.
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

/// Calls `work`; a panic becomes a value, so that the others are waited for all the same.
fn guarded(work: &(dyn Fn(usize) + Sync), index: usize) -> thread::Result<()> {
    WORKING.set(true);
    // Unwind safe: the panic is raised again in the caller, who owns what `work` borrows.
    let result = catch_unwind(AssertUnwindSafe(|| work(index)));
    WORKING.set(false);
    result
}

/// Spins for [`SPIN`] at most; whether the condition came.
fn spin_until(condition: impl Fn() -> bool) -> bool {
    let mut start = None;
    loop {
        for _ in 0..64 {
            if condition() {
                return true;
            }
            std::hint::spin_loop();
        }
        // The clock is read only when the wait is not over at once.
        if start.get_or_insert_with(Instant::now).elapsed() > SPIN {
            return false;
        }
    }
}

/// A slice whose pieces go to different threads; the pieces are disjoint, which the compiler cannot see.
pub(super) struct Pieces<'a, T> {
    start: *mut T,
    len: usize,
    borrowed: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: it is a `&mut [T]` whose parts are handed out under the contract of `piece`; that is sound across threads for `Send`.
unsafe impl<T: Send> Sync for Pieces<'_, T> {}

impl<'a, T> Pieces<'a, T> {
    pub(super) fn new(slice: &'a mut [T]) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), borrowed: std::marker::PhantomData }
    }

    /// The piece of `len` elements from `from`.
    ///
    /// # Safety
    /// No two pieces alive at the same time may overlap.
    #[allow(clippy::mut_from_ref)] // That is the point; see the contract.
    pub(super) unsafe fn piece(&self, from: usize, len: usize) -> &mut [T] {
        assert!(from <= self.len && len <= self.len - from, "a piece lies within its slice");
        // SAFETY: in bounds of a slice borrowed for 'a, and by the contract not aliased while it lives.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), len) }
    }
}
