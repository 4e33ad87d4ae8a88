//! The golden files: read as what they were, and written again.

use std::collections::BTreeMap;

use tracekeep::{Reader, inspect};

use crate::files::{
    HEX, LIBRARIES, SAID, SPANS, below, current, folder, hex, inside, is_about_another, said,
    unpack,
};
use crate::world::{dump, dump_store};
use crate::{libraries, recipe};

/// The oldest version that this build reads.
const OLDEST: u32 = inspect::SEGMENT_VERSION;

type Files = BTreeMap<String, Vec<u8>>;

fn text<'a>(files: &'a Files, path: &str) -> &'a str {
    let bytes = files.get(path).unwrap_or_else(|| panic!("{path} is missing"));
    std::str::from_utf8(bytes).unwrap()
}

/// The spans that a file holds, by what is written beside it.
fn spans(files: &Files, path: &str) -> String {
    let path = format!("{path}{SPANS}");
    unpack(files.get(&path).unwrap_or_else(|| panic!("{path} is missing")))
}

#[test]
fn p3_files_of_every_version_hold_what_they_held() {
    for version in OLDEST..=inspect::SEGMENT_VERSION {
        let root = folder("golden").join(format!("v{version}"));
        let files: Files = below(&root).into_iter().collect();
        let mut checked = 0;
        for (path, bytes) in files.iter().filter(|(path, _)| !is_about_another(path)) {
            let file = root.join(path);
            if path.ends_with(".seg") {
                let reader = Reader::open_files(&[&file]).unwrap();
                assert_eq!(dump(&reader), spans(&files, path), "v{version}/{path}");
                let damage = inspect::verify(&file).unwrap().damage;
                assert!(damage.is_empty(), "v{version}/{path}: {damage:?}");
            } else if !bytes.is_empty() {
                assert_eq!(
                    said(&file),
                    text(&files, &format!("{path}{SAID}")),
                    "v{version}/{path}"
                );
            }
            checked += 1;
        }
        let all: Vec<_> = files.clone().into_iter().collect();
        let store = dump_store(&inside(&all, "store"));
        assert_eq!(store, spans(&files, "store"), "v{version}/store");
        assert!(checked >= 10, "files of version {version} are missing");
    }
}

#[test]
fn the_same_spans_make_the_same_bytes() {
    let files: Files = below(&current()).into_iter().collect();
    let made: Files = recipe::make().into_iter().collect();
    let kept = files.keys().filter(|path| !is_about_another(path));
    assert!(kept.eq(made.keys()), "format/golden has other files than its recipe makes");
    let same_libraries = text(&files, LIBRARIES) == libraries::built_with();
    for (path, bytes) in &made {
        if same_libraries {
            // The bytes would fill pages.
            assert!(files[path] == *bytes, "{path} has other bytes; see main.rs");
        } else if path.ends_with(".seg") && !path.contains('/') {
            let dir = tempfile::tempdir().unwrap();
            let file = dir.path().join(path);
            std::fs::write(&file, bytes).unwrap();
            let reader = Reader::open_files(&[&file]).unwrap();
            assert_eq!(dump(&reader), spans(&files, path), "{path}");
        }
    }
    if !same_libraries {
        let made: Vec<_> = made.into_iter().collect();
        let store = dump_store(&inside(&made, "store"));
        assert_eq!(store, spans(&files, "store"));
    }
}

#[test]
fn what_is_written_beside_the_files_is_about_them() {
    let root = current();
    let files: Files = below(&root).into_iter().collect();
    let about: Vec<&String> = files.keys().filter(|path| is_about_another(path)).collect();
    for path in about {
        if let Some(file) = path.strip_suffix(HEX) {
            let bytes = files.get(file).unwrap_or_else(|| panic!("{path} is about no file"));
            assert_eq!(text(&files, path), hex(&root.join(file), bytes), "{path}");
        }
    }
    let own = files.iter().filter(|(path, bytes)| !is_about_another(path) && !bytes.is_empty());
    for (path, _) in own {
        assert!(files.contains_key(&format!("{path}{HEX}")), "{path} has no annotated hex");
    }
}

#[test]
fn the_golden_store_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    let files = below(&current());
    for (path, bytes) in inside(&files, "store") {
        crate::rewrite::write(&dir.path().join(path), bytes);
    }
    let damage = inspect::verify(dir.path()).unwrap().damage;
    assert!(damage.is_empty(), "{damage:?}");
}
