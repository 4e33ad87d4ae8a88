//! Reads queries: pipelines of span-set expressions.
//!
//! What a pair of parentheses holds, a span set, a pipeline, a number or a comparison, shows only
//! once it is read; so one reader reads all of these, and operators ask what they were given.

use crate::base::error::{Error, Result};
use crate::base::limits::MAX_QUERY_BYTES;
use crate::query::ast::Compare;
use crate::query::lang::expr::{
    COMPARES, OPERATIONS, condition, deeper, field, figure, negated, of_span,
};
use crate::query::lang::lexer::Lexer;
use crate::query::lang::metrics::WORDS;
use crate::query::lang::scalar::aggregate;
use crate::query::lang::tree::{
    Arithmetic, FieldExpr, Literal, Pipeline, ScalarExpr, ScalarFilter, SpansetExpr, Stage,
    Structural,
};

/// What can begin a stage.
pub const STAGES: &str = "{, (, count(), avg(, min(, max(, sum(, by(, coalesce() or select(";

/// The pipeline that a text states.
pub fn parse(text: &str) -> Result<Pipeline> {
    let (piped, mut lexer) = whole(text)?;
    if piped.is_measured {
        let before = lexer;
        let word = lexer.word();
        return Err(before.expected(format!("a stage that leaves spans, not {word}: {STAGES}")));
    }
    if piped.scalar.is_some() {
        return Err(lexer.expected("a comparison of this number, such as > 2"));
    }
    if !lexer.rest().is_empty() {
        let mut ahead = lexer;
        return Err(lexer.expected(match ahead.word() {
            "with" => "the end of the query: hints are not taken",
            _ => "the end of the query, | or an operator",
        }));
    }
    Ok(Pipeline { stages: piped.stages })
}

/// The pipeline before a function that measures what it leaves, and where that begins.
pub fn before_metrics(text: &str) -> Result<(Pipeline, Lexer<'_>)> {
    let (piped, lexer) = whole(text)?;
    match piped.is_measured {
        true => Ok((Pipeline { stages: piped.stages }, lexer)),
        false => {
            Err(lexer.expected("| and rate(), count_over_time(), avg_over_time(..) or the like"))
        }
    }
}

/// A pipeline from the beginning of a text on.
fn whole(text: &str) -> Result<(Piped, Lexer<'_>)> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(Error::Query {
            position: MAX_QUERY_BYTES,
            expected: format!("the end of a query of at most {MAX_QUERY_BYTES} bytes"),
        });
    }
    let mut lexer = Lexer::new(text);
    let piped = pipeline(&mut lexer, 0)?;
    Ok((piped, lexer))
}

/// A pipeline; one in parentheses can end in a number.
struct Piped {
    stages: Vec<Stage>,
    scalar: Option<Box<ScalarExpr>>,
    /// Whether metrics follow, at which it stops.
    is_measured: bool,
}

/// What an expression came out as.
///
/// In boxes: parentheses are read by recursion, whose frames hold several of these.
enum Node {
    Spans(Box<SpansetExpr>),
    Scalar(Box<ScalarExpr>),
    Compared(Box<ScalarFilter>),
}

/// A node and where it stands.
struct Read {
    node: Node,
    at: usize,
}

fn wrong<T>(at: usize, expected: &str) -> Result<T> {
    Err(Error::Query { position: at, expected: expected.into() })
}

impl Read {
    fn spans(self) -> Result<Box<SpansetExpr>> {
        match self.node {
            Node::Spans(spans) => Ok(spans),
            _ => wrong(self.at, "a span set: a filter in braces, or a pipeline in parentheses"),
        }
    }

    fn scalar(self) -> Result<Box<ScalarExpr>> {
        match self.node {
            Node::Scalar(scalar) => Ok(scalar),
            _ => wrong(self.at, "a number: count(), avg(..) or the like, or a literal"),
        }
    }

    const fn is_scalar(&self) -> bool {
        matches!(self.node, Node::Scalar(_))
    }
}

fn pipeline(lexer: &mut Lexer<'_>, depth: usize) -> Result<Piped> {
    let mut piped = Piped { stages: Vec::new(), scalar: None, is_measured: false };
    loop {
        lexer.skip_space();
        match stage(lexer, depth, piped.stages.is_empty())? {
            Next::Stage(stage) => piped.stages.push(stage),
            Next::Scalar(scalar) => piped.scalar = Some(scalar),
            Next::Metrics => {
                piped.is_measured = true;
                return Ok(piped);
            }
        }
        lexer.skip_space();
        if piped.scalar.is_some() || lexer.rest().starts_with("||") || !lexer.take("|") {
            return Ok(piped);
        }
    }
}

