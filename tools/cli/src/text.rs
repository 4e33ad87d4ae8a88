//! Foreign text, made harmless: a span's name must not move the cursor or break a table.

use std::borrow::Cow;
use std::fmt::Write;

use tracekeep::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Text for people: control characters are shown as escapes, line ends are kept.
pub fn shown(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.is_control() && c != '\n')
}

/// Text for one cell of a table: control characters are shown as escapes.
pub fn cell(text: &str) -> Cow<'_, str> {
    escaped(text, char::is_control)
}

/// Text for one tab-separated field, from which it can be restored: backslashes are doubled, too.
pub fn field(text: &str) -> Cow<'_, str> {
    escaped(text, |c| c.is_control() || c == '\\')
}

fn escaped(text: &str, special: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&special) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            _ if !special(c) => out.push(c),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\\' => out.push_str("\\\\"),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
        }
    }
    Cow::Owned(out)
}

/// The columns that a text takes on a terminal.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text cut to at most `columns`, an ellipsis telling so.
pub fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        out.push(c);
    }
    if columns > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

/// The text followed by as many blanks as it lacks.
pub fn padded(text: &str, columns: usize) -> String {
    let blanks = columns.saturating_sub(width(text));
    format!("{text}{:blanks$}", "")
}

/// A value's type, as Tempo names it, and the value as text.
pub fn value(value: &Value) -> (&'static str, String) {
    match value {
        Value::String(text) => ("string", text.to_string()),
        Value::Int(number) => ("int", number.to_string()),
        Value::Double(number) => ("float", number.to_string()),
        Value::Bool(truth) => ("bool", truth.to_string()),
        other => ("other", format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_lose_their_power() {
        assert_eq!(cell("a\tb\u{1b}[2J"), "a\\tb\\u{1b}[2J");
        assert_eq!(field("c:\\x\n"), "c:\\\\x\\n");
        assert_eq!(shown("one\ntwo\u{7}"), "one\ntwo\\u{7}");
        assert!(matches!(cell("GET /"), Cow::Borrowed("GET /")));
    }

    #[test]
    fn cutting_counts_columns_not_characters() {
        assert_eq!(cut("checkout", 8), "checkout");
        assert_eq!(cut("checkout", 5), "chec…");
        assert_eq!(cut("订单维护", 5), "订单…");
        assert_eq!(cut("订单维护", 4), "订…");
        assert_eq!(cut("ab", 0), "");
        assert_eq!(padded("订", 4), "订  ");
    }
}
