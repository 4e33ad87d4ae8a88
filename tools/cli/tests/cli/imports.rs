//! Every format and wrapper is told by its content and gives the same spans.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tracekeep_workload::{
    Config, Workload, count, encode_json, encode_protobuf, write_json, write_protobuf,
};

use crate::bench::{Bench, frame, requests};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

#[test]
fn p3_every_wrapper_of_otlp_gives_the_same_spans() {
    let batches: Vec<_> = Workload::new(&Config::default().spans(300).batch_spans(50)).collect();
    let spans: u64 = batches.iter().map(|batch| count(batch)).sum();
    let lines: String = batches.iter().map(|batch| encode_json(batch) + "\n").collect();
    let lines = lines.into_bytes();
    let pretty: String = batches
        .iter()
        .map(|batch| {
            let value: serde_json::Value = serde_json::from_str(&encode_json(batch)).unwrap();
            serde_json::to_string_pretty(&value).unwrap() + "\n"
        })
        .collect();
    let framed = |wrap: &dyn Fn(&[u8]) -> Vec<u8>, json: bool| -> Vec<u8> {
        let message = |batch: &Vec<_>| {
            if json { encode_json(batch).into_bytes() } else { encode_protobuf(batch) }
        };
        batches.iter().flat_map(|batch| frame(&wrap(&message(batch)))).collect()
    };
    let plain = |bytes: &[u8]| bytes.to_vec();
    let two_members = {
        let (a, b) = lines.split_at(lines.len() / 2);
        [gzip(a), gzip(b)].concat()
    };
    let files: Vec<(&str, Vec<u8>)> = vec![
        ("lines", lines.clone()),
        ("lines in gzip", gzip(&lines)),
        ("lines in two gzip members", two_members),
        ("lines in zstd", zstd(&lines)),
        ("lines in zstd in gzip", gzip(&zstd(&lines))),
        ("pretty-printed", pretty.into_bytes()),
        ("protobuf frames", framed(&plain, false)),
        ("protobuf frames, each in zstd", framed(&zstd, false)),
        ("protobuf frames, all in zstd", zstd(&framed(&plain, false))),
        ("JSON frames", framed(&plain, true)),
        ("JSON frames, each in zstd", framed(&zstd, true)),
    ];
    let mut first: Option<Vec<String>> = None;
    for (what, content) in files {
        let bench = Bench::new();
        let report = bench.import(&bench.file("spans", content));
        assert_eq!(report["spans"], spans, "{what}");
        assert_eq!(report["rejected"], 0, "{what}");
        let dump = bench.dump();
        assert_eq!(dump.len() as u64, spans, "{what}");
        let first = first.get_or_insert_with(|| dump.clone());
        assert!(*first == dump, "{what} gives other spans");
    }
}

#[test]
fn p3_the_workload_in_json_and_in_protobuf_gives_equal_stores() {
    let workload = || Workload::new(&Config::default().spans(1500).seed(9));
    let (mut json, mut protobuf) = (Vec::new(), Vec::new());
    let written = write_json(workload(), &mut json).unwrap();
    write_protobuf(workload(), &mut protobuf).unwrap();
    let dumps = [json, protobuf].map(|content| {
        let bench = Bench::new();
        assert_eq!(bench.import(&bench.file("spans", content))["spans"], written.spans);
        bench.dump()
    });
    assert!(dumps[0] == dumps[1]);
}

#[test]
fn p3_a_dump_imported_and_dumped_again_is_the_same() {
    let bench = Bench::new();
    let hostile = Workload::new(&Config::default().spans(200).hostile(true));
    let lines: String = hostile.map(|batch| encode_json(&batch) + "\n").collect();
    bench.import(&bench.file("spans", lines));
    let dump = bench.run(&["dump"]).ok();
    let again = Bench::new();
    again.import(&again.file("dump", dump));
    assert!(bench.dump() == again.dump());
}

#[test]
fn p5_importing_a_file_twice_changes_nothing() {
    let bench = Bench::new();
    let file = bench.file("spans", requests(20));
    bench.import(&file);
    bench.import(&file);
    assert_eq!(bench.dump().len(), 20);
}

#[test]
fn stdin_is_a_file_named_by_a_dash() {
    let bench = Bench::new();
    let ran = bench.run_with(&["import", "--json", "-"], &gzip(requests(3).as_bytes()));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.json()["spans"], 3);
}

#[test]
fn several_files_make_one_store_and_empty_ones_nothing() {
    let bench = Bench::new();
    let (a, b) = (bench.file("a", requests(2)), bench.file("b", requests(5)));
    let empty = bench.file("empty", "");
    let paths = [&a, &b, &empty].map(|path| path.to_str().unwrap().to_owned());
    let ran = bench.run(&["import", "--json", &paths[0], &paths[1], &paths[2]]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.json()["spans"], 7);
    assert_eq!(bench.dump().len(), 5);
}

#[test]
fn the_report_is_complete() {
    let bench = Bench::new();
    // Enough that its spans, which are held until they are flushed, take some megabytes.
    let report = bench.import(&bench.file("many", requests(10_000)));
    crate::schema::check("import", &report);
    assert!(report["peakMemoryBytes"].as_u64().unwrap() > 1 << 20);
    let bench = Bench::new();
    bench.file("spans", requests(2));
    let text = bench.run(&["import", bench.path("spans").to_str().unwrap()]).ok();
    assert!(text.starts_with("spans\t2\nspans rejected\t0\n"), "{text}");
}
