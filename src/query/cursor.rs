//! Where a page of a search ended, as an opaque string.

use crate::base::error::{Error, Result};
use crate::base::ids::TraceId;
use crate::base::time::Timestamp;

/// What sorts places as searches do.
pub type Order = (std::cmp::Reverse<Timestamp>, TraceId);

/// The place of a trace in the order of searches: newest start first, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The trace's start.
    pub start: Timestamp,
    /// The trace.
    pub id: TraceId,
}

impl Place {
    /// Sorts as searches do: the first hit has the least key.
    pub fn order(self) -> Order {
        (std::cmp::Reverse(self.start), self.id)
    }

    /// As a cursor: sixteen hex digits of the start, then the id.
    pub fn to_cursor(self) -> String {
        format!("{:016x}{}", self.start.nanos(), self.id)
    }

    /// What [`Place::to_cursor`] wrote.
    pub fn from_cursor(cursor: &str) -> Result<Self> {
        let parse = || {
            let digits = cursor.len() == 48 && cursor.bytes().all(|b| b.is_ascii_hexdigit());
            let (start, id) = cursor.split_at_checked(16).filter(|_| digits)?;
            Some(Self {
                start: Timestamp::from_nanos(u64::from_str_radix(start, 16).ok()?),
                id: id.parse().ok()?,
            })
        };
        parse().ok_or_else(|| {
            Error::invalid(format!("{cursor:?} is no cursor: pass a page's `next` as it stands"))
        })
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_others_are_refused() {
        let place = Place { start: Timestamp::MAX, id: TraceId::from(7u128) };
        assert_eq!(Place::from_cursor(&place.to_cursor()).unwrap(), place);
        for wrong in ["", "x", "+000000000000001", &"é".repeat(24), &"+".repeat(48)] {
            assert!(Place::from_cursor(wrong).is_err(), "{wrong}");
        }
    }
}
