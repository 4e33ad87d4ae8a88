//! The golden files: read as what they were, and written again.

use std::collections::{BTreeMap, BTreeSet};

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

/// What the descriptions of all golden segments name, by field: `forms`, `kinds`, `lists`, sections.
fn described() -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut found: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    let mut add = |what, name: &str| {
        found.entry(what).or_default().insert(name.to_owned());
    };
    for (path, _) in below(&current()).iter().filter(|(path, _)| path.ends_with(".seg")) {
        let info = match inspect::file(&current().join(path)).unwrap() {
            inspect::FileInfo::Segment(info) => info,
            other => panic!("{path} is {other:?}"),
        };
        for section in &info.sections {
            add("sections", section.name);
        }
        for column in info.templates.iter().flat_map(|template| &template.columns) {
            let words = column.encoding.split([' ', ',', ':', ';']);
            let words = words.filter(|word| !word.contains(|c: char| c.is_ascii_digit()));
            for word in words {
                add("encodings", word);
            }
        }
        for part in info.keys.iter().flat_map(|key| &key.parts) {
            add("forms", &format!("{} {}", part.form, part.kind));
            for form in part.lists.keys() {
                add("lists", form);
            }
        }
    }
    found
}

#[test]
fn every_form_of_the_format_occurs() {
    let found = described();
    let expected: [(&str, &[&str]); 4] = [
        ("sections", &["models", "resources and scopes", "statistics", "sketches", "peaks"]),
        (
            "encodings",
            &[
                "constant",
                "bits",
                "class",
                "raw",
                "code",
                "dictionary",
                "shared",
                "pattern",
                "forms",
                "pages",
                "literal",
                "uuid",
                "version",
                "hex",
                "upper",
                "decimal",
                "padded",
                "word",
            ],
        ),
        (
            "forms",
            &[
                "values string",
                "values int",
                "values double",
                "values bool",
                "hashed string",
                "covered string",
                "hashed double",
                "buckets number",
                "scarce key",
                "scarce texts string",
            ],
        ),
        (
            "lists",
            &[
                "all",
                "one",
                "rice",
                "rice of the others",
                "bitset",
                "union",
                "roaring",
                "roaring of the others",
            ],
        ),
    ];
    for (what, names) in expected {
        for name in names {
            assert!(found[what].contains(*name), "{name} is not among the {what}: {found:?}");
        }
    }
    assert_eq!(found["sections"].len(), 14, "{found:?}");
}
