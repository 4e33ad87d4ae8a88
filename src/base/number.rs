//! Numbers compared as mathematics has them: 1 = 1.0, and 2^53 + 1 is not 2^53.

use std::cmp::Ordering;
use std::ops::Bound;

/// 2^63: the first double past every `i64`.
const TWO_POW_63: f64 = 9_223_372_036_854_775_808.0;

/// An attribute's number. Int and double compare exactly, never through a lossy conversion.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A signed integer.
    Int(i64),
    /// A floating-point number; NaN compares with nothing.
    Double(f64),
}

impl Number {
    /// Which of the two is larger; `None` if either is NaN.
    pub fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(&b),
            (Self::Int(a), Self::Double(b)) => compare_int_double(a, b),
            (Self::Double(a), Self::Int(b)) => compare_int_double(b, a).map(Ordering::reverse),
        }
    }

    /// Whether this lies within both bounds; NaN, here or in a bound, lies nowhere.
    pub fn is_within(self, low: Bound<Self>, high: Bound<Self>) -> bool {
        let above = match low {
            Bound::Unbounded => !self.is_nan(),
            Bound::Included(low) => self.compare(low).is_some_and(Ordering::is_ge),
            Bound::Excluded(low) => self.compare(low).is_some_and(Ordering::is_gt),
        };
        above
            && match high {
                Bound::Unbounded => true,
                Bound::Included(high) => self.compare(high).is_some_and(Ordering::is_le),
                Bound::Excluded(high) => self.compare(high).is_some_and(Ordering::is_lt),
            }
    }

    /// Whether this is NaN.
    pub fn is_nan(self) -> bool {
        matches!(self, Self::Double(value) if value.is_nan())
    }

    /// The nearest double; this never reverses an order.
    pub fn to_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Double(value) => value,
        }
    }

    /// One form for all equal numbers: an integer where the value is one of 64 bits.
    pub fn canonical(self) -> Self {
        match self {
            Self::Double(value)
                if value.trunc() == value && (-TWO_POW_63..TWO_POW_63).contains(&value) =>
            {
                Self::Int(value as i64)
            }
            other => other,
        }
    }
}

/// Equal as numbers; unlike doubles, NaN is not even equal to the same NaN.
impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.compare(*other) == Some(Ordering::Equal)
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.compare(*other)
    }
}

fn compare_int_double(int: i64, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double >= TWO_POW_63 {
        return Some(Ordering::Less);
    }
    if double < -TWO_POW_63 {
        return Some(Ordering::Greater);
    }
    // In this range the whole part is an i64 exactly; on a tie the fraction decides.
    let whole = double.trunc();
    let by_whole = int.cmp(&(whole as i64));
    Some(by_whole.then(0.0.partial_cmp(&(double - whole))?))
}

/// Maps doubles to integers in the same order, by sign and magnitude; negative NaNs come first,
/// positive ones last, and -0.0 stands just before 0.0.
pub fn ordered_bits(value: f64) -> u64 {
    let bits = value.to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// The inverse of [`ordered_bits`], to the bit.
pub fn from_ordered_bits(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered & !(1 << 63) } else { !ordered })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers() -> impl Strategy<Value = Number> {
        prop_oneof![
            any::<i64>().prop_map(Number::Int),
            (-3i64..3).prop_map(Number::Int),
            any::<f64>().prop_map(Number::Double),
            (-6i32..6).prop_map(|n| Number::Double(f64::from(n) / 2.0)),
            (-4i64..4).prop_map(|d| Number::Int((1 << 53) + d)),
            (-4i32..4).prop_map(|d| Number::Double(9_007_199_254_740_992.0 + f64::from(d))),
            Just(Number::Int(i64::MAX)),
            Just(Number::Int(i64::MIN)),
            Just(Number::Double(TWO_POW_63)),
            Just(Number::Double(-TWO_POW_63)),
            Just(Number::Double(f64::NAN)),
        ]
    }

    /// Splits a finite number into whole and fraction in 128-bit integers: no rounding anywhere.
    fn naive(a: Number, b: Number) -> Option<Ordering> {
        let parts = |n: Number| match n {
            Number::Int(v) => (i128::from(v), 0.0),
            Number::Double(v) => (v.floor() as i128, v - v.floor()),
        };
        let (a, b) = (parts(a), parts(b));
        Some(a.0.cmp(&b.0).then(a.1.partial_cmp(&b.1)?))
    }

    proptest! {
        #[test]
        fn int_and_double_compare_exactly(a in numbers(), b in numbers()) {
            if matches!((a, b), (Number::Int(_), _) | (_, Number::Int(_))) && !a.is_nan() && !b.is_nan() {
                let finite = a.to_f64().abs() < 1e30 && b.to_f64().abs() < 1e30;
                if finite {
                    prop_assert_eq!(a.compare(b), naive(a, b));
                }
            }
            prop_assert_eq!(a.compare(b), b.compare(a).map(Ordering::reverse));
            prop_assert_eq!(a.compare(b).is_none(), a.is_nan() || b.is_nan());
            if a == b {
                let same = match (a.canonical(), b.canonical()) {
                    (Number::Int(x), Number::Int(y)) => x == y,
                    (Number::Double(x), Number::Double(y)) => x.to_bits() == y.to_bits(),
                    _ => false,
                };
                prop_assert!(same);
            }
        }

        #[test]
        fn ordered_bits_keep_order_and_bits(a: u64, b: u64) {
            let (x, y) = (f64::from_bits(a), f64::from_bits(b));
            prop_assert_eq!(from_ordered_bits(ordered_bits(x)).to_bits(), a);
            if x < y {
                prop_assert!(ordered_bits(x) < ordered_bits(y));
            }
        }
    }

    #[test]
    fn nan_lies_in_no_range() {
        let nan = Number::Double(f64::NAN);
        assert!(!nan.is_within(Bound::Unbounded, Bound::Unbounded));
        assert!(!Number::Int(1).is_within(Bound::Included(nan), Bound::Unbounded));
        let one = Number::Double(1.0);
        assert!(Number::Int(1).is_within(Bound::Included(one), Bound::Included(one)));
        assert!(Number::Double(-0.0) == Number::Int(0));
    }
}
