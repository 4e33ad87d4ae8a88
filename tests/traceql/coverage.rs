//! Which parts of the grammar were asked for, and how often the query found something.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use crate::grammar::*;

#[derive(Default)]
pub struct Coverage {
    pub asked: usize,
    pub matched: usize,
    /// Asked and matched, by the operator or field.
    parts: BTreeMap<String, (usize, usize)>,
}

impl Coverage {
    pub fn count(&mut self, query: &Query, found: bool) {
        self.asked += 1;
        self.matched += usize::from(found);
        let mut parts = Vec::new();
        of_query(query, &mut parts);
        parts.sort_unstable();
        parts.dedup();
        for part in parts {
            let (asked, matched) = self.parts.entry(part).or_default();
            *asked += 1;
            *matched += usize::from(found);
        }
    }

    /// Whether everything was asked, and found something at least once.
    pub fn assert_whole(&self) {
        let forms = [Form::Plain, Form::Not, Form::Union];
        let relations = [
            Relation::Child,
            Relation::Descendant,
            Relation::Parent,
            Relation::Ancestor,
            Relation::Sibling,
        ];
        let joins = forms.iter().flat_map(|form| relations.map(|r| Join::Related(*form, r)));
        let joins = joins.map(|join| format!("{{}} {} {{}}", join.text()));
        let rest = [
            "{} && {}",
            "{} || {}",
            "a && b",
            "a || b",
            "! a",
            "a = b",
            "a != b",
            "a < b",
            "a <= b",
            "a > b",
            "a >= b",
            "a + b",
            "a - b",
            "a * b",
            "a / b",
            "a % b",
            "a ^ b",
            "- a",
            "=~",
            "!~",
            "= nil",
            "!= nil",
            "count()",
            "avg()",
            "min()",
            "max()",
            "sum()",
            "by()",
            "coalesce()",
            "select()",
            "wrapped",
            "scalar pipelines",
            "parent.",
        ];
        for part in rest.into_iter().map(String::from).chain(joins) {
            let (asked, matched) = self.parts.get(&part).copied().unwrap_or_default();
            assert!(matched > 0, "{part}: {matched} of {asked} match\n{self}");
        }
    }
}

impl Display for Coverage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} queries, {} match", self.asked, self.matched)?;
        for (part, (asked, matched)) in &self.parts {
            writeln!(f, "{part:32}{asked:8}{matched:8}")?;
        }
        Ok(())
    }
}

fn of_query(query: &Query, out: &mut Vec<String>) {
    match query {
        Query::Pipeline(pipeline) => of_pipeline(pipeline, out),
        Query::Scalars(left, _, right) => {
            out.push("scalar pipelines".into());
            of_scalar_pipes(left, out);
            of_scalar_pipes(right, out);
        }
    }
}

fn of_scalar_pipes(scalar: &ScalarPipes, out: &mut Vec<String>) {
    match scalar {
        ScalarPipes::Pipeline(pipeline, aggregate) => {
            of_pipeline(pipeline, out);
            of_aggregate(aggregate, out);
        }
        ScalarPipes::Literal(_) => {}
        ScalarPipes::Arithmetic(left, _, right) => {
            of_scalar_pipes(left, out);
            of_scalar_pipes(right, out);
        }
    }
}

fn of_pipeline(pipeline: &Pipeline, out: &mut Vec<String>) {
    for stage in &pipeline.0 {
        match stage {
            Stage::Spans(spans) => of_spans(spans, out),
            Stage::Filter(left, _, right) => {
                of_scalar(left, out);
                of_scalar(right, out);
            }
            Stage::By(exprs) => {
                out.push("by()".into());
                exprs.iter().for_each(|expr| of_expr(expr, out));
            }
            Stage::Coalesce => out.push("coalesce()".into()),
            Stage::Select(_) => out.push("select()".into()),
        }
    }
}

fn of_spans(spans: &Spans, out: &mut Vec<String>) {
    match spans {
        Spans::Filter(expr) => expr.iter().for_each(|expr| of_expr(expr, out)),
        Spans::Join(left, join, right) => {
            out.push(format!("{{}} {} {{}}", join.text()));
            of_spans(left, out);
            of_spans(right, out);
        }
        Spans::Wrapped(pipeline) => {
            out.push("wrapped".into());
            of_pipeline(pipeline, out);
        }
    }
}

fn of_scalar(scalar: &Scalar, out: &mut Vec<String>) {
    match scalar {
        Scalar::Aggregate(aggregate) => of_aggregate(aggregate, out),
        Scalar::Literal(_) => {}
        Scalar::Arithmetic(left, how, right) => {
            out.push(format!("count() {} n", how.text()));
            of_scalar(left, out);
            of_scalar(right, out);
        }
    }
}

fn of_aggregate(aggregate: &Aggregate, out: &mut Vec<String>) {
    match aggregate {
        Aggregate::Count => out.push("count()".into()),
        Aggregate::Of(fold, expr) => {
            out.push(format!("{}()", fold.text()));
            of_expr(expr, out);
        }
    }
}

fn of_expr(expr: &Expr, out: &mut Vec<String>) {
    let pair = match expr {
        Expr::Literal(_) => return,
        Expr::Field(Field::Intrinsic(intrinsic)) => {
            return out.push(intrinsic.spellings()[0].into());
        }
        Expr::Field(Field::Attribute { parent, scope, .. }) => {
            return out.push(if *parent { "parent.".into() } else { format!("{}.", scope.text()) });
        }
        Expr::Exists(field, exists) => {
            out.push(if *exists { "!= nil" } else { "= nil" }.into());
            return of_expr(field, out);
        }
        Expr::Match { text, negated, .. } => {
            out.push(if *negated { "!~" } else { "=~" }.into());
            return of_expr(text, out);
        }
        Expr::Negate(operand) => {
            out.push("- a".into());
            return of_expr(operand, out);
        }
        Expr::Not(operand) => {
            out.push("! a".into());
            return of_expr(operand, out);
        }
        Expr::Compare(left, how, right) => (how.text(), left, right),
        Expr::Arithmetic(left, how, right) => (how.text(), left, right),
        Expr::And(left, right) => ("&&", left, right),
        Expr::Or(left, right) => ("||", left, right),
    };
    out.push(format!("a {} b", pair.0));
    of_expr(pair.1, out);
    of_expr(pair.2, out);
}
