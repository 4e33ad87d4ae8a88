//! The shared captures, request by request.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

/// How a request is written.
#[derive(Clone, Copy)]
pub enum Form {
    /// OTLP/JSON, one request a line.
    Json,
    /// OTLP protobuf, each request behind its length in four bytes, big-endian.
    Protobuf,
}

/// One request of a capture.
pub struct Request {
    pub form: Form,
    pub bytes: Vec<u8>,
}

/// Where the captures lie; `None`, said aloud, where they are absent and need not be there.
fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os("TRACEKEEP_REAL_DATA") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
    };
    if folder.is_dir() {
        return Some(folder);
    }
    let required = std::env::var_os("TRACEKEEP_REQUIRE_REAL_DATA").is_some();
    assert!(!required, "there are no captures at {}", folder.display());
    println!("skipped: there are no captures at {}", folder.display());
    None
}

/// The captures in a folder below, sorted by name, which begins with `below`.
pub fn names(below: &str) -> Vec<String> {
    let Some(folder) = folder() else { return Vec::new() };
    let entries = std::fs::read_dir(folder.join(below)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let packed = names.filter(|name| name.ends_with(".zst") || name.ends_with(".gz"));
    let mut names: Vec<_> = packed.map(|name| format!("{below}/{name}")).collect();
    names.sort();
    names
}

/// The requests of a capture, read as the iterator advances.
pub fn requests(name: &str) -> Option<impl Iterator<Item = Request>> {
    let path = folder()?.join(name);
    let file = File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let unpacked: Box<dyn Read> = match name.ends_with(".gz") {
        true => Box::new(MultiGzDecoder::new(file)),
        false => Box::new(zstd::Decoder::new(file).unwrap()),
    };
    let mut unpacked = BufReader::new(unpacked);
    let form = if name.contains(".pb.") { Form::Protobuf } else { Form::Json };
    Some(std::iter::from_fn(move || {
        let bytes = match form {
            Form::Json => line(&mut unpacked),
            Form::Protobuf => behind_length(&mut unpacked),
        }?;
        Some(Request { form, bytes })
    }))
}

fn line(file: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    let len = file.read_until(b'\n', &mut line).unwrap();
    (len > 0).then_some(line)
}

fn behind_length(file: &mut impl BufRead) -> Option<Vec<u8>> {
    if file.fill_buf().unwrap().is_empty() {
        return None;
    }
    let mut len = [0; 4];
    file.read_exact(&mut len).unwrap();
    let mut request = vec![0; u32::from_be_bytes(len) as usize];
    file.read_exact(&mut request).unwrap();
    Some(request)
}
