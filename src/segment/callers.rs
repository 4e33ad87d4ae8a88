//! Which service called a span: the relation of spans to their parents, as statistics count it.

use crate::base::quick::QuickMap;
use crate::index::statistics::Caller;

/// The spans of one trace, to find the parents of each.
///
/// The caller is the service of the parent. Of several other spans that bear the parent's id the
/// earliest is taken, then the one whose service comes first: a choice that rests on spans alone,
/// so that it does not change with the segments they lie in.
#[derive(Debug, Default)]
pub(super) struct Callers {
    by_id: QuickMap<u64, Alike>,
}

/// Start, service, and place in the trace: less is taken first.
type Parent = (u64, u32, u32);

/// The spans with one id: the two that are taken first, as one may look for its own.
#[derive(Debug)]
struct Alike {
    first: Parent,
    second: Option<Parent>,
}

impl Callers {
    /// Begins a trace with these spans, of id, start and service; they are known by their place.
    pub fn begin(&mut self, spans: impl Iterator<Item = (u64, u64, u32)>) {
        // Clearing takes as long as the map is large: one long trace is not paid for by the next.
        if self.by_id.capacity() > 64 * (self.by_id.len() + 8) {
            self.by_id = QuickMap::default();
        }
        self.by_id.clear();
        for ((id, start, service), place) in spans.zip(0..) {
            let own = (start, service, place);
            let add = |alike: &mut Alike| {
                let later = own.max(alike.first);
                alike.first = own.min(alike.first);
                alike.second = Some(alike.second.map_or(later, |second| second.min(later)));
            };
            self.by_id.entry(id).and_modify(add).or_insert(Alike { first: own, second: None });
        }
    }

    /// The caller of the span at a place, whose parent has this id.
    pub fn of(&self, at: u32, parent: Option<u64>) -> Caller {
        let Some(parent) = parent else { return Caller::None };
        let found = self.by_id.get(&parent).and_then(|alike| match alike.first {
            (.., place) if place == at => alike.second,
            first => Some(first),
        });
        found.map_or(Caller::Elsewhere, |(_, service, _)| Caller::Service(service))
    }
}

/// The same in a regular trace, whose rows come in pre-order: what calls a span is an ancestor, and
/// no other span bears the parent's id.
#[derive(Debug, Default)]
pub(super) struct Ancestors {
    /// Ids and services from a root to the row before.
    path: Vec<(u64, u32)>,
}

impl Ancestors {
    /// Begins a trace.
    pub fn begin(&mut self) {
        self.path.clear();
    }

    /// The caller of the next row, which has this id, parent and service.
    pub fn next(&mut self, id: u64, parent: Option<u64>, service: u32) -> Caller {
        // What is passed over has no more children, so that each row is passed over once.
        let depth = parent.and_then(|parent| self.path.iter().rposition(|(id, _)| *id == parent));
        self.path.truncate(depth.map_or(0, |depth| depth + 1));
        let caller = match (parent, self.path.last()) {
            (None, _) => Caller::None,
            (Some(_), Some(&(_, service))) => Caller::Service(service),
            (Some(_), None) => Caller::Elsewhere,
        };
        self.path.push((id, service));
        caller
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::base::time::Timestamp;
    use crate::block::order::{OrderItem, preorder};

    use super::*;

    #[test]
    fn p5_the_earliest_other_span_with_the_parents_id_calls() {
        let mut callers = Callers::default();
        callers.begin([(1, 50, 7), (1, 40, 9), (1, 40, 8), (2, 60, 3)].into_iter());
        assert_eq!(callers.of(3, Some(1)), Caller::Service(8));
        assert_eq!(callers.of(2, Some(1)), Caller::Service(9));
        assert_eq!(callers.of(0, Some(1)), Caller::Service(8));
        assert_eq!(callers.of(3, Some(2)), Caller::Elsewhere);
        assert_eq!(callers.of(0, Some(0)), Caller::Elsewhere);
        assert_eq!(callers.of(0, None), Caller::None);
        callers.begin([(3, 1, 4)].into_iter());
        assert_eq!(callers.of(0, Some(1)), Caller::Elsewhere);
    }

    proptest! {
        #[test]
        fn p5_ancestors_call_as_any_spans_do(
            spans in prop::collection::vec((0u64..12, prop::option::of(0u64..14), 0u64..20), 1..12),
        ) {
            let item = |&(id, parent, start): &(u64, Option<u64>, u64)| OrderItem {
                span_id: id.into(),
                parent: parent.map(Into::into),
                start: Timestamp::from_nanos(start),
                tie: 0,
            };
            let (order, regular) = preorder(&spans.iter().map(item).collect::<Vec<_>>());
            prop_assume!(regular);
            let rows = || order.iter().zip(0..).filter_map(|(&at, row)| {
                spans.get(at as usize).map(|&(id, parent, start)| (id, parent, start, row))
            });
            let (mut callers, mut ancestors) = (Callers::default(), Ancestors::default());
            callers.begin(rows().map(|(id, _, start, row)| (id, start, row)));
            ancestors.begin();
            for (id, parent, _, row) in rows() {
                prop_assert_eq!(ancestors.next(id, parent, row), callers.of(row, parent));
            }
        }
    }
}
