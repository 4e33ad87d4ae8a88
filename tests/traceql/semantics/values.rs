//! Values: how they compare, compute, print and sort into groups.

use std::cmp::Ordering;

use tracekeep::{SpanKind, StatusCode, Value};

use crate::grammar::{Arithmetic, Compare};

/// What a field or an expression comes to: nil is none, a repeated key several.
pub type Values = Vec<Datum>;

#[derive(Clone, Debug)]
pub enum Datum {
    Text(String),
    Number(Number),
    Bool(bool),
    Kind(i32),
    Status(i32),
    Array(Vec<Datum>),
    /// Exists, and equals nothing.
    Other,
}

/// Whole numbers of `i64`, or of `u64` where a duration is that long.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    Whole(i128),
    Real(f64),
}

impl Number {
    pub fn real(self) -> f64 {
        match self {
            // Through the type that it was, so that it is rounded once.
            Self::Whole(whole) => whole as f64,
            Self::Real(real) => real,
        }
    }

    /// The order of mathematics; none of NaN.
    pub fn order(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => Some(a.cmp(&b)),
            (Self::Real(a), Self::Real(b)) => a.partial_cmp(&b),
            (Self::Real(_), Self::Whole(_)) => other.order(self).map(Ordering::reverse),
            (Self::Whole(_), Self::Real(b)) if b.is_nan() => None,
            (Self::Whole(_), Self::Real(b)) if b >= 1e30 => Some(Ordering::Less),
            (Self::Whole(_), Self::Real(b)) if b <= -1e30 => Some(Ordering::Greater),
            (Self::Whole(a), Self::Real(b)) => {
                let rest = 0.0.partial_cmp(&b.fract())?;
                Some(a.cmp(&(b.trunc() as i128)).then(rest))
            }
        }
    }

    /// Whole with whole stays whole while it fits `i64`; all else is a double.
    pub fn compute(self, how: Arithmetic, other: Self) -> Self {
        if let (Self::Whole(a), Self::Whole(b)) = (self, other) {
            let fits = |n: i128| i64::try_from(n).is_ok();
            let whole = match how {
                Arithmetic::Add => Some(a + b),
                Arithmetic::Subtract => Some(a - b),
                Arithmetic::Multiply => a.checked_mul(b),
                Arithmetic::Remainder => a.checked_rem(b),
                Arithmetic::Divide | Arithmetic::Power => None,
            };
            if let Some(whole) = whole.filter(|n| fits(a) && fits(b) && fits(*n)) {
                return Self::Whole(whole);
            }
        }
        let (a, b) = (self.real(), other.real());
        Self::Real(match how {
            Arithmetic::Add => a + b,
            Arithmetic::Subtract => a - b,
            Arithmetic::Multiply => a * b,
            Arithmetic::Divide => a / b,
            Arithmetic::Remainder => a % b,
            Arithmetic::Power => a.powf(b),
        })
    }

    fn print(self) -> String {
        match self {
            Self::Whole(whole) => whole.to_string(),
            Self::Real(real) => real.to_string(),
        }
    }
}

impl Datum {
    pub fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.to_string()),
            Value::Int(number) => Self::Number(Number::Whole((*number).into())),
            Value::Double(number) => Self::Number(Number::Real(*number)),
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Array(elements) => Self::Array(elements.iter().map(Self::element).collect()),
            _ => Self::Other,
        }
    }

    fn element(value: &Value) -> Self {
        match value {
            Value::Array(_) => Self::Other,
            value => Self::of(value),
        }
    }

    pub fn whole(number: impl Into<i128>) -> Self {
        Self::Number(Number::Whole(number.into()))
    }

    pub fn text(text: impl ToString) -> Self {
        Self::Text(text.to_string())
    }

    pub fn elements(&self) -> Vec<&Self> {
        match self {
            Self::Array(elements) => elements.iter().collect(),
            one => vec![one],
        }
    }

    /// As answers tell it.
    pub fn told(&self) -> Value {
        let name = |name: Option<&str>, code: i32| match name {
            Some(name) => Value::from(name),
            None => Value::Int(code.into()),
        };
        match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Number(Number::Whole(whole)) => match i64::try_from(*whole) {
                Ok(whole) => Value::Int(whole),
                Err(_) => Value::Double(*whole as f64),
            },
            Self::Number(Number::Real(real)) => Value::Double(*real),
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Kind(code) => name(SpanKind(*code).name(), *code),
            Self::Status(code) => name(StatusCode(*code).name(), *code),
            Self::Array(elements) => Value::Array(elements.iter().map(Self::told).collect()),
            Self::Other => Value::Empty,
        }
    }

    /// What text equals loosely.
    pub fn printed(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.print()),
            Self::Bool(truth) => Some(truth.to_string()),
            _ => None,
        }
    }

    /// Whether two scalars are equal, and their order; `None` if their types do not compare.
    fn compared(&self, other: &Self, loose: bool) -> Option<(bool, Option<Ordering>)> {
        let by_order = |order: Option<Ordering>| (order == Some(Ordering::Equal), order);
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(by_order(Some(a.as_bytes().cmp(b.as_bytes())))),
            (Self::Number(a), Self::Number(b)) => Some(by_order(a.order(*b))),
            (Self::Bool(a), Self::Bool(b)) => Some((a == b, None)),
            (Self::Kind(a), Self::Kind(b)) | (Self::Status(a), Self::Status(b)) => {
                Some((a == b, None))
            }
            (Self::Text(_), _) | (_, Self::Text(_)) if loose => {
                Some((self.printed()? == other.printed()?, None))
            }
            _ => None,
        }
    }
}

