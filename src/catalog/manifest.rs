//! The bytes of the manifest: records of edits behind a whole version.

use std::path::Path;

use crate::base::bytes::{OPENING_BYTES, check_opening, u32_at, u64_at, write_opening};
use crate::base::checksum::crc32_of_parts;
use crate::base::error::{Error, Result};
use crate::catalog::edit::Edit;
use crate::catalog::version::Version;

const MAGIC: [u8; 8] = *b"TKEEPMAN";
const VERSION: u32 = 2;
const SECTION: &str = "manifest record";

const HEADER_BYTES: usize = 16;
/// Bytes of the header in front of the checksum.
const CHECKED_BYTES: usize = 12;

/// A record whose payload is an edit of the version before.
const EDIT: u8 = 0;
/// A record whose payload makes a version of nothing.
const WHOLE: u8 = 1;

/// How many places behind a bad record are tried for a sound one, so that hostile bytes cannot
/// make opening slow.
const MAX_TRIALS: usize = 1000;

/// What a manifest says.
#[derive(Debug)]
pub struct Manifest {
    /// The last version.
    pub version: Version,
    /// The version before, if its record is still there.
    pub previous: Option<Version>,
    /// Where its record begins.
    pub last_record: usize,
    /// Where its record ends; what follows is torn.
    pub end: usize,
}

/// A whole manifest that says just `version`.
pub fn whole(version: &Version) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_opening(&mut bytes, MAGIC, VERSION);
    bytes.extend_from_slice(&record(version.number, WHOLE, &version.to_edit())?);
    Ok(bytes)
}

/// The record of `edit`, which makes the version `number`.
pub fn edit_record(number: u64, edit: &Edit) -> Result<Vec<u8>> {
    record(number, EDIT, edit)
}

fn record(number: u64, kind: u8, edit: &Edit) -> Result<Vec<u8>> {
    let mut payload = vec![kind];
    edit.write(&mut payload);
    let len = u32::try_from(payload.len())
        .map_err(|_| Error::Limit { what: "4 GiB in a manifest record".into() })?;
    let mut record = [len.to_le_bytes().as_slice(), &number.to_le_bytes()].concat();
    let crc = crc32_of_parts(&[&record, &payload]);
    record.extend_from_slice(&crc.to_le_bytes());
    record.extend_from_slice(&payload);
    Ok(record)
}

/// Reads the manifest `bytes` of `file`. A bad record at the end is taken for torn; whether it was
/// ever whole, the pins tell. A bad record before a sound one is damage.
pub fn read(file: &Path, bytes: &[u8]) -> Result<Manifest> {
    check_opening(file, bytes, MAGIC, VERSION, "manifest header")?;
    let corrupt = |at: usize, detail: &str| Error::corrupt(file, at as u64, SECTION, detail);
    let not_whole = || corrupt(OPENING_BYTES, "the manifest does not begin with a whole version");
    let (number, payload) = record_at(bytes, OPENING_BYTES).ok_or_else(not_whole)?;
    let edit = payload.strip_prefix(&[WHOLE]).and_then(Edit::read).ok_or_else(not_whole)?;
    let mut version = Version { number, ..Version::empty(0).apply(&edit) };
    let mut previous = None;
    let mut last_record = OPENING_BYTES;
    let mut end = OPENING_BYTES + HEADER_BYTES + payload.len();
    while let Some((number, payload)) = record_at(bytes, end) {
        if Some(number) != version.number.checked_add(1) {
            return Err(corrupt(end, "versions do not follow each other"));
        }
        let edit = payload.strip_prefix(&[EDIT]).and_then(Edit::read);
        let next = version.apply(&edit.ok_or_else(|| corrupt(end, "the edit cannot be read"))?);
        previous = Some(std::mem::replace(&mut version, next));
        last_record = end;
        end += HEADER_BYTES + payload.len();
    }
    if has_later_record(bytes, end, version.number) {
        return Err(corrupt(end, "checksum mismatch"));
    }
    Ok(Manifest { version, previous, last_record, end })
}

/// The sound records of a manifest: where each begins, its version, whether it is a whole one, and
/// its edit. What follows the last is torn or damaged; [`read`] tells.
pub fn records(bytes: &[u8]) -> impl Iterator<Item = (usize, u64, bool, Edit)> {
    let mut at = OPENING_BYTES;
    std::iter::from_fn(move || {
        let (number, payload) = record_at(bytes, at)?;
        let (kind, operations) = payload.split_first()?;
        let start = at;
        at += HEADER_BYTES + payload.len();
        Some((start, number, *kind == WHOLE, Edit::read(operations)?))
    })
}

/// The version and the payload of the record at `at`, if it is sound.
fn record_at(bytes: &[u8], at: usize) -> Option<(u64, &[u8])> {
    let rest = bytes.get(at..)?;
    let len = usize::try_from(u32_at(rest, 0)?).ok()?;
    let payload = rest.get(HEADER_BYTES..)?.get(..len)?;
    let crc = crc32_of_parts(&[rest.get(..CHECKED_BYTES)?, payload]);
    (u32_at(rest, CHECKED_BYTES)? == crc).then_some((u64_at(rest, 4)?, payload))
}

/// Whether a sound record stands somewhere behind `end`. Each record is synced before the next is
/// written, so only the last can be torn.
fn has_later_record(bytes: &[u8], end: usize, number: u64) -> bool {
    let plausible = |at: &usize| {
        let rest = bytes.get(*at..).unwrap_or_default();
        let ahead = u64_at(rest, 4).and_then(|found| found.checked_sub(number));
        ahead.is_some_and(|ahead| (1..=bytes.len() as u64).contains(&ahead))
    };
    let places = (end + 1..bytes.len().saturating_sub(HEADER_BYTES)).filter(plausible);
    places.take(MAX_TRIALS).any(|at| record_at(bytes, at).is_some())
}
