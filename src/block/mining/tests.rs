use proptest::prelude::*;

use super::*;
use crate::base::effort::Effort;
use crate::block::bits::BitWriter;
use crate::block::strings::StrModel;

/// Texts of commands, queries and messages, and some that are like nothing else.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "GET product:[A-D]{2}[0-9]",
        "GET session:[0-9a-f]{16}",
        "SELECT a, b FROM (orders|users) WHERE id = \\$[1-3]",
        "HSET cart:u0[0-9]{5} [1-9]{1,4}",
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12} timed out after [0-9]{2,4}ms",
        "é[a-c]{0,2} ü[0-9A-F]{8}",
        "\\PC{0,8}",
        Just(String::new()),
    ]
}

/// Columns of one segment.
fn columns() -> impl Strategy<Value = Vec<Vec<String>>> {
    prop::collection::vec(prop::collection::vec(text(), 0..120), 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn p3_texts_of_several_forms_come_back_to_the_byte(columns in columns(), run in 1usize..150) {
        let columns: Vec<Vec<&str>> =
            columns.iter().map(|texts| texts.iter().map(String::as_str).collect()).collect();
        let mut counts = WordCounts::default();
        let drafts: Vec<Option<Draft>> =
            columns.iter().map(|texts| Draft::of(texts, &SharedIds::default(), &mut counts)).collect();
        let (words, codes) = counts.told();
        for (texts, draft) in columns.iter().zip(drafts) {
            let Some(draft) = draft else { continue };
            let forms = draft.settle(texts, &codes, Effort::Quick).unwrap();
            let model = StrModel::Forms(forms);
            let mut stored = Vec::new();
            model.write(&mut stored);
            prop_assert_eq!(&StrModel::read(&mut stored.as_slice()), &Some(model.clone()));
            let rows: Vec<(u16, &str)> =
                draft.of_row.iter().copied().zip(texts.iter().copied()).collect();
            for chunk in rows.chunks(run) {
                let mut out = BitWriter::new();
                out.put(1, 3);
                let (forms, mut texts): (Vec<u16>, Vec<&[u8]>) =
                    chunk.iter().map(|&(form, text)| (form, text.as_bytes())).unzip();
                model.encode_run(&mut texts, &forms, &codes, &mut out).unwrap();
                let end = out.len_bits();
                let bytes = out.into_bytes();
                prop_assert_eq!(model.run_bits(&bytes, 3, chunk.len()), Some(end - 3));
                for (index, (_, text)) in chunk.iter().enumerate() {
                    let kept = model.get(&bytes, 3, chunk.len(), index, &words).unwrap();
                    prop_assert_eq!(kept.as_str(), *text);
                }
                prop_assert!(model.get(&bytes, 3, chunk.len(), chunk.len(), &words).is_none());
            }
        }
    }

    #[test]
    fn p6_forms_over_any_bytes_are_read_or_refused(
        texts in prop::collection::vec(text(), 1..60), bytes: Vec<u8>,
        at in prop_oneof![0usize..200, any::<usize>()],
        count in prop_oneof![0usize..200, any::<usize>()], index in 0usize..200,
    ) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut counts = WordCounts::default();
        let Some(draft) = Draft::of(&texts, &SharedIds::default(), &mut counts) else { return Ok(()) };
        let (words, codes) = counts.told();
        let model = StrModel::Forms(draft.settle(&texts, &codes, Effort::Thorough).unwrap());
        model.run_bits(&bytes, at, count);
        model.get(&bytes, at, count, index, &words);
    }
}

#[test]
fn what_differs_becomes_variable_and_what_is_rare_a_word() {
    let mut texts: Vec<String> = Vec::new();
    for i in 0..40u64 {
        texts.push(format!("GET product:{}", ["A7", "BB", "C1"][i as usize % 3]));
        texts.push(format!("GET session:{:016x}", (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        texts.push(format!("took {} ms", i * i));
    }
    texts.push("PING".to_owned());
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut counts = WordCounts::default();
    let draft = Draft::of(&texts, &SharedIds::default(), &mut counts).unwrap();
    let literal = |text: &str| Kind::Literal(Str::from(text));
    assert_eq!(
        draft.forms,
        [
            vec![literal("GET product:"), Kind::Variable(Class::Word)],
            vec![literal("GET session:"), Kind::Variable(Class::Hex { bytes: 8, upper: false })],
            vec![literal("took "), Kind::Variable(Class::Decimal), literal(" ms")],
            vec![Kind::Whole],
        ]
    );
    assert_eq!(counts.told().0.len(), 4);
}

#[test]
fn texts_with_nothing_in_common_have_no_forms() {
    let texts: Vec<String> = (0..200u32)
        .map(|i| {
            let word = |j: u32| char::from(b'a' + (i.wrapping_mul(2_654_435_761) >> j) as u8 % 26);
            (0..30).map(|j| if (i + j) % 7 == 0 { ' ' } else { word(j) }).collect()
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    assert!(Draft::of(&texts, &SharedIds::default(), &mut WordCounts::default()).is_none());
}
