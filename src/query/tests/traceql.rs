//! What TraceQL texts mean, and where wrong ones are wrong.

use proptest::prelude::*;

use crate::base::error::Error;
use crate::base::limits::{MAX_QUERY_BYTES, MAX_QUERY_DEPTH};
use crate::query::lang::parse::parse;
use crate::query::typed::Query;

/// The condition that a filter comes to, in one line.
fn tree(text: &str) -> String {
    format!("{:?}", Query::parse(text).unwrap().filter)
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
    assert_eq!(tree("{duration>1s*2-500ms}"), "({ Duration, Number(Greater, Int(1500000000)) })");
    assert_eq!(tree("{duration>1s}"), "({ Duration, Number(Greater, Int(1000000000)) })");
}

#[test]
fn errors_say_where_and_what_instead() {
    for (text, position, expected) in [
        ("", 0, "{"),
        ("{", 1, "an attribute such as"),
        ("{ .a = 1", 8, "&&, || or }"),
        ("{ .a = 1 } x", 11, "the end"),
        ("{ duration }", 2, "a condition"),
        ("{ .a && 1 }", 8, "a condition"),
        ("{ 1 + name = 2 }", 6, "a number"),
        ("{ 1 = name }", 6, "a number"),
        ("{ childCount > \"x\" }", 15, "a number"),
        ("{ nestedSetLeft > 3 }", 2, "spans are not numbered"),
        ("{ nestedSetParent = 3 }", 2, "nestedSetParent < 0"),
        ("{ } > 2", 6, "a span set"),
        ("count() > { }", 10, "a number"),
        ("{ } | count()", 13, "a comparison"),
        ("{ } | 3 > 2", 6, "count()"),
        ("{ } | max(name) = 1", 10, "an attribute, a duration"),
        ("{ } | sum(3) > 2", 10, "with a field"),
        ("{ } | by()", 9, "an attribute such as"),
        ("{ } | rate()", 6, "not rate"),
        ("{ } with(a=1)", 4, "hints are not"),
        ("coalesce() | { }", 0, "before it"),
        ("{ } + { }", 4, "the end"),
        ("({ } | count()) && { }", 0, "a span set"),
        ("true", 0, "{, ("),
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

/// As published: `-` takes all of a power for its operand.
#[test]
fn signs_bind_looser_than_powers() {
    for (text, same) in [
        ("{ -.a ^ 2 > 0 }", "{ -(.a ^ 2) > 0 }"),
        ("{ -2 ^ 2 = .a }", "{ -(2 ^ 2) = .a }"),
        ("{ 2 ^ -3 ^ 2 = .a }", "{ 2 ^ (-(3 ^ 2)) = .a }"),
        ("{ -.a * 2 > 0 }", "{ (-.a) * 2 > 0 }"),
        ("count() > -2 ^ 2", "count() > -(2 ^ 2)"),
        ("count() ^ -1 > 0", "count() ^ (-1) > 0"),
    ] {
        assert_eq!(parse(text).unwrap(), parse(same).unwrap(), "{text}");
    }
    assert_ne!(parse("{ -.a ^ 2 > 0 }").unwrap(), parse("{ (-.a) ^ 2 > 0 }").unwrap());
}

/// Every kind of parentheses, as deep as is allowed, on the stack of a test's thread.
#[test]
fn the_deepest_nesting_is_read() {
    let depth = MAX_QUERY_DEPTH;
    for (open, middle, close) in [("(", "{ }", ")"), ("({ } && ", "{ }", ")"), ("-(", "1", ")")] {
        let text = [&open.repeat(depth / open.matches(['(', '-']).count()), middle].concat();
        let text = text + &close.repeat(depth / open.matches(['(', '-']).count());
        let text = if middle == "1" { format!("count() > {text}") } else { text };
        parse(&text).unwrap();
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

/// A text is refused inside of it, or its tree prints as a text of the same tree.
fn check(text: &str) -> Result<(), TestCaseError> {
    match parse(text) {
        Err(Error::Query { position, .. }) => prop_assert!(text.is_char_boundary(position)),
        Err(other) => prop_assert!(false, "{}", other),
        Ok(tree) => {
            let printed = tree.to_string();
            match parse(&printed) {
                Ok(again) => prop_assert_eq!(&again, &tree, "{} prints as {}", text, printed),
                Err(error) => prop_assert!(false, "{text} prints as {printed}: {error}"),
            }
        }
    }
    Ok(())
}

#[test]
fn trees_print_as_they_were_written() {
    for text in [
        "{ }",
        "{ .a && (.b || !.c) }",
        "{ (.a + 1) * 2 ^ -.b > 1.5 / duration % 3 }",
        "{ !(.a = 1) && -.b < 1500ms && span.\"a b\" != nil }",
        "{ .a !~ \"x|y\" } && ({ kind = server } || { status = error })",
        "{ } >> { } !> { } &~ ({ } << { })",
        "({ .a } | count() > 2) && { .b }",
        "{ } | by(name, 1 + .a) | avg(duration) - 2 > count() * -1 | coalesce() | select(.a, name)",
        "({ .a } | count()) > ({ .b } | max(parent.resource.x)) / 2",
        "{ parent.\"span.x\" = parent.span.x && trace:id = \"0000000000000000000000000000000a\" }",
        "{ -.a ^ 2 = (-.a) ^ -.b ^ 2 && (-2) ^ (-3) ^ 2 > -2 ^ -3 }",
        "{ .a = minInt || .a = 1h || .a = 1.0 || .a = 1e300 }",
    ] {
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
}

proptest! {
    #[test]
    fn any_text_is_a_query_or_refused_inside_of_it(text in ".{0,40}") {
        check(&text)?;
    }

    #[test]
    fn near_misses_are_refused_inside_of_them(parts in proptest::collection::vec(
        proptest::sample::select(vec![
            "{", "}", "(", ")", "&&", "||", ".a", "span.", "name", "=", "!=", "=~", "<", "\"x\"",
            "\"", "`", "1", "1.5s", "-", "nil", "true", "\\", " ", "é", "kind", "server", "µ",
            "parent.", "!", "!~", "&>>", ">>", "|", "count()", "by(", "avg(", "select(", "coalesce()",
            "+", "*", "^", "{ }", "{ .a }", "span:id", "trace:id", "childCount", ".\"a b\"", "minInt",
        ]), 0..12,
    )) {
        let text = parts.concat();
        for text in [text.clone(), format!("{{ {text} }}"), format!("{{ }} | {text}"), parts.join(" ")] {
            check(&text)?;
        }
    }
}
