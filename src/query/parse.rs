//! TraceQL's single span-set filters.
//!
//! ```text
//! query      = "{" [ any ] "}"
//! any        = all { "||" all }
//! all        = one { "&&" one }                     `&&` binds tighter than `||`
//! one        = "(" any ")" | "true" | "false" | field operator literal
//! field      = [ "span" | "resource" | "event" | "link" | "instrumentation" ] "." name
//!            | "name" | "kind" | "status" | "statusMessage" | "duration"
//!            | "rootName" | "rootServiceName" | "traceDuration"
//! operator   = "=" | "!=" | "<" | "<=" | ">" | ">=" | "=~" | "!~"
//! literal    = string | number | duration | "true" | "false" | "nil" | kind | status
//! ```
//!
//! Intrinsics can also be written with the scope that TraceQL has for them since version 2.7
//! (`span:name`, `trace:duration`, `trace:rootService`, ...).

use crate::base::error::{Error, Result};
use crate::base::limits::{MAX_QUERY_BYTES, MAX_QUERY_DEPTH};
use crate::base::text::Str;
use crate::query::ast::{Check, Compare, Expr, Field, Scope, Test, anchored};
use crate::query::lex::Lexer;

const INTRINSICS: [(&str, Field); 16] = [
    ("name", Field::Name),
    ("span:name", Field::Name),
    ("kind", Field::Kind),
    ("span:kind", Field::Kind),
    ("status", Field::Status),
    ("span:status", Field::Status),
    ("statusMessage", Field::StatusMessage),
    ("span:statusMessage", Field::StatusMessage),
    ("duration", Field::Duration),
    ("span:duration", Field::Duration),
    ("rootName", Field::RootName),
    ("trace:rootName", Field::RootName),
    ("rootServiceName", Field::RootService),
    ("trace:rootService", Field::RootService),
    ("traceDuration", Field::TraceDuration),
    ("trace:duration", Field::TraceDuration),
];

/// Longer ones first where one begins another.
const OPERATORS: [(&str, Operator); 8] = [
    ("!=", Operator::Compare(Compare::NotEqual)),
    ("!~", Operator::Match { negated: true }),
    ("=~", Operator::Match { negated: false }),
    ("=", Operator::Compare(Compare::Equal)),
    ("<=", Operator::Compare(Compare::LessEqual)),
    ("<", Operator::Compare(Compare::Less)),
    (">=", Operator::Compare(Compare::GreaterEqual)),
    (">", Operator::Compare(Compare::Greater)),
];

#[derive(Clone, Copy)]
enum Operator {
    Compare(Compare),
    Match { negated: bool },
}

/// The condition that a filter states.
pub fn parse(text: &str) -> Result<Expr> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(Error::Query {
            position: MAX_QUERY_BYTES,
            expected: format!("the end of a query of at most {MAX_QUERY_BYTES} bytes"),
        });
    }
    let mut lexer = Lexer::new(text);
    lexer.skip_space();
    if !lexer.take("{") {
        return Err(lexer.expected("{"));
    }
    lexer.skip_space();
    let expr = match lexer.rest().starts_with('}') {
        true => Expr::always(),
        false => parse_any(&mut lexer, 0)?,
    };
    lexer.skip_space();
    if !lexer.take("}") {
        return Err(lexer.expected("&&, || or }"));
    }
    lexer.skip_space();
    match lexer.rest().is_empty() {
        true => Ok(expr),
        false => Err(lexer.expected("the end of the query: one filter in braces is all")),
    }
}

fn parse_any(lexer: &mut Lexer<'_>, depth: usize) -> Result<Expr> {
    parse_joined(lexer, depth, "||", Expr::Or, |lexer, depth| {
        parse_joined(lexer, depth, "&&", Expr::And, parse_one)
    })
}

