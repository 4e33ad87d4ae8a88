#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::base::effort::Effort;
use crate::block::pattern::Part;
use crate::block::vocabulary::WordCounts;

/// The values of a column, to be taken apart.
fn bytes_of<'a>(values: &[&'a str]) -> Vec<&'a [u8]> {
    values.iter().map(|value| value.as_bytes()).collect()
}

/// Columns with a shape, and columns that only nearly have one.
fn columns() -> impl Strategy<Value = Vec<String>> {
    let shape = prop::sample::select(vec![
        "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "req-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/x",
        "[0-9a-f]{16}",
        "[0-9A-F]{32}",
        "-?[0-9]{1,3}",
        "[0-9]{1,20}",
        "10\\.[0-9]{1,2}\\.[1-9]{1,3}\\.7:[1-9][0-9]{3}",
        "2026-11-[0-3][0-9]T[0-9]{2}:00:00\\.[0-9]{3}Z",
        "user[1-9]{1,6}@host\\.example",
        "/cart/[a-z]{0,3}/[0-9]{2}",
        "é[0-9]{2}ü",
        "[a-c]{0,2}",
        "\\PC{0,6}",
    ]);
    let rows = prop_oneof![Just(1usize..60), Just(0usize..3)];
    (shape, rows, "[-0-9a-fA-F.]{0,8}", any::<prop::sample::Index>(), any::<bool>()).prop_flat_map(
        |(shape, rows, odd, at, spoil)| {
            prop::collection::vec(shape, rows).prop_map(move |mut values| {
                if spoil && values.len() > 1 {
                    let at = at.index(values.len());
                    values[at].push_str(&odd);
                }
                values
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn p3_classified_columns_come_back_to_the_byte(
        column in columns(), others in columns(), run in 1usize..40,
    ) {
        let values: Vec<&str> = column.iter().map(String::as_str).collect();
        let Some((model, bits)) = StrModel::classify(&values, Effort::Thorough) else { return Ok(()) };
        let mut stored = Vec::new();
        model.write(&mut stored);
        prop_assert_eq!(&StrModel::read(&mut stored.as_slice()), &Some(model.clone()));
        let words = Words::default();
        let mut total = 0;
        for chunk in values.chunks(run) {
            let mut out = BitWriter::new();
            out.put(1, 3);
            model.encode_run(&mut bytes_of(chunk), &[], &WordCodes::default(), &mut out).unwrap();
            let end = out.len_bits();
            total += end - 3;
            let bytes = out.into_bytes();
            prop_assert_eq!(model.run_bits(&bytes, 3, chunk.len()), Some(end - 3));
            for (index, value) in chunk.iter().enumerate() {
                let kept = model.get(&bytes, 3, chunk.len(), index, &words).unwrap();
                prop_assert_eq!(kept.as_str(), *value);
            }
            prop_assert_eq!(model.get(&bytes, 3, chunk.len(), chunk.len(), &words), None);
        }
        prop_assert_eq!((total + stored.len() * 8) as u64, bits);
        // What the model was not fitted to, it keeps or refuses.
        for other in &others {
            let mut out = BitWriter::new();
            if model.encode_run(&mut [other.as_bytes()], &[], &WordCodes::default(), &mut out).is_some() {
                let bytes = out.into_bytes();
                let kept = model.get(&bytes, 0, 1, 0, &words).unwrap();
                prop_assert_eq!(kept.as_str(), other);
            }
        }
    }

    #[test]
    fn p6_any_model_over_any_bytes_is_read_or_refused(
        tag in 0u8..6, stored: Vec<u8>, bytes: Vec<u8>,
        at in prop_oneof![0usize..300, any::<usize>()],
        count in prop_oneof![0usize..300, any::<usize>()],
        index in 0usize..300,
    ) {
        let stored = [vec![tag], stored].concat();
        let Some(model) = StrModel::read(&mut stored.as_slice()) else { return Ok(()) };
        let (words, _) = some_words();
        model.run_bits(&bytes, at, count);
        model.get(&bytes, at, count, index, &words);
    }

    #[test]
    fn p6_a_classified_model_over_any_bytes_is_read_or_refused(
        column in columns(), bytes: Vec<u8>, at in 0usize..100, count in 0usize..1000, index in 0usize..1000,
    ) {
        let values: Vec<&str> = column.iter().map(String::as_str).collect();
        if let Some((model, _)) = StrModel::classify(&values, Effort::Thorough) {
            model.run_bits(&bytes, at, count);
            model.get(&bytes, at, count, index, &Words::default());
        }
    }
}

fn some_words() -> (Words, WordCodes<'static>) {
    let mut counts = WordCounts::default();
    counts.add("one", 1);
    counts.add("two", 1);
    counts.told()
}

fn classified(values: &[&str]) -> Option<Vec<String>> {
    let name = |part: &Part| match part {
        Part::Literal(text) => text.to_string(),
        Part::Uuid { version: None } => "<uuid>".to_owned(),
        Part::Uuid { version: Some(version) } => format!("<uuid {version}>"),
        Part::Word { .. } => "<word>".to_owned(),
        Part::Hex { bytes, upper } => format!("<hex {bytes} {upper}>"),
        Part::Decimal(_) => "<n>".to_owned(),
        Part::Padded { digits, .. } => format!("<{digits}>"),
    };
    match StrModel::classify(values, Effort::Thorough)?.0 {
        StrModel::Const(text) => Some(vec![text.to_string()]),
        StrModel::Pattern(pattern) => Some(pattern.parts().iter().map(name).collect()),
        StrModel::Forms(_) => None,
    }
}

#[test]
fn shapes_are_recognised() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["a b", "a b"], &["a b"]),
        (&["17", "-4", "0"], &["<n>"]),
        (&["007", "123"], &["<3>"]),
        (&["10.0.0.1:80", "10.0.12.1:9999"], &["10.0.", "<n>", ".1:", "<n>"]),
        (&["user7", "user12"], &["user", "<n>"]),
        (&["deadbeef", "12345678"], &["<hex 4 false>"]),
        (&["ORD-DEADBEEF01", "ORD-12345678AB"], &["ORD-", "<hex 5 true>"]),
        (
            &["t/123e4567-e89b-12d3-a456-426614174000", "t/00000000-e89b-12d3-a456-426614174000"],
            &["t/", "<uuid 1>"],
        ),
        (
            &["2026-11-22T08:00:01Z", "2026-11-22T09:10:59Z"],
            &["2026-11-22T", "<2>", ":", "<2>", ":", "<2>", "Z"],
        ),
    ];
    for (values, parts) in cases {
        assert_eq!(classified(values).unwrap(), *parts, "{values:?}");
    }
    for values in
        [&["a", "b"] as &[&str], &["", "1"], &["1", ""], &["1-", "1"], &["aBcDeF12", "00000000"]]
    {
        assert_eq!(classified(values), None, "{values:?}");
    }
}
