//! The shared captures as files of framed protobuf requests, kept between runs.

#[path = "../../tests/real_data/files.rs"]
#[expect(clippy::unwrap_used, clippy::panic, reason = "a bench may end with a panic")]
pub mod files;

use std::fs::{self, File};
use std::io::{BufWriter, Write};

use files::{Form, Request};
use tracekeep::convert::otlp_json_to_protobuf;
use xxhash_rust::xxh3::Xxh3;

use crate::common::raw::Raw;
use crate::common::{Outcome, cache_dir};

/// The large captures, by the beginnings of their names.
pub const CAPTURES: [&str; 4] = ["otel-demo", "dsb-hotel", "dsb-media", "nezha"];

/// The raw file of a capture: its requests as protobuf, in their order; `None`, said aloud, where
/// the captures are absent.
pub fn raw(capture: &str) -> Outcome<Option<Raw>> {
    let Some(name) = files::names(".").into_iter().find(|name| name.contains(capture)) else {
        println!("  {capture}: no such capture");
        return Ok(None);
    };
    let Some(requests) = files::requests(&name) else { return Ok(None) };
    let unfinished = cache_dir().join(format!("{capture}.tmp"));
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
    let mut hash = Xxh3::new();
    for Request { form, bytes } in requests {
        let request = match form {
            Form::Protobuf => bytes,
            Form::Json => otlp_json_to_protobuf(&bytes)?,
        };
        hash.update(&request);
        out.write_all(&u32::try_from(request.len())?.to_be_bytes())?;
        out.write_all(&request)?;
    }
    out.flush()?;
    let path = cache_dir().join(format!("{capture}-{:016x}.pb", hash.digest()));
    fs::rename(&unfinished, &path)?;
    Ok(Some(Raw { bytes: fs::metadata(&path)?.len(), spans: 0, path }))
}
