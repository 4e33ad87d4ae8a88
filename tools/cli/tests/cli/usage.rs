//! Wrong calls are code 2, whatever is wrong; nothing is made by commands that read.

use tracekeep::{Options, Store};

use crate::bench::{Bench, requests};

#[test]
fn wrong_calls_are_code_2() {
    let bench = Bench::new();
    bench.import(&bench.file("spans", requests(1)));
    let calls: &[&[&str]] = &[
        &[],
        &["fetch"],
        &["import"],
        &["trace"],
        &["trace", "no-id"],
        &["trace", "1", "2"],
        &["search", "{ name = "],
        &["search", "{} | count()"],
        &["metrics", "{} | rate("],
        &["compare", "{}"],
        &["compare", "{}", "{ name = "],
        &["search", "--since", "yesterday"],
        &["search", "--limit", "-1"],
        &["search", "--after", "nonsense"],
        &["values"],
        &["backup"],
        &["retain"],
        &["retain", "--dry-run"],
        &["retain", "--max-age", "old"],
        &["retain", "--max-bytes", "1 cup"],
        &["inspect"],
        &["inspect", "store/MANIFEST", "--block", "x"],
        &["completions", "tcl"],
        &["search", "--color", "sometimes"],
    ];
    for args in calls {
        let ran = bench.run(args);
        assert_eq!(ran.out, "", "{args:?}");
        assert_ne!(ran.fails(2), "", "{args:?}");
    }
}

#[test]
fn a_store_must_be_named() {
    let bench = Bench::new();
    for args in [
        &["stats"][..],
        &["search"],
        &["trace", "1"],
        &["import", "x"],
        &["merge"],
        &["verify"],
        &["retain", "--max-age", "1d"],
    ] {
        let output = bench.command().env_remove("TRACEKEEP_STORE").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("--store"), "{args:?}");
    }
}

#[test]
fn only_import_and_demo_make_a_store() {
    let bench = Bench::new();
    for args in [
        &["stats"][..],
        &["search"],
        &["trace", "1"],
        &["services"],
        &["operations", "x"],
        &["tags"],
        &["values", "x"],
        &["dump"],
        &["verify"],
        &["merge"],
        &["retain", "--max-age", "1d"],
        &["retain", "--max-age", "1d", "--dry-run"],
        &["backup", "copy"],
    ] {
        let error = bench.run(args).fails(1);
        assert!(error.contains("there is no store at "), "{args:?}: {error}");
        assert!(!bench.path("store").exists(), "{args:?}");
    }
    bench.import(&bench.file("spans", requests(1)));
    assert!(bench.path("store").is_dir());
}

#[test]
fn a_second_writer_is_code_75_and_readers_are_welcome() {
    let bench = Bench::new();
    let file = bench.file("spans", requests(2));
    bench.import(&file);
    let store = Store::open(bench.path("store"), Options::default()).unwrap();
    let ran = bench.run(&["import", "--json", file.to_str().unwrap()]);
    let error: serde_json::Value = serde_json::from_str(&ran.fails(75)).unwrap();
    assert_eq!(error["error"]["kind"], "Locked");
    bench.run(&["merge"]).fails(75);
    bench.run(&["retain", "--max-age", "1d"]).fails(75);
    bench.run(&["retain", "--max-age", "1d", "--dry-run"]).ok();
    assert_eq!(bench.dump().len(), 2);
    store.close().unwrap();
    bench.import(&file);
}

#[test]
fn help_version_completions_and_manual_are_answers() {
    let bench = Bench::new();
    assert!(bench.run(&["--help"]).ok().contains("search"));
    assert!(bench.run(&["search", "--help"]).ok().contains("TraceQL"));
    assert!(bench.run(&["--version"]).ok().starts_with("tracekeep "));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(bench.run(&["completions", shell]).ok().contains("tracekeep"), "{shell}");
    }
    let page = bench.run(&["man"]).ok();
    assert!(page.starts_with(".ie") || page.starts_with(".TH"), "{page}");
    assert!(page.contains("keep\\-going"), "the pages of all commands are there");
}

#[test]
fn the_demo_runs_to_its_end_and_removes_its_store() {
    let bench = Bench::new();
    let temporary = bench.path("tmp");
    std::fs::create_dir(&temporary).unwrap();
    let mut command = bench.command();
    command.env_remove("TRACEKEEP_STORE").env("TMPDIR", &temporary);
    let output = command.args(["demo", "--spans", "3000"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in
        ["spans stored in", "trace ", "━", "search '", "where the bytes went", "what to try next"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(std::fs::read_dir(temporary).unwrap().count(), 0);

    let ran = bench.run(&["demo", "--spans", "3000", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    crate::schema::check("demo", &ran.json());
    assert!(bench.dump().len() >= 3000);
    let id = ran.json()["traceID"].as_str().unwrap().to_owned();
    bench.run(&["trace", &id]).ok();
}