/// Whether a comparison holds of any value here with any value there.
pub fn compare(left: &Values, how: Compare, right: &Values, loose: bool) -> bool {
    left.iter().any(|a| right.iter().any(|b| compare_one(a, how, b, loose)))
}

/// Of two values, each perhaps an array.
fn compare_one(left: &Datum, how: Compare, right: &Datum, loose: bool) -> bool {
    let mut verdicts = Vec::new();
    for a in left.elements() {
        for b in right.elements() {
            let Some((equal, order)) = a.compared(b, loose) else { continue };
            verdicts.push(match how {
                Compare::Equal => equal,
                Compare::NotEqual => !equal,
                Compare::Less => order == Some(Ordering::Less),
                Compare::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                Compare::Greater => order == Some(Ordering::Greater),
                Compare::GreaterEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            });
        }
    }
    match how {
        Compare::NotEqual => !verdicts.is_empty() && verdicts.iter().all(|holds| *holds),
        _ => verdicts.contains(&true),
    }
}

/// The number that arithmetic takes an operand for: of one value, which is or holds one number.
pub fn operand(values: &Values) -> Option<Number> {
    match values.iter().flat_map(Datum::elements).collect::<Vec<_>>()[..] {
        [Datum::Number(number)] => Some(*number),
        _ => None,
    }
}

/// Where groups stand among each other: equal keys make one group.
pub fn group_order(left: &Option<Datum>, right: &Option<Datum>) -> Ordering {
    let rank = |datum: &Option<Datum>| match datum {
        None => 0,
        Some(Datum::Bool(_)) => 1,
        Some(Datum::Number(_)) => 2,
        Some(Datum::Text(_)) => 3,
        Some(Datum::Kind(_)) => 4,
        Some(Datum::Status(_)) => 5,
        Some(Datum::Other | Datum::Array(_)) => 6,
    };
    let inside = match (left, right) {
        (Some(Datum::Bool(a)), Some(Datum::Bool(b))) => a.cmp(b),
        (Some(Datum::Number(a)), Some(Datum::Number(b))) => {
            let is_nan = |number: &Number| number.real().is_nan();
            a.order(*b).unwrap_or_else(|| is_nan(a).cmp(&is_nan(b)))
        }
        (Some(Datum::Text(a)), Some(Datum::Text(b))) => a.cmp(b),
        (Some(Datum::Kind(a)), Some(Datum::Kind(b)))
        | (Some(Datum::Status(a)), Some(Datum::Status(b))) => a.cmp(b),
        _ => Ordering::Equal,
    };
    rank(left).cmp(&rank(right)).then(inside)
}

/// Of two values of one group that which is told: the integer, or the lower bits of doubles.
pub fn told_of_equals(a: Option<Datum>, b: Option<Datum>) -> Option<Datum> {
    match (&a, &b) {
        (Some(Datum::Number(Number::Real(_))), Some(Datum::Number(Number::Whole(_)))) => b,
        (Some(Datum::Number(Number::Real(x))), Some(Datum::Number(Number::Real(y))))
            if y.total_cmp(x).is_lt() =>
        {
            b
        }
        _ => a,
    }
}
