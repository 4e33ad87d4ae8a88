//! `inspect` and `verify`: what is in the files, and what is wrong with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tracekeep::{Options, Store};
use tracekeep_workload::{Config, Workload, encode_json};

use crate::bench::{Bench, requests, segment_in};
use crate::schema::check;

/// A store with one segment; the segment's path.
fn stored(bench: &Bench, content: String) -> PathBuf {
    bench.import(&bench.file("spans", content));
    let folder = std::fs::read_dir(bench.path("store")).unwrap().map(|entry| entry.unwrap().path());
    let folder =
        folder.filter(|path| path.is_dir()).find(|path| path.to_string_lossy().contains("/20"));
    segment_in(&folder.unwrap())
}

/// Every file below a folder with its bytes.
fn contents(folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            contents(&path, into);
        } else {
            into.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn a_sound_store_verifies_and_is_left_as_it_was() {
    let bench = Bench::new();
    let segment = stored(&bench, requests(50));
    let mut before = BTreeMap::new();
    contents(&bench.path("store"), &mut before);
    let ran = bench.run(&["verify", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    check("verify", &ran.json());
    assert_eq!(ran.json()["ok"], true);
    let ran = bench.run(&["verify"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
    assert!(ran.err.contains("all sound"), "{ran:?}");
    for file in [segment.to_str().unwrap(), "store/MANIFEST"] {
        assert_eq!(bench.run(&["verify", "--store", file]).code, Some(0), "{file}");
    }
    let mut after = BTreeMap::new();
    contents(&bench.path("store"), &mut after);
    assert!(before == after);
}

#[test]
fn p6_a_flipped_byte_is_found_named_and_costs_its_neighbours_nothing() {
    let bench = Bench::new();
    let segment = stored(&bench, requests(50));
    let sound = std::fs::read(&segment).unwrap();
    for at in (0..sound.len()).step_by(sound.len() / 23) {
        let mut spoiled = sound.clone();
        spoiled[at] ^= 0x10;
        std::fs::write(&segment, &spoiled).unwrap();
        let ran = bench.run(&["verify", "--json"]);
        assert_eq!(ran.code, Some(1), "byte {at}: {ran:?}");
        let report = ran.json();
        check("verify", &report);
        assert_eq!(report["ok"], false);
        assert_eq!(report["damage"][0]["file"], segment.to_str().unwrap(), "{report}");
    }
    std::fs::write(&segment, &sound[..sound.len() - 1]).unwrap();
    let ran = bench.run(&["verify"]);
    assert!(ran.out.contains(segment.to_str().unwrap()), "{ran:?}");
    ran.fails(1);
}

#[test]
fn damage_of_manifest_and_log_is_found() {
    let bench = Bench::new();
    stored(&bench, requests(5));
    let manifest = bench.path("store/MANIFEST");
    let sound = std::fs::read(&manifest).unwrap();
    let mut spoiled = sound.clone();
    spoiled[20] ^= 1;
    std::fs::write(&manifest, spoiled).unwrap();
    let ran = bench.run(&["verify", "--json"]);
    assert_eq!((ran.code, &ran.json()["damage"][0]["kind"]), (Some(1), &"Corrupt".into()));
    std::fs::write(&manifest, sound).unwrap();

    // A log with frames: a store that was not closed.
    let store = Store::open(bench.path("store"), Options::default()).unwrap();
    store.append_otlp_json(crate::bench::request(77, 7, "late").as_bytes()).unwrap();
    std::mem::forget(store);
    let logs = std::fs::read_dir(bench.path("store/log")).unwrap();
    let mut logs: Vec<PathBuf> = logs.map(|entry| entry.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|ending| ending == "log"));
    logs.sort();
    let log = logs.pop().unwrap();
    let ran = bench.run(&["inspect", log.to_str().unwrap(), "--json"]);
    check("inspect-log", &ran.json());
    assert_eq!(ran.json()["frames"][0]["spans"], 1, "{ran:?}");
    assert!(bench.run(&["inspect", log.to_str().unwrap()]).ok().contains("first sequence"));
    bench.run(&["verify"]).ok();
    let mut spoiled = std::fs::read(&log).unwrap();
    spoiled[4096 + 40] ^= 1;
    std::fs::write(&log, spoiled).unwrap();
    let ran = bench.run(&["verify", "--json"]);
    assert_eq!((ran.code, &ran.json()["damage"][0]["section"]), (Some(1), &"log frame".into()));
}

#[test]
fn inspect_maps_a_segment_from_its_first_byte_to_its_last() {
    let bench = Bench::new();
    let shop = Workload::new(&Config::default().spans(1500).at_rate(100.0));
    let segment = stored(&bench, shop.map(|batch| encode_json(&batch) + "\n").collect());
    let segment = segment.to_str().unwrap();
    let ran = bench.run(&["inspect", "--json", segment]);
    let info = ran.json();
    check("inspect-segment", &info);
    let mut end = 0;
    for part in info["parts"].as_array().unwrap() {
        assert_eq!(part["offset"], end, "{part}");
        end += part["bytes"].as_u64().unwrap();
    }
    assert_eq!(info["bytes"], end);
    let rows =
        info["blocks"].as_array().unwrap().iter().map(|block| block["rows"].as_u64().unwrap());
    assert_eq!(info["spans"], rows.sum::<u64>());
    let text = bench.run(&["inspect", segment]).ok();
    for part in ["blocks\t64\t", "tag index\t", "span.http.request.method\t", "service.name\t"] {
        assert!(text.contains(part), "{part}: {text}");
    }

    let ran = bench.run(&["inspect", "--json", segment, "--block", "1"]);
    check("inspect-block", &ran.json());
    assert_eq!(ran.json()["spans"].as_array().unwrap().len() as u64, info["blocks"][1]["rows"]);
    let block = bench.run(&["inspect", "--json", segment, "--block", "0"]).json();
    let runs = block["runs"].as_array().unwrap();
    assert!(runs.iter().all(|run| run["values"].as_array().unwrap().len() as u64 == run["rows"]));
    let text = bench.run(&["inspect", segment, "--block", "0"]).ok();
    assert_eq!(text.lines().count(), 512 + runs.len());
    bench.run(&["inspect", "store/MANIFEST", "--block", "0"]).fails(2);
    bench.run(&["inspect", segment, "--block", "999"]).fails(2);

    let ran = bench.run(&["inspect", "--json", segment, "--hex", "0"]);
    check("inspect-bytes", &ran.json());
    assert_eq!(ran.json()["part"], "header");
    assert!(ran.json()["hex"].as_str().unwrap().starts_with("544b454550534547"));
    let text = bench.run(&["inspect", segment, "--hex", "48"]).ok();
    assert!(text.contains("header\n") && text.contains("block 0\n"), "{text}");
    bench.run(&["inspect", segment, "--hex", "99999999999"]).fails(2);
}

#[test]
fn a_foreign_file_is_wrong_usage_a_damaged_one_a_failure_a_newer_one_a_version() {
    let bench = Bench::new();
    let segment = stored(&bench, requests(5));
    let file = bench.file("notes.txt", "hello, world").to_str().unwrap().to_owned();
    assert!(bench.run(&["inspect", &file]).fails(2).contains("is no segment, manifest, log"));
    bench.run(&["verify", "--store", &file]).fails(2);
    bench.run(&["inspect", "nowhere.seg"]).fails(1);
    let segment = std::fs::read(segment).unwrap();
    let mut spoiled = segment.clone();
    spoiled[0] = b'X';
    let file = bench.file("spoiled.seg", spoiled).to_str().unwrap().to_owned();
    bench.run(&["verify", "--store", &file]).fails(1);
    let empty = bench.file("empty.seg", "").to_str().unwrap().to_owned();
    let error: serde_json::Value =
        serde_json::from_str(&bench.run(&["inspect", "--json", &empty]).fails(1)).unwrap();
    check("error", &error);
    assert_eq!(error["error"]["kind"], "Corrupt");
}
