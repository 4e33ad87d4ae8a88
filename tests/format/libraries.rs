//! The libraries whose work is in the bytes of a file: another version may compress, or lay out a
//! bitmap, otherwise and still be right.

use std::collections::BTreeMap;

/// `zstd` is the C library; the crates around it add nothing to the bytes.
const LIBRARIES: [(&str, &str); 2] = [("zstd", "zstd-sys"), ("roaring", "roaring")];

/// The versions this build is made with, a line each.
pub fn built_with() -> String {
    let packages = locked(include_str!("../../Cargo.lock"));
    let line = |(name, package): (&str, &str)| {
        let version = packages[package];
        let own = version.split_once("+zstd.").map_or(version, |(_, library)| library);
        format!("{name} {own}\n")
    };
    LIBRARIES.map(line).concat()
}

/// Names and versions of the packages in a lock file.
fn locked(lock: &str) -> BTreeMap<&str, &str> {
    let mut packages = BTreeMap::new();
    let mut name = "";
    for line in lock.lines() {
        let quoted = |field| line.strip_prefix(field).map(|value| value.trim_matches('"'));
        if let Some(found) = quoted("name = ") {
            name = found;
        } else if let Some(version) = quoted("version = ") {
            packages.insert(name, version);
        }
    }
    packages
}
