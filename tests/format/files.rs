//! The files below `format/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tracekeep::inspect;

/// Made from the files beside them, for people.
pub const HEX: &str = ".hex";
/// What a file holds: spans as `dump` prints them, one a line, compressed.
pub const SPANS: &str = ".jsonl.zst";
/// What a file says: as `inspect --json` prints it.
pub const SAID: &str = ".json";
/// The libraries that a version's files were made with.
pub const LIBRARIES: &str = "LIBRARIES";

/// `format/golden` or `format/corrupt`.
pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("format").join(name)
}

/// The golden files of the version that this build writes.
pub fn current() -> PathBuf {
    folder("golden").join(format!("v{}", inspect::SEGMENT_VERSION))
}

/// Every file below a folder, by its path from there, sorted.
pub fn below(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(format!("{path}/"));
            } else {
                files.push((path, std::fs::read(entry.path()).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// Whether a file tells of another.
pub fn is_about_another(path: &str) -> bool {
    [HEX, SPANS, SAID, LIBRARIES].iter().any(|suffix| path.ends_with(suffix))
}

/// The files of the folder `name/`, by their paths from there.
pub fn inside(files: &[(String, Vec<u8>)], name: &str) -> Vec<(String, Vec<u8>)> {
    let prefix = format!("{name}/");
    let own = files.iter().filter(|(path, _)| !is_about_another(path));
    own.filter_map(|(path, bytes)| Some((path.strip_prefix(&prefix)?.to_owned(), bytes.clone())))
        .collect()
}

/// What `inspect --json` says of a file, but for where it lies.
pub fn said(path: &Path) -> String {
    let mut value = serde_json::to_value(inspect::file(path).unwrap()).unwrap();
    value.as_object_mut().unwrap().remove("path");
    serde_json::to_string_pretty(&sorted(value)).unwrap() + "\n"
}

/// The same with names in order: in which they stand otherwise, depends on what else is built.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<String, Value> = members.into_iter().collect();
            Value::Object(members.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

/// A file's bytes beside what they are; of long stretches the beginning.
pub fn hex(path: &Path, bytes: &[u8]) -> String {
    let fields = inspect::fields(path, &(0..bytes.len() as u64)).unwrap();
    inspect::listing(bytes, 0, &fields, 1)
}

/// Spans as they are kept beside a file.
pub fn pack(spans: &str) -> Vec<u8> {
    zstd::encode_all(spans.as_bytes(), 19).unwrap()
}

/// The spans that [`pack`] packed.
pub fn unpack(packed: &[u8]) -> String {
    String::from_utf8(zstd::decode_all(packed).unwrap()).unwrap()
}
