//! Reads expressions over spans, and refuses those whose types cannot fit.

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_QUERY_DEPTH;
use crate::base::model::{SpanKind, StatusCode};
use crate::base::number::Number;
use crate::base::text::Str;
use crate::query::ast::{Compare, anchored};
use crate::query::lang::field::{Field, INTRINSICS, Scope, Type};
use crate::query::lang::lexer::{Figure, Lexer};
use crate::query::lang::tree::{Arithmetic, FieldExpr, Literal, Pattern, negative};

/// What can stand where an operand is due.
const OPERANDS: &str = "an attribute such as .key or span.key, one of name, kind, status, \
    statusMessage, duration, rootName, rootServiceName, traceDuration, or a value: a string in \
    quotes, a number, a duration such as 1.5s, true, false, nil, a kind or a status";

/// Comparisons; longer tokens before those that begin them.
pub const COMPARES: [(&str, Compare); 6] = [
    ("!=", Compare::NotEqual),
    ("<=", Compare::LessEqual),
    ("<", Compare::Less),
    (">=", Compare::GreaterEqual),
    (">", Compare::Greater),
    ("=", Compare::Equal),
];

/// Operations by rank, the loosest first; signs bind tighter than these, and looser than `^`.
pub const OPERATIONS: [&[(&str, Arithmetic)]; 2] = [
    &[("+", Arithmetic::Add), ("-", Arithmetic::Subtract)],
    &[("*", Arithmetic::Multiply), ("/", Arithmetic::Divide), ("%", Arithmetic::Remainder)],
];

/// An expression, and where it stands.
struct Operand {
    expr: FieldExpr,
    at: usize,
}

fn wrong<T>(at: usize, expected: impl Into<String>) -> Result<T> {
    Err(Error::Query { position: at, expected: expected.into() })
}

/// Checked before one level more is entered, so that no input can exhaust the stack.
pub fn deeper(lexer: &Lexer<'_>, depth: usize) -> Result<usize> {
    if depth < MAX_QUERY_DEPTH {
        return Ok(depth + 1);
    }
    Err(lexer.expected(format!("at most {MAX_QUERY_DEPTH} nested parentheses and signs")))
}

/// A condition: an expression that is true or false, or an attribute that may be.
pub fn condition(lexer: &mut Lexer<'_>, depth: usize) -> Result<FieldExpr> {
    let operand = any(lexer, depth)?;
    truth(&operand)?;
    Ok(operand.expr)
}

/// An expression that looks at the span; `numeric` if its values must be numbers.
pub fn of_span(lexer: &mut Lexer<'_>, depth: usize, numeric: bool) -> Result<FieldExpr> {
    let operand = any(lexer, depth)?;
    if numeric && !matches!(operand.expr.of_type(), Type::Open | Type::Number) {
        return wrong(operand.at, "an attribute, a duration or another number");
    }
    if !operand.expr.has_fields() {
        return wrong(operand.at, "an expression with a field of the span");
    }
    let mut refused = false;
    operand.expr.fields(&mut |field| refused |= *field == Field::NestedSetParent);
    match refused {
        true => wrong(operand.at, NESTED_SET),
        false => Ok(operand.expr),
    }
}

fn any(lexer: &mut Lexer<'_>, depth: usize) -> Result<Operand> {
    joined(lexer, depth, "||", FieldExpr::Or, |lexer, depth| {
        joined(lexer, depth, "&&", FieldExpr::And, comparison)
    })
}