fn parse_joined(
    lexer: &mut Lexer<'_>,
    depth: usize,
    token: &str,
    join: fn(Vec<Expr>) -> Expr,
    part: fn(&mut Lexer<'_>, usize) -> Result<Expr>,
) -> Result<Expr> {
    let first = part(lexer, depth)?;
    lexer.skip_space();
    if !lexer.rest().starts_with(token) {
        return Ok(first);
    }
    let mut parts = vec![first];
    while lexer.take(token) {
        parts.push(part(lexer, depth)?);
        lexer.skip_space();
    }
    Ok(join(parts))
}

fn parse_one(lexer: &mut Lexer<'_>, depth: usize) -> Result<Expr> {
    lexer.skip_space();
    if lexer.rest().starts_with('(') {
        // Checked before the parenthesis is entered, so that no input can exhaust the stack.
        if depth >= MAX_QUERY_DEPTH {
            return Err(lexer.expected(format!("at most {MAX_QUERY_DEPTH} nested parentheses")));
        }
        lexer.take("(");
        let inner = parse_any(lexer, depth + 1)?;
        lexer.skip_space();
        return match lexer.take(")") {
            true => Ok(inner),
            false => Err(lexer.expected("&&, || or )")),
        };
    }
    let start = *lexer;
    match take_word(lexer) {
        "true" => return Ok(Expr::always()),
        "false" => return Ok(Expr::Or(Vec::new())),
        _ => *lexer = start,
    }
    let field = parse_field(lexer)?;
    lexer.skip_space();
    let operator = OPERATORS.iter().find(|(token, _)| lexer.take(token)).map(|(_, op)| *op);
    let operator = operator.ok_or_else(|| lexer.expected("one of = != < <= > >= =~ !~"))?;
    lexer.skip_space();
    let check = parse_check(lexer, &field, operator)?;
    Ok(Expr::Test(Test { field, check }))
}

fn take_word<'a>(lexer: &mut Lexer<'a>) -> &'a str {
    lexer.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

fn parse_field(lexer: &mut Lexer<'_>) -> Result<Field> {
    let start = *lexer;
    let word = take_word(lexer);
    if lexer.take(".") {
        let scope = match word {
            "" => Scope::Any,
            "span" => Scope::Span,
            "resource" => Scope::Resource,
            "event" => Scope::Event,
            "link" => Scope::Link,
            "instrumentation" => Scope::Instrumentation,
            _ => {
                return Err(start.expected(
                    "an attribute's scope: . span. resource. event. link. or instrumentation.",
                ));
            }
        };
        return Ok(Field::Attribute(scope, Str::from(lexer.attribute_name()?)));
    }
    let known = INTRINSICS.iter().find(|(name, _)| *name == word);
    known.map(|(_, field)| field.clone()).ok_or_else(|| {
        start.expected(
            "an attribute such as .key or span.key, or one of name, kind, status, statusMessage, \
             duration, rootName, rootServiceName, traceDuration",
        )
    })
}

fn parse_check(lexer: &mut Lexer<'_>, field: &Field, operator: Operator) -> Result<Check> {
    let before = *lexer;
    let wrong = |also: &str| Err(before.expected(format!("{}{also}", literals_of(field))));
    let compare = match operator {
        Operator::Compare(compare) => compare,
        Operator::Match { negated } => {
            if !takes_text(field) {
                return Err(before.expected("a comparison: only text matches an expression"));
            }
            let Some(pattern) = lexer.string()? else {
                return Err(before.expected("a regular expression in quotes"));
            };
            let regex = anchored(&pattern).map_err(|why| {
                before.expected(format!("a regular expression, but this is none: {why}"))
            })?;
            return Ok(Check::Pattern { regex, negated });
        }
    };
    let is_equality = matches!(compare, Compare::Equal | Compare::NotEqual);
    if let Some(text) = lexer.string()? {
        return if takes_text(field) { Ok(Check::Text(compare, text.into())) } else { wrong("") };
    }
    if let Some(number) = lexer.number()? {
        let fits = matches!(field, Field::Attribute(..) | Field::Duration | Field::TraceDuration);
        return if fits { Ok(Check::Number(compare, number)) } else { wrong("") };
    }
    let word = take_word(lexer);
    let check = match (word, field) {
        ("nil", _) if compare == Compare::Equal => Check::Absent,
        ("nil", _) if compare == Compare::NotEqual => Check::Exists,
        ("true", Field::Attribute(..)) => Check::Bool(compare, true),
        ("false", Field::Attribute(..)) => Check::Bool(compare, false),
        _ => match field.code_named(word) {
            Some(code) => Check::Code(compare, code),
            None => return wrong(""),
        },
    };
    if is_equality { Ok(check) } else { wrong(", which has no order: compare with = or !=") }
}

const fn takes_text(field: &Field) -> bool {
    matches!(
        field,
        Field::Attribute(..)
            | Field::Name
            | Field::StatusMessage
            | Field::RootName
            | Field::RootService
    )
}

const fn literals_of(field: &Field) -> &'static str {
    match field {
        Field::Attribute(..) => {
            "a string in quotes, a number, a duration such as 1.5s, true, false or nil"
        }
        Field::Name | Field::StatusMessage | Field::RootName | Field::RootService => {
            "a string in quotes, or nil"
        }
        Field::Duration | Field::TraceDuration => "a duration such as 1.5s, or nil",
        Field::Kind => "unspecified, internal, server, client, producer, consumer or nil",
        Field::Status => "unset, ok, error or nil",
    }
}
