//! What is wrong with a span that is rejected for its ids.

use crate::base::wire::{Field, Fields};

/// Says which id of a span, canonical but for its ids, has a wrong length.
pub fn wrong_id(span: &[u8]) -> String {
    let mut wrong = None;
    let mut check = |whose: &str, what: &str, len: usize, right: usize| {
        if len != right && wrong.is_none() {
            wrong = Some(format!("a {whose}{what} of {len} bytes, {right} are right"));
        }
    };
    let own = lengths(span);
    check("", "trace id", own[0], 16);
    check("", "span id", own[1], 8);
    check("", "parent span id", if own[3] == 0 { 8 } else { own[3] }, 8);
    each_field(span, |field| {
        if field.number == 13 {
            let linked = lengths(field.bytes);
            check("linked ", "trace id", linked[0], 16);
            check("linked ", "span id", linked[1], 8);
        }
    });
    wrong.unwrap_or_else(|| "a span that cannot be read".into())
}

/// The lengths of the fields 1 to 4 of a span or link.
fn lengths(message: &[u8]) -> [usize; 4] {
    let mut lengths = [0; 4];
    each_field(message, |field| {
        if let Some(len) = lengths.get_mut(field.number as usize - 1) {
            *len = field.bytes.len();
        }
    });
    lengths
}

fn each_field<'a>(message: &'a [u8], mut visit: impl FnMut(&Field<'a>)) {
    let mut fields = Fields::new(message);
    while let Ok(Some(field)) = fields.next_field() {
        visit(&field);
    }
}
