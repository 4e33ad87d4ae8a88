//! The commands that read, off a terminal: tab-separated, nothing cut.

use crate::bench::{Bench, request, requests, segment_in};

/// Three services' worth of a trace: a root, a child, and one whose parent never came.
fn broken_trace() -> String {
    let root = request(9, 1, "root");
    let child = request(9, 2, "a rather long name that no narrow terminal would show in full")
        .replace(
            "\"name\"",
            "\"parentSpanId\":\"0000000000000001\",\"status\":{\"code\":2},\"name\"",
        );
    let orphan = request(9, 3, "orphan\\twith\\u001b[31mcolour")
        .replace("\\\\", "\\")
        .replace("\"name\"", "\"parentSpanId\":\"00000000000000ff\",\"name\"");
    format!("{root}\n{child}\n{orphan}\n")
}

#[test]
fn a_trace_is_a_tree_with_bars_and_its_gaps_are_told() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", broken_trace()));
    let text = bench.run(&["trace", "9"]).ok();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.len(), 4, "{text}");
    assert_eq!(lines[0][0], format!("{:032x}", 9));
    assert_eq!(&lines[0][3..], ["3 spans", "1 services", "1 errors", "1 without their parent"]);
    assert_eq!(lines[1][1..6], ["root", "shop", "+0ns", "1.5ms", "server"]);
    let name = "  a rather long name that no narrow terminal would show in full";
    assert_eq!(lines[2][1..5], [name, "shop", "+1ns", "1.5ms"]);
    assert_eq!(lines[2][6], "error");
    assert_eq!(lines[3][1], "orphan\\twith\\u{1b}[31mcolour");
    assert_eq!(lines[3][8], "parent 00000000000000ff missing");
    assert!(lines[1][0].contains("━━━━"), "{text}");
}

#[test]
fn on_a_terminal_the_drawing_fits_its_width() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", broken_trace()));
    for width in ["20", "40", "80", "200"] {
        let mut command = bench.command();
        command.env("COLUMNS", width).args(["trace", "9", "--color", "always"]);
        let out = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(out.contains("? parent 00000000000000ff is missing") && out.contains('✗'), "{out}");
        let limit = width.parse::<usize>().unwrap().max(40);
        for line in out.lines() {
            let mut plain = String::new();
            for part in line.split('\u{1b}') {
                plain +=
                    part.split_once('m').filter(|_| part.starts_with('[')).map_or(part, |p| p.1);
            }
            assert!(plain.chars().count() <= limit, "{width}: {plain}");
        }
    }
}

#[test]
fn a_trace_that_is_not_there_is_code_4() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(1)));
    let ran = bench.run(&["trace", "abc"]);
    assert_eq!(ran.out, "");
    assert!(ran.fails(4).contains("there is no trace 00000000000000000000000000000abc"));
}

#[test]
fn an_id_is_given_short_or_as_a_traceparent() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(1)));
    let header = format!("00-{:032x}-{:016x}-01", 1, 1);
    for id in ["1", "0001", &header] {
        assert!(bench.run(&["trace", id]).ok().contains("\tget\tshop\t"));
    }
}

#[test]
fn search_lists_traces_newest_first_and_finds_nothing_with_code_0() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(30)));
    let ran = bench.run(&["search", "{ span.n > 10 }"]);
    assert!(ran.err.contains("--after "), "{ran:?}");
    let cursor = ran.err.trim().rsplit(' ').next().unwrap().to_owned();
    let text = ran.ok();
    let first: Vec<&str> = text.lines().next().unwrap().split('\t').collect();
    let id = format!("{:032x}", 30);
    let start = "2025-11-22T08:27:10.00000003Z";
    assert_eq!(first, [&id, start, "1500000", "1", "0", "1", "shop", "get"]);
    assert_eq!(text.lines().count(), 20, "all that match, since the limit is 20");
    let rest = bench.run(&["search", "{ span.n > 10 }", "--after", &cursor]).ok();
    assert_eq!(rest, "");
    assert_eq!(bench.run(&["search", "{ name = \"x\" }"]).ok(), "");
    let later = bench.run(&["search", "--since", "2025-11-22T08:27:05Z", "--limit", "100"]).ok();
    assert_eq!(later.lines().count(), 6);
    let earlier = bench.run(&["search", "--until", "2025-11-22", "--limit", "100"]).ok();
    assert_eq!(earlier, "");
}

