//! Any text is a query, or refused at a place in it, soon and without exhausting the stack.

use proptest::prelude::*;
use proptest::sample::select;
use tracekeep::{Error, Query};

use crate::check::ask;
use crate::generate::Level;

/// Whether a text is read, or refused at a place in it.
fn parse(text: &str) -> Result<(), usize> {
    match Query::parse(text) {
        Ok(_) => Ok(()),
        Err(Error::Query { position, expected }) => {
            assert!(text.is_char_boundary(position), "{position} is no place in {text:?}");
            assert!(!expected.is_empty(), "{text:?}");
            Err(position)
        }
        Err(other) => panic!("{text:?}: {other}"),
    }
}

#[derive(Clone, Debug)]
enum Damage {
    Remove(prop::sample::Index, usize),
    Insert(prop::sample::Index, &'static str),
    Swap(prop::sample::Index, prop::sample::Index),
    Repeat(prop::sample::Index, usize),
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "&&",
    "||",
    "!",
    "&",
    "|",
    ">",
    ">>",
    "<",
    "<<",
    "~",
    "!>>",
    "&~",
    "=",
    "!=",
    "=~",
    "!~",
    ".",
    ".a",
    "span.",
    "span:",
    "parent.",
    "name",
    "status",
    "error",
    "nil",
    "true",
    "1",
    "-",
    "1.5s",
    "99999999999999999999",
    "1e999",
    "^",
    "%",
    ",",
    "\"",
    "`",
    "\"x\"",
    "\"(\"",
    "\\",
    "by(",
    "count()",
    "sum(",
    "select(",
    "coalesce()",
    "rate()",
    "with(",
    " ",
    "\u{a0}",
    "é",
    "\0",
    "µ",
    "minInt",
    "//",
    "/*",
];

fn damage() -> impl Strategy<Value = Damage> {
    let place = || any::<prop::sample::Index>();
    prop_oneof![
        2 => (place(), 1..6usize).prop_map(|(at, count)| Damage::Remove(at, count)),
        3 => (place(), select(PIECES)).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        1 => (place(), place()).prop_map(|(a, b)| Damage::Swap(a, b)),
        1 => (place(), 2..50usize).prop_map(|(at, times)| Damage::Repeat(at, times)),
    ]
}

fn damaged(text: &str, damages: Vec<Damage>) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for damage in damages {
        let place = |at: prop::sample::Index, chars: &[char]| at.index(chars.len() + 1);
        match damage {
            Damage::Remove(at, count) => {
                let from = place(at, &chars);
                chars.drain(from..(from + count).min(chars.len()));
            }
            Damage::Insert(at, piece) => {
                let at = place(at, &chars);
                chars.splice(at..at, piece.chars());
            }
            Damage::Swap(a, b) if !chars.is_empty() => {
                let (a, b) = (a.index(chars.len()), b.index(chars.len()));
                chars.swap(a, b);
            }
            Damage::Repeat(at, times) if !chars.is_empty() => {
                let at = at.index(chars.len());
                let piece = vec![chars[at]; times];
                chars.splice(at..at, piece);
            }
            Damage::Swap(..) | Damage::Repeat(..) => {}
        }
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_inside(text in any::<String>()) {
        let _verdict = parse(&text);
        let _verdict = parse(&format!("{{ {text} }}"));
        let _verdict = parse(&format!("{{ .a =~ {text:?} }}"));
        let _verdict = parse(&format!("{{ }} | {text}"));
    }

    #[test]
    fn pieces_in_any_order_are_read_or_refused_inside(
        pieces in prop::collection::vec(select(PIECES), 0..24),
    ) {
        let _verdict = parse(&pieces.concat());
        let _verdict = parse(&format!("{{ {} }}", pieces.join(" ")));
    }

    #[test]
    fn damaged_queries_are_read_or_refused_inside(
        ask in ask(Level::Pipelines),
        damages in prop::collection::vec(damage(), 1..5),
    ) {
        let _verdict = parse(&damaged(&ask.text, damages));
    }

    #[test]
    fn beginnings_of_queries_are_read_or_refused_inside(ask in ask(Level::Pipelines)) {
        for (end, _) in ask.text.char_indices() {
            let _verdict = parse(&ask.text[..end]);
        }
    }
}

/// Each kind of nesting, deep enough to exhaust any stack that follows it.
#[test]
fn deep_nestings_are_refused() {
    for (open, middle, close) in [
        ("(", "{ }", ")"),
        ("{ (", "true", ") }"),
        ("{ ", "true", " }"),
        ("{ !", ".a", " }"),
        ("{ -", "1 = 1", " }"),
        ("{ .a = (", "1", ") }"),
        ("({ } | count() > ", "1", ")"),
        ("{ } | sum(", ".a", ") > 1"),
        ("{ } | by(", ".a", ")"),
        ("{ } | count() > (", "1", ")"),
        ("[", "", "]"),
    ] {
        for repeated in [open, open.trim_start_matches("{ ")] {
            let head = &open[..open.len() - repeated.len()];
            for depth in [1000, 10_000] {
                let text = [head, &repeated.repeat(depth), middle, &close.repeat(depth)].concat();
                assert!(parse(&text).is_err(), "{open}");
            }
        }
    }
}

/// Long but flat: read, or refused for its length, in either case soon.
#[test]
fn long_queries_are_read_or_refused() {
    for (start, piece, end) in [
        ("{ .a = 1", " && .a = 1", " }"),
        ("{ .a = 1", " || .a = 1", " }"),
        ("{ .a = 1", " + 1", " }"),
        ("{ 2 = 2", " ^ 2", " }"),
        ("{ .a = 1", " = 1", " }"),
        ("{ .a }", " > { .a }", ""),
        ("{ .a }", " && { .a }", ""),
        ("{ .a }", " | { .a }", ""),
        ("{ .a }", " | count() > 1", ""),
        ("{ } | by(.a", ", .a", ")"),
        ("{ } | count() > 1", " + 1", ""),
        ("{ .a = \"", "x", "\" }"),
        ("{ .", "a", " }"),
        ("{ .a = ", "1", " }"),
        ("{ .a > ", "1h", " }"),
        ("", " ", "{ }"),
    ] {
        for count in [100, 2000, 20_000] {
            let _verdict = parse(&[start, &piece.repeat(count), end].concat());
        }
    }
}

#[test]
fn hostile_patterns_are_refused() {
    let deep = format!("{}a{}", "(".repeat(5000), ")".repeat(5000));
    let alternatives = format!("a{}", "|a".repeat(20_000));
    for pattern in
        ["(a{1000}){1000}", "\\\\pL{900}", "((a{99}){99}){99}", "(", "[a", "a{2,1}", &deep]
    {
        let text = format!("{{ .a =~ \"{pattern}\" }}");
        assert_eq!(parse(&text), Err(8), "{pattern}");
    }
    let _verdict = parse(&format!("{{ .a =~ \"{alternatives}\" }}"));
}

/// What the published grammar refuses is refused here.
#[test]
fn published_mistakes_are_refused() {
    for text in [
        "true",
        "[ true ]",
        "( true )",
        "{ . }",
        "{ < }",
        "{ .a < }",
        "{ .a < 3",
        "{ (.a < 3 }",
        "{ attribute = 4 }",
        "{ .attribute == 4 }",
        "{ span. }",
        "{ true } + { true }",
        "{ true } = { true }",
        "{ true } <= { true }",
        "max(name) = \"foo\"",
        "avg(.field) + 1",
        "sum(3) - 2",
        "select(.a",
        "select()",
        "coalesce() | { true }",
        "count() > 3 && { true }",
        "{ true } | count()",
        "{ true } | notAnAggregate() = 1",
        "{ true } | count = 1",
        "{ true } | max() = 1",
        "{ true } | by()",
        "({ true }) + (count()) = 1",
        "({ true }) && (count())",
        "2 * 3",
        "3 = 2",
        "{ .foo = \"a\" } | 3 > 2",
        "{ trace:status = error }",
        "{ trace:rootServiceName = \"a\" }",
        "{ span:rootName = \"bar\" }",
        "{} | topk(10)",
        "{} > 10",
        "{ status }",
        "{ 1.1 }",
        "{ \"foo\" }",
        "{ 1 + 1 }",
        "{ 1 + \"foo\" = 1 }",
        "{ 1 = \"foo\" }",
        "{ 1 != true }",
        "{ 1 =~ 2}",
        "{ 1 && \"foo\" }",
        "{ true || 1.1 }",
        "{ status > ok }",
        "{ traceDuration > \"test\" }",
        "{ rootServiceName = 1 }",
        "{ span.foo =~ \"[\" }",
        "{ -true }",
        "{ -\"foo\" = \"bar\" }",
        "{ -name = \"foo\" }",
        "{ !\"foo\" = \"bar\" }",
        "{ !1 = 1 }",
        "{ true } | by(1)",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}
