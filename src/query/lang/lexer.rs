//! TraceQL's text taken apart: a cursor that knows spaces, strings, numbers, durations and names,
//! and says where and what it expected instead.

use crate::base::error::{Error, Result};
use crate::base::number::Number;

/// A place in the query text.
#[derive(Clone, Copy, Debug)]
pub struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

/// Nanoseconds of TraceQL's units; longer names first where one begins another.
const UNITS: [(&str, u64); 11] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
    ("w", 7 * 86_400_000_000_000),
    ("y", 365 * 86_400_000_000_000),
];

/// What a number in the text is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// A number.
    Number(Number),
    /// A duration in nanoseconds.
    Duration(i64),
}

impl<'a> Lexer<'a> {
    /// At the start of `text`.
    pub const fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Where this is in the text.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// An error at this place.
    pub fn expected(&self, what: impl Into<String>) -> Error {
        Error::Query { position: self.at, expected: what.into() }
    }

    /// Moves past white space.
    pub fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Moves past `token` if it stands here.
    pub fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Moves past the characters that `wanted` accepts.
    pub fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    /// Letters, digits, underscores and colons: a word of the language.
    pub fn word(&mut self) -> &'a str {
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
    }

    fn take_char(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// An attribute's name: anything but spaces and operators, or quoted parts with `\"` and `\\`.
    pub fn attribute_name(&mut self) -> Result<String> {
        let mut name = String::new();
        loop {
            name.push_str(self.take_while(|c| c != '"' && is_name_char(c)));
            if !self.rest().starts_with('"') {
                break;
            }
            name.push_str(&self.quoted()?);
        }
        if name.is_empty() { Err(self.expected("an attribute name")) } else { Ok(name) }
    }

    /// A string in double quotes with escapes, or in backticks as it stands.
    pub fn string(&mut self) -> Result<Option<String>> {
        if self.rest().starts_with('"') {
            return self.quoted().map(Some);
        }
        if !self.take("`") {
            return Ok(None);
        }
        let text = self.take_while(|c| c != '`');
        if self.take("`") { Ok(Some(text.to_owned())) } else { Err(self.expected("a closing `")) }
    }

    fn quoted(&mut self) -> Result<String> {
        self.take("\"");
        let mut out = String::new();
        loop {
            out.push_str(self.take_while(|c| !matches!(c, '"' | '\\' | '\n')));
            if self.take("\"") {
                return Ok(out);
            }
            if !self.take("\\") {
                return Err(self.expected("a closing \""));
            }
            let before = *self;
            let escape = self.escape();
            out.push(escape.ok_or_else(|| {
                before.expected(r#"one of the escapes \" \\ \n \r \t \a \b \f \v \xFF \uFFFF"#)
            })?);
        }
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.take_char()? {
            '"' => '"',
            '\'' => '\'',
            '\\' => '\\',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            'x' => self.hex_char(2).filter(char::is_ascii)?,
            'u' => self.hex_char(4)?,
            'U' => self.hex_char(8)?,
            _ => return None,
        })
    }

    fn hex_char(&mut self, digits: usize) -> Option<char> {
        let text = self.rest().get(..digits)?;
        if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += digits;
        char::from_u32(u32::from_str_radix(text, 16).ok()?)
    }

    /// A number, or a duration such as `1.5s` or `1h30m` as its nanoseconds, cut to whole ones;
    /// without a sign.
    ///
    /// Integers beyond 64 bits become the nearest double.
    pub fn number(&mut self) -> Result<Option<Figure>> {
        let start = *self;
        let Some((whole, fraction)) = self.decimal() else {
            *self = start;
            return Ok(None);
        };
        if let Some(unit) = self.unit() {
            let nanos = self.duration(whole, fraction.unwrap_or_default(), unit);
            let nanos = nanos.ok_or_else(|| start.expected("a duration of at most 292 years"))?;
            self.end_of_word(start, "a number, or a duration such as 1.5s")?;
            return Ok(Some(Figure::Duration(nanos)));
        }
        let exponent = self.exponent();
        self.end_of_word(start, "a number, or a duration such as 1.5s")?;
        let text = self.text.get(start.at..self.at).unwrap_or_default();
        if fraction.is_none()
            && !exponent
            && let Ok(int) = text.parse()
        {
            return Ok(Some(Figure::Number(Number::Int(int))));
        }
        match text.parse::<f64>() {
            Ok(double) if double.is_finite() => Ok(Some(Figure::Number(Number::Double(double)))),
            _ => Err(start.expected("a number of at most 1.8e308")),
        }
    }

    /// Digits, and those behind a point if there is one; at least one in all.
    fn decimal(&mut self) -> Option<(&'a str, Option<&'a str>)> {
        let whole = self.take_while(|c| c.is_ascii_digit());
        let fraction = self.take(".").then(|| self.take_while(|c| c.is_ascii_digit()));
        (whole.len() + fraction.map_or(0, str::len) > 0).then_some((whole, fraction))
    }

    fn unit(&mut self) -> Option<u64> {
        UNITS.iter().find(|(name, _)| self.take(name)).map(|(_, nanos)| *nanos)
    }

    fn exponent(&mut self) -> bool {
        let before = *self;
        if self.take("e") || self.take("E") {
            let _sign = self.take("-") || self.take("+");
            if !self.take_while(|c| c.is_ascii_digit()).is_empty() {
                return true;
            }
        }
        *self = before;
        false
    }

    /// The sum of the parts of which the first has been read.
    fn duration(&mut self, whole: &str, fraction: &str, unit: u64) -> Option<i64> {
        let mut sum = scaled(whole, fraction, unit)?;
        loop {
            let before = *self;
            let part = self.decimal().and_then(|parts| Some((parts, self.unit()?)));
            let Some(((whole, fraction), unit)) = part else {
                *self = before;
                return Some(sum);
            };
            sum = sum.checked_add(scaled(whole, fraction.unwrap_or_default(), unit)?)?;
        }
    }

    fn end_of_word(&self, start: Self, expected: &str) -> Result<()> {
        match self.rest().chars().next() {
            Some(c) if c.is_alphanumeric() || "_.:\"".contains(c) => Err(start.expected(expected)),
            _ => Ok(()),
        }
    }
}

/// Whether an attribute's name may hold this character outside of quotes.
pub fn is_name_char(c: char) -> bool {
    !c.is_whitespace() && !"{}()=~!<>&|^,`".contains(c)
}

/// `whole.fraction` of a unit in nanoseconds, computed in integers: `0.1s` is exactly 100 ms.
fn scaled(whole: &str, fraction: &str, unit: u64) -> Option<i64> {
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()? };
    let mut nanos = i128::from(whole).checked_mul(i128::from(unit))?;
    // Fourteen digits reach below a nanosecond of the longest unit.
    let digits = fraction.get(..fraction.len().min(18))?;
    if !digits.is_empty() {
        let scale = 10i128.pow(u32::try_from(digits.len()).ok()?);
        nanos += digits.parse::<i128>().ok()?.checked_mul(i128::from(unit))? / scale;
    }
    i64::try_from(nanos).ok()
}
