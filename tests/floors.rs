//! The house stands: no room of `src/` uses a room above it.
//!
//! Looks at every path in the sources, tests included, that begins with `crate::` or climbs out
//! of its room by `super::`. Comments and strings do not count.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, each a floor above the one before. `lib.rs` is the roof.
const FLOORS: [&str; 10] =
    ["base", "disk", "block", "index", "segment", "catalog", "ingest", "query", "upkeep", "store"];

#[test]
fn no_room_uses_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = rust_files(&src);
    assert!(files.len() > 10, "the sources are not where they were");
    let mut wrong = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        wrong.extend(upward_imports(file.strip_prefix(&src).unwrap(), &text));
    }
    assert!(wrong.is_empty(), "upward imports:\n{}", wrong.join("\n"));
}

#[test]
fn an_upward_import_is_detected() {
    let wrong = [
        ("disk/real.rs", "use crate::block::bits::BitWriter;"),
        ("disk/mod.rs", "fn f() { crate::store::open() }"),
        ("disk/mod.rs", "mod tests { use crate :: query::Query; }"),
        ("base/ids.rs", "use crate::{base::time, disk::{Disk, bytes}};"),
        ("base/ids.rs", "use crate::{\n    base::{error::Error, time},\n    index::terms,\n};"),
        ("base/ids.rs", "use crate::{self as roof};"),
        ("catalog/manifest.rs", "pub(in crate::upkeep) fn f() {}"),
        ("base/wire/read.rs", "use super::super::super::disk::Disk;"),
        ("base/mod.rs", "use super::disk::Disk;"),
        ("query/plan.rs", "use crate::Store;"),
        ("query/plan.rs", "use crate::*;"),
        ("query/plan.rs", "use tracekeep::Store;"),
        ("attic/mod.rs", "use crate::base::ids;"),
        ("helpers.rs", ""),
        ("disk/a.rs", "let lifetime: &'static str; let c = '\"'; use crate::store::S; // \""),
        ("disk/a.rs", r##"let s = r#"quote " inside"#; use crate::store::S;"##),
    ];
    for (file, text) in wrong {
        assert!(!upward_imports(Path::new(file), text).is_empty(), "{file}: {text}");
    }
}

#[test]
fn what_lies_below_or_is_only_mentioned_is_allowed() {
    let right = [
        ("disk/real.rs", "use crate::base::error::Error; use crate::disk::Disk;"),
        ("store/mod.rs", "use crate::{base::ids, upkeep::{flush, merge}};"),
        (
            "base/ids.rs",
            "/// See [`crate::store::Store`].\n/* use crate::disk; /* x */ y */ struct A;",
        ),
        ("base/ids.rs", r#"const A: &str = "use crate::store::Store; \" crate::disk";"#),
        ("base/ids.rs", r##"const A: &str = r#"use "crate::store"#; const B: char = '"';"##),
        ("base/ids.rs", "/// use tracekeep::Timestamp;\npub(crate) fn f<'a>(a: &'a str) {}"),
        ("base/wire/read.rs", "use super::super::ids; mod tests { use super::super::time; }"),
        ("lib.rs", "pub use store::Store; use crate::query::Query;"),
    ];
    for (file, text) in right {
        assert_eq!(upward_imports(Path::new(file), text), [""; 0], "{file}: {text}");
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| *floor == room)
}

/// The upward imports in `text`, which stands in `file` below `src/`.
fn upward_imports(file: &Path, text: &str) -> Vec<String> {
    if file == Path::new("lib.rs") {
        return Vec::new();
    }
    let parts: Vec<_> = file.iter().map(|part| part.to_str().unwrap()).collect();
    let room = parts.first().unwrap().trim_end_matches(".rs");
    let Some(own) = floor(room) else {
        return vec![format!("{}: {room} is on no floor", file.display())];
    };
    // How many `super` lead from this module to the roof.
    let depth = parts.len() - usize::from(file.ends_with("mod.rs"));
    let code = code_only(text);
    let tokens = tokens(&code);
    let used = roof_paths(&tokens, depth);
    let upward = used.iter().filter(|used| floor(used).is_none_or(|floor| floor > own));
    upward.map(|used| format!("{}: {room} uses {used}", file.display())).collect()
}

/// The first segments of all paths that begin at the roof.
fn roof_paths(tokens: &[&str], depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some((token, rest)) = tokens.get(at..).and_then(<[_]>::split_first) {
        at += 1;
        if *token == "tracekeep" && rest.first() == Some(&"::") {
            found.push("tracekeep".to_owned());
        }
        if *token == "crate" && rest.first() == Some(&"::") {
            found.extend(first_segments(rest.get(1..).unwrap_or_default()));
        }
        if *token == "super" && rest.first() == Some(&"::") {
            let mut climbed = 1;
            let mut rest = rest.get(1..).unwrap_or_default();
            while let ["super", "::", after @ ..] = rest {
                (climbed, rest, at) = (climbed + 1, after, at + 2);
            }
            // Inside a nested `mod tests` the same climb ends one lower, in the room itself,
            // so only the name of a room tells that it has reached the roof.
            if climbed >= depth {
                found.extend(first_segments(rest).into_iter().filter(|s| floor(s).is_some()));
            }
        }
    }
    found
}

/// `[a]` of `a::b`, `[a, c]` of `{a::b, c::{d}}`.
fn first_segments(tokens: &[&str]) -> Vec<String> {
    let Some((first, rest)) = tokens.split_first() else { return Vec::new() };
    if *first != "{" {
        return vec![(*first).to_owned()];
    }
    let mut segments = Vec::new();
    let mut depth = 1;
    let mut expected = true;
    for token in rest {
        match *token {
            "{" => depth += 1,
            "}" => depth -= 1,
            "," if depth == 1 => expected = true,
            segment if expected => {
                segments.push(segment.to_owned());
                expected = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    segments
}

/// Words, `::`, and single characters of anything else but space.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let len = match word {
            0 if rest.starts_with("::") => 2,
            0 => first.len_utf8(),
            word => word,
        };
        let (token, after) = rest.split_at(len);
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

/// `text` without comments, strings and character literals.
fn code_only(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let after_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            block_comment(rest)
        } else if first == '"' {
            quoted(rest)
        } else if !after_word && (first == 'r' || rest.starts_with("br")) {
            raw_string(rest)
        } else if first == '\'' {
            character(rest)
        } else {
            0
        };
        if skipped > 0 {
            code.push(' ');
            rest = rest.split_at(skipped).1;
        } else {
            code.push(first);
            rest = rest.split_at(first.len_utf8()).1;
        }
    }
    code
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of the raw string that `text` begins with, 0 if it does not.
fn raw_string(text: &str) -> usize {
    let start = text.trim_start_matches('b').trim_start_matches('r');
    let inner = start.trim_start_matches('#');
    if !inner.starts_with('"') {
        return 0;
    }
    let end = format!("\"{}", "#".repeat(start.len() - inner.len()));
    let body = text.len() - inner.len() + 1;
    let closed = text.get(body..).and_then(|body| body.find(&end));
    closed.map_or(text.len(), |at| body + at + end.len())
}

/// The length of the character literal that `text` begins with, 0 if it is a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), _) => text.get(3..).and_then(|t| t.find('\'')).map_or(0, |at| at + 4),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 0,
    }
}
