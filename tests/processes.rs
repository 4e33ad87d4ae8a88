//! Claim: beside the one process that writes, others read all that it acknowledged, keep what they
//! read while it is merged away, and find everything after the writer was killed (P1, P9).
//!
//! The writer is this test program once more: [`writer_process`], told what to do through pipes.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "support/batches.rs"]
mod batches;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use batches::{batch, trace_id};
use tracekeep::{Error, KeyValue, Options, Reader, Store, TraceReader};

const SPANS_A_BATCH: u64 = 6;
const STORE: &str = "TRACEKEEP_TEST_STORE";

/// Checks that batches `0..count` are there, each whole; returns how many follow without a gap.
fn check(store: &impl TraceReader, count: u64) -> u64 {
    let mut n = 0;
    while let Some(trace) = store.trace(trace_id(n)).unwrap() {
        assert_eq!(trace.spans.len() as u64, SPANS_A_BATCH, "batch {n} is there in part");
        let of_batch = KeyValue::new("batch", n as i64);
        assert!(trace.spans.iter().all(|span| span.span.attributes[0] == of_batch));
        n += 1;
    }
    assert!(n >= count, "batch {n} of {count} is not there");
    n
}

/// The writer's side: does nothing unless it was started by [`Writer::start`].
#[test]
fn writer_process() {
    let Some(path) = std::env::var_os(STORE) else { return };
    let store = Store::open(path, Options::default()).unwrap();
    println!("\ndone open");
    let mut next = 0;
    for line in std::io::stdin().lines() {
        match line.unwrap().as_str() {
            "append" => {
                store.append(&batch(next, SPANS_A_BATCH)).unwrap();
                next += 1;
            }
            "flush" => store.flush().unwrap(),
            "merge" => store.merge().unwrap(),
            "flood" => loop {
                store.append(&batch(next, SPANS_A_BATCH)).unwrap();
                next += 1;
                println!("done append");
                if next.is_multiple_of(16) {
                    store.flush().unwrap();
                }
            },
            other => panic!("{other} is no command"),
        }
        println!("done");
    }
}

/// The writing process, as the other side sees it.
struct Writer {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Writer {
    fn start(path: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "writer_process", "--nocapture"]).env(STORE, path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let commands = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut writer = Self { child, commands, answers };
        assert!(writer.wait_for_done(), "the writer did not open the store");
        writer
    }

    /// Waits until the writer reports something done; false once it is gone.
    fn wait_for_done(&mut self) -> bool {
        let mut line = String::new();
        while self.answers.read_line(&mut line).unwrap() > 0 {
            // The test harness prints lines of its own.
            if line.starts_with("done") {
                return true;
            }
            line.clear();
        }
        false
    }

    fn send(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
    }

    fn run(&mut self, command: &str) {
        self.send(command);
        assert!(self.wait_for_done(), "the writer is gone after {command}");
    }

    /// Kills the process and returns how much more it had reported.
    fn kill(mut self) -> u64 {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut reported = 0;
        while self.wait_for_done() {
            reported += 1;
        }
        reported
    }
}

/// The segment files of a store.
fn segment_files(path: &Path) -> usize {
    let folders = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let files =
        folders.filter(|path| path.is_dir()).flat_map(|dir| std::fs::read_dir(dir).unwrap());
    files.filter(|file| file.as_ref().unwrap().path().extension() == Some("seg".as_ref())).count()
}

#[test]
fn p9_a_reader_sees_all_that_was_acknowledged_after_one_refresh() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start(dir.path());
    let reader = Reader::open(dir.path()).unwrap();
    for n in 0..24 {
        writer.run("append");
        match n % 8 {
            3 => writer.run("flush"),
            7 => writer.run("merge"),
            _ => {}
        }
        reader.refresh().unwrap();
        assert_eq!(check(&reader, n + 1), n + 1);
        assert_eq!(reader.stats().unwrap().spans, (n + 1) * SPANS_A_BATCH);
        if n.is_multiple_of(5) {
            assert_eq!(check(&Reader::open(dir.path()).unwrap(), n + 1), n + 1);
        }
    }
    writer.kill();
}

#[test]
fn p9_a_reader_sees_all_that_was_acknowledged_while_the_writer_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start(dir.path());
    let reader = Reader::open(dir.path()).unwrap();
    writer.send("flood");
    for acknowledged in 1..=100 {
        assert!(writer.wait_for_done());
        if acknowledged % 10 == 0 {
            reader.refresh().unwrap();
            check(&reader, acknowledged);
        }
    }
    writer.kill();
}

#[test]
fn p9_a_reader_answers_from_segments_that_were_merged_away() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start(dir.path());
    for _ in 0..4 {
        writer.run("append");
        writer.run("flush");
    }
    assert_eq!(segment_files(dir.path()), 12);
    // It has touched nothing but footers when its segments are merged away.
    let reader = Reader::open(dir.path()).unwrap();
    for _ in 0..2 {
        writer.run("append");
        writer.run("merge");
    }
    assert!(segment_files(dir.path()) >= 12 + 3, "what a reader holds was unlinked");
    assert_eq!(check(&reader, 4), 4);
    reader.refresh().unwrap();
    assert_eq!(check(&reader, 6), 6);
    drop(reader);
    writer.run("append");
    writer.run("merge");
    assert_eq!(segment_files(dir.path()), 3, "what nobody holds was not unlinked");
    assert_eq!(check(&Reader::open(dir.path()).unwrap(), 7), 7);
    writer.kill();
}

#[test]
fn p9_a_second_writer_is_told_who_holds_the_lock() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start(dir.path());
    writer.run("append");
    match Store::open(dir.path(), Options::default()) {
        Err(Error::Locked { by }) => {
            let numbers = by.split(|c: char| !c.is_ascii_digit());
            let pid = writer.child.id().to_string();
            assert!(numbers.into_iter().any(|number| number == pid), "{by:?} is not {pid}");
        }
        other => panic!("{other:?}"),
    }
    // The kernel frees the lock of a writer that dies.
    writer.kill();
    assert_eq!(check(&Store::open(dir.path(), Options::default()).unwrap(), 1), 1);
}

#[test]
fn p1_p9_what_a_killed_writer_acknowledged_is_there() {
    for wanted in [1, 20, 90] {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::start(dir.path());
        writer.send("flood");
        for _ in 0..wanted {
            assert!(writer.wait_for_done());
        }
        let acknowledged = wanted + writer.kill();
        let found = check(&Reader::open(dir.path()).unwrap(), acknowledged);
        assert!(found <= acknowledged + 1);
        let store = Store::open(dir.path(), Options::default()).unwrap();
        assert_eq!(check(&store, acknowledged), found);
        assert_eq!(store.stats().unwrap().spans, found * SPANS_A_BATCH);
    }
}
