//! Which service called a span: the relation of spans to their parents, as statistics count it.

use crate::index::statistics::Caller;

/// The spans of one trace, to find the parents of each.
///
/// The caller is the service of the parent. Of several other spans that bear the parent's id the
/// earliest is taken, then the one whose service comes first: a choice that rests on spans alone,
/// so that it does not change with the segments they lie in.
#[derive(Debug, Default)]
pub(super) struct Callers {
    /// Id, start, service, and place in the trace.
    spans: Vec<(u64, u64, u32, u32)>,
}

impl Callers {
    /// Begins a trace with these spans, of id, start and service; they are known by their place.
    pub fn begin(&mut self, spans: impl Iterator<Item = (u64, u64, u32)>) {
        self.spans.clear();
        self.spans
            .extend(spans.zip(0..).map(|((id, start, service), at)| (id, start, service, at)));
        self.spans.sort_unstable();
    }

    /// The caller of the span at a place, whose parent has this id.
    pub fn of(&self, at: u32, parent: Option<u64>) -> Caller {
        let Some(parent) = parent else { return Caller::None };
        let first = self.spans.partition_point(|&(id, ..)| id < parent);
        // A span is not its own parent: of the first two one is another.
        let alike = self.spans.get(first..).unwrap_or_default().iter().take(2);
        let mut others = alike.filter(|&&(id, _, _, place)| id == parent && place != at);
        others.next().map_or(Caller::Elsewhere, |&(_, _, service, _)| Caller::Service(service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p5_the_earliest_other_span_with_the_parents_id_calls() {
        let mut callers = Callers::default();
        callers.begin([(1, 50, 7), (1, 40, 9), (1, 40, 8), (2, 60, 3)].into_iter());
        assert_eq!(callers.of(3, Some(1)), Caller::Service(8));
        assert_eq!(callers.of(2, Some(1)), Caller::Service(9));
        assert_eq!(callers.of(3, Some(2)), Caller::Elsewhere);
        assert_eq!(callers.of(0, Some(0)), Caller::Elsewhere);
        assert_eq!(callers.of(0, None), Caller::None);
    }
}
