#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::block::bits::BitWriter;

/// Columns as they occur, and as no one expects them.
fn columns() -> impl Strategy<Value = Vec<i64>> {
    let value = prop_oneof![
        8 => (0i64..200).prop_map(|n| 1_700_000_000_000_000_000 + n * 1000),
        1 => any::<i64>(),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), Just(-1)],
    ];
    let few = prop::sample::select(vec![200i64, 404, 500, 1 << 40, i64::MIN]);
    let tailed = (0u32..64, any::<i64>()).prop_map(|(shift, n)| n >> shift);
    prop_oneof![
        prop::collection::vec(value, 0..400),
        prop::collection::vec(few, 0..400),
        prop::collection::vec(tailed, 0..400),
        prop::collection::vec(-20i64..20, 0..400),
        prop::collection::vec(any::<i64>(), 0..40),
        (any::<i64>(), 0usize..9).prop_map(|(value, n)| vec![value; n]),
    ]
}

fn efforts() -> impl Strategy<Value = Effort> {
    prop::sample::select([Effort::Quick, Effort::Thorough].as_slice())
}

fn written(model: &IntModel) -> Vec<u8> {
    let mut bytes = Vec::new();
    model.write(&mut bytes);
    bytes
}

/// Encodes `values` in runs of `run` behind `offset` other bits, and reads them in every way.
fn assert_round_trip(model: &IntModel, values: &[i64], run: usize, offset: u32) {
    let mut out = BitWriter::new();
    out.put(u64::MAX, offset);
    let mut runs = Vec::new();
    for chunk in values.chunks(run) {
        runs.push((out.len_bits(), chunk));
        model.encode_run(chunk, &mut out).unwrap();
    }
    let end = out.len_bits();
    let bytes = out.into_bytes();
    let mut next = offset as usize;
    for (at, chunk) in runs {
        assert_eq!(at, next);
        next += model.run_bits(&bytes, at, chunk.len()).unwrap();
        let (open, end) = model.open(&bytes, at, chunk.len()).unwrap();
        assert_eq!(end, next);
        for (index, &value) in chunk.iter().enumerate() {
            assert_eq!(model.get(&bytes, at, chunk.len(), index), Some(value));
            assert_eq!(model.get_in(&bytes, &open, chunk.len(), index), Some(value));
        }
        assert_eq!(model.get_in(&bytes, &open, chunk.len(), chunk.len()), None);
        assert_eq!(model.get(&bytes, at, chunk.len(), chunk.len()), None);
    }
    assert_eq!(next, end);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn p3_fitted_columns_come_back_and_cost_what_was_said(
        values in columns(), effort in efforts(), run in 1usize..150, offset in 0u32..64,
    ) {
        let (model, bits) = IntModel::fit_with_bits(&values, effort);
        let stored = written(&model);
        let mut input = stored.as_slice();
        prop_assert_eq!(&IntModel::read(&mut input), &Some(model.clone()));
        prop_assert!(input.is_empty());
        assert_round_trip(&model, &values, run, offset);
        let mut out = BitWriter::new();
        model.encode_run(&values, &mut out).unwrap();
        prop_assert_eq!((out.len_bits() + stored.len() * 8) as u64, bits);
    }

    #[test]
    fn a_fit_is_never_worse_than_offsets_of_one_width(values in columns()) {
        let (_, bits) = IntModel::fit_with_bits(&values, Effort::Thorough);
        let least = values.iter().copied().min().unwrap_or(0);
        let scale = Scale::new(least, 1);
        let width = values.iter().map(|&v| bit_length(scale.inverse().index(v).unwrap())).max().unwrap_or(0);
        let plain = IntModel::Fixed { scale, width: width.max(1) };
        let mut out = BitWriter::new();
        plain.encode_run(&values, &mut out).unwrap();
        prop_assert!(bits <= (out.len_bits() + written(&plain).len() * 8) as u64);
    }

    #[test]
    fn p3_columns_off_the_model_are_refused_or_kept(
        values in columns(), effort in efforts(), others in columns(),
    ) {
        let model = IntModel::fit(&values, effort);
        if model.encode_run(&others, &mut BitWriter::new()).is_some() {
            assert_round_trip(&model, &others, 64, 3);
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
        let Some(model) = IntModel::read(&mut stored.as_slice()) else { return Ok(()) };
        model.run_bits(&bytes, at, count);
        model.get(&bytes, at, count, index);
        if let Some((run, _)) = model.open(&bytes, at, count) {
            model.get_in(&bytes, &run, count, index);
        }
    }

    #[test]
    fn p6_a_fitted_model_over_any_bytes_is_read_or_refused(
        values in columns(), effort in efforts(), bytes: Vec<u8>, at in 0usize..100,
        count in 0usize..1000, index in 0usize..1000,
    ) {
        let model = IntModel::fit(&values, effort);
        model.run_bits(&bytes, at, count);
        model.get(&bytes, at, count, index);
        if let Some((run, _)) = model.open(&bytes, at, count) {
            model.get_in(&bytes, &run, count, index);
        }
    }
}

fn bits_a_value(values: &[i64]) -> f64 {
    let (model, bits) = IntModel::fit_with_bits(values, Effort::Thorough);
    assert_round_trip(&model, values, 512, 5);
    bits as f64 / values.len() as f64
}

/// A fixed sequence of numbers without any order.
fn noise(i: u64) -> u64 {
    let mut x = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 29;
    x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x ^ x >> 32
}

#[test]
fn steps_are_found_in_spite_of_outliers() {
    let clean: Vec<i64> = (0..20_000).map(|i| 77 + (noise(i) % 1000) as i64 * 1000).collect();
    assert!(bits_a_value(&clean) < 10.05);
    let mut dirty = clean;
    for i in (0..dirty.len()).step_by(500) {
        dirty[i] = noise(i as u64 + 7) as i64;
    }
    assert!(bits_a_value(&dirty) < 11.3, "{}", bits_a_value(&dirty));
}

#[test]
fn a_low_tail_costs_the_rest_nothing() {
    let value = |i| if i % 1000 == 0 { -1 << 50 } else { (noise(i) % 4000) as i64 };
    assert!(bits_a_value(&(0..20_000).map(value).collect::<Vec<_>>()) < 13.2);
}

#[test]
fn many_low_values_far_away_cost_the_rest_little() {
    for tail in [8, 6] {
        let value = |i| match i % tail {
            0 => (-1 << 60) + (noise(i) >> 24) as i64,
            _ => (noise(i) >> 34) as i64,
        };
        let bits = bits_a_value(&(0..20_000).map(value).collect::<Vec<_>>());
        assert!(bits < 33.0 + 34.0 / tail as f64, "{bits}");
    }
}

#[test]
fn few_values_far_apart_become_codes() {
    let far = [200, 1 << 44, -5 << 33, i64::MAX, 17];
    let values: Vec<i64> = (0..5000)
        .map(|i| if noise(i) % 100 < 96 { far[0] } else { far[(noise(i) >> 8) as usize % 5] })
        .collect();
    assert!(matches!(IntModel::fit(&values, Effort::Thorough), IntModel::Dict(_)));
    assert!(bits_a_value(&values) < 1.3);
}

#[test]
fn the_extremes_are_exact() {
    for values in [
        vec![i64::MIN, i64::MAX],
        vec![i64::MAX, i64::MIN, 0],
        vec![i64::MIN, -1, i64::MIN],
        vec![i64::MIN, i64::MIN + 3, i64::MAX],
    ] {
        assert_round_trip(&IntModel::fit(&values, Effort::Thorough), &values, 2, 1);
        let many: Vec<i64> = values.iter().cycle().take(3000).copied().collect();
        assert_round_trip(&IntModel::fit(&many, Effort::Thorough), &many, 512, 0);
    }
}

#[test]
fn p6_false_lengths_allocate_nothing() {
    let mut stored = vec![4];
    crate::base::varint::write_u64(&mut stored, u64::MAX >> 1);
    stored.extend([0; 40]);
    assert_eq!(IntModel::read(&mut stored.as_slice()), None);
    // A dictionary of codes of a dictionary would recurse.
    assert_eq!(IntModel::read(&mut [4, 0, 4, 0, 0, 0].as_slice()), None);
    // Widths that do not ascend, that exceed 64, and a step of 0.
    assert_eq!(IntModel::read(&mut [2, 0, 1, 2, 5, 5].as_slice()), None);
    assert_eq!(IntModel::read(&mut [1, 0, 1, 65].as_slice()), None);
    assert_eq!(IntModel::read(&mut [1, 0, 0, 5].as_slice()), None);
}
