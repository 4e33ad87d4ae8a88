//! Metrics queries: a pipeline, and what is counted or measured of the spans that it leaves.
//!
//! ```text
//! metrics  = pipeline "|" function [ "by" "(" field { "," field } ")" ] { "|" second | filter }
//! function = ( "rate" | "count_over_time" ) "(" ")"
//!          | ( "min" | "max" | "avg" | "sum" | "histogram" ) "_over_time" "(" field ")"
//!          | "quantile_over_time" "(" field "," number { "," number } ")"
//!          | "compare" "(" "{" [ condition ] "}" [ "," integer [ "," integer "," integer ] ] ")"
//! second   = ( "topk" | "bottomk" ) "(" integer ")"
//! filter   = compare number
//! ```
//!
//! `compare()` stands alone: neither `by` nor anything behind it follows.

use crate::base::error::Result;
use crate::base::number::Number;
use crate::base::time::{TimeRange, Timestamp};
use crate::query::ast::Compare;
use crate::query::lang::expr::{COMPARES, field, figure, negated};
use crate::query::lang::field::{Field, Type};
use crate::query::lang::lexer::Lexer;
use crate::query::lang::parse::{before_metrics, filter, list, opening};
use crate::query::lang::tree::{FieldExpr, Literal, Pipeline};

/// Words that begin metrics.
pub const WORDS: [&str; 11] = [
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
    "topk",
    "bottomk",
];

/// How many values of each attribute `compare()` tells, unless it says so, and at most.
const TOP: u64 = 10;
const MAX_TOP: u64 = 1000;

const NANOS: &str = "a time in Unix nanoseconds";

/// A metrics query.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// What leaves the spans.
    pub pipeline: Pipeline,
    /// What is taken of them, a step at a time.
    pub function: Function,
    /// What tells the series apart.
    pub by: Vec<Field>,
    /// What is made of the series.
    pub then: Vec<Second>,
}

/// What is taken of the spans that start in a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Function {
    /// How many there are, a second.
    Rate,
    /// How many there are.
    Count,
    /// The least of their numbers.
    Min(Field),
    /// The greatest.
    Max(Field),
    /// The mean.
    Avg(Field),
    /// The sum.
    Sum(Field),
    /// Those below which these shares of the numbers lie.
    Quantile(Field, Vec<f64>),
    /// How many numbers lie below each power of two, and not below the one before.
    Histogram(Field),
    /// How many of the spans have each value of each attribute: of those that are selected, and of
    /// the others.
    Compare(Selection),
}

/// Which spans are set against the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    /// They fulfil this.
    pub filter: FieldExpr,
    /// They start inside this.
    pub range: TimeRange,
    /// How many values of each attribute are told of each side, the most common.
    pub top: usize,
}

impl Function {
    /// The field whose numbers are taken.
    pub const fn field(&self) -> Option<&Field> {
        match self {
            Self::Rate | Self::Count | Self::Compare(_) => None,
            Self::Min(field)
            | Self::Max(field)
            | Self::Avg(field)
            | Self::Sum(field)
            | Self::Quantile(field, _)
            | Self::Histogram(field) => Some(field),
        }
    }
}

/// What is made of series, step by step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Second {
    /// The greatest so many.
    Top(usize),
    /// The least so many.
    Bottom(usize),
    /// Those that compare so.
    Filter(Compare, f64),
}

/// The metrics query that a text states.
pub fn parse(text: &str) -> Result<Metrics> {
    let (pipeline, mut lexer) = before_metrics(text)?;
    let function = function(&mut lexer)?;
    lexer.skip_space();
    if matches!(function, Function::Compare(_)) && !lexer.rest().is_empty() {
        return Err(lexer.expected("the end of the query behind compare()"));
    }
    let mut by = Vec::new();
    let mut ahead = lexer;
    if ahead.word() == "by" {
        lexer = ahead;
        opening(&mut lexer)?;
        by = list(&mut lexer, field)?;
    }
    let mut then = Vec::new();
    while let Some(second) = second(&mut lexer)? {
        then.push(second);
    }
    match lexer.rest().is_empty() {
        true => Ok(Metrics { pipeline, function, by, then }),
        false => {
            Err(lexer
                .expected("the end of the query, by(..), | topk(n), | bottomk(n) or a comparison"))
        }
    }
}