#[test]
fn a_search_gives_up_when_its_time_is_over() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(3)));
    let late = bench.run(&["search", "--timeout", "0s", "--json"]);
    assert_eq!(late.code, Some(1), "{late:?}");
    assert!(late.err.contains(r#""kind":"Timeout""#), "{late:?}");
    assert_eq!(bench.run(&["search", "--timeout", "1h"]).ok().lines().count(), 3);
    assert_eq!(bench.run(&["search", "--timeout", "soon"]).code, Some(2));
}

#[test]
fn values_are_listed_by_prefix_type_and_query_a_page_at_a_time() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(30)));
    let ran = bench.run(&["values", "span.n", "--limit", "2", "--count"]);
    assert!(ran.err.contains("--after i2"), "{ran:?}");
    assert_eq!(ran.ok(), "1\tint\t1\n2\tint\t1\n");
    let rest = ["values", "span.n", "--after", "i2", "--query", "{ span.n < 5 }"];
    assert_eq!(bench.run(&rest).ok(), "3\tint\n4\tint\n");
    assert_eq!(bench.run(&["values", "name", "--prefix", "g"]).ok(), "get\tstring\n");
    assert_eq!(bench.run(&["values", "name", "--prefix", "h"]).ok(), "");
    assert_eq!(bench.run(&["values", "span.n", "--type", "string"]).ok(), "");
    assert_eq!(bench.run(&["values", "span.n", "--after", "?"]).code, Some(2));
    assert_eq!(bench.run(&["values", "span.n", "--query", "{"]).code, Some(2));
}

#[test]
fn explain_goes_to_stderr() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(3)));
    let ran = bench.run(&["search", "--explain"]);
    assert_eq!(ran.out.lines().count(), 3);
    assert!(ran.err.contains("tracesMatched: 3"), "{ran:?}");
}

#[test]
fn names_are_listed_plainly() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(3)));
    assert_eq!(bench.run(&["services"]).ok(), "shop\n");
    assert_eq!(bench.run(&["operations", "shop"]).ok(), "get\tserver\n");
    assert_eq!(bench.run(&["operations", "none"]).ok(), "");
    assert_eq!(bench.run(&["tags"]).ok(), "resource\tservice.name\nspan\tn\n");
    assert_eq!(bench.run(&["values", "span.n"]).ok(), "1\tint\n2\tint\n3\tint\n");
    assert_eq!(bench.run(&["values", "name"]).ok(), "get\tstring\n");
}

#[test]
fn p7_names_come_a_page_at_a_time() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(3)));
    let ran = bench.run(&["tags", "--limit", "1"]);
    let cursor = ran.err.trim().strip_prefix("there are more: --after ").unwrap();
    assert_eq!(ran.out, "resource\tservice.name\n");
    assert_eq!(bench.run(&["tags", "--after", cursor]).ok(), "span\tn\n");
    let ran = bench.run(&["services", "--limit", "0"]);
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(0)), "{ran:?}");
    assert_eq!(bench.run(&["services", "--query", "{ span.n = 2 }"]).ok(), "shop\n");
    assert_eq!(bench.run(&["services", "--query", "{ span.n = 9 }"]).ok(), "");
    assert_eq!(bench.run(&["operations", "shop", "--until", "1970-01-01T00:00:00Z"]).ok(), "");
    assert_eq!(bench.run(&["operations", "shop", "--query", "{"]).code, Some(2));
    assert_eq!(bench.run(&["tags", "--after", "?"]).code, Some(2));
}

#[test]
fn two_sets_of_spans_are_compared() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(3)));
    bench.import(&bench.file("more", request(6, 6, "put")));
    let compared = bench.run(&["compare", "{ name = \"put\" }", "{ }", "--limit", "2"]).ok();
    let wanted = "0.00 %\t75.00 %\t0\t3\tname\tget\tstring\n\
                  100.00 %\t25.00 %\t1\t1\tname\tput\tstring\n";
    assert_eq!(compared, wanted);
    assert_eq!(bench.run(&["compare", "{ }", "{ }"]).ok(), "");
    let late = bench.run(&["compare", "{ }", "{ }", "--timeout", "0s", "--json"]);
    assert!(late.err.contains(r#""kind":"Timeout""#), "{late:?}");
}

#[test]
fn shapes_are_grouped_traces() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(3)));
    bench.import(&bench.file("more", request(6, 6, "put")));
    let shapes = bench.run(&["shapes"]).ok();
    let rows: Vec<Vec<&str>> = shapes.lines().map(|line| line.split('\t').collect()).collect();
    let told: Vec<_> = rows.iter().map(|row| (row[0], row[1], row[5], row[7])).collect();
    assert_eq!(told, [("1", "0", "1", "shop put"), ("3", "0", "1", "shop get")], "{shapes}");
    assert_eq!(bench.run(&["shapes", "--limit", "1"]).ok().lines().count(), 1);
    assert_eq!(bench.run(&["shapes", "{ name = \"none\" }"]).ok(), "");
}

