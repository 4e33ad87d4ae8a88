//! Scalars as protobuf's JSON mapping reads them: numbers also as strings, enums also by name,
//! `null` as the default.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::ingest::json::base64;

/// Text, borrowed from the input where it has no escapes.
#[derive(Default)]
pub struct Text<'a>(pub Cow<'a, str>);

/// A number of type `T`.
#[derive(Default)]
pub struct Number<T>(pub T);

/// A double; `NaN` and the infinities are strings.
#[derive(Default)]
pub struct Double(pub f64);

/// An id: hex digits of either case.
#[derive(Default)]
pub struct Hex(pub Vec<u8>);

/// Bytes in base64.
#[derive(Default)]
pub struct Base64(pub Vec<u8>);

/// A span kind, by number or name.
#[derive(Default)]
pub struct KindNumber(pub i32);

/// A status code, by number or name.
#[derive(Default)]
pub struct CodeNumber(pub i32);

/// A truth value.
#[derive(Default)]
pub struct Truth(pub bool);

/// Reads text by a function, and `null` as the default.
struct TextVisitor<T>(&'static str, fn(Cow<'_, str>) -> Option<T>);

impl<'de, T: Default> Visitor<'de> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        let wrong = || E::custom(format_args!("{text:?} is not {}", self.0));
        (self.1)(Cow::Borrowed(text)).ok_or_else(wrong)
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: Cow<'_, str>| unhex(&text).map(Self);
        deserializer.deserialize_any(TextVisitor("an id in pairs of hex digits", read))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if digits.len() % 2 == 1 {
        return None;
    }
    let digit = |byte: &u8| (*byte as char).to_digit(16).map(|digit| digit as u8);
    let pair = |pair: &[u8]| Some(digit(pair.first()?)? << 4 | digit(pair.last()?)?);
    digits.chunks(2).map(pair).collect()
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |text: Cow<'_, str>| base64::decode(&text).map(Self);
        deserializer.deserialize_any(TextVisitor("base64", read))
    }
}

impl<'de> Deserialize<'de> for Truth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|truth| Self(truth.unwrap_or_default()))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }

            fn visit_unit<E: Error>(self) -> Result<Text<'de>, E> {
                Ok(Text::default())
            }
        }
        deserializer.deserialize_any(Borrowing)
    }
}

/// Reads a number, or text by a function.
struct NumberVisitor<T>(&'static str, fn(&str) -> Option<T>);

impl<'de, T> Visitor<'de> for NumberVisitor<T>
where
    T: Default + TryFrom<i64> + TryFrom<u64>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        let wrong = |_| E::custom(format_args!("{number} is not {}", self.0));
        T::try_from(number).map_err(wrong)
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let wrong = |_| E::custom(format_args!("{number} is not {}", self.0));
        T::try_from(number).map_err(wrong)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        // Such as 1e3. Below 2^63 every whole double is an i64.
        let whole = number.fract() == 0.0 && number.abs() < 9.2e18;
        let whole = whole.then_some(number as i64).and_then(|whole| T::try_from(whole).ok());
        whole.ok_or_else(|| E::custom(format_args!("{number} is not {}", self.0)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).ok_or_else(|| E::custom(format_args!("{text:?} is not {}", self.0)))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }
}

impl<'de, T> Deserialize<'de> for Number<T>
where
    T: Default + TryFrom<i64> + TryFrom<u64> + FromStr,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = NumberVisitor("a whole number in range", |text| text.parse().ok());
        deserializer.deserialize_any(visitor).map(Self)
    }
}

impl<'de> Deserialize<'de> for KindNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = |text: &str| {
            Some(match text {
                "SPAN_KIND_UNSPECIFIED" => 0,
                "SPAN_KIND_INTERNAL" => 1,
                "SPAN_KIND_SERVER" => 2,
                "SPAN_KIND_CLIENT" => 3,
                "SPAN_KIND_PRODUCER" => 4,
                "SPAN_KIND_CONSUMER" => 5,
                number => return number.parse().ok(),
            })
        };
        deserializer.deserialize_any(NumberVisitor("a span kind", names)).map(Self)
    }
}

impl<'de> Deserialize<'de> for CodeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = |text: &str| {
            Some(match text {
                "STATUS_CODE_UNSET" => 0,
                "STATUS_CODE_OK" => 1,
                "STATUS_CODE_ERROR" => 2,
                number => return number.parse().ok(),
            })
        };
        deserializer.deserialize_any(NumberVisitor("a status code", names)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Double {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl Visitor<'_> for Any {
            type Value = Double;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"NaN\", \"Infinity\" or \"-Infinity\"")
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Double, E> {
                Ok(Double(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Double, E> {
                Ok(Double(number as f64))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Double, E> {
                Ok(Double(number as f64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Double, E> {
                let number = text.parse().map(Double);
                number.map_err(|_| E::custom(format_args!("{text:?} is not a number")))
            }

            fn visit_unit<E: Error>(self) -> Result<Double, E> {
                Ok(Double::default())
            }
        }
        deserializer.deserialize_any(Any)
    }
}
