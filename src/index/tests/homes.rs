//! Texts that imply one another: whatever is left out must still be found.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::base::effort::Effort;
use crate::index::term::{Probe, TagScope};
use crate::index::terms::Terms;
use crate::index::terms_builder::TermsBuilder;
use crate::index::tests::open_terms;

const TRACES: u32 = 300;

/// Of each trace: an id kept as a value, one kept by hash, and how its statement is made of them.
fn traces() -> impl Strategy<Value = Vec<(u16, u16, u8)>> {
    prop::collection::vec((0u16..600, 0u16..600, 0u8..6), TRACES as usize)
}

fn statement((id, session, form): (u16, u16, u8)) -> String {
    match form {
        0 => format!("GET product:P{id:05}"),
        1 => format!("GET session:S{session:05}"),
        2 => format!("GET session:S{session:05} product:P{id:05}"),
        3 => format!("P{id:05}"),
        4 => format!("GET other:{id}"),
        _ => String::from("SELECT 1"),
    }
}

type Lists = BTreeMap<String, BTreeSet<u32>>;

fn open(traces: &[(u16, u16, u8)]) -> (Terms, Lists) {
    let mut builder = TermsBuilder::new(TRACES, 2, Effort::Thorough);
    let lists = |text: &dyn Fn((u16, u16, u8)) -> String| {
        let mut lists = Lists::new();
        for (trace, ordinal) in traces.iter().zip(0..) {
            lists.entry(text(*trace)).or_default().insert(ordinal);
        }
        lists
    };
    let ids = lists(&|trace| format!("P{:05}", trace.0));
    let mut values: Vec<(&str, Vec<u32>)> =
        ids.iter().map(|(id, list)| (id.as_str(), list.iter().copied().collect())).collect();
    builder.add_values(TagScope::Span, "product", &mut values);
    let statements = lists(&|trace| statement(trace));
    for (key, lists) in
        [("session", &lists(&|trace| format!("S{:05}", trace.1))), ("statement", &statements)]
    {
        let pairs = lists.values().zip(0u32..).flat_map(|(l, n)| l.iter().map(move |&o| (n, o)));
        let texts = lists.keys().map(String::as_str);
        builder.add_texts(TagScope::Span, key, texts, pairs.collect());
    }
    (open_terms(builder.finish(1), TRACES).unwrap(), statements)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn p5_what_homes_cover_is_found(traces in traces()) {
        let (terms, statements) = open(&traces);
        for (text, list) in &statements {
            let found = terms.postings(TagScope::Span, "statement", &Probe::Str(text)).unwrap();
            prop_assert!(!found.exact);
            prop_assert!(list.iter().all(|&ordinal| found.set.contains(ordinal)), "{}", text);
        }
        for ((_, session, _), ordinal) in traces.iter().zip(0..) {
            let text = format!("S{session:05}");
            let found = terms.postings(TagScope::Span, "session", &Probe::Str(&text)).unwrap();
            prop_assert!(found.set.contains(ordinal));
        }
        let absent = Probe::Str("GET product:P99999 session:S99999");
        let found = terms.postings(TagScope::Span, "statement", &absent).unwrap();
        prop_assert!(found.set.len() <= 8);
    }
}

#[test]
fn pairs_that_homes_cover_are_not_stored() {
    let traces: Vec<(u16, u16, u8)> = (0..300).map(|i| (i, i, (i % 2) as u8)).collect();
    let (terms, _) = open(&traces);
    let keys = terms.describe().unwrap();
    let of = |name: &str| &keys.iter().find(|key| key.key == name).unwrap().parts[0];
    assert_eq!((of("statement").form, of("statement").distinct), ("covered", 0));
    // A home has none itself.
    assert_eq!((of("session").form, of("session").distinct), ("hashed", 300));
}