fn joined(
    lexer: &mut Lexer<'_>,
    depth: usize,
    token: &str,
    join: fn(Vec<FieldExpr>) -> FieldExpr,
    part: fn(&mut Lexer<'_>, usize) -> Result<Operand>,
) -> Result<Operand> {
    let first = part(lexer, depth)?;
    lexer.skip_space();
    if !lexer.rest().starts_with(token) {
        return Ok(first);
    }
    truth(&first)?;
    let at = first.at;
    let mut parts = vec![first.expr];
    while lexer.take(token) {
        let next = part(lexer, depth)?;
        truth(&next)?;
        parts.push(next.expr);
        lexer.skip_space();
    }
    Ok(Operand { expr: join(parts), at })
}

fn truth(operand: &Operand) -> Result<()> {
    match operand.expr.of_type() {
        Type::Open | Type::Bool => Ok(()),
        _ => wrong(operand.at, "a condition: a comparison, or an attribute that is true or false"),
    }
}

fn comparison(lexer: &mut Lexer<'_>, depth: usize) -> Result<Operand> {
    let left = arithmetic(lexer, depth, 0)?;
    lexer.skip_space();
    for (token, negated) in [("=~", false), ("!~", true)] {
        if lexer.take(token) {
            return pattern(lexer, left, negated);
        }
    }
    let Some((_, compare)) = COMPARES.iter().find(|(token, _)| lexer.take(token)) else {
        return Ok(left);
    };
    let right = arithmetic(lexer, depth, 0)?;
    comparable(&left, *compare, &right)?;
    let (mut a, mut b) = (left.expr, right.expr);
    if matches!(compare, Compare::Equal | Compare::NotEqual) {
        a = padded(a, &b);
        b = padded(b, &a);
    }
    Ok(Operand { expr: FieldExpr::Compare(Box::new(a), *compare, Box::new(b)), at: left.at })
}

fn pattern(lexer: &mut Lexer<'_>, left: Operand, negated: bool) -> Result<Operand> {
    lexer.skip_space();
    if !matches!(left.expr.of_type(), Type::Open | Type::Text) {
        return Err(lexer.expected("a comparison: only text matches an expression"));
    }
    let before = *lexer;
    let Some(text) = lexer.string()? else {
        return Err(before.expected("a regular expression in quotes"));
    };
    let regex = anchored(&text)
        .map_err(|why| before.expected(format!("a regular expression, but this is none: {why}")))?;
    let pattern = Pattern { text: text.into(), regex, negated };
    Ok(Operand { expr: FieldExpr::Match(Box::new(left.expr), pattern), at: left.at })
}

const NESTED_SET: &str = "nestedSetParent only as nestedSetParent < 0 or = -1 (a root) and >= 0 \
    or > 0 (none): spans are not numbered";

/// Refuses values that never compare.
fn comparable(left: &Operand, compare: Compare, right: &Operand) -> Result<()> {
    let nested = |operand: &Operand| {
        let mut found = false;
        operand.expr.fields(&mut |field| found |= *field == Field::NestedSetParent);
        found
    };
    if nested(left) || nested(right) {
        let number = match &right.expr {
            FieldExpr::Literal(Literal::Number(Number::Int(value))) => Some(*value),
            _ => None,
        };
        let field = FieldExpr::Field(Field::NestedSetParent);
        let known = matches!(
            (compare, number),
            (Compare::Less | Compare::GreaterEqual | Compare::Greater, Some(0))
                | (Compare::Equal, Some(-1))
        );
        let at = if nested(left) { left.at } else { right.at };
        return if left.expr == field && known { Ok(()) } else { wrong(at, NESTED_SET) };
    }
    let (a, b) = (left.expr.of_type(), right.expr.of_type());
    let fits = a == b || [a, b].iter().any(|own| matches!(own, Type::Open | Type::Nil));
    let open = |own| matches!(own, Type::Open | Type::Nil);
    let known = if open(a) { b } else { a };
    if !fits {
        return wrong(right.at, literals_of(a));
    }
    let is_equality = matches!(compare, Compare::Equal | Compare::NotEqual);
    let has_nil = a == Type::Nil || b == Type::Nil;
    if !is_equality && (has_nil || matches!(known, Type::Bool | Type::Kind | Type::Status)) {
        let also = ", which has no order: compare with = or !=";
        return wrong(right.at, format!("{}{also}", literals_of(a)));
    }
    Ok(())
}

const fn literals_of(of: Type) -> &'static str {
    match of {
        Type::Open => "a string in quotes, a number, a duration such as 1.5s, true, false or nil",
        Type::Nil => "a field",
        Type::Text => "a string in quotes, or nil",
        Type::Number => "a number, a duration such as 1.5s, or nil",
        Type::Bool => "true, false or nil",
        Type::Kind => "unspecified, internal, server, client, producer, consumer or nil",
        Type::Status => "unset, ok, error or nil",
    }
}

