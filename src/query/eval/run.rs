//! A program on a trace: span sets, step by step.

use std::collections::BTreeMap;

use crate::base::error::Result;
use crate::base::model::Value;
use crate::base::number::Number;
use crate::base::text::Str;
use crate::query::eval::bits::Bits;
use crate::query::eval::datum::{Datum, told_number};
use crate::query::eval::expr::{Context, elements};
use crate::query::eval::program::{Comparison, Program, Scalar, Set, Step};
use crate::query::gather::Gathered;
use crate::query::lang::tree::{FieldExpr, Mode, Relation, Structural};
use crate::query::view::Piece;

/// A set of spans that a query found in a trace.
#[derive(Clone, Debug)]
pub struct SpanSet {
    /// The spans.
    pub spans: Bits,
    /// What `by()` and comparisons of scalars tell of them.
    pub told: Vec<(Str, Value)>,
}

/// A program on one trace.
pub struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) trace: &'a Gathered,
    pub(super) pieces: &'a [Piece],
}

impl<'a> Run<'a> {
    /// Of a program on a trace.
    pub fn new(program: &'a Program, trace: &'a Gathered, pieces: &'a [Piece]) -> Self {
        Self { program, trace, pieces }
    }

    /// The span sets that a query finds in the trace; none is empty.
    pub fn sets(&self) -> Result<Vec<SpanSet>> {
        let range = self.program.leaves.range;
        let spans = &self.trace.spans;
        let all = Bits::of(spans.len(), |span| {
            spans.get(span).is_some_and(|brief| range.contains(brief.key.0))
        });
        self.steps(&self.program.steps, all)
    }

    pub(super) fn steps(&self, steps: &[Step], spans: Bits) -> Result<Vec<SpanSet>> {
        let mut sets = vec![SpanSet { spans, told: Vec::new() }];
        for step in steps {
            sets.retain(|set| !set.spans.is_empty());
            match step {
                Step::Spans(selected) => {
                    for set in &mut sets {
                        set.spans = self.select(selected, &set.spans)?;
                    }
                }
                Step::Scalar(comparison) => sets = self.compared(comparison, sets)?,
                Step::By(by) => {
                    let groups = sets.into_iter().map(|set| self.split(set, by));
                    sets = groups.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect();
                }
                Step::Coalesce => {
                    let all = sets.into_iter().map(|set| set.spans).reduce(|a, b| a.or(&b));
                    sets =
                        all.map(|spans| SpanSet { spans, told: Vec::new() }).into_iter().collect();
                }
                Step::Select(_) => {}
            }
        }
        sets.retain(|set| !set.spans.is_empty());
        Ok(sets)
    }

    /// The spans of `within` that are selected; relations are those of the whole trace.
    fn select(&self, set: &Set, within: &Bits) -> Result<Bits> {
        let none = || Bits::none(self.trace.spans.len());
        Ok(match set {
            Set::Leaf(leaf) => {
                let spans = &self.trace.spans;
                Bits::of(spans.len(), |span| {
                    within.has(span) && spans.get(span).is_some_and(|own| own.verdicts.holds(*leaf))
                })
            }
            Set::And(parts) => {
                let mut all = none();
                for part in parts {
                    let found = self.select(part, within)?;
                    if found.is_empty() {
                        return Ok(none());
                    }
                    all = all.or(&found);
                }
                all
            }
            Set::Or(parts) => {
                let mut all = none();
                for part in parts {
                    all = all.or(&self.select(part, within)?);
                }
                all
            }
            Set::Chain(first, rest) => {
                let mut left = self.select(first, within)?;
                for (structural, right) in rest {
                    let right = self.select(right, within)?;
                    left = self.relate(left, *structural, right);
                }
                left
            }
            Set::Pipeline(steps) => {
                let sets = self.steps(steps, within.clone())?.into_iter();
                sets.fold(none(), |all, set| all.or(&set.spans))
            }
            Set::Scalar(comparison) => {
                let mut spans = none();
                let left = self.scalar(&comparison.left, within, &mut spans)?;
                let right = self.scalar(&comparison.right, within, &mut spans)?;
                match holds(left, comparison, right) {
                    true => spans,
                    false => none(),
                }
            }
        })
    }

