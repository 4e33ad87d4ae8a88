//! Malformed input: an error that says where, nothing half-stored, the rest importable.

use serde_json::Value;

use crate::bench::{Bench, frame, request, requests};

/// Imports this content; first as it is, then with `--keep-going`.
struct Spoiled {
    bench: Bench,
    file: String,
}

impl Spoiled {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let bench = Bench::new();
        let file = bench.file("spoiled", content).to_str().unwrap().to_owned();
        Self { bench, file }
    }

    /// The error of an import that stops at it.
    #[track_caller]
    fn stops(&self) -> String {
        let ran = self.bench.run(&["import", &self.file]);
        assert_eq!(ran.out, "");
        ran.fails(1)
    }

    /// Spans stored and parts left out by one that goes on.
    #[track_caller]
    fn goes_on(&self) -> (u64, u64) {
        let ran = self.bench.run(&["import", "--keep-going", "--json", &self.file]);
        assert_eq!(ran.code, Some(3), "{ran:?}");
        let report = ran.json();
        (report["spans"].as_u64().unwrap(), report["malformed"].as_u64().unwrap())
    }
}

#[test]
fn a_spoiled_line_is_told_by_line_and_byte() {
    let (first, last) = (request(1, 1, "a"), request(3, 3, "c"));
    let spoiled = Spoiled::new(format!("{first}\n{{\"resourceSpans\":[{{]}}\n{last}\n"));
    let error = spoiled.stops();
    let byte = first.len() + 1 + 19;
    assert!(error.contains("spoiled: line 2, byte "), "{error}");
    assert!(error.contains(&format!("byte {byte}:")), "{byte}: {error}");
    assert!(error.contains("1 spans before this are stored"), "{error}");
    assert_eq!(spoiled.bench.dump().len(), 1);
    assert_eq!(spoiled.goes_on(), (2, 1));
    assert_eq!(spoiled.bench.dump().len(), 2);
}

#[test]
fn p2_a_line_with_a_spoiled_second_span_stores_none_of_it() {
    let line = request(1, 1, "a").replace("]}]}]}]}", "]},{\"traceId\":5}]}]}]}");
    let spoiled = Spoiled::new(format!("{line}\n{}", requests(1)));
    spoiled.stops();
    assert_eq!(spoiled.bench.dump().len(), 0);
}

/// Lines are stored many at a time; what is wrong with one shows late, once it is decoded.
#[test]
fn p2_among_many_lines_the_spoiled_ones_are_told_and_no_other_is_lost() {
    let spoiled = |n: u32| match n {
        5 => request(n, n, "a").replace("\"intValue\":\"5\"", "\"tracekeep.doubleBits\":\"x\""),
        7 => request(n, n, "a").replace(
            "{\"key\":\"n\",\"value\"",
            "{\"key\":\"n\",\"tracekeep.raw\":\"Ev8=\",\"value\"",
        ),
        9 => "{\"resourceSpans\":7}".to_owned(),
        n => request(n, n, "a"),
    };
    let lines: String = (1..=300).map(|n| spoiled(n) + "\n").collect();
    let spoiled = Spoiled::new(lines);
    let error = spoiled.stops();
    assert!(error.contains("line 5, byte "), "{error}");
    assert_eq!(spoiled.bench.dump().len(), 4);
    let ran = spoiled.bench.run(&["import", "--keep-going", &spoiled.file]);
    let told = ran.fails(3);
    for line in ["line 5, byte ", "line 7, byte ", "line 9, byte "] {
        assert_eq!(told.matches(line).count(), 1, "{line}: {told}");
    }
    assert_eq!(spoiled.bench.dump().len(), 297);
}

#[test]
fn a_spoiled_first_line_does_not_hide_the_format() {
    for first in ["{\"resourceSp", "not JSON at all", "\u{0}\u{1}"] {
        let spoiled = Spoiled::new(format!("{first}\n{}", requests(2)));
        let error = spoiled.stops();
        assert!(error.contains("line 1, byte"), "{error}");
        assert_eq!(spoiled.goes_on(), (2, 1));
    }
}

