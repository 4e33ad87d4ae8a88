//! How a query is answered, in words and figures.

use crate::query::ast::{Check, Compare, Expr, Field, Test};
use crate::query::driver::{Driven, driven, estimate};
use crate::query::eval::program::Program;
use crate::query::typed::Query;
use crate::query::view::View;

/// How a search finds what it answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// What some span of every matching trace fulfils: the traces in which one does are looked at,
    /// newest first.
    pub driver: String,
    /// What is made of the spans of a trace that was found, as TraceQL; none if the driver is all
    /// there is to the query.
    pub stages: Option<String>,
    /// The conditions of the driver, then others that some span of every matching trace fulfils,
    /// each once: traces in which an index says that none does are not read.
    pub conditions: Vec<Condition>,
}

/// A condition of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Condition {
    /// As text.
    pub text: String,
    /// What answers it.
    pub access: Access,
    /// About how many traces it leaves over in the newest segments. None where no segment was
    /// asked, for there is none in the time range.
    pub traces: Option<u64>,
}

/// What answers a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Access {
    /// The lists of traces by value: one look for each value.
    Index,
    /// The same, after a scan of all values in a dictionary.
    Dictionary,
    /// Columns, row by row of the traces that other conditions leave over.
    Columns,
    /// Whole rows of these traces.
    Rows,
    /// The trace, put together from all segments.
    Trace,
}

impl Access {
    /// In a word: `index`, `dictionary`, `columns`, `rows` or `trace`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Index => "index",
            Self::Dictionary => "dictionary",
            Self::Columns => "columns",
            Self::Rows => "rows",
            Self::Trace => "trace",
        }
    }
}

/// The plan of a query on a view.
pub fn plan(view: &View, query: &Query, program: &Program) -> Plan {
    let Driven { query: driver, others } = driven(program, view, query);
    let driver = driver.filter;
    let mut conditions = Vec::new();
    let mut note = |expr: &Expr| {
        let text = expr.to_string();
        if conditions.iter().any(|known: &Condition| known.text == text) {
            return;
        }
        let estimate = estimate(view, query, expr);
        let access = access(expr, estimate.is_none_or(|estimate| estimate.exact));
        conditions.push(Condition {
            text,
            access,
            traces: estimate.map(|estimate| estimate.traces),
        });
    };
    each(&driver, &mut note);
    others.iter().for_each(|other| each(&other.filter, &mut note));
    let pipeline = query.pipeline.as_ref().map(|pipeline| match query.filter.to_string() {
        all if all == "true" => pipeline.to_string(),
        filter => format!("{pipeline} | {{ {filter} }}"),
    });
    let anywhere = (pipeline.is_none() && !program.is_simple()).then(|| match &query.filter {
        Expr::And(parts) => {
            parts.iter().map(|part| format!("{{ {part} }}")).collect::<Vec<_>>().join(" && ")
        }
        filter => format!("{{ {filter} }}"),
    });
    Plan { driver: driver.to_string(), stages: pipeline.or(anywhere), conditions }
}

/// Hands over every single condition.
fn each(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().for_each(|part| each(part, visit)),
        single => visit(single),
    }
}

/// What answers a condition; `exact` says whether an index alone can.
fn access(expr: &Expr, exact: bool) -> Access {
    let test = match expr {
        Expr::Test(test) => test,
        other if other.needs_trace() => return Access::Trace,
        Expr::Computed(_) => return Access::Rows,
        _ => return Access::Columns,
    };
    let Test { field, check } = test;
    let scans = matches!(check, Check::Pattern { .. })
        || matches!(check, Check::Text(compare, _) if *compare != Compare::Equal);
    match field {
        field if field.needs_trace() => Access::Trace,
        Field::SpanId
        | Field::ParentId
        | Field::TraceId
        | Field::LinkTraceId
        | Field::LinkSpanId
        | Field::EventTimeSinceStart => Access::Rows,
        Field::Duration => Access::Columns,
        _ if !exact => Access::Columns,
        _ if scans => Access::Dictionary,
        _ => Access::Index,
    }
}