    fn relate(&self, left: Bits, structural: Structural, right: Bits) -> Bits {
        let relation = self.trace.relation();
        let related = relation.related(structural.relation, &left);
        match structural.mode {
            Mode::Plain => right.and(&related),
            Mode::Negated => right.without(&related),
            Mode::Union => {
                let found = right.and(&related);
                let back = match structural.relation {
                    Relation::Child => Relation::Parent,
                    Relation::Parent => Relation::Child,
                    Relation::Descendant => Relation::Ancestor,
                    Relation::Ancestor => Relation::Descendant,
                    Relation::Sibling => Relation::Sibling,
                };
                let partners = left.and(&relation.related(back, &found));
                found.or(&partners)
            }
        }
    }

    fn compared(&self, comparison: &Comparison, sets: Vec<SpanSet>) -> Result<Vec<SpanSet>> {
        let mut kept = Vec::new();
        for mut set in sets {
            let mut piped = Bits::none(0);
            let left = self.scalar(&comparison.left, &set.spans, &mut piped)?;
            let right = self.scalar(&comparison.right, &set.spans, &mut piped)?;
            if holds(left, comparison, right) {
                for (scalar, value) in [(&comparison.left, left), (&comparison.right, right)] {
                    if !matches!(scalar, Scalar::Literal(_)) {
                        set.told.extend(value.map(|v| (scalar.to_string().into(), told_number(v))));
                    }
                }
                kept.push(set);
            }
        }
        Ok(kept)
    }

    /// A set's spans by the first value of each expression, the groups in the order of values.
    fn split(&self, set: SpanSet, by: &[FieldExpr]) -> Result<Vec<SpanSet>> {
        type Key = Vec<Option<Datum>>;
        let mut groups: BTreeMap<Key, (Key, Bits)> = BTreeMap::new();
        let count = self.trace.spans.len();
        let mut bytes = 0;
        self.visit(&set.spans, &mut |span, context| {
            let first = by.iter().map(|expr| {
                let mut first = None;
                elements(expr, context, &mut |seen| {
                    first.get_or_insert_with(|| Datum::of(seen));
                });
                first
            });
            let first: Key = first.collect();
            let Some((told, group)) = groups.get_mut(&first) else {
                // A trace of many spans, each with a value of its own, is a table of bits.
                bytes += count / 8;
                let mut group = Bits::none(count);
                group.insert(span);
                groups.insert(first.clone(), (first, group));
                return self.program.leaves.bounds.check_trace(bytes);
            };
            group.insert(span);
            for (told, own) in told.iter_mut().flatten().zip(first.into_iter().flatten()) {
                if own.is_told_before(told) {
                    *told = own;
                }
            }
            Ok(())
        })?;
        let told = |key: &[Option<Datum>]| {
            let own = by.iter().zip(key).map(|(expr, datum)| {
                let value = datum.as_ref().map_or(Value::Empty, |d| d.told(expr.of_type()));
                (format!("by({expr})").into(), value)
            });
            set.told.iter().cloned().chain(own).collect()
        };
        Ok(groups.into_values().map(|(key, spans)| SpanSet { told: told(&key), spans }).collect())
    }

    /// Hands over what there is to say of each span, reading it again.
    pub(super) fn visit(
        &self,
        spans: &Bits,
        visit: &mut dyn FnMut(usize, &Context<'_>) -> Result<()>,
    ) -> Result<()> {
        let loose = self.program.leaves.loose;
        self.trace.visit(self.pieces, spans, &mut |span, row, facts| {
            let subject = Some(row.subject());
            visit(span, &Context { subject, facts: Some(&facts), loose })
        })
    }
}

fn holds(left: Option<Number>, comparison: &Comparison, right: Option<Number>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => comparison.compare.accepts(left.compare(right)),
        _ => false,
    }
}
