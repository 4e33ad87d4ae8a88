//! Claim: the stated `rust-version` is that of the compiler which `.ci/run` uses, so it is tested,
//! and every crate of the workspace states the same.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// `1.95.0-nightly` and `1.95` are both version 1.95.
fn minor(version: &str) -> (u32, u32) {
    let mut numbers = version.split(['.', '-']).map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn the_stated_rust_version_is_the_one_that_ci_compiles_with() {
    let stated = env!("CARGO_PKG_RUST_VERSION");
    let output = Command::new(env!("CARGO")).arg("--version").output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    let running = answer.split(' ').nth(1).unwrap();
    assert!(minor(stated) <= minor(running), "{stated} is stated, {running} compiles");
    // A newer compiler at hand proves nothing about the stated one; CI's must be that very one.
    if std::env::var_os("TRACEKEEP_REQUIRE_REAL_DATA").is_some() {
        assert_eq!(minor(stated), minor(running), "CI compiles with {running}: state that");
    }
}

#[test]
fn every_crate_states_the_workspace_s_version() {
    for manifest in ["Cargo.toml", "tools/cli/Cargo.toml", "tools/workload/Cargo.toml"] {
        let text = read(manifest);
        let inherited = text.lines().any(|line| line.trim() == "rust-version.workspace = true");
        assert!(inherited, "{manifest}");
    }
}
