//! Pipes that close, disks that are full, colours where nobody sees them.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::bench::{Bench, requests};

#[test]
fn a_closed_pipe_ends_quietly() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(5000)));
    for args in
        [&["dump"][..], &["search", "--limit", "5000"], &["search", "--limit", "5000", "--json"]]
    {
        let mut command = bench.command();
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::with_capacity(1, child.stdout.take().unwrap());
        out.fill_buf().unwrap();
        drop(out);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_a_failure() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(5)));
    for args in [&["dump"][..], &["stats"], &["trace", "1"], &["services", "--json"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = bench.command().args(args).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert_ne!(output.stderr, b"", "{args:?}");
    }
}

#[test]
fn off_a_terminal_there_is_no_colour_unless_it_is_asked_for() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(5)));
    for args in [&["trace", "1"][..], &["search"], &["stats"]] {
        assert!(!bench.run(args).ok().contains('\u{1b}'), "{args:?}");
    }
    let coloured = bench.run(&["trace", "1", "--color", "always"]).ok();
    assert!(coloured.contains('\u{1b}'), "{coloured}");
    let mut command = bench.command();
    command.env("NO_COLOR", "1").args(["trace", "1", "--color", "never"]);
    assert!(!String::from_utf8(command.output().unwrap().stdout).unwrap().contains('\u{1b}'));
}

#[test]
fn progress_is_silent_off_a_terminal() {
    let bench = Bench::new();
    let file = bench.file("spans", requests(5));
    let ran = bench.run(&["import", file.to_str().unwrap()]);
    assert_eq!(ran.err, "");
    assert_eq!(ran.code, Some(0));
}
