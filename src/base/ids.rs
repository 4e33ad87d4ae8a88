//! Identifiers of traces and spans: fixed bytes, ordered bytewise, printed as lower-case hex.

use std::fmt;
use std::str::FromStr;

use crate::base::error::Error;

/// Identifies a trace: 16 bytes, big-endian when seen as a number.
///
/// Parses one to 32 hex digits of either case, padded on the left with zeros, or a W3C
/// `traceparent` header, of which it takes the trace id. Prints 32 lower-case digits.
///
/// ```
/// use tracekeep::TraceId;
/// let id: TraceId = "4BF92F3577B34DA6A3CE929D0E0E4736".parse()?;
/// assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert_eq!("ff".parse::<TraceId>()?, TraceId::from(255u128));
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// assert_eq!(header.parse::<TraceId>()?, id);
/// # Ok::<(), tracekeep::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TraceId([u8; 16]);

/// Identifies a span within its trace: 8 bytes, big-endian when seen as a number.
///
/// ```
/// use tracekeep::SpanId;
/// let id: SpanId = "f067aa0ba902b7".parse()?;
/// assert_eq!(id.to_string(), "00f067aa0ba902b7");
/// # Ok::<(), tracekeep::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SpanId([u8; 8]);

impl TraceId {
    /// The id's bytes, as OTLP carries them.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The upper 64 bits; zero for ids that began as 64-bit ids.
    pub const fn high(self) -> u64 {
        (u128::from_be_bytes(self.0) >> 64) as u64
    }

    /// The lower 64 bits: what Zipkin's short form keeps, and what indexes hash.
    pub const fn low(self) -> u64 {
        u128::from_be_bytes(self.0) as u64
    }
}

impl SpanId {
    /// The id's bytes, as OTLP carries them.
    pub const fn to_bytes(self) -> [u8; 8] {
        self.0
    }

    /// The id as a number.
    pub const fn to_u64(self) -> u64 {
        u64::from_be_bytes(self.0)
    }
}

impl From<[u8; 16]> for TraceId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl From<u128> for TraceId {
    fn from(number: u128) -> Self {
        Self(number.to_be_bytes())
    }
}

impl From<TraceId> for u128 {
    fn from(id: TraceId) -> Self {
        u128::from_be_bytes(id.0)
    }
}

impl From<[u8; 8]> for SpanId {
    fn from(bytes: [u8; 8]) -> Self {
        Self(bytes)
    }
}

impl From<u64> for SpanId {
    fn from(number: u64) -> Self {
        Self(number.to_be_bytes())
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceId({self})")
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpanId({self})")
    }
}

impl FromStr for TraceId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let digits = traceparent_trace_id(text).unwrap_or(text);
        parse_hex(digits, 32).map(Self::from).ok_or_else(|| {
            Error::invalid(format!(
                "{text:?} is no trace id: give 1 to 32 hex digits or a traceparent header"
            ))
        })
    }
}

impl FromStr for SpanId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = parse_hex(text.trim(), 16).and_then(|n| u64::try_from(n).ok());
        number.map(Self::from).ok_or_else(|| {
            Error::invalid(format!("{text:?} is no span id: give 1 to 16 hex digits"))
        })
    }
}

/// `version-traceid-parentid-flags`; later versions may append fields.
fn traceparent_trace_id(text: &str) -> Option<&str> {
    let mut parts = text.split('-');
    let (version, trace, parent, flags) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let lengths = (version.len(), trace.len(), parent.len(), flags.len());
    (lengths == (2, 32, 16, 2)).then_some(trace)
}

fn parse_hex(digits: &str, max_digits: usize) -> Option<u128> {
    let fits = (1..=max_digits).contains(&digits.len());
    // from_str_radix would accept a sign.
    if !fits || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn parses_short_long_and_traceparent_forms() {
        assert_eq!("1".parse::<TraceId>().unwrap(), TraceId::from(1u128));
        let header = "00-4BF92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let id = header.parse::<TraceId>().unwrap();
        assert_eq!(id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(id.high(), 0x4bf9_2f35_77b3_4da6);
        assert_eq!(id.low(), 0xa3ce_929d_0e0e_4736);
    }

    #[test]
    fn refuses_what_is_no_id() {
        for text in ["", "+1", "g", "0x12", &"1".repeat(33), "00-12-34-01"] {
            assert!(text.parse::<TraceId>().is_err(), "{text:?}");
        }
        for text in ["", "-1", &"f".repeat(17)] {
            assert!(text.parse::<SpanId>().is_err(), "{text:?}");
        }
    }
}
