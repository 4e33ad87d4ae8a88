//! Random attributes in random forms: every probe must answer like a scan, or say it is not exact.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use proptest::prelude::*;

use crate::base::effort::Effort;
use crate::base::number::Number;
use crate::base::number::ordered_bits;
use crate::index::dictionary::DictionaryValue;
use crate::index::term::{Probe, TagScope, Term, TermKind, hash_number, hash_text};
use crate::index::terms::Terms;
use crate::index::terms_builder::{TermsBuilder, TermsSections};
use crate::index::tests::open_terms;

const TRACES: u32 = 40;

#[derive(Clone, Debug)]
enum Value {
    Str(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    Other,
}

/// How the values of a key and type are kept.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Form {
    Values,
    DictionaryOnly,
    DictionaryAndHashed,
    Hashed,
    /// Early values in a dictionary, late ones hashed.
    Split,
    /// Numbers of both types; other types as values.
    Buckets,
}

type Attribute = (TagScope, &'static str, Value, u32);

fn attributes() -> impl Strategy<Value = Vec<Attribute>> {
    let value = prop_oneof![
        4 => "[ab]{0,3}".prop_map(Value::Str),
        3 => (-4i64..4).prop_map(Value::Int),
        1 => prop_oneof![any::<i64>(), Just((1 << 53) + 1), Just(1 << 53)].prop_map(Value::Int),
        3 => (-4i32..4).prop_map(|v| Value::Double(f64::from(v) / 2.0)),
        1 => prop_oneof![any::<f64>(), Just(-0.0), Just(f64::NAN), Just(-f64::NAN)]
            .prop_map(Value::Double),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => Just(Value::Other),
    ];
    let scope = prop::sample::select(vec![TagScope::Span, TagScope::Resource]);
    let key = prop::sample::select(vec!["a", "b", "http.route"]);
    prop::collection::vec((scope, key, value, 0..TRACES), 0..150)
}

fn forms() -> impl Strategy<Value = BTreeMap<(&'static str, TermKind), Form>> {
    let form = prop::sample::select(vec![
        Form::Values,
        Form::Values,
        Form::DictionaryOnly,
        Form::DictionaryAndHashed,
        Form::Hashed,
        Form::Split,
        Form::Buckets,
    ]);
    prop::collection::vec(form, 12).prop_map(|forms| {
        let keys = ["a", "b", "http.route"].into_iter();
        let pairs = keys.flat_map(|key| TermKind::ALL.map(|kind| (key, kind)));
        pairs.zip(forms).collect()
    })
}

type Lists<'a> = BTreeMap<(TagScope, &'static str), Vec<(&'a Value, u32)>>;

fn by_key(attributes: &[Attribute]) -> Lists<'_> {
    let mut keys = Lists::new();
    for (scope, key, value, ordinal) in attributes {
        keys.entry((*scope, *key)).or_default().push((value, *ordinal));
    }
    keys
}

