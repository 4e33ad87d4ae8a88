//! Conditions of a query: their text in TraceQL, and what they mean, evaluated naively.

use proptest::prelude::*;
use proptest::sample::select;
use tracekeep::{KeyValue, TraceSpan, Value};

#[derive(Clone, Debug)]
pub enum Condition {
    All,
    Name(String),
    Kind(i32),
    Status(i32),
    Service(String),
    LongerThan(u64),
    Attribute { scope: Scope, key: &'static str, test: Test },
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

#[derive(Clone, Copy, Debug)]
pub enum Scope {
    Any,
    Span,
    Resource,
    Event,
    Link,
    Instrumentation,
}

#[derive(Clone, Debug)]
pub enum Test {
    Exists,
    Text(&'static str, String),
    Number(&'static str, i64),
    Real(&'static str, f64),
    Truth(bool),
    /// A pattern and the texts that it matches as a whole.
    Pattern(&'static str, bool),
}

pub fn condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![
        1 => Just(Condition::All),
        1 => select(vec!["", "GET /", "query"]).prop_map(|s| Condition::Name(s.into())),
        1 => (0..6i32).prop_map(Condition::Kind),
        1 => (0..3i32).prop_map(Condition::Status),
        2 => select(vec!["cart", "shop", "none"]).prop_map(|s| Condition::Service(s.into())),
        1 => (0..180_000_000_000u64).prop_map(Condition::LongerThan),
        6 => attribute(),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Condition::And(a.into(), b.into())),
            (inner.clone(), inner).prop_map(|(a, b)| Condition::Or(a.into(), b.into())),
        ]
    })
}

fn attribute() -> impl Strategy<Value = Condition> {
    let scope = select(vec![
        Scope::Any,
        Scope::Span,
        Scope::Resource,
        Scope::Event,
        Scope::Link,
        Scope::Instrumentation,
    ]);
    let key = select(vec!["a", "b", "http.method", "http.status", "region", "absent"]);
    let operator = || select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let test = prop_oneof![
        Just(Test::Exists),
        (operator(), select(vec!["", "GET", "é.*", "200"]))
            .prop_map(|(o, s)| Test::Text(o, s.into())),
        (operator(), select(vec![-1, 0, 1, 200, (1 << 53) + 1]))
            .prop_map(|(o, n)| Test::Number(o, n)),
        (operator(), select(vec![0.5, 1.0, 200.0])).prop_map(|(o, n)| Test::Real(o, n)),
        any::<bool>().prop_map(Test::Truth),
        (select(vec!["GET|POST", "G.*", ".*", "[a-c]+"]), any::<bool>())
            .prop_map(|(p, n)| Test::Pattern(p, n)),
    ];
    (scope, key, test).prop_map(|(scope, key, test)| Condition::Attribute { scope, key, test })
}

impl Condition {
    pub fn text(&self) -> String {
        match self {
            Self::All => "{ }".into(),
            other => format!("{{ {} }}", other.inner_text()),
        }
    }

    fn inner_text(&self) -> String {
        const KINDS: [&str; 6] =
            ["unspecified", "internal", "server", "client", "producer", "consumer"];
        const CODES: [&str; 3] = ["unset", "ok", "error"];
        match self {
            Self::All => "true".into(),
            Self::Name(name) => format!("name = {name:?}"),
            Self::Kind(kind) => format!("kind = {}", KINDS[*kind as usize]),
            Self::Status(code) => format!("status = {}", CODES[*code as usize]),
            Self::Service(service) => format!("resource.service.name = {service:?}"),
            Self::LongerThan(nanos) => format!("duration > {nanos}ns"),
            Self::Attribute { scope, key, test } => {
                format!("{}.{key} {}", scope.text(), test.text())
            }
            Self::And(a, b) => format!("({} && {})", a.inner_text(), b.inner_text()),
            Self::Or(a, b) => format!("({} || {})", a.inner_text(), b.inner_text()),
        }
    }

    pub fn holds(&self, span: &TraceSpan) -> bool {
        match self {
            Self::All => true,
            Self::Name(name) => span.span.name == name.as_str(),
            Self::Kind(kind) => span.span.kind.0 == *kind,
            Self::Status(code) => span.span.status_code().0 == *code,
            Self::Service(service) => {
                Test::Text("=", service.clone()).holds(resource(span), "service.name")
            }
            Self::LongerThan(nanos) => span.span.duration().as_nanos() > u128::from(*nanos),
            Self::Attribute { scope, key, test } => match scope {
                Scope::Any => {
                    let own = &span.span.attributes;
                    let on_span = own.iter().any(|a| a.key == *key);
                    test.holds(if on_span { own } else { resource(span) }, key)
                }
                Scope::Span => test.holds(&span.span.attributes, key),
                Scope::Resource => test.holds(resource(span), key),
                Scope::Event => span.span.events.iter().any(|e| test.holds(&e.attributes, key)),
                Scope::Link => span.span.links.iter().any(|l| test.holds(&l.attributes, key)),
                Scope::Instrumentation => {
                    span.scope.scope.as_ref().is_some_and(|s| test.holds(&s.attributes, key))
                }
            },
            Self::And(a, b) => a.holds(span) && b.holds(span),
            Self::Or(a, b) => a.holds(span) || b.holds(span),
        }
    }
}

fn resource(span: &TraceSpan) -> &[KeyValue] {
    span.resource.resource.as_ref().map_or(&[], |resource| &resource.attributes)
}

impl Scope {
    fn text(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Span => "span",
            Self::Resource => "resource",
            Self::Event => "event",
            Self::Link => "link",
            Self::Instrumentation => "instrumentation",
        }
    }
}

impl Test {
    fn text(&self) -> String {
        match self {
            Self::Exists => "!= nil".into(),
            Self::Text(operator, text) => format!("{operator} {text:?}"),
            Self::Number(operator, number) => format!("{operator} {number}"),
            Self::Real(operator, number) => format!("{operator} {number:?}"),
            Self::Truth(truth) => format!("= {truth}"),
            Self::Pattern(pattern, false) => format!("=~ {pattern:?}"),
            Self::Pattern(pattern, true) => format!("!~ {pattern:?}"),
        }
    }

