//! Small domains from which stores take their contents and queries their literals, so that what is
//! asked for is often there.

use tracekeep::TraceId;

use crate::grammar::Type;

/// 2026-11-22T16:00:00Z, the start of an hour.
pub const HOUR: u64 = 1_795_363_200_000_000_000;
pub const SECOND: u64 = 1_000_000_000;

/// `absent` stands on nothing.
pub const KEYS: &[&str] = &["a", "b", "http.method", "n", "flag", "x \"y\\", "absent"];

/// What a key's values mostly are, as in real stores; of the others they are anything.
pub fn type_of(key: &str) -> Type {
    match key {
        "http.method" => Type::Text,
        "n" => Type::Number,
        "flag" => Type::Bool,
        _ => Type::Unknown,
    }
}

pub const TEXTS: &[&str] =
    &["", "GET", "POST", "get", "a", "ab", "é.*", "200", "1", "true", "0000000000000002"];
pub const NAMES: &[&str] = &["", "GET", "query", "GET /a"];
pub const SERVICES: &[&str] = &["cart", "shop", "", "ad"];
pub const MESSAGES: &[&str] = &["", "timed out", "GET"];
pub const EVENTS: &[&str] = &["", "exception", "retry"];
pub const LIBRARIES: &[&str] = &["", "lib", "grpc"];
pub const VERSIONS: &[&str] = &["", "1.2", "200"];

pub const INTS: &[i64] = &[i64::MIN, -1, 0, 1, 2, 3, 200, (1 << 53) + 1, i64::MAX];
/// Finite ones first: a literal cannot be another.
pub const REALS: &[f64] =
    &[-0.0, 0.5, 1.0, 1.5, 200.0, 9_007_199_254_740_992.0, 1e20, f64::INFINITY, f64::NAN];
pub const FINITE: usize = 7;
/// Of the first of these, so that spans and literals meet.
pub const USUAL: usize = 3;
/// Nanoseconds that spans take and literals name.
pub const DURATIONS: &[u64] = &[0, 1, 1500, 5_000_000, SECOND, 90 * SECOND, 3600 * SECOND];

/// Two with the same lower half, one without an upper.
pub const TRACES: &[u128] = &[1, 5, 5 | (7 << 64), 6 | (1 << 100), u128::MAX];

pub fn trace_text(id: u128) -> String {
    TraceId::from(id).to_string()
}

pub fn span_text(id: u64) -> String {
    tracekeep::SpanId::from(id).to_string()
}
