//! Which sources a lookup asks, view after view of one store.

use std::convert::Infallible;
use std::sync::Arc;

use proptest::prelude::*;

use super::fake::Fake;
use crate::base::ids::TraceId;
use crate::base::model::{Span, TraceSpan};
use crate::index::bloom::HashedId;
use crate::query::filters::{Filters, Slices};
use crate::query::source::Source;
use crate::query::view::Partition;

/// A source of traces with these ids.
fn source(lows: &[u64], is_segment: bool) -> Arc<dyn Source> {
    let span = |&low| {
        let span = Span { trace_id: TraceId::from(u128::from(low)), ..Span::default() };
        TraceSpan { span, ..TraceSpan::default() }
    };
    Arc::new(Fake::new(lows.iter().map(span).collect(), is_segment))
}

/// One after another: a source that comes, and which of those that are there go.
fn changes() -> impl Strategy<Value = Vec<(Vec<u64>, bool, u8)>> {
    let lows = prop_oneof![
        4 => prop::collection::vec(0u64..300, 1..4),
        1 => prop::collection::vec(0u64..300, 1..60),
    ];
    prop::collection::vec((lows, prop::bool::weighted(0.8), any::<u8>()), 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p4_sources_are_asked_exactly_if_their_filters_admit_the_id(
        changes in changes(),
        asked in prop::collection::vec(0u64..400, 1..5),
    ) {
        let slices = Slices::default();
        let mut sources: Vec<Arc<dyn Source>> = Vec::new();
        for (lows, is_segment, goes) in changes {
            sources.push(source(&lows, is_segment));
            // Now and then one goes, or of a hundred every second.
            match goes {
                0..60 => drop(sources.remove(usize::from(goes) % sources.len())),
                60 => sources = sources.into_iter().step_by(2).collect(),
                _ => {}
            }
            // Most of the time nobody asks.
            if !goes.is_multiple_of(4) {
                continue;
            }
            let in_partition = |sources: &[Arc<dyn Source>]| {
                Arc::new(Partition::new(0, 1, sources.to_vec()))
            };
            let partitions: Vec<Arc<Partition>> = sources.chunks(7).map(in_partition).collect();
            let filters = Filters::of(&partitions, &slices);
            for id in asked.iter().copied().map(HashedId::new) {
                let admits = |source: &Arc<dyn Source>| {
                    source.filter().is_none_or(|filter| filter.contains(&id))
                };
                let all = partitions.iter().zip(0..).flat_map(|(partition, number)| {
                    partition.sources.iter().zip(0..).map(move |(s, index)| (s, (number, index)))
                });
                let wanted: Vec<_> = all.filter(|(s, _)| admits(s)).map(|(_, place)| place).collect();
                let mut admitted = Vec::new();
                let Ok(()) = filters.admit(&id, |place| {
                    admitted.push(place);
                    Ok::<_, Infallible>(())
                });
                prop_assert_eq!(admitted, wanted);
            }
        }
    }
}
