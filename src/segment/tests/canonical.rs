//! Rows that come as canonical bytes, compared with what is expected of them, not decoded.

use proptest::prelude::*;

use super::{Entry, build, entries, ordered};
use crate::base::wire::encode_span;
use crate::block::dissection::Dissection;
use crate::segment::{SegmentBuilder, SegmentOptions};

fn build_from_bytes(entries: &[Entry]) -> Vec<u8> {
    let mut builder = SegmentBuilder::new(SegmentOptions::default());
    let traces = ordered(entries);
    let rows: usize = traces.iter().map(|(_, _, spans)| spans.len()).sum();
    builder.reserve(rows);
    let traces = traces.into_iter().map(|(id, regular, entries)| {
        let encoded = |entry: Entry| {
            let mut bytes = Vec::new();
            encode_span(&entry.span.view().unwrap(), &mut bytes);
            (entry, bytes)
        };
        (id, regular, entries.into_iter().map(encoded).collect::<Vec<_>>())
    });
    let traces: Vec<_> = traces.collect();
    let mut taken = Dissection::default();
    for (id, regular, spans) in &traces {
        builder.begin_trace(*id, *regular);
        for (entry, bytes) in spans {
            let resource = builder.resource(&entry.resource).unwrap();
            let scope = builder.scope(&entry.scope).unwrap();
            builder.push_canonical(resource, scope, bytes, &mut taken).unwrap();
        }
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p3_spans_and_their_bytes_make_the_same_segment(entries in entries(60)) {
        let (bytes, _) = build(&entries, SegmentOptions::default());
        prop_assert!(build_from_bytes(&entries) == bytes);
    }
}
