use std::collections::BTreeSet;

use proptest::prelude::*;

use super::tree::Top;
use super::*;

fn row(id: u64, parent: Option<u64>, start: u64) -> Row {
    Row {
        id: id.into(),
        parent: parent.map(SpanId::from),
        start: Timestamp::from_nanos(start),
        end: Timestamp::from_nanos(start + 5),
        service: Str::default(),
        name: Str::default(),
        kind: SpanKind::default(),
        failed: false,
    }
}

fn order(rows: &[Row]) -> Vec<(u32, u32)> {
    Tree::of(rows).walk().map(|step| (step.row, step.depth)).collect()
}

#[test]
fn children_follow_their_parent_by_start() {
    let rows = [row(1, None, 0), row(3, Some(2), 2), row(2, Some(1), 3), row(4, Some(1), 4)];
    assert_eq!(order(&rows), [(0, 0), (2, 1), (1, 2), (3, 1)]);
}

#[test]
fn a_missing_parent_is_told() {
    let rows = [row(1, Some(9), 0), row(2, Some(1), 1)];
    let tree = Tree::of(&rows);
    assert_eq!(tree.tops, [(0, Top::Orphan(9.into()))]);
    assert_eq!(tree.orphans(), 1);
}

#[test]
fn a_cycle_is_entered_at_its_earliest_span_not_at_what_hangs_below() {
    // 0 hangs below the cycle of 1 and 2, and starts first.
    let rows = [row(5, Some(6), 0), row(6, Some(7), 1), row(7, Some(6), 2)];
    let tree = Tree::of(&rows);
    assert_eq!(tree.tops, [(1, Top::Cycle)]);
    assert_eq!(order(&rows), [(1, 0), (0, 1), (2, 1)]);
}

#[test]
fn a_span_that_bears_its_own_parents_id_is_no_child_of_itself() {
    assert_eq!(order(&[row(1, Some(1), 0)]), [(0, 0)]);
    // A Zipkin span shared by client and server: each is the other's parent.
    assert_eq!(order(&[row(1, Some(1), 0), row(1, Some(1), 1)]), [(0, 0), (1, 1)]);
}

#[test]
fn a_trace_as_deep_as_it_is_long_is_walked() {
    let rows: Vec<Row> =
        (0..200_000).map(|n| row(n + 1, n.checked_sub(1).map(|p| p + 1), n)).collect();
    let last = Tree::of(&rows).walk().last();
    assert_eq!(last.map(|step| (step.row, step.depth)), Some((199_999, 199_999)));
}

#[test]
fn bars_lie_inside_and_are_never_empty() {
    let (start, end) = (Timestamp::from_nanos(0), Timestamp::from_nanos(100));
    let at = |from, to| {
        let row = Row { end: Timestamp::from_nanos(to), ..row(1, None, from) };
        bar_text(bar(&row, start, end, 4), 4)
    };
    assert_eq!(at(0, 100), "━━━━");
    assert_eq!(at(0, 50), "━━  ");
    assert_eq!(at(100, 100), "   ╺");
    assert_eq!(at(20, 20), "╺   ");
    assert_eq!(at(90, 10), "   ╺");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn every_span_is_drawn_once_and_below_its_parent(
        spans in prop::collection::vec((0u64..12, prop::option::of(0u64..14)), 0..40),
    ) {
        let rows: Vec<Row> =
            (0u64..).zip(&spans).map(|(start, (id, parent))| row(*id, *parent, start)).collect();
        let steps: Vec<_> = Tree::of(&rows).walk().collect();
        let drawn: BTreeSet<u32> = steps.iter().map(|step| step.row).collect();
        prop_assert_eq!(drawn.len(), rows.len());
        prop_assert_eq!(steps.len(), rows.len());
        let mut above: Vec<u32> = Vec::new();
        for step in steps {
            above.truncate(step.depth as usize);
            let row = &rows[step.row as usize];
            match (step.top, above.last()) {
                (None, Some(parent)) => prop_assert_eq!(Some(rows[*parent as usize].id), row.parent),
                (Some(Top::Root), None) => prop_assert_eq!(row.parent, None),
                (Some(Top::Orphan(parent)), None) => {
                    prop_assert_eq!(Some(parent), row.parent);
                    let other = |(index, r): (u32, &Row)| index != step.row && r.id == parent;
                    prop_assert!(!(0u32..).zip(&rows).any(other));
                }
                (Some(Top::Cycle), None) => prop_assert!(row.parent.is_some()),
                (top, above) => prop_assert!(false, "{top:?} below {above:?}"),
            }
            above.push(step.row);
        }
    }
}
