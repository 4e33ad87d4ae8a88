//! What stands in braces.

use tracekeep::{KeyValue, StatusCode, Value};

use super::build::*;
use super::check;
use crate::generate::Level::{self, Filters, Tests};
use crate::grammar::{Arithmetic, Compare, Expr, Intrinsic, Literal};
use crate::pattern::{Pattern, Times};

fn anything() -> Pattern {
    Pattern::Repeat(Pattern::Any.into(), Times::Any)
}

fn starts(with: &str) -> Pattern {
    Pattern::Sequence(vec![Pattern::literal(with), anything()])
}

fn holds(part: &str) -> Pattern {
    Pattern::Sequence(vec![anything(), Pattern::literal(part), anything()])
}

fn either(a: &str, b: &str) -> Pattern {
    Pattern::Either(vec![Pattern::literal(a), Pattern::literal(b)])
}

#[test]
fn conditions_in_braces_hold_on_one_span() {
    let code = || attribute("span.http.status_code");
    let between = and(
        compare(code(), Compare::GreaterEqual, int(400)),
        compare(code(), Compare::Less, int(500)),
    );
    let region = |name| is(attribute("resource.cloud.region"), text(name));
    let spans = [
        span(1, 0, "deleted", (0, 1)).with("http.method", "DELETE").status(StatusCode::OK),
        span(2, 1, "failed", (0, 1)).with("http.method", "DELETE").status(StatusCode::ERROR),
        span(3, 1, "missing", (0, 1))
            .with("http.status_code", 404i64)
            .of("cloud.region", "us-west-1"),
        span(4, 1, "broken", (0, 1))
            .with("http.status_code", 500i64)
            .of("cloud.region", "us-east-1"),
        span(5, 1, "lettered", (0, 1)).with("http.status_code", "404"),
    ];
    let ok = Expr::Literal(Literal::Status(1));
    let not_ok = compare(intrinsic(Intrinsic::Status), Compare::NotEqual, ok);
    let deleted = is(attribute("span.http.method"), text("DELETE"));
    check(
        &spans,
        vec![
            filter(
                Tests,
                "{ span.http.method = \"DELETE\" && span:status != ok }",
                and(deleted, not_ok),
                &[&["failed"]],
            ),
            filter(
                Tests,
                "{ span.http.status_code >= 400 && span.http.status_code < 500 }",
                between,
                &[&["missing"]],
            ),
            // Text is ordered as text.
            filter(
                Tests,
                "{ span.http.status_code >= \"400\" }",
                compare(code(), Compare::GreaterEqual, text("400")),
                &[&["lettered"]],
            ),
            // No span has two regions.
            filter(
                Tests,
                "{ resource.cloud.region = \"us-east-1\" && resource.cloud.region = \"us-west-1\" }",
                and(region("us-east-1"), region("us-west-1")),
                &[],
            ),
            filter(
                Tests,
                "{ resource.cloud.region =~ \"us-east-1|us-west-1\" }",
                matches(attribute("resource.cloud.region"), either("us-east-1", "us-west-1")),
                &[&["missing", "broken"]],
            ),
        ],
    );
}

#[test]
fn arrays_are_searched_by_element() {
    let array =
        |texts: &[&str]| Value::Array(texts.iter().map(|text| Value::from(*text)).collect());
    let spans = [
        span(1, 0, "both", (0, 1)).with("foo", array(&["bar", "baz"])),
        span(2, 1, "other", (0, 1)).with("foo", array(&["baz", "application/json"])),
        span(3, 1, "one", (0, 1)).with("foo", "bar"),
        span(4, 1, "none", (0, 1)),
        span(5, 1, "mixed", (0, 1)).with("foo", Value::Array(vec![7i64.into(), "qux".into()])),
        span(6, 1, "numbers", (0, 1)).with("foo", Value::Array(vec![7i64.into()])),
    ];
    let foo = || attribute("span.foo");
    let different = compare(foo(), Compare::NotEqual, text("bar"));
    check(
        &spans,
        vec![
            filter(Tests, "{ span.foo = \"bar\" }", is(foo(), text("bar")), &[&["both", "one"]]),
            // Only if no element is equal. What is of another type, or not there, compares with
            // nothing.
            filter(Tests, "{ span.foo != \"bar\" }", different, &[&["other", "mixed"]]),
            filter(
                Tests,
                "{ span.foo =~ \"application.*\" }",
                matches(foo(), starts("application")),
                &[&["other"]],
            ),
            filter(
                Tests,
                "{ span.foo !~ \"application.*\" }",
                matches_not(foo(), starts("application")),
                &[&["both", "one", "mixed"]],
            ),
            filter(Tests, "{ span.foo = 7 }", is(foo(), int(7)), &[&["mixed", "numbers"]]),
        ],
    );
}

