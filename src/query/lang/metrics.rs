//! Metrics queries: a pipeline, and what is counted or measured of the spans that it leaves.
//!
//! ```text
//! metrics  = pipeline "|" function [ "by" "(" field { "," field } ")" ] { "|" second | filter }
//! function = ( "rate" | "count_over_time" ) "(" ")"
//!          | ( "min" | "max" | "avg" | "sum" | "histogram" ) "_over_time" "(" field ")"
//!          | "quantile_over_time" "(" field "," number { "," number } ")"
//! second   = ( "topk" | "bottomk" ) "(" integer ")"
//! filter   = compare number
//! ```

use crate::base::error::Result;
use crate::base::number::Number;
use crate::query::ast::Compare;
use crate::query::lang::expr::{COMPARES, field, figure, negated};
use crate::query::lang::field::{Field, Type};
use crate::query::lang::lexer::Lexer;
use crate::query::lang::parse::{before_metrics, list, opening};
use crate::query::lang::tree::{Literal, Pipeline};

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
}

impl Function {
    /// The field whose numbers are taken.
    pub const fn field(&self) -> Option<&Field> {
        match self {
            Self::Rate | Self::Count => None,
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
    if word == "compare" {
        return Err(start.expected("another function: compare() is a question of its own"));
    }
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
        _ => return Err(start.expected("rate(), count_over_time() or the like before this")),
    };
    lexer.skip_space();
    if lexer.take(")") { Ok(function) } else { Err(lexer.expected(")")) }
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
