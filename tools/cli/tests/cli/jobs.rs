//! The jobs that people run by hand or from cron.

use serde_json::json;

use crate::bench::{Bench, request};

/// A store of three partitions, an hour each, with one span each.
fn three_hours() -> Bench {
    let bench = Bench::new();
    let spans = [1, 3601, 7201].map(|second| request(second, 1, "get") + "\n");
    bench.import(&bench.file("spans", spans.concat()));
    bench
}

#[test]
fn a_dry_run_tells_what_goes_and_a_run_does_it() {
    let bench = three_hours();
    let args = ["retain", "--max-partitions", "2", "--dry-run"];
    let plain = bench.run(&args).ok();
    assert!(plain.starts_with("2025-11-22T08:00:00Z\tpartitions\t1\t1\t"), "{plain}");
    assert!(plain.contains("\npartitions\t1\nspans\t1\nbytes\t"), "{plain}");
    assert!(plain.ends_with("\ntraces cut\t0\n"), "{plain}");
    assert_eq!(bench.dump().len(), 3);
    let told = bench.run(&[&args, &["--json"][..]].concat()).json();
    assert_eq!(told["dryRun"], true);
    let mut done = bench.run(&["retain", "--max-partitions", "2", "--json"]).json();
    assert_eq!(done["dryRun"], false);
    done["dryRun"] = true.into();
    assert_eq!(done, told);
    assert_eq!(bench.dump().len(), 2);
    assert!(!bench.path("store/20251122T080000Z").exists());
}

#[test]
fn each_limit_drops_the_oldest() {
    let bench = three_hours();
    let told = |args: &[&str]| {
        let told = bench.run(&[&["retain", "--dry-run", "--json"][..], args].concat()).json();
        let why = told["partitions"].as_array().unwrap().iter().map(|p| p["why"].clone());
        (told["spans"].clone(), why.collect::<Vec<_>>())
    };
    assert_eq!(told(&["--max-age", "1d"]), (json!(3), vec![json!("age"); 3]));
    assert_eq!(told(&["--max-age", "100000w"]), (json!(0), vec![]));
    assert_eq!(told(&["--max-bytes", "1kB"]), (json!(2), vec![json!("bytes"); 2]));
    assert_eq!(told(&["--max-bytes", "1GiB", "--max-partitions", "3"]), (json!(0), vec![]));
}

#[test]
fn a_backup_is_a_store_of_its_own_also_of_one_in_use() {
    let bench = three_hours();
    let store = tracekeep::Store::open(bench.path("store"), tracekeep::Options::default()).unwrap();
    store.append_otlp_json(request(9000, 1, "late").as_bytes()).unwrap();
    let told = bench.run(&["backup", "copy"]).ok();
    assert!(told.starts_with("segments\t3\n"), "{told}");
    assert!(told.contains("\nbatches in the log\t1\n"), "{told}");
    drop(store);
    bench.run(&["retain", "--max-partitions", "1"]).ok();
    let dump = |store: &str| bench.run(&["dump", "--store", store]).ok().lines().count();
    assert_eq!((dump("store"), dump("copy")), (2, 4));
    bench.run(&["verify", "--store", "copy"]).ok();
    bench.run(&["backup", "copy"]).fails(1);
    bench.run(&["retain", "--max-partitions", "1", "--store", "copy"]).ok();
    assert_eq!(dump("copy"), 2);
}