#[test]
fn patterns_match_all_of_a_text() {
    let spans = [
        span(1, 0, "exact", (0, 1)).with("foo", "bar").with("db.system", "mysql"),
        span(2, 1, "longer", (0, 1)).with("foo", "a bar b").with("db.system", "postgresql"),
    ];
    let foo = || attribute("span.foo");
    let databases = matches(attribute("span.db.system"), either("postgresql", "mysql"));
    let perf = matches_not(intrinsic(Intrinsic::RootName), holds("perf"));
    check(
        &spans,
        vec![
            filter(
                Tests,
                "{ span.foo =~ \"bar\" }",
                matches(foo(), Pattern::literal("bar")),
                &[&["exact"]],
            ),
            filter(
                Tests,
                "{ span.foo =~ \".*bar.*\" }",
                matches(foo(), holds("bar")),
                &[&["exact", "longer"]],
            ),
            filter(
                Tests,
                "{ span.db.system =~ \"postgresql|mysql\" }",
                databases,
                &[&["exact", "longer"]],
            ),
            filter(Tests, "{ trace:rootName !~ \".*perf.*\" }", perf, &[&["exact", "longer"]]),
        ],
    );
}

#[test]
fn nil_asks_for_existence() {
    let spans = [
        span(1, 0, "bare", (0, 1)),
        span(2, 1, "full", (0, 1)).with("x", 1i64).of("service.version", "3"),
        span(3, 1, "told", (0, 1)).event("exception", 1, "exception.message", "oh"),
    ];
    let example =
        |text, field: &str, there, sets| filter(Tests, text, exists(attribute(field), there), sets);
    check(
        &spans,
        vec![
            example("{ span.x != nil }", "span.x", true, &[&["full"]]),
            example("{ span.x = nil }", "span.x", false, &[&["bare", "told"]]),
            example(
                "{ resource.service.version = nil }",
                "resource.service.version",
                false,
                &[&["bare", "told"]],
            ),
            example(
                "{ event.exception.message = nil }",
                "event.exception.message",
                false,
                &[&["bare", "full"]],
            ),
        ],
    );
}

