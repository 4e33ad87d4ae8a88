//! A query made ready: its filters numbered, and what to look for to find its traces.

use std::sync::Arc;

use crate::base::error::{Error, Result};
use crate::query::ast::{Compare, Expr, Field};
use crate::query::lang::tree::{
    Aggregate, Arithmetic, FieldExpr, Literal, Mode, Pipeline, ScalarExpr, ScalarFilter,
    SpansetExpr, Stage, Structural,
};
use crate::query::leaves::{Leaves, MAX_LEAVES};
use crate::query::lower::lower;
use crate::query::typed::Query;

/// A query to be run on whole traces.
#[derive(Clone, Debug)]
pub struct Program {
    /// What is asked of each span.
    pub leaves: Leaves,
    /// What is made of the answers.
    pub steps: Vec<Step>,
}

/// As [`Stage`], with filters numbered.
#[derive(Clone, Debug)]
pub enum Step {
    /// Of each set the spans that this selects.
    Spans(Set),
    /// The sets of which this holds.
    Scalar(Comparison),
    /// Each set split by values.
    By(Arc<[FieldExpr]>),
    /// All sets made one.
    Coalesce,
    /// These are told of each span.
    Select(Arc<[Field]>),
}

/// As [`SpansetExpr`], with filters numbered.
#[derive(Clone, Debug)]
pub enum Set {
    /// Those that fulfil this filter.
    Leaf(usize),
    /// Those of all, if each has some.
    And(Vec<Set>),
    /// Those of all.
    Or(Vec<Set>),
    /// Those that relate, step by step.
    Chain(Box<Set>, Vec<(Structural, Set)>),
    /// Those of all sets that a pipeline leaves.
    Pipeline(Vec<Step>),
    /// Those of both sides, if the sides compare so.
    Scalar(Box<Comparison>),
}

/// As [`ScalarFilter`], with filters numbered.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What is compared.
    pub left: Scalar,
    /// How.
    pub compare: Compare,
    /// With what.
    pub right: Scalar,
}

/// As [`ScalarExpr`], with filters numbered.
#[derive(Clone, Debug)]
pub enum Scalar {
    /// The same for each set.
    Literal(Literal),
    /// How many spans it has.
    Count,
    /// Taken of its spans' numbers.
    Aggregate(Aggregate, Arc<FieldExpr>),
    /// Of the spans that a pipeline leaves.
    Piped(Vec<Step>, Box<Scalar>),
    /// With the sign changed.
    Negative(Box<Scalar>),
    /// Computed.
    Arithmetic(Box<Scalar>, Vec<(Arithmetic, Scalar)>),
}

impl Set {
    /// Whether there is nothing in it but filters. Recurses as deep as the query nests.
    fn relates_filters_only(&self) -> bool {
        match self {
            Self::Leaf(_) => true,
            Self::And(parts) | Self::Or(parts) => parts.iter().all(Self::relates_filters_only),
            Self::Chain(first, rest) => {
                let rest = rest.iter().all(|(_, own)| own.relates_filters_only());
                rest && first.relates_filters_only()
            }
            Self::Pipeline(_) | Self::Scalar(_) => false,
        }
    }
}

impl Program {
    /// Makes a query ready.
    pub fn new(query: &Query) -> Result<Self> {
        let (range, loose) = (query.range, query.loose);
        let bounds = query.bounds.clone();
        let leaves = Leaves { range, loose, bounds, ..Leaves::none() };
        let mut program = Self { leaves, steps: Vec::new() };
        if let Some(pipeline) = &query.pipeline {
            program.steps = program.steps(pipeline)?;
        }
        match &query.filter {
            Expr::And(parts) if parts.is_empty() && !program.steps.is_empty() => {}
            Expr::And(parts) if parts.len() > 1 && query.anywhere => {
                let leaves = parts.iter().map(|part| program.leaf(part.clone()));
                let all = leaves.collect::<Result<_>>()?;
                program.steps.push(Step::Spans(Set::And(all)));
            }
            filter => {
                let leaf = program.leaf(filter.clone())?;
                program.steps.push(Step::Spans(leaf));
            }
        }
        Ok(program)
    }

    /// The fields that `select()` names.
    pub fn selected(&self) -> Vec<Field> {
        let fields = |step: &Step| match step {
            Step::Select(fields) => fields.to_vec(),
            _ => Vec::new(),
        };
        self.steps.iter().flat_map(fields).collect()
    }

    /// Whether the query is one filter, so that a span that fulfils it is all it takes.
    pub fn is_simple(&self) -> bool {
        matches!(self.steps.as_slice(), [Step::Spans(Set::Leaf(_))])
    }