enum Next {
    Stage(Stage),
    Scalar(Box<ScalarExpr>),
    Metrics,
}

fn stage(lexer: &mut Lexer<'_>, depth: usize, is_first: bool) -> Result<Next> {
    let start = *lexer;
    let stage = match lexer.word() {
        "by" => {
            opening(lexer)?;
            let values = list(lexer, |lexer| of_span(lexer, depth, false))?;
            Stage::By(values)
        }
        "coalesce" if is_first => {
            return Err(start.expected("a stage with spans to coalesce() before it"));
        }
        "coalesce" => {
            opening(lexer)?;
            lexer.skip_space();
            if !lexer.take(")") {
                return Err(lexer.expected(")"));
            }
            Stage::Coalesce
        }
        "select" => {
            opening(lexer)?;
            Stage::Select(list(lexer, field)?)
        }
        word if WORDS.contains(&word) && depth == 0 && !is_first => {
            *lexer = start;
            return Ok(Next::Metrics);
        }
        _ => {
            *lexer = start;
            let read = any(lexer, depth)?;
            match read.node {
                Node::Spans(spans) => Stage::Spans(*spans),
                Node::Compared(filter)
                    if filter.left.has_pipeline() || filter.right.has_pipeline() =>
                {
                    Stage::Spans(SpansetExpr::Scalar(filter))
                }
                Node::Compared(filter) => Stage::Scalar(*filter),
                Node::Scalar(scalar) => return Ok(Next::Scalar(scalar)),
            }
        }
    };
    Ok(Next::Stage(stage))
}

/// Moves past an opening parenthesis.
pub fn opening(lexer: &mut Lexer<'_>) -> Result<()> {
    lexer.skip_space();
    if lexer.take("(") { Ok(()) } else { Err(lexer.expected("(")) }
}

/// Items between commas, up to the closing parenthesis.
pub fn list<'a, T>(
    lexer: &mut Lexer<'a>,
    mut item: impl FnMut(&mut Lexer<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut items = Vec::new();
    loop {
        lexer.skip_space();
        items.push(item(lexer)?);
        lexer.skip_space();
        if lexer.take(")") {
            return Ok(items);
        }
        if !lexer.take(",") {
            return Err(lexer.expected(", or )"));
        }
    }
}

fn any(lexer: &mut Lexer<'_>, depth: usize) -> Result<Read> {
    joined(lexer, depth, "||", SpansetExpr::Or, |lexer, depth| {
        joined(lexer, depth, "&&", SpansetExpr::And, related)
    })
}

