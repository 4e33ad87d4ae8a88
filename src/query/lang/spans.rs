//! Span sets and numbers of them, built by calls.

use std::fmt;

use crate::base::number::Number;
use crate::query::ast::Compare;
use crate::query::lang::build::{Expression, Made};
use crate::query::lang::field::Field;
use crate::query::lang::tree::{
    Aggregate, FieldExpr, Literal, Mode, Pipeline, Relation, ScalarExpr, ScalarFilter, SpansetExpr,
    Stage, Structural,
};

/// A set of spans of a trace, and what is made of it stage by stage.
///
/// ```
/// use tracekeep::traceql::{Expression, Field, Relation, Scalar, Spans};
/// use tracekeep::{Query, StatusCode};
/// let cart = Spans::of(Expression::from(Field::resource("service.name")).equals("cart"));
/// let failed = Spans::of(Expression::from(Field::Status).equals(StatusCode::ERROR));
/// let spans = cart
///     .related(Relation::Descendant, failed)
///     .by([Field::Name.into()])
///     .having(Scalar::count().greater(2));
/// let text = r#"{ resource.service.name = "cart" } >> { status = error } | by(name) | count() > 2"#;
/// assert_eq!(spans.to_string(), text);
/// let query = Query::of(spans).limit(5);
/// # let _ = query;
/// ```
#[derive(Clone, Debug)]
pub struct Spans(pub(crate) Made<Pipeline>);

impl Spans {
    /// All spans.
    pub fn all() -> Self {
        Self::of(true)
    }

    /// `{ }`: those of which a condition holds.
    pub fn of(condition: impl Into<Expression>) -> Self {
        Self(condition.into().0.map(|condition| one(SpansetExpr::Filter(condition))))
    }

    fn both(self, other: Self, join: impl FnOnce(SpansetExpr, SpansetExpr) -> SpansetExpr) -> Self {
        Self(self.0.join(other.0, |left, right| one(join(operand(left), operand(right)))))
    }

    fn stage(self, stage: Made<Option<Stage>>) -> Self {
        Self(self.0.join(stage, |mut pipeline, stage| {
            pipeline.stages.extend(stage);
            pipeline
        }))
    }

    /// `&&`: the spans of both, if both have some.
    pub fn and(self, other: Self) -> Self {
        self.both(other, |left, right| SpansetExpr::And(vec![left, right]))
    }

    /// `||`: the spans of both.
    pub fn or(self, other: Self) -> Self {
        self.both(other, |left, right| SpansetExpr::Or(vec![left, right]))
    }

    fn relates(self, relation: Relation, mode: Mode, other: Self) -> Self {
        let structural = Structural { relation, mode };
        self.both(other, |left, right| {
            SpansetExpr::Chain(Box::new(left), vec![(structural, right)])
        })
    }

    /// `>` and the like: the spans of `other` that are so related to one of these.
    pub fn related(self, relation: Relation, other: Self) -> Self {
        self.relates(relation, Mode::Plain, other)
    }

    /// `!>` and the like: the spans of `other` that are not.
    pub fn unrelated(self, relation: Relation, other: Self) -> Self {
        self.relates(relation, Mode::Negated, other)
    }

    /// `&>` and the like: the spans of `other` that are, and those of these that they relate to.
    pub fn with_related(self, relation: Relation, other: Self) -> Self {
        self.relates(relation, Mode::Union, other)
    }

    /// `|` and another selection: of each set the spans that this selects.
    pub fn then(self, other: Self) -> Self {
        Self(self.0.join(other.0, |mut pipeline, mut next| {
            pipeline.stages.append(&mut next.stages);
            pipeline
        }))
    }

    /// `| by(..)`: each set split by values.
    pub fn by(self, values: impl IntoIterator<Item = Expression>) -> Self {
        let all = values.into_iter().fold(Made::leaf(Vec::new()), |all, value| {
            all.join(value.0, |mut all: Vec<FieldExpr>, value| {
                all.push(value);
                all
            })
        });
        self.stage(all.map(|values| Some(Stage::By(values))))
    }

