//! Which format a file is in, by its first bytes.

use crate::import::MAX_PIECE_BYTES;
use crate::inputs::is_zstd;

/// How a file's plain bytes are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Nothing but blanks.
    Empty,
    /// One OTLP JSON request a line.
    Lines,
    /// OTLP requests, each behind its length in 4 big-endian bytes.
    Frames,
    /// JSON of any layout.
    Document,
}

/// The format of a file that begins with `prefix`, or why it is none that can be imported.
pub fn format(prefix: &[u8]) -> Result<Format, String> {
    let text = prefix.strip_prefix(b"\xef\xbb\xbf").unwrap_or(prefix);
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace());
    match start.and_then(|start| text.get(start)) {
        None => Ok(Format::Empty),
        Some(b'{' | b'[') if has_request_line(text) => Ok(Format::Lines),
        Some(b'{' | b'[') => Ok(Format::Document),
        _ if is_framed(prefix) => Ok(Format::Frames),
        // A spoiled first line must not cost the others.
        _ if has_request_line(text) => Ok(Format::Lines),
        _ => Err(format!(
            "begins with {}, which is neither OTLP JSON, OTLP protobuf or JSON behind 4-byte \
             lengths, Jaeger JSON nor Zipkin v2 JSON",
            begins(prefix)
        )),
    }
}

/// Whether a line begins like a whole OTLP request. A request that is spread over lines has
/// nothing behind the opening brackets of its first one.
fn has_request_line(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| {
        let rest = after_tokens(line, &[b"{"]);
        let keys: [&[u8]; 2] = [b"\"resourceSpans\"", b"\"resource_spans\""];
        let list = rest
            .and_then(|rest| keys.iter().find_map(|key| after_tokens(rest, &[key, b":", b"["])));
        list.is_some_and(|list| !matches!(list.trim_ascii(), b"" | b"{"))
    })
}

/// What follows these tokens, blanks apart, if the text begins with them.
fn after_tokens<'a>(text: &'a [u8], tokens: &[&[u8]]) -> Option<&'a [u8]> {
    let mut rest = text;
    for token in tokens {
        rest = rest.trim_ascii_start().strip_prefix(*token)?;
    }
    Some(rest)
}

/// Whether a length that can be true comes first, and behind it what an OTLP request begins with.
fn is_framed(prefix: &[u8]) -> bool {
    let Some((length, message)) = prefix.split_first_chunk::<4>() else { return false };
    let length = u32::from_be_bytes(*length) as usize;
    let message = message.get(..length.min(message.len())).unwrap_or_default();
    // 0x0a is the protobuf tag of resource_spans, the request's only field.
    let known = is_zstd(message) || matches!(message.first(), None | Some(b'{' | 0x0a));
    length <= MAX_PIECE_BYTES && known
}

fn begins(prefix: &[u8]) -> String {
    let first = prefix.get(..prefix.len().min(8)).unwrap_or_default();
    let hex: Vec<String> = first.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_told_by_its_first_bytes() {
        let of = |bytes: &[u8]| format(bytes).ok();
        assert_eq!(of(b""), Some(Format::Empty));
        assert_eq!(of(b" \n\t"), Some(Format::Empty));
        assert_eq!(of(b"{\"resourceSpans\":[{\"resource\":{}}]}\n"), Some(Format::Lines));
        assert_eq!(of(b"{\"resourceSpans\":[]}"), Some(Format::Lines));
        assert_eq!(of(b"\xef\xbb\xbf{ \"resourceSpans\" : [{}"), Some(Format::Lines));
        assert_eq!(of(b"spoiled\n{\"resourceSpans\":[{}]}\n"), Some(Format::Lines));
        assert_eq!(of(b"{\"reso\n{\"resourceSpans\":[{}]}\n"), Some(Format::Lines));
        assert_eq!(of(b"{\n  \"resourceSpans\": [\n    {\n"), Some(Format::Document));
        assert_eq!(of(b"{\"resourceSpans\": [{\n"), Some(Format::Document));
        assert_eq!(of(b"{\"data\":[{"), Some(Format::Document));
        assert_eq!(of(b"\n[{\"traceId\""), Some(Format::Document));
        assert_eq!(of(b"\0\0\0\x02\x0a\0"), Some(Format::Frames));
        assert_eq!(of(b"\0\0\0\x02{}"), Some(Format::Frames));
        assert_eq!(of(b"\0\0\x01\0\x28\xb5\x2f\xfd"), Some(Format::Frames));
        assert_eq!(of(b"PK\x03\x04"), None);
        assert_eq!(of(b"\xff\xff\xff\xff\x0a"), None);
    }
}
