//! Spans whose values have a shape: one for each encoding of columns and of the tag index.

use tracekeep::{KeyValue, ResourceSpans, Span, SpanId, Timestamp, Value};

use crate::spans::{batch, plain};
use crate::world::START;

/// Numbers that look random, the same ones everywhere (SplitMix64).
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One that is small mostly: less than 2, and at times as long as the last of `widths`.
    fn skewed(&mut self, widths: &[u32]) -> i64 {
        let draw = self.next() % 100;
        let class = widths.len() - 1 - [2, 8, 30].iter().filter(|&&below| draw >= below).count();
        (self.next() >> (64 - widths[class])) as i64
    }
}

/// 88 rows of one template whose columns are of every encoding, in traces of eight.
pub fn columns() -> Vec<ResourceSpans> {
    let mut noise = Noise(1);
    let spans = (0..88).map(|row| {
        let (trace, place) = (row / 8, row % 8);
        let id = noise.next();
        let n = noise.next();
        let far = [1i64, 1_000_000, 1_000_000_000_000, -5_000_000_000_000_000];
        let text = |length: usize| -> String {
            let letter = |i: usize| char::from(b'a' + (n >> (i % 13)) as u8 % 26);
            (0..length).map(letter).collect()
        };
        let long = ["first ", "second "][row as usize % 2].repeat(200);
        let attributes = vec![
            KeyValue::new("int.constant", -7i64),
            KeyValue::new("int.fixed", 100 + 3 * (n % 13) as i64),
            KeyValue::new(
                "int.two.classes",
                if n.is_multiple_of(9) { (n >> 40) as i64 } else { (n % 2) as i64 },
            ),
            KeyValue::new("int.four.classes", noise.skewed(&[1, 6, 14, 40])),
            KeyValue::new(
                "int.raw",
                if n.is_multiple_of(20) { (n | 1 << 63) as i64 | 1 } else { 8 * (n % 3000) as i64 },
            ),
            KeyValue::new("int.dictionary", far[n as usize % 4]),
            KeyValue::new("double", (n % 3) as f64 / 8.0),
            KeyValue::new("double.unique", f64::from_bits(0x3ff0_0000_0000_0000 | n >> 12)),
            KeyValue::new("bool", n.is_multiple_of(5)),
            KeyValue::new("text.constant", "always the same"),
            KeyValue::new("text.codes", ["GET", "POST", "PUT"][n as usize % 3]),
            KeyValue::new("text.codes.skewed", format!("code {}", noise.skewed(&[1, 2, 3, 5]))),
            KeyValue::new("text.uuid", uuid(n, id)),
            KeyValue::new("text.hex", format!("{n:016x}")),
            KeyValue::new("text.upper.hex", format!("{id:016X}")),
            KeyValue::new("text.decimal", (n as i64 >> 20).to_string()),
            KeyValue::new("text.padded", format!("item-{:05}", n % 40_000)),
            KeyValue::new(
                "text.pattern",
                format!("/cart/{}/items/{:04}?user={:08x}", n % 900, row, id >> 32),
            ),
            KeyValue::new("text.random.uuid", versioned_uuid(4, n, id)),
            KeyValue::new("text.marked.uuid", versioned_uuid(9, n, id)),
            KeyValue::new("text.forms", form(row, n, id)),
            KeyValue::new("text.word", product(n)),
            KeyValue::new("text.unique", text(20 + n as usize % 9)),
            KeyValue::new("text.long", long),
            KeyValue::new("bytes.shared", Value::Bytes(vec![n as u8 % 3; 40])),
            KeyValue::new("bytes.unique", Value::Bytes(n.to_le_bytes().to_vec())),
        ];
        // Two rows of another structure whose ids are, of all, the same.
        let attributes = match row {
            6 | 7 => vec![KeyValue::new("text.unique", "one and the same")],
            _ => attributes,
        };
        let parent = if place == 0 { None } else { Some(SpanId::from(row / 8 * 8 + place.min(3))) };
        Span {
            span_id: (row + 1).into(),
            parent_span_id: parent,
            start: Timestamp::from_nanos(START + trace * 1_000_000 + place * 1000 + n % 100),
            end: Timestamp::from_nanos(START + trace * 1_000_000 + place * 1000 + 100 + (n >> 50)),
            attributes,
            ..plain(u128::from(trace + 1) << 64 | u128::from(trace * 0x0123_4567_89ab), 1, 0)
        }
    });
    batch("columns", spans.collect())
}

