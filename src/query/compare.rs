//! One value against one check.

use std::cmp::Ordering;

use crate::base::model::Value;
use crate::base::number::Number;
use crate::base::view::ValueRef;
use crate::base::wire;
use crate::query::ast::{Check, Compare};

/// A value as a check sees it.
#[derive(Clone, Copy, Debug)]
pub enum Seen<'a> {
    /// Text.
    Text(&'a str),
    /// An attribute's number.
    Number(Number),
    /// A truth value.
    Bool(bool),
    /// A kind or status.
    Code(i32),
    /// A duration.
    Nanos(u64),
    /// A value that equals no literal and only exists: bytes, a map, an empty value.
    Other,
    /// An array's elements.
    Array(&'a [Value]),
}

impl<'a> Seen<'a> {
    /// Hands over an array's elements one by one, of an empty one none; any other value as it is.
    pub fn each_element(self, take: &mut dyn FnMut(Self)) {
        match self {
            Self::Array(elements) => elements.iter().map(scalar).for_each(take),
            other => take(other),
        }
    }

    /// The number that it is; of a duration beyond 64 bits with a sign the nearest double.
    pub fn number(self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(number),
            Self::Nanos(nanos) => {
                Some(i64::try_from(nanos).map_or(Number::Double(nanos as f64), Number::Int))
            }
            _ => None,
        }
    }
}

/// Whether `check` holds of a value. `loose` compares text with a number or truth value by what
/// that prints.
pub fn holds(check: &Check, seen: Seen<'_>, loose: bool) -> bool {
    match (check, seen) {
        (Check::Exists, _) => true,
        (Check::Absent, _) => false,
        (_, Seen::Array(elements)) => holds_of_elements(check, elements, loose),
        (Check::Number(compare, literal), Seen::Number(value)) => {
            compare.accepts(value.compare(*literal))
        }
        (Check::Number(compare, literal), Seen::Nanos(value)) => {
            compare.accepts(compare_nanos(value, *literal))
        }
        (Check::Nanos(compare, literal), Seen::Nanos(value)) => {
            compare.accepts(Some(value.cmp(literal)))
        }
        (Check::Text(compare, literal), Seen::Text(value)) => {
            compare.accepts(Some(value.as_bytes().cmp(literal.as_bytes())))
        }
        (Check::Bool(compare, literal), Seen::Bool(value)) => {
            compare.accepts(Some(value.cmp(literal)))
        }
        (Check::Code(compare, literal), Seen::Code(value)) => {
            compare.accepts(Some(value.cmp(literal)))
        }
        (Check::Pattern { regex, negated }, Seen::Text(value)) => regex.is_match(value) != *negated,
        _ => loose && holds_loosely(check, seen),
    }
}

/// Any element decides, but for `!=` and `!~`: they hold if no element equals or matches, and one
/// could.
fn holds_of_elements(check: &Check, elements: &[Value], loose: bool) -> bool {
    let mut any = false;
    for element in elements.iter().map(scalar) {
        if holds(check, element, loose) {
            any = true;
            if !check.is_denial() {
                break;
            }
        } else if check.is_denial() && compares(check, element, loose) {
            return false;
        }
    }
    any
}

/// Whether an element is of a type that a check knows.
const fn compares(check: &Check, seen: Seen<'_>, loose: bool) -> bool {
    match (check, seen) {
        (Check::Text(..) | Check::Pattern { .. }, Seen::Text(_))
        | (Check::Number(..), Seen::Number(_))
        | (Check::Bool(..), Seen::Bool(_)) => true,
        (Check::Text(..) | Check::Pattern { .. }, Seen::Number(_) | Seen::Bool(_))
        | (Check::Number(..) | Check::Bool(..), Seen::Text(_)) => loose,
        _ => false,
    }
}

fn holds_loosely(check: &Check, seen: Seen<'_>) -> bool {
    let same = |compare: &Compare, a: &str, b: &str| match compare {
        Compare::Equal => a == b,
        Compare::NotEqual => a != b,
        _ => false,
    };
    match (check, seen) {
        (Check::Text(compare, literal), _) => {
            printed(seen).is_some_and(|value| same(compare, &value, literal))
        }
        (Check::Pattern { regex, negated }, _) => {
            printed(seen).is_some_and(|value| regex.is_match(&value) != *negated)
        }
        (Check::Number(compare, literal), Seen::Text(value)) => {
            same(compare, value, &print_number(*literal))
        }
        (Check::Bool(compare, literal), Seen::Text(value)) => {
            same(compare, value, if *literal { "true" } else { "false" })
        }
        _ => false,
    }
}

