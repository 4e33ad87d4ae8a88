//! What TraceQL texts mean, and where wrong ones are wrong.

use proptest::prelude::*;

use crate::base::error::Error;
use crate::base::limits::{MAX_QUERY_BYTES, MAX_QUERY_DEPTH};
use crate::query::parse::parse;

/// The syntax tree in one line.
fn tree(text: &str) -> String {
    format!("{:?}", parse(text).unwrap())
        .replace("Test(Test ", "(")
        .replace("Attribute", "")
        .replace("field: ", "")
        .replace("check: ", "")
}

fn refused(text: &str) -> (usize, String) {
    match parse(text) {
        Err(Error::Query { position, expected }) => (position, expected),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn conjunctions_bind_tighter_than_disjunctions() {
    assert_eq!(tree("{}"), "And([])");
    assert_eq!(tree(" { true } "), "And([])");
    assert_eq!(tree("{false||true}"), "Or([Or([]), And([])])");
    assert_eq!(
        tree("{true || true && (false || true)}"),
        "Or([And([]), And([And([]), Or([Or([]), And([])])])])"
    );
}

#[test]
fn fields_and_scopes_are_told_apart() {
    for (text, field) in [
        (".a", r#"(Any, "a")"#),
        ("span.a.b", r#"(Span, "a.b")"#),
        ("resource.service.name", r#"(Resource, "service.name")"#),
        ("event.a", r#"(Event, "a")"#),
        ("link.a", r#"(Link, "a")"#),
        ("instrumentation.a", r#"(Instrumentation, "a")"#),
        (r#"span."a b=\"c\"""#, r#"(Span, "a b=\"c\"")"#),
        (r#"span.x."y z".w"#, r#"(Span, "x.y z.w")"#),
        (".http-code/a+b", r#"(Any, "http-code/a+b")"#),
        ("name", "Name"),
        ("span:name", "Name"),
        ("statusMessage", "StatusMessage"),
        ("rootName", "RootName"),
        ("rootServiceName", "RootService"),
        ("trace:rootService", "RootService"),
    ] {
        let text = format!(r#"{{ {text} != "x" }}"#);
        assert_eq!(tree(&text), format!(r#"({{ {field}, Text(NotEqual, "x") }})"#), "{text}");
    }
}

#[test]
fn literals_have_their_types() {
    for (text, check) in [
        ("= nil", "Absent"),
        ("!= nil", "Exists"),
        ("= true", "Bool(Equal, true)"),
        ("!=false", "Bool(NotEqual, false)"),
        (">= 5", "Number(GreaterEqual, Int(5))"),
        ("<-5", "Number(Less, Int(-5))"),
        ("<=1.5", "Number(LessEqual, Double(1.5))"),
        ("> 1e3", "Number(Greater, Double(1000.0))"),
        ("= 9223372036854775808", "Number(Equal, Double(9.223372036854776e18))"),
        ("=2ns", "Number(Equal, Int(2))"),
        ("=1.5us", "Number(Equal, Int(1500))"),
        ("=3\u{b5}s", "Number(Equal, Int(3000))"),
        ("=3\u{3bc}s", "Number(Equal, Int(3000))"),
        ("=0.1s", "Number(Equal, Int(100000000))"),
        ("=.5ms", "Number(Equal, Int(500000))"),
        ("=1h30m", "Number(Equal, Int(5400000000000))"),
        ("=1d", "Number(Equal, Int(86400000000000))"),
        ("=1.9ns", "Number(Equal, Int(1))"),
        (r#"= "a\"\\\n\x41\u00e9""#, r#"Text(Equal, "a\"\\\nAé")"#),
        ("= `a\\\"b`", r#"Text(Equal, "a\\\"b")"#),
        (r#"=~ "a.*""#, r#"Pattern { regex: Regex("\\A(?:a.*)\\z"), negated: false }"#),
        (r#"!~ "b""#, r#"Pattern { regex: Regex("\\A(?:b)\\z"), negated: true }"#),
    ] {
        let text = format!("{{.a {text}}}");
        assert_eq!(tree(&text), format!(r#"({{ (Any, "a"), {check} }})"#), "{text}");
    }
    assert_eq!(tree("{status=error}"), "({ Status, Code(Equal, 2) })");
    assert_eq!(tree("{kind != consumer}"), "({ Kind, Code(NotEqual, 5) })");
    assert_eq!(tree("{duration>1s}"), "({ Duration, Number(Greater, Int(1000000000)) })");
}

#[test]
fn errors_say_where_and_what_instead() {
    for (text, position, expected) in [
        ("", 0, "{"),
        ("{", 1, "an attribute such as"),
        ("{ .a = 1", 8, "&&, || or }"),
        ("{ .a = 1 } x", 11, "the end"),
        ("{ .a }", 5, "one of ="),
        ("{ .a = }", 7, "a string in quotes"),
        ("{ . = 1 }", 3, "an attribute name"),
        ("{ foo.a = 1 }", 2, "an attribute's scope"),
        ("{ foo = 1 }", 2, "an attribute such as"),
        ("{ .a = \"x }", 11, "a closing \""),
        ("{ .a = `x }", 11, "a closing `"),
        (r#"{ .a = "\q" }"#, 9, "one of the escapes"),
        ("{ .a = 1x }", 7, "a number, or a duration"),
        ("{ .a = 300000d }", 7, "a duration of at most"),
        ("{ .a < true }", 7, "a string in quotes, a number"),
        ("{ .a =~ 5 }", 8, "a regular expression in quotes"),
        ("{ .a =~ \"(\" }", 8, "a regular expression, but"),
        ("{ kind =~ \"x\" }", 10, "a comparison"),
        ("{ status = \"error\" }", 11, "unset, ok, error"),
        ("{ status < error }", 11, "unset, ok, error or nil, which has no order"),
        ("{ name = 5 }", 9, "a string in quotes, or nil"),
        ("{ duration = \"1s\" }", 13, "a duration such as"),
        ("{ (.a = 1 }", 10, "&&, || or )"),
    ] {
        let (at, message) = refused(text);
        assert!(at == position && message.contains(expected), "{text}: at {at}: {message}");
    }
}

#[test]
fn queries_are_bounded() {
    let nested = |n| format!("{{{}true{}}}", "(".repeat(n), ")".repeat(n));
    assert!(parse(&nested(MAX_QUERY_DEPTH)).is_ok());
    assert!(refused(&nested(MAX_QUERY_DEPTH + 1)).1.contains("nested"));
    assert!(refused(&nested(20_000)).1.contains("nested"));
    assert!(refused(&" ".repeat(MAX_QUERY_BYTES + 1)).1.contains("bytes"));
}

proptest! {
    #[test]
    fn any_text_is_a_query_or_refused_inside_of_it(text in ".{0,40}") {
        if let Err(Error::Query { position, .. }) = parse(&text) {
            prop_assert!(text.is_char_boundary(position));
        }
    }

    #[test]
    fn near_misses_are_refused_inside_of_them(parts in proptest::collection::vec(
        proptest::sample::select(vec![
            "{", "}", "(", ")", "&&", "||", ".a", "span.", "name", "=", "!=", "=~", "<", "\"x\"",
            "\"", "`", "1", "1.5s", "-", "nil", "true", "\\", " ", "é", "kind", "server", "µ",
        ]), 0..12,
    )) {
        let text = parts.concat();
        for text in [text.clone(), format!("{{ {text} }}")] {
            if let Err(Error::Query { position, .. }) = parse(&text) {
                prop_assert!(text.is_char_boundary(position));
            }
        }
    }
}
