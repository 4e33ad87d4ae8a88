//! The malformed files: made from golden ones, each with the error that it must give.

mod anatomy;
mod area;
mod blocks;
mod ends;
mod heads;
mod indexes;
mod models;
mod packed;
mod statistics;
mod terms;

use std::collections::BTreeMap;
use std::path::Path;

use tracekeep::{Error, Reader, inspect};

use crate::files::{below, folder};
use crate::memory::peak_of;

/// The list of the files, and what is wrong with each.
pub const LIST: &str = "LIST";

/// What reading a malformed file may take beside the file itself: caches and tables of a constant
/// size, a decompressor. A count that lies asks for more.
const MEMORY: usize = 8 << 20;

/// A malformed file.
pub struct Case {
    /// Its name, which tells its kind.
    pub name: &'static str,
    /// What is wrong.
    pub wrong: &'static str,
    /// The part of the file that the error must name; `version` for a version that is not read.
    pub section: &'static str,
    pub bytes: Vec<u8>,
}

impl Case {
    pub fn new(
        name: &'static str,
        section: &'static str,
        wrong: &'static str,
        bytes: Vec<u8>,
    ) -> Self {
        Self { name, wrong, section, bytes }
    }
}

/// Every malformed file.
pub fn make() -> Vec<Case> {
    [
        ends::cases(),
        area::cases(),
        models::cases(),
        blocks::cases(),
        indexes::cases(),
        terms::cases(),
        statistics::cases(),
        heads::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What a file's line in the list says: name, error and its section, offset, detail, what is wrong.
/// Fails if its error is not the one that it must give.
pub fn line(case: &Case, path: &Path) -> Result<String, String> {
    let name = case.name;
    let (error, peak) = first_error(path);
    let error = error.ok_or_else(|| format!("{name} is taken for sound"))?;
    let (kind, found, offset, detail) = match &error {
        Error::Corrupt { offset, section, detail, .. } => {
            ("Corrupt", *section, offset.to_string(), detail.clone())
        }
        Error::Version { found, reads, .. } => {
            ("Version", "version", String::from("-"), format!("found {found}, reads {reads}"))
        }
        other => return Err(format!("{name}: {other}")),
    };
    if found != case.section || !error.to_string().contains(name) {
        return Err(format!("{name}: {error}"));
    }
    if peak > case.bytes.len() * 8 + MEMORY {
        return Err(format!("{name} takes {peak} bytes to verify"));
    }
    Ok(format!("{name}\t{kind}\t{found}\t{offset}\t{detail}\t{}\n", case.wrong))
}

/// The lines of all files below a folder, sorted.
pub fn lines(cases: &[Case], root: &Path) -> String {
    let lines: Vec<_> = cases.iter().map(|case| line(case, &root.join(case.name))).collect();
    let problems: Vec<String> = lines.iter().filter_map(|line| line.clone().err()).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let mut lines: Vec<String> = lines.into_iter().flatten().collect();
    lines.sort();
    lines.concat()
}

/// The first thing that `verify` finds, and the memory that it takes.
fn first_error(path: &Path) -> (Option<Error>, usize) {
    let mut found = None;
    let peak = peak_of(|| {
        found = match inspect::verify(path) {
            Ok(verified) => verified.damage.into_iter().next(),
            Err(error) => Some(error),
        };
    });
    (found, peak)
}

#[test]
fn p6_each_malformed_file_gives_its_error() {
    let root = folder("corrupt");
    let mut files: BTreeMap<String, Vec<u8>> = below(&root).into_iter().collect();
    let list = String::from_utf8(files.remove(LIST).unwrap()).unwrap();
    let cases = make();
    for case in &cases {
        let bytes = files.remove(case.name).unwrap_or_else(|| panic!("{} is missing", case.name));
        assert!(bytes == case.bytes, "{} is not what its recipe makes; see main.rs", case.name);
    }
    assert!(files.is_empty(), "no recipe makes {:?}", files.keys());
    let lines = lines(&cases, &root);
    assert!(lines == list, "{LIST} says otherwise; see main.rs:\n{lines}");
}

#[test]
fn p6_malformed_segments_are_read_to_an_error_or_to_what_they_held() {
    let root = folder("corrupt");
    for case in make().iter().filter(|case| case.name.ends_with(".seg")) {
        let path = root.join(case.name);
        let peak = peak_of(|| {
            inspect::file(&path).ok();
            inspect::fields(&path, &(0..u64::MAX)).ok();
            inspect::block(&path, 0).ok();
            let Ok(reader) = Reader::open_files(&[&path]) else { return };
            read(&reader);
        });
        let most = case.bytes.len() * 64 + MEMORY;
        assert!(peak < most, "{} takes {peak} bytes to read", case.name);
    }
}

/// Asks a file everything; errors are answers, too.
fn read(reader: &Reader) {
    use tracekeep::{Query, TimeRange, TraceReader};
    for batch in reader.scan(TimeRange::ALL).unwrap() {
        if batch.is_err() {
            break;
        }
    }
    for query in ["{ }", "{ span.number > 5 && duration > 1ns }", "{ status = error }"] {
        reader.search(&Query::parse(query).unwrap()).ok();
    }
    reader.trace(1u128.into()).ok();
    reader.tag_keys(TimeRange::ALL).ok();
    reader.tag_values("span.number", TimeRange::ALL).ok();
    reader.operations("cart").ok();
}