fn printed(seen: Seen<'_>) -> Option<String> {
    match seen {
        Seen::Number(number) => Some(print_number(number)),
        Seen::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// Whether two values compare so. Text compares with text, numbers and durations with each other,
/// and no value with one of another type, unless `loose` matching takes it for what it prints.
/// Of arrays any pair of elements decides, but for `!=`: it holds if no pair is equal, and one
/// could be.
pub fn compare_seen(compare: Compare, left: Seen<'_>, right: Seen<'_>, loose: bool) -> bool {
    let equality = matches!(compare, Compare::Equal | Compare::NotEqual);
    let order = match (left, right) {
        (Seen::Array(_), _) | (_, Seen::Array(_)) => {
            let any = |compare| {
                let mut any = false;
                left.each_element(&mut |a| {
                    right.each_element(&mut |b| any = any || compare_seen(compare, a, b, loose));
                });
                any
            };
            return any(compare) && (compare != Compare::NotEqual || !any(Compare::Equal));
        }
        (Seen::Text(a), Seen::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Seen::Nanos(a), Seen::Nanos(b)) => Some(a.cmp(&b)),
        (Seen::Nanos(a), Seen::Number(b)) => compare_nanos(a, b),
        (Seen::Number(a), Seen::Nanos(b)) => compare_nanos(b, a).map(Ordering::reverse),
        (Seen::Number(a), Seen::Number(b)) => a.compare(b),
        (Seen::Bool(a), Seen::Bool(b)) if equality => Some(a.cmp(&b)),
        (Seen::Code(a), Seen::Code(b)) if equality => Some(a.cmp(&b)),
        (Seen::Text(text), other) | (other, Seen::Text(text)) if loose && equality => {
            return printed(other).is_some_and(|own| (own == text) == (compare == Compare::Equal));
        }
        _ => return false,
    };
    compare.accepts(order)
}

/// What loose matching takes a number for: `1`, also for 1.0, and `0.25`.
pub fn print_number(number: Number) -> String {
    match number {
        Number::Int(value) => value.to_string(),
        Number::Double(value) => value.to_string(),
    }
}

/// Durations reach past `i64`, where literals are doubles or too small.
fn compare_nanos(nanos: u64, literal: Number) -> Option<Ordering> {
    const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;
    match (i64::try_from(nanos), literal) {
        (Ok(nanos), _) => Number::Int(nanos).compare(literal),
        (Err(_), Number::Int(_)) => Some(Ordering::Greater),
        (Err(_), Number::Double(double)) if double.is_nan() => None,
        (Err(_), Number::Double(double)) if double < TWO_POW_63 => Some(Ordering::Greater),
        (Err(_), Number::Double(double)) if double >= 2.0 * TWO_POW_63 => Some(Ordering::Less),
        // Doubles of this size are whole numbers, so the conversion is exact.
        (Err(_), Number::Double(double)) => Some(nanos.cmp(&(double as u64))),
    }
}

/// Whether `check` holds of a span's attribute value.
pub fn holds_of_ref(check: &Check, value: &ValueRef<'_>, loose: bool) -> bool {
    match value {
        ValueRef::Array(bytes) if !matches!(check, Check::Exists | Check::Absent) => {
            let elements = wire::decode_array(bytes).unwrap_or_default();
            holds(check, Seen::Array(&elements), loose)
        }
        value => holds(check, seen(value), loose),
    }
}

/// An attribute's value; encoded arrays only exist here.
pub fn seen<'a>(value: &'a ValueRef<'_>) -> Seen<'a> {
    match value {
        ValueRef::Str(text) => Seen::Text(text.as_str()),
        ValueRef::Int(value) => Seen::Number(Number::Int(*value)),
        ValueRef::Double(value) => Seen::Number(Number::Double(*value)),
        ValueRef::Bool(value) => Seen::Bool(*value),
        _ => Seen::Other,
    }
}

/// Whether `check` holds of a resource's or scope's attribute value.
pub fn holds_of_value(check: &Check, value: &Value, loose: bool) -> bool {
    holds(check, whole(value), loose)
}

/// An attribute's value.
pub fn whole(value: &Value) -> Seen<'_> {
    match value {
        Value::Array(elements) => Seen::Array(elements),
        other => scalar(other),
    }
}

/// An element's value; arrays only exist here.
pub fn scalar(value: &Value) -> Seen<'_> {
    match value {
        Value::String(text) => Seen::Text(text),
        Value::Int(value) => Seen::Number(Number::Int(*value)),
        Value::Double(value) => Seen::Number(Number::Double(*value)),
        Value::Bool(value) => Seen::Bool(*value),
        _ => Seen::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(compare: Compare, value: f64) -> Check {
        Check::Number(compare, Number::Double(value))
    }

    #[test]
    fn numbers_are_compared_as_numbers() {
        let one = Check::Number(Compare::Equal, Number::Int(1));
        assert!(holds_of_value(&one, &Value::Double(1.0), false));
        let odd = Check::Number(Compare::Equal, Number::Int((1 << 53) + 1));
        assert!(!holds_of_value(&odd, &Value::Double(9_007_199_254_740_992.0), false));
        assert!(!holds_of_value(&one, &Value::from("1"), false));
        assert!(holds_of_value(&one, &Value::from("1"), true));
    }

    #[test]
    fn types_never_compare_with_each_other() {
        let other = Check::Text(Compare::NotEqual, "x".into());
        assert!(!holds_of_value(&other, &Value::Int(5), false));
        assert!(holds_of_value(&other, &Value::Int(5), true));
        assert!(!holds_of_value(&other, &Value::Bytes(vec![1]), true));
    }

    #[test]
    fn arrays_match_by_any_element() {
        let array = Value::Array(vec![Value::from("a"), Value::Int(2), Value::Array(Vec::new())]);
        assert!(holds_of_value(&Check::Text(Compare::Equal, "a".into()), &array, false));
        assert!(holds_of_value(&number(Compare::Greater, 1.5), &array, false));
        assert!(!holds_of_value(&number(Compare::Greater, 2.5), &array, false));
        assert!(holds_of_value(&Check::Exists, &Value::Array(Vec::new()), false));
    }

    /// As the language's documentation has it: `!=` and `!~` of an array mean that no element is.
    #[test]
    #[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    fn arrays_differ_from_a_value_that_is_none_of_theirs() {
        let array = Value::Array(vec![Value::from("a"), Value::from("b"), Value::Int(2)]);
        let differs = |text: &str| Check::Text(Compare::NotEqual, text.into());
        assert!(!holds_of_value(&differs("a"), &array, false));
        assert!(!holds_of_value(&differs("b"), &array, false));
        assert!(holds_of_value(&differs("c"), &array, false));
        assert!(holds_of_value(&differs("2"), &array, false));
        assert!(!holds_of_value(&differs("2"), &array, true));
        assert!(holds_of_value(&number(Compare::NotEqual, 1.0), &array, false));
        assert!(!holds_of_value(&number(Compare::NotEqual, 2.0), &array, false));
        assert!(!holds_of_value(&differs("a"), &Value::Array(Vec::new()), false));
        assert!(!holds_of_value(&differs("a"), &Value::Array(vec![Value::Int(2)]), false));
        for (pattern, wanted) in [("a|x", false), ("x", true)] {
            let regex = crate::query::ast::anchored(pattern).unwrap();
            let check = Check::Pattern { regex, negated: true };
            assert_eq!(holds_of_value(&check, &array, false), wanted, "{pattern}");
        }
        let (left, right) = (whole(&array), Seen::Text("b"));
        assert!(!compare_seen(Compare::NotEqual, left, right, false));
        assert!(compare_seen(Compare::NotEqual, left, Seen::Text("c"), false));
        assert!(compare_seen(Compare::Greater, left, Seen::Text("a"), false));
    }

    #[test]
    fn durations_beyond_i64_compare() {
        let (max, big) = (Seen::Nanos(u64::MAX), 1e19);
        assert!(holds(&number(Compare::Greater, big), max, false));
        assert!(!holds(&number(Compare::Greater, 1e20), max, false));
        assert!(holds(&Check::Number(Compare::Greater, Number::Int(i64::MAX)), max, false));
    }
}
