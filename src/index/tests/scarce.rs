//! Scarce keys: found like others, with some neighbours, and told from keys that are not there.

use proptest::prelude::*;

use crate::base::number::Number;
use crate::base::text::Str;
use crate::index::scarce::{ScarceKey, shift_of};
use crate::index::term::{Probe, TagScope};
use crate::index::terms_builder::{TermsBuilder, TermsSections};
use crate::index::tests::open_terms;

fn build(traces: u32, keys: &[(TagScope, u16, Vec<u32>)], shift: u32) -> TermsSections {
    let mut builder = TermsBuilder::new(traces);
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
    builder.add_scarce(&scarce, shift);
    builder.finish(3)
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
        prop_assert!(!terms.tells_all_keys().unwrap());
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