fn joined(
    lexer: &mut Lexer<'_>,
    depth: usize,
    token: &str,
    join: fn(Vec<SpansetExpr>) -> SpansetExpr,
    part: fn(&mut Lexer<'_>, usize) -> Result<Read>,
) -> Result<Read> {
    let first = part(lexer, depth)?;
    lexer.skip_space();
    if !lexer.rest().starts_with(token) {
        return Ok(first);
    }
    let at = first.at;
    let mut parts = vec![*first.spans()?];
    while lexer.take(token) {
        parts.push(*part(lexer, depth)?.spans()?);
        lexer.skip_space();
    }
    Ok(Read { node: Node::Spans(Box::new(join(parts))), at })
}

fn structural(lexer: &mut Lexer<'_>) -> Option<Structural> {
    let is_comparison = ["<=", ">="].iter().any(|token| lexer.rest().starts_with(token));
    let found = Structural::TOKENS.iter().find(|(token, _)| !is_comparison && lexer.take(token));
    found.map(|(_, structural)| *structural)
}

fn related(lexer: &mut Lexer<'_>, depth: usize) -> Result<Read> {
    let first = arithmetic(lexer, depth, 0)?;
    lexer.skip_space();
    let at = first.at;
    if first.is_scalar() {
        let Some((_, compare)) = COMPARES.iter().find(|(token, _)| lexer.take(token)) else {
            return Ok(first);
        };
        let right = arithmetic(lexer, depth, 0)?;
        return Ok(Read { node: Node::Compared(Box::new(compared(first, *compare, right)?)), at });
    }
    let mut rest = Vec::new();
    while let Some(structural) = structural(lexer) {
        rest.push((structural, *arithmetic(lexer, depth, 0)?.spans()?));
        lexer.skip_space();
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let node = Node::Spans(Box::new(SpansetExpr::Chain(first.spans()?, rest)));
    Ok(Read { node, at })
}

fn compared(left: Read, compare: Compare, right: Read) -> Result<ScalarFilter> {
    let at = left.at;
    let filter = ScalarFilter { left: *left.scalar()?, compare, right: *right.scalar()? };
    match filter.left.is_constant() && filter.right.is_constant() {
        true => wrong(at, "count(), avg(..) or the like on one side of the comparison"),
        false => Ok(filter),
    }
}

fn arithmetic(lexer: &mut Lexer<'_>, depth: usize, rank: usize) -> Result<Read> {
    let Some(operations) = OPERATIONS.get(rank) else { return signed(lexer, depth) };
    let first = arithmetic(lexer, depth, rank + 1)?;
    let at = first.at;
    let mut scalars: Vec<(Arithmetic, ScalarExpr)> = Vec::new();
    // Behind span sets `-` and the like mean nothing: what is expected there is said elsewhere.
    while first.is_scalar() {
        lexer.skip_space();
        let Some((_, operation)) = operations.iter().find(|(token, _)| lexer.take(token)) else {
            break;
        };
        scalars.push((*operation, *arithmetic(lexer, depth, rank + 1)?.scalar()?));
    }
    if scalars.is_empty() {
        return Ok(first);
    }
    let node = Node::Scalar(Box::new(ScalarExpr::Arithmetic(first.scalar()?, scalars)));
    Ok(Read { node, at })
}

fn signed(lexer: &mut Lexer<'_>, depth: usize) -> Result<Read> {
    lexer.skip_space();
    let at = lexer.position();
    if !lexer.rest().starts_with('-') {
        return power(lexer, depth);
    }
    let depth = deeper(lexer, depth)?;
    lexer.take("-");
    let scalar = match *signed(lexer, depth)?.scalar()? {
        ScalarExpr::Literal(literal) => ScalarExpr::Literal(negated(literal)),
        scalar => ScalarExpr::Negative(Box::new(scalar)),
    };
    Ok(Read { node: Node::Scalar(Box::new(scalar)), at })
}

/// `a ^ b ^ c`, from the right. An exponent with a sign has all that follows for its operand.
fn power(lexer: &mut Lexer<'_>, depth: usize) -> Result<Read> {
    let first = single(lexer, depth)?;
    let mut exponents = Vec::new();
    lexer.skip_space();
    while first.is_scalar() && lexer.take("^") {
        lexer.skip_space();
        let has_sign = lexer.rest().starts_with('-');
        let exponent = if has_sign { signed(lexer, depth)? } else { single(lexer, depth)? };
        exponents.push((Arithmetic::Power, *exponent.scalar()?));
        lexer.skip_space();
    }
    if exponents.is_empty() {
        return Ok(first);
    }
    let at = first.at;
    let node = Node::Scalar(Box::new(ScalarExpr::Arithmetic(first.scalar()?, exponents)));
    Ok(Read { node, at })
}

/// What no operator parts: something in braces or parentheses, a number, an aggregate.
fn single(lexer: &mut Lexer<'_>, depth: usize) -> Result<Read> {
    lexer.skip_space();
    let at = lexer.position();
    let rest = lexer.rest();
    let node = if rest.starts_with('{') {
        lexer.take("{");
        Node::Spans(Box::new(SpansetExpr::Filter(filter(lexer, depth)?)))
    } else if rest.starts_with('(') {
        let depth = deeper(lexer, depth)?;
        lexer.take("(");
        let piped = pipeline(lexer, depth)?;
        if !lexer.take(")") {
            return Err(lexer.expected("|, an operator or )"));
        }
        enclosed(piped)
    } else if let Some(literal) = figure(lexer)? {
        Node::Scalar(Box::new(ScalarExpr::Literal(literal)))
    } else {
        Node::Scalar(Box::new(aggregate(lexer, depth)?))
    };
    Ok(Read { node, at })
}

/// What a pair of parentheses comes to.
fn enclosed(piped: Piped) -> Node {
    let Piped { mut stages, scalar, .. } = piped;
    match scalar {
        Some(scalar) if stages.is_empty() => return Node::Scalar(scalar),
        Some(scalar) => {
            let piped = ScalarExpr::Piped(Pipeline { stages }, scalar);
            return Node::Scalar(Box::new(piped));
        }
        None => {}
    }
    match stages.pop() {
        Some(Stage::Spans(spans)) if stages.is_empty() => Node::Spans(Box::new(spans)),
        last => {
            stages.extend(last);
            Node::Spans(Box::new(SpansetExpr::Pipeline(Pipeline { stages })))
        }
    }
}

/// A condition behind its opening brace.
pub fn filter(lexer: &mut Lexer<'_>, depth: usize) -> Result<FieldExpr> {
    lexer.skip_space();
    if lexer.take("}") {
        return Ok(FieldExpr::Literal(Literal::Bool(true)));
    }
    let condition = condition(lexer, depth)?;
    lexer.skip_space();
    match lexer.take("}") {
        true => Ok(condition),
        false => Err(lexer.expected("an operator, &&, || or }")),
    }
}