    /// `| count() > 2` and the like: the sets of which a comparison holds.
    pub fn having(self, filter: Having) -> Self {
        self.stage(filter.0.map(|filter| filter.map(Stage::Scalar)))
    }

    /// `| coalesce()`: all sets made one.
    pub fn coalesce(self) -> Self {
        self.stage(Made::leaf(Some(Stage::Coalesce)))
    }

    /// `| select(..)`: hits tell these of each span.
    pub fn select(self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.stage(Made::leaf(Some(Stage::Select(fields.into_iter().collect()))))
    }
}

fn one(spans: SpansetExpr) -> Pipeline {
    Pipeline { stages: vec![Stage::Spans(spans)] }
}

fn operand(mut pipeline: Pipeline) -> SpansetExpr {
    match (pipeline.stages.pop(), pipeline.stages.is_empty()) {
        (Some(Stage::Spans(spans)), true) => spans,
        (last, _) => {
            pipeline.stages.extend(last);
            SpansetExpr::Pipeline(pipeline)
        }
    }
}

impl fmt::Display for Spans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.tree.fmt(f)
    }
}

/// A number for each set of spans.
///
/// ```
/// use tracekeep::traceql::{Field, Scalar};
/// let slow = Scalar::avg(Field::Duration).greater(Scalar::from(2e9));
/// # let _ = slow;
/// ```
#[derive(Clone, Debug)]
pub struct Scalar(Made<Option<ScalarExpr>>);

/// A comparison of two of them.
#[derive(Clone, Debug)]
pub struct Having(Made<Option<ScalarFilter>>);

impl Scalar {
    /// How many spans there are.
    pub fn count() -> Self {
        Self(Made::leaf(Some(ScalarExpr::Count)))
    }

    fn aggregate(aggregate: Aggregate, of: Expression) -> Self {
        Self(of.0.map(|of| Some(ScalarExpr::Aggregate(aggregate, of))))
    }

    /// The mean of the spans' numbers.
    pub fn avg(of: impl Into<Expression>) -> Self {
        Self::aggregate(Aggregate::Avg, of.into())
    }

    /// The least of them.
    pub fn min(of: impl Into<Expression>) -> Self {
        Self::aggregate(Aggregate::Min, of.into())
    }

    /// The greatest of them.
    pub fn max(of: impl Into<Expression>) -> Self {
        Self::aggregate(Aggregate::Max, of.into())
    }

    /// Their sum.
    pub fn sum(of: impl Into<Expression>) -> Self {
        Self::aggregate(Aggregate::Sum, of.into())
    }

    fn compare(self, compare: Compare, other: impl Into<Self>) -> Having {
        Having(self.0.join(other.into().0, |left, right| {
            left.zip(right).map(|(left, right)| ScalarFilter { left, compare, right })
        }))
    }

    /// `=`.
    pub fn equals(self, other: impl Into<Self>) -> Having {
        self.compare(Compare::Equal, other)
    }

    /// `!=`.
    pub fn differs(self, other: impl Into<Self>) -> Having {
        self.compare(Compare::NotEqual, other)
    }

    /// `<`.
    pub fn less(self, other: impl Into<Self>) -> Having {
        self.compare(Compare::Less, other)
    }

    /// `<=`.
    pub fn at_most(self, other: impl Into<Self>) -> Having {
        self.compare(Compare::LessEqual, other)
    }

    /// `>`.
    pub fn greater(self, other: impl Into<Self>) -> Having {
        self.compare(Compare::Greater, other)
    }

    /// `>=`.
    pub fn at_least(self, other: impl Into<Self>) -> Having {
        self.compare(Compare::GreaterEqual, other)
    }
}

impl From<i64> for Scalar {
    fn from(number: i64) -> Self {
        Self(Made::leaf(Some(ScalarExpr::Literal(Literal::Number(Number::Int(number))))))
    }
}

impl From<f64> for Scalar {
    fn from(number: f64) -> Self {
        Self(Made::leaf(Some(ScalarExpr::Literal(Literal::Number(Number::Double(number))))))
    }
}
