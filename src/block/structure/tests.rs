//! Steps told by what came before.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;

fn step() -> impl Strategy<Value = Step> {
    let parent = prop_oneof![
        (0..=MAX_UP).prop_map(ParentCode::Up),
        Just(ParentCode::Up(0)),
        Just(ParentCode::Root),
        Just(ParentCode::Explicit)
    ];
    let template = prop_oneof![3 => 0u32..3, 1 => 0u32..4097];
    (template, parent).prop_map(|(template, parent)| Step::new(template, parent))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn steps_come_back(rows in prop::collection::vec((step(), any::<bool>()), 0..300)) {
        let steps: Vec<Step> = rows.iter().map(|r| r.0).collect();
        let begins = |row: usize| rows.get(row).is_some_and(|r| r.1);
        let fitted = Grammar::fit(&steps, begins);
        let mut stored = Vec::new();
        fitted.write(&mut stored);
        let grammar = Grammar::read(&mut stored.as_slice()).unwrap();
        prop_assert_eq!(&grammar, &fitted);
        let mut out = BitWriter::new();
        out.put(1, 3);
        grammar.encode(&grammar.states(), &steps, begins, &mut out);
        let (end, bytes) = (out.len_bits(), out.into_bytes());
        let list: Vec<u32> = (0..rows.len() as u32).filter(|&r| begins(r as usize)).collect();
        prop_assert_eq!(grammar.decode(&bytes, 3, rows.len(), &list), Some((steps, end)));
    }

    #[test]
    fn any_bytes_are_read_or_refused(
        table in prop::collection::vec(any::<u8>(), 0..60), bytes: Vec<u8>, at in 0usize..99,
    ) {
        if let Some(grammar) = Grammar::read(&mut table.as_slice()) {
            grammar.decode(&bytes, at, 64, &[0, 5]);
        }
    }
}

#[test]
fn a_step_is_its_parts() {
    let step = Step::new(4096, ParentCode::Up(MAX_UP));
    assert_eq!((step.template(), step.parent()), (4096, ParentCode::Up(61)));
}