fn function(lexer: &mut Lexer<'_>) -> Result<Function> {
    let start = *lexer;
    let word = lexer.word();
    opening(lexer)?;
    lexer.skip_space();
    let function = match word {
        "rate" => Function::Rate,
        "count_over_time" => Function::Count,
        "quantile_over_time" => {
            let of = numeric(lexer)?;
            let mut shares = Vec::new();
            lexer.skip_space();
            while lexer.take(",") {
                lexer.skip_space();
                let before = *lexer;
                let share = number(lexer)?;
                if !(0.0..=1.0).contains(&share) {
                    return Err(before.expected("a share from 0 to 1"));
                }
                shares.push(share);
                lexer.skip_space();
            }
            if shares.is_empty() {
                return Err(lexer.expected(", and a share from 0 to 1"));
            }
            Function::Quantile(of, shares)
        }
        "min_over_time" => Function::Min(numeric(lexer)?),
        "max_over_time" => Function::Max(numeric(lexer)?),
        "avg_over_time" => Function::Avg(numeric(lexer)?),
        "sum_over_time" => Function::Sum(numeric(lexer)?),
        "histogram_over_time" => Function::Histogram(numeric(lexer)?),
        "compare" => Function::Compare(selection(lexer)?),
        _ => return Err(start.expected("rate(), count_over_time() or the like before this")),
    };
    lexer.skip_space();
    if lexer.take(")") { Ok(function) } else { Err(lexer.expected(")")) }
}

fn selection(lexer: &mut Lexer<'_>) -> Result<Selection> {
    if !lexer.take("{") {
        return Err(lexer.expected("{ and a condition: which spans to set against the others"));
    }
    let filter = filter(lexer, 0)?;
    let mut selection = Selection { filter, range: TimeRange::ALL, top: TOP as usize };
    let Some(top) = behind_comma(lexer, MAX_TOP, "how many values of each tag, from 1 to 1000")?
    else {
        return Ok(selection);
    };
    selection.top = top as usize;
    if let Some(start) = behind_comma(lexer, u64::MAX, NANOS)? {
        lexer.skip_space();
        let before = *lexer;
        match behind_comma(lexer, u64::MAX, NANOS)? {
            Some(end) if end > start => {
                let time = Timestamp::from_nanos;
                selection.range = (time(start)..time(end)).into();
            }
            _ => return Err(before.expected(", and a time behind that one in Unix nanoseconds")),
        }
    }
    Ok(selection)
}

/// A number from 1 to `most` behind a comma, if there is one.
fn behind_comma(lexer: &mut Lexer<'_>, most: u64, expected: &str) -> Result<Option<u64>> {
    lexer.skip_space();
    if !lexer.take(",") {
        return Ok(None);
    }
    lexer.skip_space();
    let before = *lexer;
    let number = match figure(lexer)? {
        Some(Literal::Number(Number::Int(number))) => u64::try_from(number).ok(),
        _ => None,
    };
    let number = number.filter(|number| (1..=most).contains(number));
    number.map(Some).ok_or_else(|| before.expected(expected))
}

fn numeric(lexer: &mut Lexer<'_>) -> Result<Field> {
    let before = *lexer;
    let field = field(lexer)?;
    match field.of_type() {
        Type::Open | Type::Number if field != Field::NestedSetParent => Ok(field),
        _ => Err(before.expected("an attribute, duration or another number")),
    }
}

fn number(lexer: &mut Lexer<'_>) -> Result<f64> {
    let before = *lexer;
    let is_negative = lexer.take("-");
    let literal = figure(lexer)?.ok_or_else(|| before.expected("a number"))?;
    let literal = if is_negative { negated(literal) } else { literal };
    Ok(match literal {
        Literal::Duration(nanos) => nanos as f64,
        literal => literal.number().map_or(0.0, Number::to_f64),
    })
}

fn second(lexer: &mut Lexer<'_>) -> Result<Option<Second>> {
    lexer.skip_space();
    if let Some((_, compare)) = COMPARES.iter().find(|(token, _)| lexer.take(token)) {
        lexer.skip_space();
        return Ok(Some(Second::Filter(*compare, number(lexer)?)));
    }
    if !lexer.take("|") {
        return Ok(None);
    }
    lexer.skip_space();
    let before = *lexer;
    let word = lexer.word();
    if !matches!(word, "topk" | "bottomk") {
        return Err(before.expected("topk(n) or bottomk(n)"));
    }
    opening(lexer)?;
    lexer.skip_space();
    let at = *lexer;
    let count = match figure(lexer)? {
        Some(Literal::Number(Number::Int(count))) if count > 0 => usize::try_from(count).ok(),
        _ => None,
    };
    let count = count.ok_or_else(|| at.expected("how many series, at least 1"))?;
    lexer.skip_space();
    if !lexer.take(")") {
        return Err(lexer.expected(")"));
    }
    Ok(Some(if word == "topk" { Second::Top(count) } else { Second::Bottom(count) }))
}
