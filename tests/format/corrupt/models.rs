//! Segments whose models contradict themselves or their blocks. All checksums hold.

use crate::corrupt::Case;
use crate::corrupt::anatomy::{MODELS, Parts};
use crate::manifest::varint;

/// The models of the golden segment `tiny.seg`, piece by piece.
struct Pieces {
    templates: Vec<u8>,
    skeleton: Vec<u8>,
    /// The duration models.
    durations: Vec<u8>,
    /// The columns of template 0: resource, start, duration, scope, span.
    spelled: [Vec<u8>; 5],
    /// The columns of template 1: resource, start, duration.
    columns: [Vec<u8>; 3],
    /// The columns of further slots of template 1.
    slots: Vec<u8>,
    grammar: Vec<u8>,
    words: Vec<u8>,
}

const INTS: u8 = 0;
const CODES: u8 = 1;
const RECORDS: u8 = 2;
const TEXT: u8 = 3;
const PAGED: u8 = 4;
const DURATION: u8 = 5;

/// Models of integers.
const CONSTANT: u8 = 0;
const FIXED: u8 = 1;
const CLASSES: u8 = 2;
const RAW: u8 = 3;
const DICTIONARY: u8 = 4;

impl Pieces {
    fn sound() -> Self {
        let zero = || vec![INTS, CONSTANT, 0];
        Self {
            templates: vec![2],
            skeleton: vec![0, 3, b'G', b'E', b'T', 4, 0, 0, 0, 0],
            // 500 and 1000.
            durations: [&[1, FIXED][..], &varint(1000), &varint(500), &[1]].concat(),
            spelled: [zero(), zero(), vec![DURATION, 0], zero(), vec![PAGED]],
            columns: [zero(), vec![INTS, FIXED, 0, 200, 1, 1], vec![DURATION, 0]],
            slots: Vec::new(),
            grammar: vec![0, 7, 0, 0],
            words: vec![0, 0, 0, 0],
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = self.templates.clone();
        out.push(0);
        out.extend(varint(self.skeleton.len() as u64));
        out.extend(&self.skeleton);
        out.extend(&self.durations);
        out.extend(self.spelled.concat());
        out.extend(self.columns.concat());
        out.extend(&self.slots);
        out.extend(&self.grammar);
        out.extend(&self.words);
        out
    }
}

fn with(change: impl FnOnce(&mut Pieces)) -> Vec<u8> {
    let mut pieces = Pieces::sound();
    change(&mut pieces);
    Parts::of("tiny.seg").with_packed(MODELS, &pieces.bytes()).seal()
}

/// With another model of the starts.
fn starts(model: &[u8]) -> Vec<u8> {
    with(|pieces| pieces.columns[1] = [&[INTS], model].concat())
}

/// With an attribute whose texts have this model.
fn texts(model: &[u8]) -> Vec<u8> {
    with(|pieces| {
        pieces.skeleton.splice(7..8, [1, 1, b'k', 5]);
        pieces.slots = [&[TEXT], model].concat();
    })
}

/// Models of texts.
const PATTERN: u8 = 2;
const FORMS: u8 = 3;

fn text_cases() -> Vec<Case> {
    let case = |name, wrong, bytes| Case::new(name, "models", wrong, bytes);
    let words = |name, wrong, words| case(name, wrong, with(|pieces| pieces.words = words));
    let word = [PATTERN, 1, 7, CONSTANT, 0];
    vec![
        case("text-unknown.seg", "texts of no known model", texts(&[9])),
        case("text-no-utf8.seg", "a constant text that is not UTF-8", texts(&[0, 1, 0xff])),
        case(
            "pattern-long.seg",
            "a pattern of 33 parts",
            texts(&[&[PATTERN, 33][..], &[1; 33]].concat()),
        ),
        case("pattern-part.seg", "a part of no known tag", texts(&[PATTERN, 1, 99])),
        case("pattern-hex.seg", "hex digits of no bytes", texts(&[PATTERN, 1, 2, 0])),
        case(
            "pattern-padded.seg",
            "a number padded to 19 digits",
            texts(&[PATTERN, 1, 5, 19, CONSTANT, 0]),
        ),
        case("forms-none.seg", "no forms", texts(&[FORMS, 0])),
        case("forms-many.seg", "65 forms", texts(&[&[FORMS, 65][..], &[0; 65]].concat())),
        case(
            "forms-in-forms.seg",
            "forms in the place of a pattern",
            texts(&[FORMS, 1, FORMS, 1, 0]),
        ),
        words("words-huge.seg", "2^60 words", [varint(1 << 60), vec![0, 0, 0]].concat()),
        words("words-length.seg", "a word longer than the rest", vec![1, 0, 0, 1, 1, 0, 9, b'a']),
        words("words-no-utf8.seg", "a word that is not UTF-8", vec![1, 0, 0, 1, 1, 0, 1, 0xff]),
        words(
            "words-stretch-none.seg",
            "a stretch of no words",
            vec![1, 0, 0, 2, 0, 0, 1, 0, 1, b'a'],
        ),
        words(
            "words-stretch-short.seg",
            "stretches of one word in two",
            vec![2, 0, 0, 1, 1, 0, 1, 1, b'a', b'b'],
        ),
        words(
            "words-stretch-whose.seg",
            "a word of a dictionary that is not told",
            vec![0, 1, 0, 1, 1, 1, 0],
        ),
        words(
            "words-template.seg",
            "a word of the dictionary of a template that is not there",
            vec![0, 1, 1, 9, 3, 1, 1, 1, 0],
        ),
        words(
            "words-column.seg",
            "a word of the dictionary of a column of starts",
            vec![0, 1, 1, 1, 1, 1, 1, 1, 0],
        ),
        words(
            "words-gap.seg",
            "a word whose code in a dictionary is above 32 bits",
            [&[0, 1, 1, 1, 3, 1, 1, 1], varint(1 << 33).as_slice()].concat(),
        ),
        case(
            "ids-classes.seg",
            "ids of several widths",
            with(|p| p.words = [&[0; 4][..], &[2, 0, 1, 2, 1, 2].repeat(2)].concat()),
        ),
        case(
            "ids-half.seg",
            "a model of span ids, and none of parents",
            with(|p| {
                p.words = vec![0, 0, 0, 0, 0, 2];
            }),
        ),
        Case::new(
            "words-none.seg",
            "blocks",
            "a column of words in a segment without any",
            texts(&word),
        ),
    ]
}

pub fn cases() -> Vec<Case> {
    let mut tiny = Parts::of("tiny.seg");
    // 200 takes two bytes as a varint.
    let mut sound = Pieces::sound();
    sound.columns[1] = vec![INTS, FIXED, 0, 0xc8, 0x01, 0x01];
    assert_eq!(tiny.unpacked(MODELS), sound.bytes(), "the models of tiny.seg are others");
    let case = |name, wrong, bytes| Case::new(name, "models", wrong, bytes);
    let step = [0xc8, 0x01];
    let mut cases = vec![
        case("models-empty.seg", "no content", tiny.with_packed(MODELS, &[]).seal()),
        case("templates-none.seg", "no templates", with(|p| p.templates = vec![0])),
        case("templates-huge.seg", "2^60 templates", with(|p| p.templates = varint(1 << 60))),
        case(
            "templates-more.seg",
            "three templates, of which two are there",
            with(|p| p.templates = vec![3]),
        ),
        case(
            "skeleton-cut.seg",
            "a skeleton that ends in its name",
            with(|p| p.skeleton.truncate(3)),
        ),
        case(
            "skeleton-longer.seg",
            "a byte behind a skeleton's links",
            with(|p| p.skeleton.push(0)),
        ),
        case(
            "skeleton-huge-count.seg",
            "a skeleton of 2^60 attributes",
            with(|p| {
                p.skeleton.splice(7..8, varint(1 << 60));
            }),
        ),
        case(
            "skeleton-huge-events.seg",
            "a skeleton of 2^60 events",
            with(|p| {
                p.skeleton.splice(8..9, varint(1 << 60));
            }),
        ),
        case(
            "skeleton-huge-links.seg",
            "a skeleton of 2^60 links",
            with(|p| {
                p.skeleton.splice(9..10, varint(1 << 60));
            }),
        ),
        case(
            "skeleton-mask.seg",
            "a mask with a bit that means nothing",
            with(|p| {
                p.skeleton.splice(6..7, varint(1 << 20));
            }),
        ),
        case(
            "skeleton-type.seg",
            "an attribute of no known type",
            with(|p| {
                p.skeleton.splice(7..8, [1, 1, b'k', 77]);
            }),
        ),
        case("column-unknown.seg", "a column of no known tag", with(|p| p.columns[1] = vec![9])),
        case(
            "column-of-texts.seg",
            "a column of texts where integers stand",
            with(|p| p.columns[1] = vec![TEXT, 0, 1, b'x']),
        ),
        case(
            "column-of-codes.seg",
            "a column of codes where integers stand",
            with(|p| p.columns[1] = vec![CODES, 1, 0, CONSTANT, 0]),
        ),
        case(
            "column-of-records.seg",
            "a column of records where integers stand",
            with(|p| p.columns[1] = vec![RECORDS, CONSTANT, 0]),
        ),
        case("durations-none.seg", "no duration models", with(|p| p.durations = vec![0])),
        case(
            "durations-many.seg",
            "65 duration models",
            with(|p| p.durations = [&[65][..], &[CONSTANT, 0].repeat(65)].concat()),
        ),
        case(
            "durations-models-huge.seg",
            "2^60 duration models",
            with(|p| p.durations = varint(1 << 60)),
        ),
        case(
            "duration-outside.seg",
            "durations of a model that is not there",
            with(|p| p.columns[2] = vec![DURATION, 1]),
        ),
        case(
            "duration-as-integers.seg",
            "a column of integers where durations stand",
            with(|p| p.columns[2] = vec![INTS, CONSTANT, 0]),
        ),
        case(
            "start-as-durations.seg",
            "durations where starts stand",
            with(|p| p.columns[1] = vec![DURATION, 0]),
        ),
        Case::new(
            "duration-of-another.seg",
            "blocks",
            "a template whose durations are, for the block, those of another model",
            with(|p| {
                p.durations = [&[2][..], &p.durations[1..], &[CONSTANT, 0]].concat();
                p.columns[2] = vec![DURATION, 1];
            }),
        ),
        case(
            "spans-as-integers.seg",
            "a column of integers where spelled spans stand",
            with(|p| p.spelled[4] = vec![INTS, CONSTANT, 0]),
        ),
        case(
            "locals-huge.seg",
            "2^60 locals of codes",
            with(|p| p.spelled[4] = [&[CODES][..], &varint(1 << 60), &[CONSTANT, 0]].concat()),
        ),
        case("ints-unknown.seg", "integers of no known model", starts(&[7, 0])),
        case("step-none.seg", "a scale without a step", starts(&[FIXED, 0, 0, 1])),
        case(
            "width-none.seg",
            "fixed integers of no bits",
            starts(&[FIXED, 0, step[0], step[1], 0]),
        ),
        case(
            "width-65.seg",
            "fixed integers of 65 bits",
            starts(&[FIXED, 0, step[0], step[1], 65]),
        ),
        case("classes-three.seg", "three classes", starts(&[CLASSES, 0, 1, 3, 1, 2, 3])),
        case(
            "classes-descend.seg",
            "widths of classes that do not ascend",
            starts(&[CLASSES, 0, 1, 2, 9, 3]),
        ),
        case("classes-wide.seg", "a class of 65 bits", starts(&[CLASSES, 0, 1, 2, 1, 65])),
        case("classes-raw-narrow.seg", "a raw class of 63 bits", starts(&[RAW, 0, 1, 2, 1, 63])),
        case(
            "dictionary-huge.seg",
            "a dictionary of 2^60 integers",
            starts(&[&[DICTIONARY][..], &varint(1 << 60)].concat()),
        ),
        case(
            "dictionary-in-dictionary.seg",
            "codes of a dictionary that are a dictionary: the nearest to a cycle that can be written",
            starts(&[&[DICTIONARY, 1, 0].repeat(20)[..], &[CONSTANT, 0]].concat()),
        ),
        case(
            "rank-bits.seg",
            "a grammar of five rank bits",
            with(|p| p.grammar = vec![5, 7, 0, 0]),
        ),
        case("step-form.seg", "steps told in no known way", with(|p| p.grammar = vec![0, 7, 2, 0])),
        Case::new(
            "step-place.seg",
            "blocks",
            "a step whose place is behind the last",
            with(|p| p.grammar = vec![0, 7, 1, 0]),
        ),
        case("step-bits.seg", "a grammar of 33 step bits", with(|p| p.grammar = vec![0, 33, 0, 0])),
        case(
            "steps-huge.seg",
            "a grammar of 2^60 steps",
            with(|p| p.grammar = [&[0, 7, 0][..], &varint(1 << 60)].concat()),
        ),
        case(
            "steps-repeat.seg",
            "a grammar with one step twice",
            with(|p| p.grammar = vec![0, 7, 0, 2, 64, 0]),
        ),
        case(
            "successors-many.seg",
            "more successors than ranks",
            with(|p| p.grammar = vec![1, 7, 0, 1, 64, 2, 0, 0, 0]),
        ),
        case(
            "successor-unknown.seg",
            "a successor that is no known step",
            with(|p| p.grammar = vec![1, 7, 0, 1, 64, 1, 9, 0]),
        ),
        case("models-longer.seg", "a byte behind the words", with(|p| p.words.push(0))),
    ];
    cases.extend(text_cases());
    cases
}