    fn holds(&self, attributes: &[KeyValue], key: &str) -> bool {
        attributes.iter().filter(|a| a.key == key).any(|a| match &a.value {
            _ if matches!(self, Self::Exists) => true,
            Value::Array(elements) => {
                let any = |test: &Self| elements.iter().any(|element| test.holds_of(element));
                any(self) && !self.opposite().is_some_and(|opposite| any(&opposite))
            }
            value => self.holds_of(value),
        })
    }

    /// What must be so of no element of an array for `!=` or `!~` to hold.
    fn opposite(&self) -> Option<Self> {
        Some(match self {
            Self::Text("!=", text) => Self::Text("=", text.clone()),
            Self::Number("!=", number) => Self::Number("=", *number),
            Self::Real("!=", number) => Self::Real("=", *number),
            Self::Pattern(pattern, true) => Self::Pattern(pattern, false),
            _ => return None,
        })
    }

    fn holds_of(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Text(operator, wanted), Value::String(text)) => {
                ordered(operator, text.as_str().partial_cmp(wanted.as_str()))
            }
            (Self::Number(operator, wanted), Value::Int(number)) => {
                ordered(operator, number.partial_cmp(wanted))
            }
            (Self::Number(operator, wanted), Value::Double(number)) => {
                ordered(operator, compare(*number, *wanted))
            }
            (Self::Real(operator, wanted), Value::Int(number)) => {
                ordered(operator, compare(*wanted, *number).map(std::cmp::Ordering::reverse))
            }
            (Self::Real(operator, wanted), Value::Double(number)) => {
                ordered(operator, number.partial_cmp(wanted))
            }
            (Self::Truth(wanted), Value::Bool(truth)) => wanted == truth,
            (Self::Pattern(pattern, negated), Value::String(text)) => {
                matches(pattern, text) != *negated
            }
            _ => false,
        }
    }
}

/// Exact for the wholes up to 2^53 + 1 that the tests use: through `i128` where both are whole.
fn compare(real: f64, whole: i64) -> Option<std::cmp::Ordering> {
    if real.is_finite() && real.fract() == 0.0 {
        return (real as i128).partial_cmp(&i128::from(whole));
    }
    real.partial_cmp(&(whole as f64))
}

/// The four patterns of the strategy, spelled out.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        "GET|POST" => text == "GET" || text == "POST",
        "G.*" => text.starts_with('G'),
        "[a-c]+" => !text.is_empty() && text.bytes().all(|b| (b'a'..=b'c').contains(&b)),
        _ => true,
    }
}

fn ordered(operator: &str, order: Option<std::cmp::Ordering>) -> bool {
    use std::cmp::Ordering::{Equal, Greater, Less};
    match operator {
        "=" => order == Some(Equal),
        // IEEE 754: a NaN differs from everything.
        "!=" => order != Some(Equal),
        "<" => order == Some(Less),
        "<=" => matches!(order, Some(Less | Equal)),
        ">" => order == Some(Greater),
        _ => matches!(order, Some(Greater | Equal)),
    }
}