/// An id as trace ids are printed, where it is compared with one.
fn padded(expr: FieldExpr, other: &FieldExpr) -> FieldExpr {
    match (expr, other) {
        (FieldExpr::Literal(Literal::Text(text)), FieldExpr::Field(Field::TraceId)) => {
            FieldExpr::Literal(Literal::Text(format!("{:0>32}", text.to_lowercase()).into()))
        }
        (expr, _) => expr,
    }
}

fn arithmetic(lexer: &mut Lexer<'_>, depth: usize, rank: usize) -> Result<Operand> {
    let Some(operations) = OPERATIONS.get(rank) else { return signed(lexer, depth) };
    let first = arithmetic(lexer, depth, rank + 1)?;
    let mut rest = Vec::new();
    loop {
        lexer.skip_space();
        let Some((_, operation)) = operations.iter().find(|(token, _)| lexer.take(token)) else {
            break;
        };
        if rest.is_empty() {
            number(&first)?;
        }
        let next = arithmetic(lexer, depth, rank + 1)?;
        number(&next)?;
        rest.push((*operation, next.expr));
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok(Operand { expr: FieldExpr::Arithmetic(Box::new(first.expr), rest), at: first.at })
}

fn number(operand: &Operand) -> Result<()> {
    match operand.expr.of_type() {
        Type::Open | Type::Number => Ok(()),
        _ => wrong(operand.at, "an attribute, a number or a duration such as 1.5s"),
    }
}

fn signed(lexer: &mut Lexer<'_>, depth: usize) -> Result<Operand> {
    lexer.skip_space();
    let at = lexer.position();
    if lexer.rest().starts_with('-') {
        let depth = deeper(lexer, depth)?;
        lexer.take("-");
        let inner = signed(lexer, depth)?;
        number(&inner)?;
        let expr = match inner.expr {
            FieldExpr::Literal(literal) => FieldExpr::Literal(negated(literal)),
            expr => FieldExpr::Negative(Box::new(expr)),
        };
        return Ok(Operand { expr, at });
    }
    if lexer.rest().starts_with('!') {
        let depth = deeper(lexer, depth)?;
        lexer.take("!");
        let inner = signed(lexer, depth)?;
        truth(&inner)?;
        return Ok(Operand { expr: FieldExpr::Not(Box::new(inner.expr)), at });
    }
    power(lexer, depth)
}

/// `a ^ b ^ c`, from the right. An exponent with a sign has all that follows for its operand.
fn power(lexer: &mut Lexer<'_>, depth: usize) -> Result<Operand> {
    let first = single(lexer, depth)?;
    let mut rest = Vec::new();
    lexer.skip_space();
    while lexer.take("^") {
        lexer.skip_space();
        let has_sign = lexer.rest().starts_with('-');
        let exponent = if has_sign { signed(lexer, depth)? } else { single(lexer, depth)? };
        number(&first)?;
        number(&exponent)?;
        rest.push((Arithmetic::Power, exponent.expr));
        lexer.skip_space();
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok(Operand { expr: FieldExpr::Arithmetic(Box::new(first.expr), rest), at: first.at })
}

/// What no operator parts: something in parentheses, a literal or a field.
fn single(lexer: &mut Lexer<'_>, depth: usize) -> Result<Operand> {
    lexer.skip_space();
    let at = lexer.position();
    if lexer.rest().starts_with('(') {
        let depth = deeper(lexer, depth)?;
        lexer.take("(");
        let Operand { expr, .. } = any(lexer, depth)?;
        lexer.skip_space();
        return match lexer.take(")") {
            true => Ok(Operand { expr, at }),
            false => Err(lexer.expected("an operator, &&, || or )")),
        };
    }
    let expr = match literal(lexer)? {
        Some(literal) => FieldExpr::Literal(literal),
        None => FieldExpr::Field(field(lexer)?),
    };
    Ok(Operand { expr, at })
}

/// The same number with its sign changed.
pub fn negated(literal: Literal) -> Literal {
    match literal {
        Literal::Duration(nanos) => {
            nanos.checked_neg().map_or(Literal::Duration(i64::MAX), Literal::Duration)
        }
        Literal::Number(number) => Literal::Number(negative(number)),
        other => other,
    }
}

/// A value, if one stands here.
fn literal(lexer: &mut Lexer<'_>) -> Result<Option<Literal>> {
    if let Some(text) = lexer.string()? {
        return Ok(Some(Literal::Text(text.into())));
    }
    if let Some(number) = figure(lexer)? {
        return Ok(Some(number));
    }
    let before = *lexer;
    let word = lexer.word();
    let kind = (0..6).find(|&n| SpanKind(n).name() == Some(word));
    let status = (0..3).find(|&n| StatusCode(n).name() == Some(word));
    let literal = match word {
        "nil" => Some(Literal::Nil),
        "true" => Some(Literal::Bool(true)),
        "false" => Some(Literal::Bool(false)),
        _ => kind.map(Literal::Kind).or(status.map(Literal::Status)),
    };
    if literal.is_none() || lexer.rest().starts_with('.') {
        *lexer = before;
        return Ok(None);
    }
    Ok(literal)
}

/// A number or a duration, if one stands here.
pub fn figure(lexer: &mut Lexer<'_>) -> Result<Option<Literal>> {
    if let Some(figure) = lexer.number()? {
        return Ok(Some(match figure {
            Figure::Number(number) => Literal::Number(number),
            Figure::Duration(nanos) => Literal::Duration(nanos),
        }));
    }
    let before = *lexer;
    match lexer.word() {
        "minInt" => Ok(Some(Literal::Number(Number::Int(i64::MIN)))),
        "maxInt" => Ok(Some(Literal::Number(Number::Int(i64::MAX)))),
        _ => {
            *lexer = before;
            Ok(None)
        }
    }
}

/// A field.
pub fn field(lexer: &mut Lexer<'_>) -> Result<Field> {
    let start = *lexer;
    let word = lexer.word();
    if lexer.take(".") {
        let scope = match word {
            "" => Scope::Any,
            "span" => Scope::Span,
            "resource" => Scope::Resource,
            "event" => Scope::Event,
            "link" => Scope::Link,
            "instrumentation" => Scope::Instrumentation,
            "parent" => {
                let scopes = [("span.", Scope::Span), ("resource.", Scope::Resource)];
                let scope = scopes.iter().find(|(prefix, _)| lexer.take(prefix));
                let scope = scope.map_or(Scope::Any, |(_, scope)| *scope);
                return Ok(Field::Parent(scope, Str::from(lexer.attribute_name()?)));
            }
            _ => {
                return Err(start.expected(
                    "an attribute's scope: . span. resource. event. link. instrumentation. or \
                     parent.",
                ));
            }
        };
        return Ok(Field::Attribute(scope, Str::from(lexer.attribute_name()?)));
    }
    if matches!(word, "nestedSetLeft" | "nestedSetRight") {
        return Err(start.expected(format!("another field: spans are not numbered; {NESTED_SET}")));
    }
    let known = INTRINSICS.iter().find(|(name, _)| *name == word);
    known.map(|(_, field)| field.clone()).ok_or_else(|| start.expected(OPERANDS))
}