fn build(
    attributes: &[Attribute],
    forms: &BTreeMap<(&'static str, TermKind), Form>,
) -> TermsSections {
    let mut builder = TermsBuilder::new(TRACES, 2, Effort::Thorough);
    for ((scope, key), list) in by_key(attributes) {
        let mut numbers = Vec::new();
        let form = |kind| forms[&(key, kind)];
        fn typed<'a, V>(
            list: &[(&'a Value, u32)],
            pick: impl Fn(&'a Value) -> Option<V>,
        ) -> Vec<(V, u32)> {
            list.iter().filter_map(|&(v, o)| Some((pick(v)?, o))).collect()
        }
        let texts = typed(&list, |v| if let Value::Str(s) = v { Some(s.as_str()) } else { None });
        let ints = typed(&list, |v| if let Value::Int(v) = v { Some(*v) } else { None });
        let doubles = typed(&list, |v| if let Value::Double(v) = v { Some(*v) } else { None });
        let bools = typed(&list, |v| if let Value::Bool(v) = v { Some(*v) } else { None });
        if form(TermKind::Int) == Form::Buckets {
            numbers.extend(ints.iter().map(|&(v, o)| (Number::Int(v), o)));
        } else {
            add(&mut builder, scope, key, form(TermKind::Int), &ints, |v| {
                hash_number(Number::Int(v))
            });
        }
        if form(TermKind::Double) == Form::Buckets {
            numbers.extend(doubles.iter().map(|&(v, o)| (Number::Double(v), o)));
        } else {
            add(&mut builder, scope, key, form(TermKind::Double), &doubles, |v| {
                hash_number(Number::Double(v))
            });
        }
        if !numbers.is_empty() {
            builder.add_buckets(scope, key, &numbers);
        }
        add(&mut builder, scope, key, form(TermKind::Str), &texts, hash_text);
        add(&mut builder, scope, key, Form::Values, &bools, |_| 0);
        let all: Vec<u32> = list.iter().map(|&(_, o)| o).collect();
        builder.add_present(scope, key, &all);
    }
    builder.finish(1)
}

fn add<V: DictionaryValue + Copy>(
    builder: &mut TermsBuilder,
    scope: TagScope,
    key: &str,
    form: Form,
    list: &[(V, u32)],
    hash: impl Fn(V) -> u64,
) {
    if list.is_empty() {
        return;
    }
    let late = if form == Form::Split { list.len() / 2 } else { 0 };
    let hashed: Vec<(u64, u32)> = match form {
        Form::Split => list[late..].iter().map(|&(v, o)| (hash(v), o)).collect(),
        _ => list.iter().map(|&(v, o)| (hash(v), o)).collect(),
    };
    let mut values: BTreeMap<V::Order, (V, BTreeSet<u32>)> = BTreeMap::new();
    for &(value, ordinal) in if form == Form::Split { &list[..late] } else { list } {
        values.entry(value.order()).or_insert((value, BTreeSet::new())).1.insert(ordinal);
    }
    let values = values.into_values().rev();
    let mut posted: Vec<(V, Vec<u32>)> =
        values.map(|(v, o)| (v, o.into_iter().collect())).collect();
    let mut plain: Vec<V> = posted.iter().map(|&(v, _)| v).collect();
    match form {
        Form::Values | Form::Buckets => builder.add_values(scope, key, &mut posted),
        Form::DictionaryOnly => builder.add_dictionary(scope, key, &mut plain),
        Form::Hashed => builder.add_hashed(scope, key, V::KIND, &hashed),
        Form::DictionaryAndHashed => {
            builder.add_dictionary(scope, key, &mut plain);
            builder.add_hashed(scope, key, V::KIND, &hashed);
        }
        Form::Split => {
            builder.add_values(scope, key, &mut posted);
            builder.add_hashed(scope, key, V::KIND, &hashed);
        }
    }
}

fn open(sections: TermsSections) -> crate::base::error::Result<Terms> {
    open_terms(sections, TRACES)
}

/// What a naive scan says of a probe.
fn holds(probe: &Probe<'_>, value: &Value) -> bool {
    let in_text = |text: &str, low: Bound<&str>, high: Bound<&str>| {
        std::ops::RangeBounds::<str>::contains(&(low, high), text)
    };
    match (probe, value) {
        (Probe::Exists, _) => true,
        (Probe::Str(wanted), Value::Str(text)) => wanted == text,
        (Probe::StrRange { low, high }, Value::Str(text)) => in_text(text, *low, *high),
        (Probe::Matches(matches), Value::Str(text)) => matches(text),
        (Probe::Bool(wanted), Value::Bool(value)) => wanted == value,
        (Probe::Number { low, high }, Value::Int(v)) => Number::Int(*v).is_within(*low, *high),
        (Probe::Number { low, high }, Value::Double(v)) => {
            Number::Double(*v).is_within(*low, *high)
        }
        _ => false,
    }
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        4 => (-4i64..4).prop_map(Number::Int),
        4 => (-8i32..8).prop_map(|v| Number::Double(f64::from(v) / 4.0)),
        1 => Just(Number::Int((1 << 53) + 1)),
        1 => Just(Number::Double(9_007_199_254_740_992.0)),
        1 => Just(Number::Double(f64::NAN)),
        1 => any::<f64>().prop_map(Number::Double),
        1 => any::<i64>().prop_map(Number::Int),
    ]
}

fn bound<T: Clone + std::fmt::Debug>(
    inner: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Bound<T>> {
    prop_oneof![
        inner.clone().prop_map(Bound::Included),
        inner.prop_map(Bound::Excluded),
        Just(Bound::Unbounded),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn p5_probes_miss_nothing_and_are_exact_where_they_say_so(
        attributes in attributes(),
        forms in forms(),
        texts in ["[ab]{0,3}", "[ab]{0,3}"],
        text_bounds in (bound(Just(0usize)), bound(Just(1usize))),
        numbers in prop::collection::vec((bound(number().boxed()), bound(number().boxed())), 4),
        equal in prop::collection::vec(number(), 4),
    ) {
        let terms = open(build(&attributes, &forms)).unwrap();
        let keys = by_key(&attributes);
        let found: Vec<_> = terms.keys().unwrap().into_iter().map(|k| (k.scope, k.key)).collect();
        let naive: Vec<_> = keys.keys().map(|&(s, k)| (s, k.into())).collect();
        prop_assert_eq!(found, naive);

        let contains = |text: &str| text.contains('b');
        let never = |_: &str| false;
        let text_bound = |bound: Bound<usize>| bound.map(|i| texts[i].as_str());
        let mut probes = vec![
            Probe::Exists,
            Probe::Str(&texts[0]),
            Probe::Str("no such text"),
            Probe::StrRange { low: text_bound(text_bounds.0), high: text_bound(text_bounds.1) },
            Probe::Matches(&contains),
            Probe::Matches(&never),
            Probe::Bool(true),
            Probe::Bool(false),
        ];
        probes.extend(equal.into_iter().map(Probe::equals));
        probes.extend(numbers.into_iter().map(|(low, high)| Probe::Number { low, high }));
        for probe in &probes {
            for scope in TagScope::ALL {
                for key in ["a", "b", "http.route", "http", ""] {
                    let empty = Vec::new();
                    let list = keys.get(&(scope, key)).unwrap_or(&empty);
                    let naive: BTreeSet<u32> =
                        list.iter().filter(|(v, _)| holds(probe, v)).map(|&(_, o)| o).collect();
                    let found = terms.postings(scope, key, probe).unwrap();
                    let set: BTreeSet<u32> = found.set.iter().collect();
                    prop_assert!(set.is_superset(&naive), "{:?} {} {:?}", scope, key, probe);
                    if found.exact {
                        prop_assert_eq!(&set, &naive, "{:?} {} {:?}", scope, key, probe);
                    }
                    let plain = TermKind::ALL.iter().all(|k| {
                        forms.get(&(key, *k)).is_none_or(|f| *f == Form::Values)
                    });
                    prop_assert!(found.exact || !plain);
                }
            }
        }
    }

    #[test]
    fn p3_dictionaries_give_every_value_back_to_the_bit(
        attributes in attributes(), forms in forms(),
    ) {
        let terms = open(build(&attributes, &forms)).unwrap();
        for ((scope, key), list) in by_key(&attributes) {
            let form = |kind| forms[&(key, kind)];
            if matches!(form(TermKind::Double), Form::Values | Form::DictionaryOnly) {
                let mut bits: Vec<u64> = list.iter().filter_map(|(v, _)| match v {
                    Value::Double(v) => Some(ordered_bits(*v)),
                    _ => None,
                }).collect();
                bits.sort_unstable();
                bits.dedup();
                let dictionary = terms.dictionary(scope, key, TermKind::Double).unwrap();
                let mut found = Vec::new();
                if let Some(dictionary) = dictionary {
                    dictionary.scan(0..u64::MAX, &mut |code, term| {
                        assert_eq!(dictionary.find(&term).unwrap(), Some(code));
                        match term {
                            Term::Double(value) => found.push(ordered_bits(value)),
                            other => panic!("{other:?}"),
                        }
                        Ok(())
                    }).unwrap();
                }
                prop_assert_eq!(found, bits);
            }
            if matches!(form(TermKind::Str), Form::Values | Form::DictionaryAndHashed) {
                let Some(dictionary) = terms.dictionary(scope, key, TermKind::Str).unwrap() else {
                    continue;
                };
                for code in 0..dictionary.len() {
                    let Term::Str(text) = dictionary.get(code).unwrap() else { panic!("no text") };
                    let with = list.iter().filter(|(v, _)| matches!(v, Value::Str(s) if text == s.as_str()));
                    let naive: BTreeSet<u32> = with.map(|&(_, o)| o).collect();
                    prop_assert!(!naive.is_empty());
                    if let Some(traces) = dictionary.traces(code).unwrap() {
                        prop_assert_eq!(traces.iter().collect::<BTreeSet<u32>>(), naive);
                    }
                }
            }
        }
    }

    #[test]
    fn p6_changed_bytes_end_in_an_error_or_a_value(
        attributes in attributes(),
        forms in forms(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4),
    ) {
        let mut bytes = build(&attributes, &forms);
        for (at, byte, early) in changes {
            let section = if byte % 4 == 0 { &mut bytes.dictionaries } else { &mut bytes.index };
            let len = if early { section.len().min(60) } else { section.len() };
            if len > 0 {
                section[at.index(len)] = byte;
            }
        }
        let Ok(terms) = open(bytes) else { return Ok(()) };
        let _ = terms.keys();
        let _ = terms.describe();
        let matches = |text: &str| text.len() == 2;
        let range = (Bound::Excluded(Number::Int(-1)), Bound::Included(Number::Double(1.5)));
        for key in ["a", "b", "http.route"] {
            for probe in [
                Probe::Exists,
                Probe::Str("ab"),
                Probe::StrRange { low: Bound::Included("a"), high: Bound::Unbounded },
                Probe::Matches(&matches),
                Probe::Bool(true),
                Probe::equals(Number::Int(1)),
                Probe::Number { low: range.0, high: range.1 },
            ] {
                if let Ok(found) = terms.postings(TagScope::Span, key, &probe) {
                    prop_assert!(found.set.iter().all(|o| o < TRACES));
                }
            }
            for kind in TermKind::ALL {
                if let Ok(Some(dictionary)) = terms.dictionary(TagScope::Span, key, kind) {
                    let _ = dictionary.scan(0..u64::MAX, &mut |_, _| Ok(()));
                    let _ = dictionary.traces(0);
                }
            }
        }
    }

    #[test]
    fn the_same_attributes_give_the_same_bytes(attributes in attributes(), forms in forms()) {
        let [once, again] = [(); 2].map(|()| build(&attributes, &forms));
        prop_assert_eq!((once.index, once.dictionaries), (again.index, again.dictionaries));
    }
}
