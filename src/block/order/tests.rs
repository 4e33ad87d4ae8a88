#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use proptest::prelude::*;

use super::*;

fn item(span_id: u64, parent: u64, start: u64, tie: u64) -> OrderItem {
    let parent = (parent > 0).then(|| SpanId::from(parent));
    OrderItem { span_id: span_id.into(), parent, start: Timestamp::from_nanos(start), tie }
}

fn key(items: &[OrderItem], at: u32) -> (Timestamp, SpanId, u64, u32) {
    let item = items[at as usize];
    (item.start, item.span_id, item.tie, at)
}

/// The definition, taken literally: quadratic and recursive.
fn naive(items: &[OrderItem]) -> (Vec<u32>, bool) {
    let all: Vec<u32> = (0..items.len() as u32).collect();
    let candidates = |at: u32| {
        let bears = |&other: &u32| {
            other != at && Some(items[other as usize].span_id) == items[at as usize].parent
        };
        all.iter().copied().filter(bears).collect::<Vec<_>>()
    };
    let mut parents: HashMap<u32, u32> = HashMap::new();
    for &at in &all {
        let first = candidates(at).into_iter().min_by_key(|&other| key(items, other));
        parents.extend(first.map(|parent| (at, parent)));
    }
    let mut regular = all.iter().all(|&at| candidates(at).len() <= 1);
    for &at in &all {
        let mut members = HashSet::from([at]);
        let mut next = parents.get(&at).copied();
        while let Some(member) = next.filter(|&member| members.insert(member)) {
            next = parents.get(&member).copied();
        }
        if next == Some(at) {
            regular = false;
            let entry = members.into_iter().min_by_key(|&member| key(items, member));
            entry.and_then(|entry| parents.remove(&entry));
        }
    }
    fn visit(
        at: Option<u32>,
        items: &[OrderItem],
        parents: &HashMap<u32, u32>,
        out: &mut Vec<u32>,
    ) {
        let child = |&other: &u32| parents.get(&other).copied() == at;
        let mut children: Vec<u32> = (0..items.len() as u32).filter(child).collect();
        children.sort_by_key(|&child| key(items, child));
        for child in children {
            out.push(child);
            visit(Some(child), items, parents, out);
        }
    }
    let mut order = Vec::new();
    visit(None, items, &parents, &mut order);
    (order, regular)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn follows_its_definition(
        spans in prop::collection::vec((1u64..12, 0u64..14, 0u64..6, 0u64..3), 0..14),
    ) {
        let items: Vec<_> = spans.iter().map(|&(id, p, start, tie)| item(id, p, start, tie)).collect();
        prop_assert_eq!(preorder(&items), naive(&items));
    }

    #[test]
    fn traces_before_leave_nothing_behind(
        traces in prop::collection::vec(
            prop::collection::vec((1u64..9, 0u64..10, 0u64..4), 0..9), 1..6),
        sort: bool,
    ) {
        let mut used = Preorder::default();
        for spans in traces {
            let mut items: Vec<_> =
                spans.iter().map(|&(id, p, start)| item(id, p, start, 0)).collect();
            if sort {
                items.sort_by_key(|item| (item.start, item.span_id));
            }
            let (order, regular) = used.of(&items);
            prop_assert_eq!((order.to_vec(), regular), naive(&items));
        }
    }

    #[test]
    fn in_a_regular_trace_descendants_follow_their_ancestor(
        spans in prop::collection::vec((0u64..40, 0u64..50), 1..40),
    ) {
        let items: Vec<_> =
            (1..).zip(&spans).map(|(id, &(parent, start))| item(id, parent, start, 0)).collect();
        let (order, regular) = preorder(&items);
        if !regular {
            return Ok(());
        }
        for (row, &at) in order.iter().enumerate() {
            let mut inside = HashSet::from([items[at as usize].span_id]);
            let mut ended = false;
            for &later in &order[row + 1..] {
                let later = items[later as usize];
                let descends = later.parent.is_some_and(|parent| inside.contains(&parent));
                prop_assert!(!(descends && ended));
                ended |= !descends;
                if descends {
                    inside.insert(later.span_id);
                }
            }
        }
    }

    #[test]
    fn without_ties_the_order_of_input_does_not_matter(
        spans in prop::collection::vec((1u64..9, 0u64..10, 0u64..4), 0..12), turn in 0usize..12,
    ) {
        let items: Vec<_> = (0..).zip(&spans).map(|(tie, &(id, p, start))| item(id, p, start, tie)).collect();
        let mut turned = items.clone();
        turned.rotate_left(turn.min(items.len()));
        let ordered = |items: &[OrderItem]| {
            let (order, regular) = preorder(items);
            (order.iter().map(|&at| items[at as usize]).collect::<Vec<_>>(), regular)
        };
        prop_assert_eq!(ordered(&items), ordered(&turned));
    }
}

#[test]
fn p7_hostile_traces_take_no_longer_and_no_stack() {
    const LONG: u64 = 1_000_000;
    const SHORT: u64 = 100_000;
    type Shape = fn(u64) -> OrderItem;
    let shapes: [(u64, Shape); 6] = [
        (LONG, |i| item(i + 1, i, i, 0)),                         // a chain
        (LONG, |i| item(i + 1, (i + 1) % LONG + 1, LONG - i, 0)), // one cycle
        (SHORT, |_| item(1, 1, 0, 0)),                            // one id, its own parent
        (SHORT, |i| item(i + 1, i + 1, i, 0)),                    // each its own parent
        (SHORT, |i| item(i + 1, (i ^ 1) + 1, i % 7, 0)),          // cycles of two
        (SHORT, |i| item(i / 2 + 1, i / 3, i % 5, i)),            // every id twice
    ];
    for (number, (spans, shape)) in shapes.iter().enumerate() {
        let items: Vec<_> = (0..*spans).map(shape).collect();
        let begun = Instant::now();
        let (order, _) = preorder(&items);
        let mut seen = vec![false; items.len()];
        order.iter().for_each(|&at| seen[at as usize] = true);
        assert!(seen.iter().all(|&seen| seen), "shape {number}");
        // Quadratic work would take hours.
        assert!(begun.elapsed().as_secs() < 60, "shape {number}");
    }
}
