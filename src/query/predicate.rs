//! Whether a span fulfils a condition.
//!
//! - A missing attribute makes every comparison false, `!=` included; `= nil` asks for its absence.
//! - A repeated key matches if any of its values does; so do events and links.
//! - An array matches if any element does, but `!=` and `!~` only if no element is equal, matches.
//! - An unscoped key is looked up on the resource only where the span lacks it.
//! - Values of different types never compare, so `.x != "a"` is false of a number; loose matching
//!   compares text with what a number or truth value prints, for `=`, `!=`, `=~` and `!~`.
//! - An attribute whose value is empty, bytes or a map exists, and equals no literal.

use crate::base::model::{KeyValue, ResourceContext, ScopeContext};
use crate::base::view::{AttrRef, SpanRef};
use crate::query::ast::{Check, Expr, Field, Scope, Test};
use crate::query::compare::{Seen, holds, holds_of_ref, holds_of_value};
use crate::query::eval::expr::{self, Context};
use crate::query::eval::family::Family;
use crate::query::eval::fields::{each, nested_set_parent};

/// What conditions can ask of a trace as a whole, and of the span's place in it.
#[derive(Clone, Copy, Debug)]
pub struct TraceFacts<'a> {
    /// The root span's name.
    pub root_name: &'a str,
    /// The root span's service, if it has one.
    pub root_service: Option<&'a str>,
    /// From the first start to the last end.
    pub duration_nanos: u64,
    /// The span's parents and children.
    pub family: Option<Family<'a>>,
}

/// A span with what it says of its resource and scope.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The span.
    pub span: &'a SpanRef<'a>,
    /// Its resource.
    pub resource: &'a ResourceContext,
    /// Its instrumentation scope.
    pub scope: &'a ScopeContext,
}

/// Whether the span fulfils `expr`; `None` where that depends on facts not given.
///
/// The recursion is as deep as the query nests, at most
/// [`MAX_QUERY_DEPTH`](crate::base::limits::MAX_QUERY_DEPTH) levels.
pub fn matches(
    expr: &Expr,
    subject: Subject<'_>,
    facts: Option<TraceFacts<'_>>,
    loose: bool,
) -> Option<bool> {
    // `decisive` is the verdict of one part that settles the whole.
    let (parts, decisive) = match expr {
        Expr::And(parts) => (parts, false),
        Expr::Or(parts) => (parts, true),
        Expr::Not(inner) => return matches(inner, subject, facts, loose).map(|verdict| !verdict),
        Expr::Test(test) => return test_span(test, subject, facts, loose),
        Expr::Computed(computed) => {
            let context = Context { subject: Some(subject), facts: facts.as_ref(), loose };
            return expr::holds(&computed.expr, &context);
        }
    };
    joined(decisive, parts.iter().map(|part| matches(part, subject, facts, loose)))
}

/// What the verdicts of parts come to, of which a single `decisive` one settles the whole.
pub fn joined(decisive: bool, verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut joined = Some(!decisive);
    for verdict in verdicts {
        match verdict {
            Some(truth) if truth == decisive => return Some(decisive),
            Some(_) => {}
            None => joined = None,
        }
    }
    joined
}

fn test_span(
    test: &Test,
    subject: Subject<'_>,
    facts: Option<TraceFacts<'_>>,
    loose: bool,
) -> Option<bool> {
    let check = &test.check;
    if let Field::Attribute(scope, key) = &test.field {
        return Some(test_attribute(*scope, key, check, subject, loose));
    }
    let (mut exists, mut any) = (false, false);
    each(&test.field, subject, facts.as_ref(), &mut |seen| {
        exists = true;
        any = any || holds(check, seen, loose);
    })?;
    Some(any || (!exists && matches!(check, Check::Absent)))
}

fn test_attribute(
    scope: Scope,
    key: &str,
    check: &Check,
    subject: Subject<'_>,
    loose: bool,
) -> bool {
    let span = subject.span;
    let on_span = || any_ref(&span.attributes, key, check, loose);
    let found = match scope {
        Scope::Resource => return of_resource(subject.resource, key, check, loose),
        Scope::Instrumentation => return of_scope(subject.scope, key, check, loose),
        Scope::Any => match on_span() {
            None => return of_resource(subject.resource, key, check, loose),
            found => found,
        },
        Scope::Span => on_span(),
        Scope::Event => {
            any_of(span.events.iter().map(|e| any_ref(&e.attributes, key, check, loose)))
        }
        Scope::Link => any_of(span.links.iter().map(|l| any_ref(&l.attributes, key, check, loose))),
    };
    found.unwrap_or(matches!(check, Check::Absent))
}

/// Whether a check holds of a resource's attribute.
pub fn of_resource(resource: &ResourceContext, key: &str, check: &Check, loose: bool) -> bool {
    let attributes = resource.resource.as_ref().map_or(&[][..], |r| &r.attributes);
    any_value(attributes, key, check, loose)
}

/// Whether a check holds of an instrumentation scope's attribute.
pub fn of_scope(scope: &ScopeContext, key: &str, check: &Check, loose: bool) -> bool {
    let attributes = scope.scope.as_ref().map_or(&[][..], |s| &s.attributes);
    any_value(attributes, key, check, loose)
}

/// Whether the check holds of any value of the key; `None` if nothing bears the key.
fn any_ref(attributes: &[AttrRef<'_>], key: &str, check: &Check, loose: bool) -> Option<bool> {
    let values = attributes.iter().filter(|a| a.key.as_str() == key);
    any_of(values.map(|a| Some(holds_of_ref(check, &a.value, loose))))
}

fn any_value(attributes: &[KeyValue], key: &str, check: &Check, loose: bool) -> bool {
    let values = attributes.iter().filter(|a| a.key == *key);
    let found = any_of(values.map(|a| Some(holds_of_value(check, &a.value, loose))));
    found.unwrap_or(matches!(check, Check::Absent))
}

fn any_of(verdicts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut found = None;
    for verdict in verdicts.flatten() {
        if verdict {
            return Some(true);
        }
        found = Some(false);
    }
    found
}

/// Whether a filter may hold of a span, as far as it depends on whether that is a root. Recurses as
/// deep as the query nests.
pub fn may_hold(filter: &Expr, loose: bool, is_root: &dyn Fn() -> bool) -> bool {
    match filter {
        Expr::And(parts) => parts.iter().all(|part| may_hold(part, loose, is_root)),
        Expr::Or(parts) => parts.iter().any(|part| may_hold(part, loose, is_root)),
        Expr::Test(Test { field: Field::NestedSetParent, check }) => {
            holds(check, Seen::Number(nested_set_parent(is_root())), loose)
        }
        _ => true,
    }
}
