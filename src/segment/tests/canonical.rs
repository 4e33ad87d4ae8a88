//! Rows that come as canonical bytes, compared with what is expected of them, not decoded; and
//! segments encoded by several threads.

use proptest::prelude::*;

use super::{Entry, build, entries, ordered};
use crate::base::effort::Effort;
use crate::base::wire::encode_span;
use crate::block::dissection::Dissection;
use crate::disk::executor::{Executor, InlineExecutor};
use crate::disk::pool::ThreadPool;
use crate::segment::{SegmentBuilder, SegmentOptions};

fn build_from_bytes(
    entries: &[Entry],
    options: SegmentOptions,
    executor: &dyn Executor,
) -> Vec<u8> {
    let mut builder = SegmentBuilder::new(options);
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
    builder.finish_by(&mut bytes, executor).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p3_spans_and_their_bytes_make_the_same_segment(entries in entries(60)) {
        let options = SegmentOptions::default();
        let (bytes, _) = build(&entries, options);
        prop_assert!(build_from_bytes(&entries, options, &InlineExecutor::new()) == bytes);
    }

    #[test]
    fn bytes_do_not_depend_on_the_number_of_threads(
        entries in entries(60), threads in 1usize..4, block_rows in 1usize..4, thorough: bool,
    ) {
        let effort = if thorough { Effort::Thorough } else { Effort::Quick };
        let options = SegmentOptions { block_rows, effort, page_bytes: 100 };
        let (bytes, _) = build(&entries, options);
        prop_assert!(build_from_bytes(&entries, options, &ThreadPool::new(threads)) == bytes);
    }
}