#[test]
fn stats_and_merge_tell_figures() {
    let bench = Bench::new();
    let file = bench.file("spans", requests(5));
    bench.import(&file);
    bench.import(&bench.file("more", request(6, 6, "get")));
    let stats = bench.run(&["stats"]).ok();
    assert!(stats.starts_with("spans\t6\ntraces\t6\nsegments\t2\n"), "{stats}");
    assert!(stats.contains("2025-11-22T08:00:00Z\topen\t2\t6\t"), "{stats}");
    let merged = bench.run(&["merge", "--all"]).ok();
    assert!(merged.starts_with("before\t2\t") && merged.contains("\nafter\t1\t"), "{merged}");
    assert_eq!(bench.dump().len(), 6);
}

#[test]
fn dump_restricts_by_query_and_time() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(30)));
    let lines = |args: &[&str]| bench.run(args).ok().lines().count();
    assert_eq!(lines(&["dump"]), 30);
    assert_eq!(lines(&["dump", "--query", "{ span.n >= 28 }"]), 3);
    assert_eq!(lines(&["dump", "--since", "1763800028000000000"]), 3);
    assert_eq!(lines(&["dump", "--until", "1763800003000000000", "--query", "{ span.n >= 2 }"]), 1);
}

#[test]
fn dump_cuts_a_piece_into_a_segment_that_is_a_store_to_read() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(9)));
    let cut = bench.run(&["dump", "--query", "{ span.n > 4 }", "--to", "cut.seg", "--json"]);
    assert_eq!((cut.code, &cut.json()["spans"]), (Some(0), &5.into()), "{cut:?}");
    let whole = bench.run(&["dump", "--query", "{ span.n > 4 }"]).ok();
    let file = ["--store", "cut.seg"];
    assert_eq!(bench.run(&[&file[..], &["dump"]].concat()).ok(), whole);
    for command in ["search", "services", "tags", "stats", "verify"] {
        bench.run(&[&file[..], &[command]].concat()).ok();
    }
    let trace = bench.run(&["--store", "cut.seg", "trace", "7"]).ok();
    assert!(trace.contains("shop"), "{trace}");
    bench.run(&["inspect", "cut.seg"]).ok();
    let again = bench.run(&["dump", "--to", "cut.seg"]).fails(1);
    assert!(again.contains("exists already"), "{again}");
    let none = bench.run(&["dump", "--query", "{ span.n > 99 }", "--to", "none.seg"]).fails(1);
    assert!(none.contains("no span to write"), "{none}");
    assert!(!bench.path("none.seg").exists());
}

#[test]
fn p6_salvage_needs_no_footer_and_tells_what_is_lost() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(2000)));
    bench.run(&["dump", "--to", "whole.seg"]).ok();
    let whole = bench.run(&["dump"]).ok();
    let bytes = std::fs::read(bench.path("whole.seg")).unwrap();
    let salvage = |name: &str, content: &[u8]| {
        bench.file(name, content);
        bench.run(&["dump", "--salvage", "--store", name])
    };
    // Without the footers at the end, and without the checksums before them.
    for end in [1, 200, 256, 300] {
        let file = &bytes[..bytes.len() - end];
        let ran = salvage("cut.seg", file);
        assert!(ran.code == Some(0) && ran.out == whole, "{end}: {}", ran.err);
        assert!(ran.err.contains("2,000 spans salvaged, 0 lost"), "{}", ran.err);
        assert!(bench.run(&["dump", "--store", "cut.seg"]).fails(1).contains("footer"));
    }
    // A block as well.
    let mut spoiled = bytes[..bytes.len() - 256].to_vec();
    spoiled[80] ^= 1;
    let ran = salvage("spoiled.seg", &spoiled);
    assert_eq!(ran.code, Some(3), "{}", ran.err);
    assert!(ran.err.contains("512 lost") && ran.err.contains("blocks"), "{}", ran.err);
    assert_eq!(ran.out.lines().count(), 2000 - 512);
    assert!(ran.out.lines().all(|line| whole.contains(line)));
    // Half of it: the models are gone.
    let error = salvage("half.seg", &bytes[..bytes.len() / 3]).fails(1);
    assert!(error.contains("models"), "{error}");
    bench.run(&["dump", "--salvage"]).fails(2);
}

#[test]
fn a_single_segment_is_a_store_to_read() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(4)));
    let segment = segment_in(&bench.path("store/20251122T080000Z"));
    let copy = bench.path("piece.seg");
    std::fs::copy(segment, copy).unwrap();
    let text = bench.run(&["search", "--store", "piece.seg"]).ok();
    assert_eq!(text.lines().count(), 4);
    assert!(bench.run(&["trace", "2", "--store", "piece.seg"]).ok().contains("get"));
    let dump = bench.run(&["dump", "--store", "piece.seg"]).ok();
    assert_eq!(dump.lines().count(), 4);
    bench.run(&["merge", "--store", "piece.seg"]).fails(2);
    bench.run(&["import", "--store", "piece.seg", "spans"]).fails(2);
}
