//! Bytes of a file beside what they are, for people.

use std::fmt::Write as _;

use crate::base::anatomy::Field;

/// Bytes of a line.
const LINE: usize = 16;

/// The bytes from `offset` on, a field on each line or on several: of each at most so many lines.
///
/// ```text
/// -- header
/// 00000000  54 4b 45 45 50 53 45 47                          magic "TKEEPSEG"
/// 00000008  04 00 00 00                                      version 4
/// ```
pub fn listing(bytes: &[u8], offset: u64, fields: &[Field], lines: usize) -> String {
    let mut out = String::new();
    let end = offset + bytes.len() as u64;
    let (mut at, mut part) = (offset, "");
    for field in fields {
        let stop = field.offset.saturating_add(field.bytes).min(end);
        if at < field.offset {
            push(&mut out, slice(bytes, offset, at, field.offset), at, "", lines);
        }
        let begin = at.max(field.offset);
        if begin >= stop {
            continue;
        }
        if field.part != part {
            part = &field.part;
            writeln!(out, "-- {part}").ok();
        }
        push(&mut out, slice(bytes, offset, begin, stop), begin, &field.name, lines);
        at = stop;
    }
    push(&mut out, slice(bytes, offset, at, end), at, "", lines);
    out
}

/// The bytes `from..to` of a file of which `bytes` begin at `offset`.
fn slice(bytes: &[u8], offset: u64, from: u64, to: u64) -> &[u8] {
    let place = |at: u64| usize::try_from(at.saturating_sub(offset)).unwrap_or(usize::MAX);
    bytes.get(place(from)..place(to).min(bytes.len())).unwrap_or_default()
}

fn push(out: &mut String, bytes: &[u8], at: u64, name: &str, lines: usize) {
    let mut name = name;
    for (begin, line) in (at..).step_by(LINE).zip(bytes.chunks(LINE)).take(lines) {
        let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        // Keys are data: a line end in one must not begin a line here.
        let shown: String = name.chars().map(|c| if c.is_control() { '.' } else { c }).collect();
        let line = format!("{begin:08x}  {:width$}  {shown}", hex.join(" "), width = 3 * LINE - 1);
        writeln!(out, "{}", line.trim_end()).ok();
        name = "";
    }
    let shown = lines.saturating_mul(LINE);
    if bytes.len() > shown {
        writeln!(out, "          .. and {} more", bytes.len() - shown).ok();
    }
}
