#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::mpsc;

use super::*;

/// Long enough for a busy machine to run a job, never waited for when all is well.
const PATIENCE: Duration = Duration::from_secs(30);

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let since = Instant::now();
    while !holds() {
        assert!(since.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn an_idle_pool_owns_no_thread() {
    let pool = ThreadPool::lingering(4, Duration::from_millis(1));
    assert_eq!(pool.threads(), 0, "none before the first job");
    let (done, all_done) = mpsc::channel();
    for number in 0..100 {
        let done = done.clone();
        pool.spawn(Box::new(move || done.send(number).unwrap()));
        assert!(pool.threads() <= 4);
    }
    let mut numbers: Vec<i32> =
        (0..100).map(|_| all_done.recv_timeout(PATIENCE).unwrap()).collect();
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..100));
    wait_until("all threads have ended", || pool.threads() == 0);
    pool.spawn(Box::new(move || done.send(100).unwrap()));
    assert_eq!(all_done.recv_timeout(PATIENCE), Ok(100), "and it starts again");
}

#[test]
fn as_many_jobs_run_at_once_as_threads_are_allowed() {
    let pool = ThreadPool::new(3);
    let meeting = Arc::new(std::sync::Barrier::new(3));
    let (met, all_met) = mpsc::channel();
    for _ in 0..3 {
        let (meeting, met) = (Arc::clone(&meeting), met.clone());
        pool.spawn(Box::new(move || {
            meeting.wait();
            met.send(()).unwrap();
        }));
    }
    (0..3).for_each(|_| all_met.recv_timeout(PATIENCE).unwrap());
}

#[test]
fn delayed_jobs_come_in_the_order_of_their_times_and_not_before() {
    let pool = ThreadPool::lingering(1, Duration::from_millis(1));
    let (done, order) = mpsc::channel();
    let start = Instant::now();
    for millis in [40, 10, 20] {
        let done = done.clone();
        let job = move || done.send((millis, start.elapsed())).unwrap();
        pool.spawn_after(Duration::from_millis(millis), Box::new(job));
    }
    for expected in [10, 20, 40] {
        let (millis, after) = order.recv_timeout(PATIENCE).unwrap();
        assert_eq!(millis, expected);
        assert!(after >= Duration::from_millis(millis));
    }
    wait_until("the thread has ended", || pool.threads() == 0);
}

#[test]
fn a_delayed_job_does_not_wait_for_a_lingering_thread() {
    let pool = ThreadPool::lingering(4, PATIENCE * 10);
    let (done, is_done) = mpsc::channel();
    // All four threads linger, none of them for a job to come.
    let meeting = Arc::new(std::sync::Barrier::new(4));
    for _ in 0..4 {
        let meeting = Arc::clone(&meeting);
        pool.spawn(Box::new(move || {
            meeting.wait();
        }));
    }
    pool.spawn_after(Duration::from_millis(5), Box::new(move || done.send(()).unwrap()));
    is_done.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_delay_without_end_is_no_panic() {
    ThreadPool::new(1).spawn_after(Duration::MAX, Box::new(|| {}));
}

#[test]
fn a_panicking_job_harms_no_other() {
    let pool = ThreadPool::new(1);
    pool.spawn(Box::new(|| unreachable!("a job failed")));
    let (done, is_done) = mpsc::channel();
    pool.spawn(Box::new(move || done.send(()).unwrap()));
    is_done.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_dropped_pool_finishes_what_is_due_and_drops_what_is_delayed() {
    let (done, is_done) = mpsc::channel();
    let (delayed, never) = mpsc::channel::<()>();
    let pool = ThreadPool::new(1);
    for number in 0..10 {
        let done = done.clone();
        pool.spawn(Box::new(move || done.send(number).unwrap()));
    }
    let job = move || delayed.send(()).unwrap();
    pool.spawn_after(Duration::from_secs(3600), Box::new(job));
    drop(pool);
    assert!((0..10).all(|number| is_done.recv_timeout(PATIENCE) == Ok(number)));
    assert_eq!(never.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn parts_are_shared_among_threads_that_are_free() {
    let pool = ThreadPool::new(3);
    // Three at once: this thread and two that help, of which the pool has three.
    let meeting = std::sync::Barrier::new(3);
    let parts = (0..3).map(|_| -> Part<'_> {
        Box::new(|| {
            meeting.wait();
        })
    });
    pool.share(parts.collect());

    let (go, wait) = mpsc::channel::<()>();
    let (begun, busy) = mpsc::channel();
    let wait = Arc::new(Mutex::new(wait));
    for _ in 0..3 {
        let (wait, begun) = (Arc::clone(&wait), begun.clone());
        pool.spawn(Box::new(move || {
            begun.send(()).unwrap();
            wait.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
        }));
    }
    (0..3).for_each(|_| busy.recv_timeout(PATIENCE).unwrap());
    // None is free: all parts are done here, in their order.
    let here = thread::current().id();
    let mut done = Mutex::new(Vec::new());
    let parts = (0..5).map(|number| -> Part<'_> {
        let done = &done;
        Box::new(move || done.lock().unwrap().push((number, thread::current().id())))
    });
    pool.share(parts.collect());
    let expected: Vec<_> = (0..5).map(|number| (number, here)).collect();
    assert_eq!(*done.get_mut().unwrap(), expected);
    drop(go);
}

#[test]
fn a_part_that_panics_ends_the_job_and_gives_its_threads_back() {
    let pool = ThreadPool::new(2);
    for _ in 0..3 {
        let parts = (0..4).map(|number| -> Part<'_> { Box::new(move || assert!(number != 2)) });
        let parts = parts.collect();
        assert!(catch_unwind(AssertUnwindSafe(|| pool.share(parts))).is_err());
    }
    assert_eq!(pool.shared.state().helping, 0);
}