    /// Whether it asks of the spans no more than which filters they fulfil and how they relate; and
    /// more than that some span fulfils one.
    pub fn takes_columns_only(&self) -> bool {
        let counts = |scalar: &Scalar| matches!(scalar, Scalar::Count | Scalar::Literal(_));
        let step = |step: &Step| match step {
            Step::Spans(set) => set.relates_filters_only(),
            Step::Scalar(comparison) => counts(&comparison.left) && counts(&comparison.right),
            Step::Select(_) => true,
            Step::By(_) | Step::Coalesce => false,
        };
        !self.is_simple() && self.steps.iter().all(step)
    }

    fn leaf(&mut self, filter: Expr) -> Result<Set> {
        if self.leaves.filters.len() == MAX_LEAVES {
            let message = format!("a query has at most {MAX_LEAVES} filters in braces");
            return Err(Error::invalid(message));
        }
        filter.fields(&mut |field| self.note(field));
        self.leaves.filters.push(filter);
        Ok(Set::Leaf(self.leaves.filters.len() - 1))
    }

    /// Notes what a field asks of parents.
    fn note(&mut self, field: &Field) {
        if let Field::Parent(scope, key) = field {
            let wanted = (*scope, key.clone());
            if !self.leaves.parents.contains(&wanted) {
                self.leaves.parents.push(wanted);
            }
        }
    }

    fn note_all(&mut self, expr: &FieldExpr) {
        expr.fields(&mut |field| self.note(field));
    }

    fn steps(&mut self, pipeline: &Pipeline) -> Result<Vec<Step>> {
        let mut steps: Vec<Step> = Vec::new();
        for stage in &pipeline.stages {
            let step = match stage {
                Stage::Spans(spans) => Step::Spans(self.set(spans)?),
                Stage::Scalar(filter) => Step::Scalar(self.comparison(filter)?),
                Stage::By(values) => {
                    values.iter().for_each(|value| self.note_all(value));
                    Step::By(values.as_slice().into())
                }
                Stage::Coalesce => Step::Coalesce,
                Stage::Select(fields) => {
                    fields.iter().for_each(|field| self.note(field));
                    Step::Select(fields.as_slice().into())
                }
            };
            steps.push(step);
        }
        Ok(steps)
    }

    fn set(&mut self, spans: &SpansetExpr) -> Result<Set> {
        let all = |own: &mut Self, parts: &[SpansetExpr]| {
            parts.iter().map(|part| own.set(part)).collect::<Result<Vec<_>>>()
        };
        Ok(match spans {
            SpansetExpr::Filter(condition) => self.leaf(lower(condition))?,
            SpansetExpr::And(parts) => Set::And(all(self, parts)?),
            SpansetExpr::Or(parts) => {
                // The spans of either filter are those that fulfil one or the other.
                let filters = parts.iter().map(|part| match part {
                    SpansetExpr::Filter(condition) => Some(lower(condition)),
                    _ => None,
                });
                match filters.collect::<Option<Vec<Expr>>>() {
                    Some(filters) => self.leaf(Expr::Or(filters))?,
                    None => Set::Or(all(self, parts)?),
                }
            }
            SpansetExpr::Chain(first, rest) => {
                self.leaves.relate = true;
                let first = Box::new(self.set(first)?);
                let rest =
                    rest.iter().map(|(structural, spans)| Ok((*structural, self.set(spans)?)));
                Set::Chain(first, rest.collect::<Result<_>>()?)
            }
            SpansetExpr::Pipeline(pipeline) => Set::Pipeline(self.steps(pipeline)?),
            SpansetExpr::Scalar(filter) => Set::Scalar(Box::new(self.comparison(filter)?)),
        })
    }

    fn comparison(&mut self, filter: &ScalarFilter) -> Result<Comparison> {
        let left = self.scalar(&filter.left)?;
        Ok(Comparison { left, compare: filter.compare, right: self.scalar(&filter.right)? })
    }

    fn scalar(&mut self, scalar: &ScalarExpr) -> Result<Scalar> {
        Ok(match scalar {
            ScalarExpr::Literal(literal) => Scalar::Literal(literal.clone()),
            ScalarExpr::Count => Scalar::Count,
            ScalarExpr::Aggregate(aggregate, of) => {
                self.note_all(of);
                Scalar::Aggregate(*aggregate, Arc::new(of.clone()))
            }
            ScalarExpr::Piped(pipeline, scalar) => {
                Scalar::Piped(self.steps(pipeline)?, Box::new(self.scalar(scalar)?))
            }
            ScalarExpr::Negative(inner) => Scalar::Negative(Box::new(self.scalar(inner)?)),
            ScalarExpr::Arithmetic(first, rest) => {
                let first = Box::new(self.scalar(first)?);
                let rest = rest.iter().map(|(operation, own)| Ok((*operation, self.scalar(own)?)));
                Scalar::Arithmetic(first, rest.collect::<Result<_>>()?)
            }
        })
    }

