//! Which condition drives a query: what some span of every matching trace fulfils, and fewest
//! traces do. What else some span of each must fulfil is asked of the indexes before a trace is read.

use std::sync::Arc;

use crate::base::error::Result;
use crate::base::number::Number;
use crate::index::ordinals::OrdinalSet;
use crate::query::ast::{Check, Compare, Expr, Field, Test};
use crate::query::eval::program::Program;
use crate::query::source::{Estimate, Source};
use crate::query::typed::Query;
use crate::query::view::{Piece, View};

/// Sources that are asked how many of their traces fulfil a condition: the newest tell enough.
const ASKED: usize = 2;

/// What a query looks for in sources.
#[derive(Debug)]
pub struct Driven {
    /// The query with the one condition that all sources are asked for: it must be the same in all
    /// of them, since a trace's spans may lie in several.
    pub query: Query,
    /// The same with each of the other conditions that some span of every matching trace fulfils.
    pub others: Vec<Query>,
}

/// What a query looks for.
pub fn driven(program: &Program, view: &View, query: &Query) -> Driven {
    let mut cost = |need: &Expr| cost(view, query, need);
    let mut queries = program.needs(&mut cost).into_iter().map(|need| {
        let mut driven = query.clone();
        (driven.filter, driven.pipeline) = (need, None);
        driven
    });
    let first = queries.next().unwrap_or_else(|| query.clone());
    Driven { query: first, others: queries.collect() }
}

/// Asks the indexes for what some span of a trace must fulfil, whichever of its pieces holds it.
#[derive(Debug)]
pub struct Checks<'a> {
    conditions: &'a [Query],
    asked: Vec<Asked>,
}

/// A source that was asked, and its traces that may fulfil each condition.
#[derive(Debug)]
struct Asked {
    source: Arc<dyn Source>,
    possible: Vec<Option<OrdinalSet>>,
}

impl<'a> Checks<'a> {
    /// Of these conditions.
    pub fn new(conditions: &'a [Query]) -> Self {
        Self { conditions, asked: Vec::new() }
    }

    /// Whether each condition may hold on some span of the trace that lies in these pieces.
    pub fn admit(&mut self, pieces: &[Piece]) -> Result<bool> {
        for number in 0..self.conditions.len() {
            let mut is_possible = false;
            for piece in pieces {
                is_possible = is_possible || self.may_hold(number, piece)?;
            }
            if !is_possible {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn may_hold(&mut self, number: usize, piece: &Piece) -> Result<bool> {
        let is_it = |asked: &Asked| Arc::ptr_eq(&asked.source, &piece.source);
        let place = match self.asked.iter().position(is_it) {
            Some(place) => place,
            None => {
                let sets = self.conditions.iter().map(|query| piece.source.possible(query));
                let possible = sets.collect::<Result<Vec<_>>>()?;
                self.asked.push(Asked { source: Arc::clone(&piece.source), possible });
                self.asked.len() - 1
            }
        };
        let set = self.asked.get(place).and_then(|asked| asked.possible.get(number)?.as_ref());
        set.map_or(Ok(true), |set| piece.source.is_in(&piece.fragment, set))
    }
}

/// About how many traces a condition leaves over.
fn cost(view: &View, query: &Query, need: &Expr) -> u64 {
    estimate(view, query, need).map_or_else(|| guess(need), |estimate| estimate.traces)
}

/// What the newest sources that have an index say of a condition; none if there is no such source.
pub fn estimate(view: &View, query: &Query, condition: &Expr) -> Option<Estimate> {
    let known = view.sources_in(query.range).filter_map(|source| {
        // What is damaged, the search itself will tell, if it gets there.
        source.estimate(condition, query.loose).ok().flatten()
    });
    known
        .take(ASKED)
        .reduce(|a, b| Estimate { traces: a.traces + b.traces, exact: a.exact && b.exact })
}

/// How many of a hundred thousand traces a condition leaves over, by the looks of it.
fn guess(expr: &Expr) -> u64 {
    match expr {
        Expr::And(parts) => parts.iter().map(guess).min().unwrap_or(100_000),
        Expr::Or(parts) => parts.iter().map(guess).fold(0, u64::saturating_add),
        Expr::Not(_) => 90_000,
        Expr::Computed(computed) => guess(&computed.needs).min(80_000),
        Expr::Test(Test { field, check }) => match (field, check) {
            (Field::TraceId, Check::Text(Compare::Equal, _)) => 1,
            (Field::SpanId | Field::ParentId, Check::Text(Compare::Equal, _)) => 1,
            (Field::Attribute(..), Check::Text(Compare::Equal, _)) => 1_000,
            (Field::Attribute(..), Check::Number(Compare::Equal, _)) => 1_000,
            (Field::Name, Check::Text(Compare::Equal, _)) => 5_000,
            (Field::Status, Check::Code(Compare::Equal, 2)) => 2_000,
            (Field::Duration, Check::Number(Compare::Greater, Number::Int(_))) => 20_000,
            (_, Check::Absent) => 90_000,
            (_, Check::Exists) => 50_000,
            _ => 30_000,
        },
    }
}