#[test]
fn scopes_and_intrinsics_say_where_to_look() {
    let spans = [
        span(1, 0, "root", (0, 3000)).of("service.name", "gateway").with("language", "java"),
        span(2, 1, "told", (10, 20)).event(
            "exception",
            5,
            "exception.message",
            "something went wrong",
        ),
        span(3, 1, "linked", (10, 20)).link("opentracing.ref_type", "child_of"),
        span(4, 2, "measured", (10, 20)).library("grpc", "language", "java"),
    ];
    use Intrinsic::*;
    let java = || text("java");
    let wrong = matches(attribute("event.exception.message"), holds("something went wrong"));
    let longer = |field, length| compare(intrinsic(field), Compare::Greater, millis(length));
    let more = |field, count| compare(intrinsic(field), Compare::Greater, int(count));
    let all: &[&[&str]] = &[&["root", "told", "linked", "measured"]];
    let mut examples = vec![
        filter(
            Tests,
            "{ event.exception.message =~ \".*something went wrong.*\" }",
            wrong,
            &[&["told"]],
        ),
        filter(
            Tests,
            "{ link.opentracing.ref_type = \"child_of\" }",
            is(attribute("link.opentracing.ref_type"), text("child_of")),
            &[&["linked"]],
        ),
        filter(
            Tests,
            "{ instrumentation.language = \"java\" }",
            is(attribute("instrumentation.language"), java()),
            &[&["measured"]],
        ),
        filter(Tests, "{ .language = \"java\" }", is(attribute(".language"), java()), &[&["root"]]),
        filter(Tests, "{ span:duration > 100ms }", longer(Duration, 100), &[&["root"]]),
        filter(Tests, "{ trace:duration > 2s }", longer(TraceDuration, 2000), all),
        filter(Tests, "{ trace:duration > 5s }", longer(TraceDuration, 5000), &[]),
        filter(Filters, "{ event:timeSinceStart > 2ms }", longer(TimeSinceStart, 2), &[&["told"]]),
        filter(Filters, "{ span:childCount > 1 }", more(ChildCount, 1), &[&["root"]]),
        filter(
            Filters,
            "{ span:childCount = 0 }",
            is(intrinsic(ChildCount), int(0)),
            &[&["linked", "measured"]],
        ),
    ];
    type Case = (Level, &'static str, Intrinsic, &'static str, &'static [&'static [&'static str]]);
    let equalities: [Case; 9] = [
        (Tests, "{ span:name = \"told\" }", Name, "told", &[&["told"]]),
        (Tests, "{ trace:rootName = \"root\" }", RootName, "root", all),
        (Tests, "{ trace:rootService = \"gateway\" }", RootService, "gateway", all),
        (Filters, "{ event:name = \"exception\" }", EventName, "exception", &[&["told"]]),
        (Filters, "{ span:id = \"0000000000000003\" }", SpanId, "0000000000000003", &[&["linked"]]),
        (
            Filters,
            "{ span:parentID = \"0000000000000002\" }",
            ParentId,
            "0000000000000002",
            &[&["measured"]],
        ),
        (Filters, "{ trace:id = \"7\" }", TraceId, "7", all),
        (
            Filters,
            "{ link:spanID = \"0000000000000009\" }",
            LinkSpanId,
            "0000000000000009",
            &[&["linked"]],
        ),
        (
            Filters,
            "{ instrumentation:name = \"grpc\" }",
            InstrumentationName,
            "grpc",
            &[&["measured"]],
        ),
    ];
    for (level, example, field, wanted, sets) in equalities {
        examples.push(filter(level, example, is(intrinsic(field), text(wanted)), sets));
    }
    check(&spans, examples);
}

#[test]
fn numbers_are_computed_and_names_quoted() {
    let repeated = span(4, 1, "repeated", (0, 1)).with("value", 1i64).with("value", 2i64);
    let map = Value::Map(vec![KeyValue::new("a", 1i64)]);
    let spans = [
        span(1, 0, "small", (0, 1)).with("len", 10i64).with("value", i64::MIN),
        span(2, 1, "large", (0, 1)).with("len", 20_000_000i64).with("value", i64::MAX),
        span(3, 1, "named", (0, 1)).with("name with space", "v").with("value", 1.0),
        repeated,
        span(5, 1, "mapped", (0, 1)).with("value", map),
    ];
    let times =
        |left: Expr, right| Expr::Arithmetic(left.into(), Arithmetic::Multiply, Box::new(right));
    let megabytes = times(times(int(10), int(1024)), int(1024));
    let value = || attribute("span.value");
    let extreme = |number| compare(value(), Compare::NotEqual, int(number));
    let all: &[&[&str]] = &[&["small", "large", "named", "repeated", "mapped"]];
    check(
        &spans,
        vec![
            filter(
                Filters,
                "{ span.len > 10 * 1024 * 1024 }",
                compare(attribute("span.len"), Compare::Greater, megabytes),
                &[&["large"]],
            ),
            filter(
                Filters,
                "{ span.value != minInt && span.value != 9223372036854775807 }",
                and(extreme(i64::MIN), extreme(i64::MAX)),
                &[&["named", "repeated"]],
            ),
            // Whole and real numbers are one kind; a repeated key is any of its values.
            filter(Tests, "{ span.value = 1 }", is(value(), int(1)), &[&["named", "repeated"]]),
            filter(
                Tests,
                "{ span.value != 1 }",
                compare(value(), Compare::NotEqual, int(1)),
                &[&["small", "large", "repeated"]],
            ),
            filter(Tests, "{ span.value != nil }", exists(value(), true), all),
            filter(
                Tests,
                "{ span.\"name with space\" = \"v\" }",
                is(attribute("span.name with space"), text("v")),
                &[&["named"]],
            ),
            filter(Filters, "{ 1 = 2 }", is(int(1), int(2)), &[]),
            filter(
                Filters,
                "{ 1 + 1 = 2 }",
                is(Expr::Arithmetic(int(1).into(), Arithmetic::Add, int(1).into()), int(2)),
                all,
            ),
        ],
    );
}