    /// Conditions each of which some span of every matching trace fulfils, the one first that
    /// `cost` says is rarest; at least one.
    pub fn needs(&self, cost: &mut dyn FnMut(&Expr) -> u64) -> Vec<Expr> {
        by_cost(self.needs_of_steps(&self.steps, cost), cost)
    }

    fn needs_of_steps(&self, steps: &[Step], cost: &mut dyn FnMut(&Expr) -> u64) -> Vec<Expr> {
        let mut needs = Vec::new();
        for step in steps {
            match step {
                Step::Spans(set) => needs.extend(self.needs_of(set, cost)),
                Step::Scalar(_) | Step::By(_) | Step::Coalesce | Step::Select(_) => {}
            }
        }
        needs
    }

    fn needs_of(&self, set: &Set, cost: &mut dyn FnMut(&Expr) -> u64) -> Vec<Expr> {
        match set {
            Set::Leaf(leaf) => self.leaves.filters.get(*leaf).cloned().into_iter().collect(),
            Set::And(parts) => parts.iter().flat_map(|part| self.needs_of(part, cost)).collect(),
            Set::Or(parts) => {
                let needs = parts.iter().map(|part| rarest(self.needs_of(part, cost), cost));
                vec![Expr::Or(needs.collect())]
            }
            Set::Chain(first, rest) => {
                // A negated operator selects spans of its right operand alone, whatever is left.
                let mut needs = self.needs_of(first, cost);
                for (structural, spans) in rest {
                    if structural.mode == Mode::Negated {
                        needs.clear();
                    }
                    needs.extend(self.needs_of(spans, cost));
                }
                needs
            }
            Set::Pipeline(steps) => self.needs_of_steps(steps, cost),
            Set::Scalar(comparison) => {
                let mut needs = Vec::new();
                self.needs_of_scalar(&comparison.left, &mut needs, cost);
                self.needs_of_scalar(&comparison.right, &mut needs, cost);
                vec![Expr::Or(needs)]
            }
        }
    }

    /// What the spans fulfil that pipelines in a scalar can leave.
    fn needs_of_scalar(
        &self,
        scalar: &Scalar,
        needs: &mut Vec<Expr>,
        cost: &mut dyn FnMut(&Expr) -> u64,
    ) {
        match scalar {
            Scalar::Literal(_) | Scalar::Count | Scalar::Aggregate(..) => {}
            Scalar::Piped(steps, _) => {
                needs.push(rarest(self.needs_of_steps(steps, cost), cost));
            }
            Scalar::Negative(inner) => self.needs_of_scalar(inner, needs, cost),
            Scalar::Arithmetic(first, rest) => {
                self.needs_of_scalar(first, needs, cost);
                rest.iter().for_each(|(_, own)| self.needs_of_scalar(own, needs, cost));
            }
        }
    }

    /// How many spans a matching trace has at least.
    pub fn least_spans(&self) -> u64 {
        let counts = self.steps.iter().filter_map(|step| match step {
            Step::Scalar(Comparison { left: Scalar::Count, compare, right }) => {
                let Scalar::Literal(literal) = right else { return None };
                let least = literal.number()?.to_f64();
                match compare {
                    Compare::Greater => {
                        Some((least.floor() as u64).saturating_add(u64::from(least >= 0.0)))
                    }
                    Compare::GreaterEqual | Compare::Equal => Some(least.ceil() as u64),
                    _ => None,
                }
            }
            _ => None,
        });
        counts.max().unwrap_or(0)
    }
}

/// The rarest first; what every span fulfils if there is none.
fn by_cost(needs: Vec<Expr>, cost: &mut dyn FnMut(&Expr) -> u64) -> Vec<Expr> {
    match needs.len() {
        0 => vec![Expr::always()],
        1 => needs,
        _ => {
            let mut priced: Vec<(u64, Expr)> =
                needs.into_iter().map(|need| (cost(&need), need)).collect();
            priced.sort_by_key(|(cost, _)| *cost);
            priced.into_iter().map(|(_, need)| need).collect()
        }
    }
}

fn rarest(needs: Vec<Expr>, cost: &mut dyn FnMut(&Expr) -> u64) -> Expr {
    by_cost(needs, cost).into_iter().next().unwrap_or(Expr::always())
}
