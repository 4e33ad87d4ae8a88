//! Taken apart from bytes or from a span: the same.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::base::wire::{arbitrary, encode_span};
use crate::block::skeleton::{SlotSink, visit_slots, write_skeleton};

#[derive(Default)]
struct Seen(Vec<(Option<i64>, Vec<u8>)>);

impl SlotSink for Seen {
    fn int(&mut self, value: i64) {
        self.0.push((Some(value), Vec::new()));
    }

    fn text(&mut self, value: &str) {
        self.blob(value.as_bytes());
    }

    fn blob(&mut self, value: &[u8]) {
        self.0.push((None, value.to_vec()));
    }
}

fn encoded(span: &crate::base::model::Span) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_span(&span.view().unwrap(), &mut bytes);
    bytes
}

fn check(spans: &[crate::base::model::Span]) {
    let encoded: Vec<Vec<u8>> = spans.iter().map(encoded).collect();
    let mut taken = Dissection::default();
    for (span, bytes) in spans.iter().zip(&encoded) {
        let view = span.view().unwrap();
        taken.open(bytes).unwrap();
        taken.read().unwrap();
        let (mut expected, mut found) = (Vec::new(), Vec::new());
        write_skeleton(300, &view, &mut expected);
        taken.write_skeleton(300, &mut found);
        assert_eq!(found, expected);
        let (mut expected, mut found) = (Seen::default(), Seen::default());
        visit_slots(&view, &mut expected);
        for slot in taken.slots().concat() {
            match slot {
                Scalar::Int(value) => found.int(value),
                Scalar::Bytes(value) => found.blob(value),
            }
        }
        assert_eq!(found.0, expected.0);
        let longest = expected.0.iter().map(|(_, bytes)| bytes.len()).max().unwrap_or(0);
        assert_eq!(taken.longest_value(), longest);
        let times = RowTimes {
            trace_id: view.trace_id,
            span_id: view.span_id,
            parent: view.parent_span_id,
            start: view.start,
            end: view.end,
        };
        assert_eq!((taken.times(), taken.bytes()), (&times, bytes.as_slice()));
    }
}

proptest! {
    #[test]
    fn p3_bytes_and_spans_are_taken_apart_alike(
        spans in prop::collection::vec(arbitrary::span(), 1..4),
    ) {
        check(&spans);
    }

    #[test]
    fn p3_only_what_has_a_skeleton_follows_it(
        spans in prop::collection::vec(arbitrary::span(), 1..4),
        at: prop::sample::Index,
        other: u8,
    ) {
        let mut taken = Dissection::default();
        let encoded: Vec<Vec<u8>> = spans.iter().map(encoded).collect();
        let mut skeletons = Vec::new();
        for bytes in &encoded {
            taken.open(bytes).unwrap();
            taken.read().unwrap();
            let mut skeleton = Vec::new();
            taken.write_skeleton(3, &mut skeleton);
            let mut altered = skeleton.clone();
            *altered.get_mut(at.index(skeleton.len())).unwrap() = other;
            skeletons.extend([skeleton, altered]);
        }
        for bytes in &encoded {
            taken.open(bytes).unwrap();
            taken.read().unwrap();
            let (mut own, slots) = (Vec::new(), taken.slots().concat());
            taken.write_skeleton(3, &mut own);
            for skeleton in &skeletons {
                let followed = taken.follow(3, skeleton, &LastRow::default()).is_some();
                prop_assert_eq!(followed, *skeleton == own);
                if followed {
                    prop_assert_eq!(taken.slots().concat(), slots.clone());
                }
            }
        }
    }

    #[test]
    fn p3_a_row_is_the_last_one_and_what_differs(
        spans in prop::collection::vec(arbitrary::span(), 1..4), part in 1..4usize,
    ) {
        let alike = spans.iter().map(|span| varied(span, part));
        let spans: Vec<_> = spans.iter().cloned().chain(alike).collect();
        let encoded: Vec<Vec<u8>> = spans.iter().map(encoded).collect();
        let mut taken = Dissection::default();
        for before in &encoded {
            let mut skeleton = Vec::new();
            taken.open(before).unwrap();
            taken.read().unwrap();
            taken.write_skeleton(3, &mut skeleton);
            let mut last = LastRow::of(&skeleton);
            taken.teach(&mut last);
            let mut slots = taken.slots().concat();
            for bytes in &encoded {
                taken.open(bytes).unwrap();
                taken.read().unwrap();
                let (mut own, expected) = (Vec::new(), taken.slots().concat());
                taken.write_skeleton(3, &mut own);
                let followed = taken.follow(3, &skeleton, &last).is_some();
                prop_assert_eq!(followed, skeleton == own);
                if followed {
                    slots = next_row(&slots, &taken, &last);
                    prop_assert_eq!(&slots, &expected);
                    taken.teach(&mut last);
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_taken_apart_or_refused(bytes: Vec<u8>, cut: usize) {
        let mut taken = Dissection::default();
        if taken.open(&bytes).is_some() {
            taken.read();
        }
        let mut span = vec![0x0a, 16];
        span.extend([7; 16]);
        span.extend([0x12, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        span.extend(&bytes);
        span.truncate(cut % (span.len() + 1));
        if taken.open(&span).is_some() {
            taken.read();
            taken.follow(0, &bytes, &LastRow::default());
        }
    }
}

/// A span of the same structure, of which some values differ.
fn varied(span: &crate::base::model::Span, part: usize) -> crate::base::model::Span {
    use crate::base::model::Value;
    let mut span = span.clone();
    for attribute in span.attributes.iter_mut().step_by(part) {
        match &mut attribute.value {
            Value::String(text) => *text = format!("{text}, and more").as_str().into(),
            Value::Int(number) => *number = number.wrapping_mul(77),
            Value::Double(number) => *number = 0.5,
            _ => {}
        }
    }
    span
}

/// The slots of the row that was taken apart, after a row with these.
fn next_row<'a>(before: &[Scalar<'a>], taken: &Dissection<'a>, last: &LastRow) -> Vec<Scalar<'a>> {
    let Some(Differences { changed, attributes, tail }) = taken.differences() else {
        return taken.slots().concat();
    };
    let (own, count) = last.slots();
    let mut middle = before.get(own..own + count).unwrap().to_vec();
    for (change, value) in changed.iter().zip(attributes) {
        *middle.get_mut(change.number as usize).unwrap() = *value;
    }
    let old = (before.get(..own).unwrap(), before.get(own + count..).unwrap());
    let (own, behind) = tail.unwrap_or(old);
    [own, &middle, behind].concat()
}

#[test]
fn long_lists_are_counted_in_two_bytes() {
    let attribute = crate::base::model::KeyValue {
        key: "key".into(),
        value: crate::base::model::Value::Int(-1),
    };
    let span = crate::base::model::Span {
        attributes: vec![attribute; 200],
        ..crate::base::model::Span::default()
    };
    check(&[span]);
}
