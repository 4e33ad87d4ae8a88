//! Numbers of span sets.

use std::fmt;

use crate::base::error::Result;
use crate::base::number::Number;
use crate::base::time::saturating_nanos;
use crate::query::ast::Field;
use crate::query::compare::Seen;
use crate::query::eval::bits::Bits;
use crate::query::eval::expr::elements;
use crate::query::eval::program::Scalar;
use crate::query::eval::run::Run;
use crate::query::lang::tree::{Aggregate, Arithmetic, FieldExpr, negative};

impl Run<'_> {
    /// The number of a set of spans; none, where an aggregate finds no numbers. The spans that
    /// pipelines in it leave are added to `piped`.
    pub(super) fn scalar(
        &self,
        scalar: &Scalar,
        spans: &Bits,
        piped: &mut Bits,
    ) -> Result<Option<Number>> {
        Ok(match scalar {
            Scalar::Literal(literal) => literal.number(),
            Scalar::Count => i64::try_from(spans.len()).ok().map(Number::Int),
            Scalar::Aggregate(aggregate, of) => aggregate.taken(&self.numbers(of, spans)?),
            Scalar::Piped(steps, scalar) => {
                let none = Bits::none(self.trace.spans.len());
                let sets = self.steps(steps, spans.clone())?.into_iter();
                let left = sets.fold(none, |all, set| all.or(&set.spans));
                *piped = std::mem::take(piped).or(&left);
                self.scalar(scalar, &left, &mut Bits::none(0))?
            }
            Scalar::Negative(inner) => self.scalar(inner, spans, piped)?.map(negative),
            Scalar::Arithmetic(first, rest) => {
                let first = self.scalar(first, spans, piped)?;
                let mut operands = Vec::with_capacity(rest.len());
                for (operation, operand) in rest {
                    operands.push((*operation, self.scalar(operand, spans, piped)?));
                }
                Arithmetic::chain(first, &operands, &mut |operand| *operand)
            }
        })
    }

    /// The numbers that spans have, in their order.
    fn numbers(&self, of: &FieldExpr, spans: &Bits) -> Result<Vec<Number>> {
        if *of == FieldExpr::Field(Field::Duration) {
            // Known without another look.
            let briefs = spans.iter().filter_map(|span| self.trace.spans.get(span));
            let nanos = briefs.map(|brief| saturating_nanos(brief.end.since(brief.key.0)));
            return Ok(nanos.filter_map(|nanos| Seen::Nanos(nanos).number()).collect());
        }
        let mut numbers = Vec::new();
        self.visit(spans, &mut |span, context| {
            elements(of, context, &mut |seen| numbers.extend(seen.number().map(|n| (span, n))));
            let bytes = numbers.len() * size_of::<(usize, Number)>();
            self.program.leaves.bounds.check_trace(bytes)
        })?;
        numbers.sort_by_key(|(span, _)| *span);
        Ok(numbers.into_iter().map(|(_, number)| number).collect())
    }
}

impl Aggregate {
    /// What is taken of these numbers; nothing of none. NaN is the least and the greatest only
    /// among its like.
    pub(crate) fn taken(self, numbers: &[Number]) -> Option<Number> {
        let best = |is_better: fn(Number, Number) -> bool| {
            numbers.iter().copied().reduce(|best, next| {
                if best.is_nan() || is_better(next, best) { next } else { best }
            })
        };
        match self {
            Self::Min => best(|next, best| next < best),
            Self::Max => best(|next, best| next > best),
            Self::Sum => sum(numbers),
            Self::Avg => {
                let count = i64::try_from(numbers.len()).map(Number::Int).ok()?;
                sum(numbers).map(|sum| Arithmetic::Divide.apply(sum, count))
            }
        }
    }
}

fn sum(numbers: &[Number]) -> Option<Number> {
    numbers.iter().copied().reduce(|sum, next| Arithmetic::Add.apply(sum, next))
}

/// As it is told of a set.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(literal) => literal.fmt(f),
            Self::Count => f.write_str("count()"),
            Self::Aggregate(aggregate, of) => write!(f, "{}({of})", aggregate.name()),
            Self::Piped(_, scalar) => scalar.fmt(f),
            Self::Negative(inner) => write!(f, "-({inner})"),
            Self::Arithmetic(first, rest) => {
                write!(f, "({first})")?;
                rest.iter().try_for_each(|(operation, own)| write!(f, " {operation} ({own})"))
            }
        }
    }
}
