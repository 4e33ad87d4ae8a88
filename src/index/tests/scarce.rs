//! Scarce keys: found like others, with some neighbours, and told from keys that are not there.

use proptest::prelude::*;

use crate::base::effort::Effort;
use crate::base::number::Number;
use crate::base::text::Str;
use crate::index::scarce::{ScarceKey, shift_of};
use crate::index::term::{Probe, TagScope};
use crate::index::terms_builder::{TermsBuilder, TermsSections};
use crate::index::tests::open_terms;

fn build(traces: u32, keys: &[(TagScope, u16, Vec<u32>)], shift: u32) -> TermsSections {
    let mut builder = TermsBuilder::new(traces, shift, Effort::Thorough);
    builder.add_values(
        TagScope::Span,
        "usual",
        &mut [("value", (0..traces).collect::<Vec<u32>>())],
    );
    let scarce = |(scope, key, ordinals): &(TagScope, u16, Vec<u32>)| ScarceKey {
        scope: *scope,
        key: Str::from(format!("key.{key}")),
        ordinals: ordinals.clone(),
    };
    let scarce: Vec<ScarceKey> = keys.iter().map(scarce).collect();
    if !scarce.is_empty() {
        builder.add_scarce(&scarce);
    }
    builder.finish(1)
}

fn keys(traces: u32) -> impl Strategy<Value = Vec<(TagScope, u16, Vec<u32>)>> {
    let scope = prop::sample::select(vec![TagScope::Span, TagScope::Resource, TagScope::Link]);
    prop::collection::vec((scope, any::<u16>(), prop::collection::vec(0..traces, 0..4)), 0..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p5_no_trace_of_a_scarce_key_is_missed(
        (traces, keys) in (1u32..900).prop_flat_map(|traces| (Just(traces), keys(traces))),
        shift in 0u32..=6,
    ) {
        let terms = open_terms(build(traces, &keys, shift), traces).unwrap();
        let is_nowhere = keys.iter().all(|(_, _, ordinals)| ordinals.is_empty());
        prop_assert_eq!(terms.tells_all_keys().unwrap(), is_nowhere);
        prop_assert!(terms.verify().unwrap().is_empty());
        let matches = |_: &str| true;
        for (scope, key, ordinals) in &keys {
            for probe in [
                Probe::Exists,
                Probe::Str("x"),
                Probe::Bool(true),
                Probe::Matches(&matches),
                Probe::equals(Number::Int(1)),
            ] {
                let found = terms.postings(*scope, &format!("key.{key}"), &probe).unwrap();
                prop_assert!(ordinals.iter().all(|&ordinal| found.set.contains(ordinal)));
                prop_assert!(!found.exact || found.set.is_empty());
            }
        }
        let usual = terms.postings(TagScope::Span, "usual", &Probe::Str("value")).unwrap();
        prop_assert!(usual.exact && usual.set.is_all());
    }

    #[test]
    fn p6_a_changed_byte_ends_in_an_error_or_a_value(
        keys in keys(40), at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = build(40, &keys, 2);
        let at = at.index(bytes.index.len());
        bytes.index[at] = byte;
        let Ok(terms) = open_terms(bytes, 40) else { return Ok(()) };
        let _ = terms.verify();
        let _ = terms.describe();
        for (scope, key, _) in &keys {
            if let Ok(found) = terms.postings(*scope, &format!("key.{key}"), &Probe::Exists) {
                prop_assert!(found.set.iter().all(|ordinal| ordinal < 40));
            }
        }
    }
}

#[test]
fn scarce_keys_take_two_bytes_and_absent_ones_meet_few_traces() {
    let traces = 6_000u32;
    let keys: Vec<_> = (0..30_000u32).map(|n| (TagScope::Span, n as u16, vec![n / 5])).collect();
    let shift = shift_of(traces, u64::from(traces));
    assert_eq!(shift, 6);
    let bytes = build(traces, &keys, shift);
    assert!(bytes.index.len() < 2 * keys.len(), "{} bytes", bytes.index.len());
    let terms = open_terms(bytes, traces).unwrap();
    let absent = (30_000..31_000).map(|n| format!("key.{n}"));
    let met = absent
        .filter(|key| !terms.postings(TagScope::Span, key, &Probe::Exists).unwrap().set.is_empty());
    assert!(met.count() < 350);
}

/// An index of names, each told of one trace, half of them under a key with a dictionary beside.
fn index_names(traces: u32, names: &[String]) -> TermsSections {
    let mut builder = TermsBuilder::new(traces, 1, Effort::Thorough);
    let ordinal = |n: usize| n as u32 % traces;
    for (key, is_ours) in [("even", 0), ("odd", 1)] {
        let own: Vec<(&str, u32)> = names
            .iter()
            .enumerate()
            .filter(|(n, _)| n % 2 == is_ours)
            .map(|(n, name)| (name.as_str(), ordinal(n)))
            .collect();
        let pairs: Vec<(u32, u32)> = (0..).zip(own.iter().map(|&(_, ordinal)| ordinal)).collect();
        let texts = own.iter().map(|&(name, _)| name);
        builder.add_scarce_texts(TagScope::Span, key, texts, &pairs);
    }
    builder.add_values(
        TagScope::Span,
        "odd",
        &mut [("usual", (0..traces).step_by(7).collect::<Vec<u32>>())],
    );
    builder.finish(1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn p5_no_trace_of_a_scarce_text_is_missed(
        names in prop::collection::vec("[a-z]{0,3}[ .-]?[0-9]{0,5}[ .]?[a-f0-9]{0,6}", 1..200),
        traces in 1u32..300,
    ) {
        let terms = open_terms(index_names(traces, &names), traces).unwrap();
        prop_assert!(terms.tells_all_keys().unwrap());
        prop_assert!(terms.verify().unwrap().is_empty());
        let matches = |_: &str| false;
        for (n, name) in names.iter().enumerate() {
            let key = if n % 2 == 0 { "even" } else { "odd" };
            for probe in [Probe::Exists, Probe::Str(name), Probe::Matches(&matches)] {
                let found = terms.postings(TagScope::Span, key, &probe).unwrap();
                prop_assert!(found.set.contains(n as u32 % traces));
                prop_assert!(!found.exact || matches!(probe, Probe::Exists));
            }
        }
        let usual = terms.postings(TagScope::Span, "odd", &Probe::Str("usual")).unwrap();
        prop_assert!((0..traces).step_by(7).all(|ordinal| usual.set.contains(ordinal)));
        let numbers = terms.postings(TagScope::Span, "odd", &Probe::equals(Number::Int(1)));
        prop_assert!(numbers.unwrap().set.is_empty());
    }
}

#[test]
fn what_names_share_is_told_once_unless_it_leads_everywhere() {
    let traces = 3_000u32;
    let of = |name: fn(u32) -> String| {
        let names: Vec<String> = (0..6 * traces).map(name).collect();
        index_names(traces, &names).index.len() as u32
    };
    // Six names a trace, of which the trace's number is all that tells them apart from others'.
    let shared = of(|n| format!("{}: item {}", n / 3_000, n % 3_000 + 1_000));
    let words = of(|n| format!("{}: item {:x}z", n / 3_000, (n % 3_000).wrapping_mul(0x9e37_79b9)));
    let own = of(|n| format!("{n:x}-{:x}", n.wrapping_mul(0x9e37_79b9)));
    assert!(shared < 4 * traces, "{shared}");
    assert!(words < 4 * traces, "{words}");
    assert!(own > 8 * traces, "{own}");

    // A number that all have is no token.
    let letters = |n: u32| n.to_string().bytes().map(|b| char::from(b + 49)).collect::<String>();
    let names: Vec<String> = (0..traces).map(|n| format!("2024 {}", letters(n))).collect();
    let terms = open_terms(index_names(traces, &names), traces).unwrap();
    let found = terms.postings(TagScope::Span, "even", &Probe::Str(&names[44])).unwrap();
    assert!(found.set.len() < 20);
}
