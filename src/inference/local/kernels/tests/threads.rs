//! The pool: everything once, panics on the right thread, sleep when idle.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::super::pool::Pool;

fn pool(threads: usize) -> Pool {
    Pool::new(threads).expect("threads")
}

fn counters(count: usize) -> Vec<AtomicUsize> {
    (0..count).map(|_| AtomicUsize::new(0)).collect()
}

fn all_one(counters: &[AtomicUsize]) -> bool {
    counters.iter().all(|counter| counter.load(Ordering::Relaxed) == 1)
}

/// Waits for the workers to park. There is a limit only so that a failing test ends.
fn until_parked(pool: &Pool) {
    let start = Instant::now();
    while pool.parked() < pool.threads() - 1 {
        assert!(start.elapsed() < Duration::from_mins(1), "workers without work do not park");
        std::thread::yield_now();
    }
}

#[test]
fn every_thread_and_every_index_once() {
    for threads in [1, 2, 5] {
        let pool = pool(threads);
        assert_eq!(pool.threads(), threads);
        for count in [0, 1, 2, 7, 1000] {
            let (indices, members) = (counters(count), counters(threads));
            pool.each(count, |index| {
                indices[index].fetch_add(1, Ordering::Relaxed);
            });
            pool.run(|thread| {
                members[thread].fetch_add(1, Ordering::Relaxed);
            });
            assert!(all_one(&indices) && all_one(&members), "{threads} threads, {count} indices");
        }
    }
    assert_eq!(pool(0).threads(), 1, "the caller is always there");
}

#[test]
fn many_short_parts() {
    let pool = pool(3);
    let sum = AtomicUsize::new(0);
    for _ in 0..2000 {
        pool.each(4, |index| {
            sum.fetch_add(index, Ordering::Relaxed);
        });
    }
    assert_eq!(sum.into_inner(), 2000 * 6);
}

#[test]
fn idle_workers_park_and_wake_again() {
    let pool = pool(3);
    for _ in 0..3 {
        until_parked(&pool);
        let members = counters(3);
        pool.run(|thread| {
            members[thread].fetch_add(1, Ordering::Relaxed);
        });
        assert!(all_one(&members));
    }
    // Parked workers must not keep the pool from ending.
    until_parked(&pool);
}

#[test]
fn a_caller_that_waits_long_is_woken() {
    let pool = pool(2);
    pool.run(|thread| {
        if thread == 1 {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

#[test]
fn what_is_shared_out_from_inside_runs_alone() {
    let pool = pool(2);
    let (outer, inner) = (AtomicUsize::new(0), AtomicUsize::new(0));
    pool.each(6, |_| {
        outer.fetch_add(1, Ordering::Relaxed);
        let caller = std::thread::current().id();
        pool.each(5, |_| {
            assert_eq!(std::thread::current().id(), caller);
            inner.fetch_add(1, Ordering::Relaxed);
        });
        pool.run(|_| {
            inner.fetch_add(1, Ordering::Relaxed);
        });
    });
    assert_eq!((outer.into_inner(), inner.into_inner()), (6, 6 * 5 + 6 * 2));
}

#[test]
fn callers_on_several_threads_take_turns() {
    let pool = pool(2);
    let sum = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..100 {
                    pool.each(3, |_| {
                        sum.fetch_add(1, Ordering::Relaxed);
                    });
                }
            });
        }
    });
    assert_eq!(sum.into_inner(), 900);
}

#[test]
fn a_panic_comes_out_at_the_caller_and_the_pool_lives_on() {
    let pool = pool(3);
    for culprit in 0..3 {
        let raised = catch_unwind(AssertUnwindSafe(|| {
            pool.run(|thread| assert!(thread != culprit, "thread {thread}"));
        }));
        let message = raised.expect_err("raised again");
        assert_eq!(message.downcast_ref::<String>(), Some(&format!("thread {culprit}")));
        let members = counters(3);
        pool.run(|thread| {
            members[thread].fetch_add(1, Ordering::Relaxed);
        });
        assert!(all_one(&members));
    }
    assert!(catch_unwind(AssertUnwindSafe(|| pool.each(50, |index| assert!(index != 17)))).is_err());
}

/// A worker that comes too late for the last job must still see the end.
#[test]
fn a_pool_ends_whatever_its_workers_are_at() {
    for _ in 0..2_000 {
        let pool = Pool::new(3).unwrap();
        pool.each(2, |_| ());
    }
}