/// A text of one of three forms, or of none.
fn form(row: u64, n: u64, id: u64) -> String {
    match row % 4 {
        _ if row == 50 => "PING".to_owned(),
        1 => format!("GET session:{id:016x}"),
        3 => format!("took {} ms", n % 5000),
        _ => format!("GET product:{}", product(n)),
    }
}

fn product(n: u64) -> String {
    format!("{}Y{}", ["AX", "QB", "ZZ"][n as usize % 3], n / 3 % 12)
}

fn versioned_uuid(version: u64, a: u64, b: u64) -> String {
    let (a, b) = (a & !0xf000 | version << 12, b & !(3 << 62) | 2 << 62);
    uuid(a, b)
}

fn uuid(a: u64, b: u64) -> String {
    let tail = b & 0xffff_ffff_ffff;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{tail:012x}",
        a >> 32,
        a >> 16 & 0xffff,
        a & 0xffff,
        b >> 48
    )
}

/// 600 traces of one span, whose attributes are there in lists of every form.
pub fn lists() -> Vec<ResourceSpans> {
    let mut noise = Noise(2);
    let spans = (0..600u64).map(|n| {
        let random = noise.next();
        let mut attributes = vec![KeyValue::new("all", "the same")];
        let mut add = |when: bool, key: &str, value: Value| {
            if when {
                attributes.push(KeyValue::new(key, value));
            }
        };
        add(n == 5, "one", Value::from("alone"));
        add(random.is_multiple_of(40), "sparse", Value::from(1i64));
        add(random % 40 != 1, "nearly all", Value::from(true));
        add(random.is_multiple_of(2), "half", Value::from(0.5));
        add((100..350).contains(&n), "a run", Value::from("in the middle"));
        add(!(150..350).contains(&n), "all but a run", Value::from("around"));
        // Six sorts, and what three of them have in common.
        let sort = ["a", "b", "c", "d", "e", "f"][(random >> 8) as usize % 6];
        add(true, "sort", Value::from(sort));
        add(true, "sorts", Value::from(if sort < "d" { "early" } else { "late" }));
        add(n.is_multiple_of(2), "number", Value::from((n * n) as i64));
        add(n % 2 == 1, "number", Value::from(n as f64 * 1.25));
        add(n % 100 == 7, "number", Value::from(f64::NAN));
        // Statements whose traces follow from the key, but for some.
        add(n < 200, "key", Value::from(format!("K{random:016x}")));
        let named = if n % 50 == 9 { noise.next() } else { random };
        add(n < 200, "statement", Value::from(format!("GET cart:K{named:016x}")));
        // More different numbers than get a list each, on two spans.
        if n == 300 {
            attributes.extend((0..1100).map(|i| KeyValue::new("many", i * 3i64)));
        }
        if n == 400 {
            let doubles = (0..1100).map(|i| Value::from(f64::from(i) * 0.5));
            let doubles = doubles.chain([Value::from(f64::NAN)]);
            attributes.extend(doubles.map(|value| KeyValue::new("many doubles", value)));
        }
        Span { attributes, ..plain(u128::from(n + 1), n + 1, n * 7) }
    });
    batch("lists", spans.collect())
}

/// 45 traces of one span, whose keys are all unheard of elsewhere, too many for an entry each, and
/// which have their own number in all of them; some have long texts, too.
pub fn scarce() -> Vec<ResourceSpans> {
    let spans = (0..45u64).map(|n| {
        let own = (0..24).map(|i| KeyValue::new(format!("item.{}.{i}", n + 100), i));
        let note = (n % 9 == 0).then(|| {
            KeyValue::new("note", format!("on item {}: {}", n + 100, "very ".repeat(205)))
        });
        let odd =
            [("flag", Value::Bool(true)), ("list", Value::Array(vec![Value::from(n as i64)]))];
        let odd = odd.map(|(key, value)| KeyValue::new(format!("{key}.{n}"), value));
        let attributes =
            own.chain(odd).chain(note).chain([KeyValue::new("common", "text")]).collect();
        Span { attributes, ..plain(u128::from(n + 1), n + 1, n * 7) }
    });
    batch("scarce", spans.collect())
}

/// 300 rows of two traces without anything that varies but their ids.
pub fn constant() -> Vec<ResourceSpans> {
    let row = |n: u64| Span {
        parent_span_id: (n >= 2).then(|| SpanId::from(n - 1)),
        attributes: vec![KeyValue::new("always", "the same"), KeyValue::new("number", 1i64)],
        ..plain(u128::from(n % 2) + 1, n + 1, n / 2 * 10)
    };
    batch("constant", (0..300).map(row).collect())
}
