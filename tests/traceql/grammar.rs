//! TraceQL as a tree of our own: what the engine's parser makes of a text is no part of it.
//!
//! ```text
//! query    = pipeline | wrapped { join wrapped } | "(" pipeline "|" aggregate ")" compare scalar
//! pipeline = stage { "|" stage }
//! stage    = spans | scalar compare scalar | "by(" expr, .. ")" | "coalesce()" | "select(" field, .. ")"
//! spans    = "{" [ expr ] "}" | spans join spans | "(" spans ")"
//! join     = "&&" | "||" | [ "!" | "&" ] ( ">" | ">>" | "<" | "<<" | "~" )
//! scalar   = aggregate | number | scalar arithmetic scalar
//! ```

use crate::pattern::Pattern;

/// A query: a pipeline, or a comparison of what pipelines come to.
#[derive(Clone, Debug)]
pub enum Query {
    Pipeline(Pipeline),
    Scalars(ScalarPipes, Compare, ScalarPipes),
}

/// Stages, of which the first may be any but `coalesce()`.
#[derive(Clone, Debug)]
pub struct Pipeline(pub Vec<Stage>);

#[derive(Clone, Debug)]
pub enum Stage {
    Spans(Spans),
    Filter(Scalar, Compare, Scalar),
    By(Vec<Expr>),
    Coalesce,
    Select(Vec<Field>),
}

/// A span-set expression.
#[derive(Clone, Debug)]
pub enum Spans {
    Filter(Option<Expr>),
    Join(Box<Spans>, Join, Box<Spans>),
    /// A pipeline in parentheses as an operand.
    Wrapped(Pipeline),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Join {
    And,
    Or,
    Related(Form, Relation),
}

/// `>`, `!>`, `&>`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    Plain,
    Not,
    Union,
}

/// What spans on the right are to spans on the left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Relation {
    Child,
    Descendant,
    Parent,
    Ancestor,
    Sibling,
}

/// A number made of what a span set comes to.
#[derive(Clone, Debug)]
pub enum Scalar {
    Aggregate(Aggregate),
    Literal(Literal),
    Arithmetic(Box<Scalar>, Arithmetic, Box<Scalar>),
}

/// The same of whole pipelines.
#[derive(Clone, Debug)]
pub enum ScalarPipes {
    Pipeline(Pipeline, Aggregate),
    Literal(Literal),
    Arithmetic(Box<ScalarPipes>, Arithmetic, Box<ScalarPipes>),
}

#[derive(Clone, Debug)]
pub enum Aggregate {
    Count,
    Of(Fold, Expr),
}

#[derive(Clone, Copy, Debug)]
pub enum Fold {
    Avg,
    Min,
    Max,
    Sum,
}

/// What stands in braces and between the parentheses of `by` and `sum`.
#[derive(Clone, Debug)]
pub enum Expr {
    Literal(Literal),
    Field(Field),
    /// `= nil`, or `!= nil`.
    Exists(Box<Expr>, bool),
    Compare(Box<Expr>, Compare, Box<Expr>),
    Match {
        text: Box<Expr>,
        negated: bool,
        pattern: Pattern,
    },
    Arithmetic(Box<Expr>, Arithmetic, Box<Expr>),
    Negate(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Compare {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
}

#[derive(Clone, Debug)]
pub enum Literal {
    Text(String),
    Int(i64),
    Real(f64),
    /// Nanoseconds.
    Duration(i64),
    Bool(bool),
    Kind(i32),
    Status(i32),
}

#[derive(Clone, Debug)]
pub enum Field {
    Attribute { parent: bool, scope: Scope, key: String },
    Intrinsic(Intrinsic),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scope {
    Any,
    Span,
    Resource,
    Event,
    Link,
    Instrumentation,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Intrinsic {
    Name,
    Kind,
    Status,
    StatusMessage,
    Duration,
    SpanId,
    ParentId,
    ChildCount,
    TraceId,
    TraceDuration,
    RootName,
    RootService,
    EventName,
    TimeSinceStart,
    LinkTraceId,
    LinkSpanId,
    InstrumentationName,
    InstrumentationVersion,
    /// Only as whether it is below zero: whether the span is a root.
    NestedSetParent,
}

/// What a field or literal can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Type {
    Text,
    Number,
    Bool,
    Kind,
    Status,
    /// An attribute's.
    Unknown,
}

impl Intrinsic {
    /// Its spellings, the published scoped one first.
    pub const fn spellings(self) -> &'static [&'static str] {
        match self {
            Self::Name => &["span:name", "name"],
            Self::Kind => &["span:kind", "kind"],
            Self::Status => &["span:status", "status"],
            Self::StatusMessage => &["span:statusMessage", "statusMessage"],
            Self::Duration => &["span:duration", "duration"],
            Self::SpanId => &["span:id"],
            Self::ParentId => &["span:parentID"],
            Self::ChildCount => &["span:childCount", "childCount"],
            Self::TraceId => &["trace:id"],
            Self::TraceDuration => &["trace:duration", "traceDuration"],
            Self::RootName => &["trace:rootName", "rootName"],
            Self::RootService => &["trace:rootService", "rootServiceName"],
            Self::EventName => &["event:name"],
            Self::TimeSinceStart => &["event:timeSinceStart"],
            Self::LinkTraceId => &["link:traceID"],
            Self::LinkSpanId => &["link:spanID"],
            Self::InstrumentationName => &["instrumentation:name"],
            Self::InstrumentationVersion => &["instrumentation:version"],
            Self::NestedSetParent => &["nestedSetParent"],
        }
    }

    pub const fn kind(self) -> Type {
        match self {
            Self::Kind => Type::Kind,
            Self::Status => Type::Status,
            Self::Duration
            | Self::ChildCount
            | Self::TraceDuration
            | Self::TimeSinceStart
            | Self::NestedSetParent => Type::Number,
            _ => Type::Text,
        }
    }
}

impl Compare {
    pub const ALL: [Self; 6] = [
        Self::Equal,
        Self::NotEqual,
        Self::Less,
        Self::LessEqual,
        Self::Greater,
        Self::GreaterEqual,
    ];

    pub const fn text(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
        }
    }
}

impl Arithmetic {
    pub const fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::Power => "^",
        }
    }
}

impl Join {
    pub const fn text(self) -> &'static str {
        use Form::{Not, Plain, Union};
        use Relation::{Ancestor, Child, Descendant, Parent, Sibling};
        match self {
            Self::And => "&&",
            Self::Or => "||",
            Self::Related(Plain, Child) => ">",
            Self::Related(Plain, Descendant) => ">>",
            Self::Related(Plain, Parent) => "<",
            Self::Related(Plain, Ancestor) => "<<",
            Self::Related(Plain, Sibling) => "~",
            Self::Related(Not, Child) => "!>",
            Self::Related(Not, Descendant) => "!>>",
            Self::Related(Not, Parent) => "!<",
            Self::Related(Not, Ancestor) => "!<<",
            Self::Related(Not, Sibling) => "!~",
            Self::Related(Union, Child) => "&>",
            Self::Related(Union, Descendant) => "&>>",
            Self::Related(Union, Parent) => "&<",
            Self::Related(Union, Ancestor) => "&<<",
            Self::Related(Union, Sibling) => "&~",
        }
    }
}

impl Fold {
    pub const fn text(self) -> &'static str {
        match self {
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Sum => "sum",
        }
    }
}

impl Scope {
    pub const fn text(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Span => "span",
            Self::Resource => "resource",
            Self::Event => "event",
            Self::Link => "link",
            Self::Instrumentation => "instrumentation",
        }
    }
}