#[test]
fn a_span_with_a_bad_id_is_rejected_alone() {
    let good = request(1, 1, "a");
    let bad = good.replace(&format!("{:032x}", 1), "abcd");
    let bench = Bench::new();
    let file = bench.file("spans", format!("{good}\n{bad}\n"));
    let ran = bench.run(&["import", "--json", file.to_str().unwrap()]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!((&ran.json()["spans"], &ran.json()["rejected"]), (&1.into(), &1.into()));
    assert!(ran.err.contains("refused"), "{ran:?}");
}

#[test]
fn frames_stop_where_they_are_cut_and_go_on_behind_a_spoiled_one() {
    let message = request(1, 1, "a").into_bytes();
    let cut = [frame(&message), frame(&message)].concat();
    let spoiled = Spoiled::new(&cut[..cut.len() - 5]);
    let error = spoiled.stops();
    assert!(error.contains(&format!("byte {}:", message.len() + 8)), "{error}");
    assert_eq!(spoiled.goes_on(), (1, 1));

    let other = request(2, 2, "b").into_bytes();
    let broken = frame(b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    let zstd = frame(b"\x28\xb5\x2f\xfd broken");
    let spoiled = Spoiled::new([frame(&message), broken, zstd, frame(&other)].concat());
    spoiled.stops();
    assert_eq!(spoiled.goes_on(), (2, 2));
}

#[test]
fn a_frame_that_claims_more_than_there_can_be_is_not_believed() {
    let message = request(1, 1, "a").into_bytes();
    let claim = [&frame(&message)[..], &[0x7f, 0xff, 0xff, 0xff, 1]].concat();
    let error = Spoiled::new(claim).stops();
    assert!(error.contains("a message of 2147483647 bytes"), "{error}");
}

#[test]
fn damaged_compression_is_an_error_behind_what_was_sound() {
    let mut packed = zstd::encode_all(requests(4000).as_bytes(), 1).unwrap();
    packed.truncate(packed.len() / 2);
    let spoiled = Spoiled::new(packed);
    let error = spoiled.stops();
    assert!(error.contains("cannot be read or unpacked any further"), "{error}");
    let (spans, left_out) = spoiled.goes_on();
    assert!((1..4000).contains(&spans), "{spans}");
    assert_eq!(left_out, 1);
}

#[test]
fn what_is_no_format_says_so() {
    for content in [b"PK\x03\x04 a zip".as_slice(), b"hello", b"\xff\xff\xff\xff\x0a", b"7"] {
        let error = Spoiled::new(content).stops();
        assert!(error.contains("byte 0: begins with"), "{error}");
    }
    let error = Spoiled::new("{\"spans\": []}").stops();
    assert!(error.contains("neither resourceSpans (OTLP) nor data (Jaeger)"), "{error}");
    Spoiled::new("[1]").stops();
    Spoiled::new("[[").stops();
    Spoiled::new("{\"data\":").stops();
}

#[test]
fn a_missing_file_is_told_and_with_keep_going_passed_over() {
    let bench = Bench::new();
    let file = bench.file("spans", requests(2)).to_str().unwrap().to_owned();
    let error = bench.run(&["import", "nowhere", &file]).fails(1);
    assert!(error.contains("nowhere"), "{error}");
    let ran = bench.run(&["import", "--keep-going", "--json", "nowhere", ".", &file]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!((&ran.json()["spans"], &ran.json()["malformed"]), (&2.into(), &2.into()));
}

#[test]
fn in_json_the_error_has_file_and_offset() {
    let spoiled = Spoiled::new(format!("{}\n[]\n", request(1, 1, "a")));
    let ran = spoiled.bench.run(&["import", "--json", &spoiled.file]);
    let error: Value = serde_json::from_str(&ran.fails(1)).unwrap();
    crate::schema::check("error", &error);
    assert_eq!(error["error"]["kind"], "InvalidInput");
    assert_eq!(error["error"]["file"], spoiled.file.as_str());
    assert!(error["error"]["offset"].as_u64().unwrap() >= 300, "{error}");
}
