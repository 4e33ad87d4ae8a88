//! Which traces of a segment its tag index leaves over for a condition.
//!
//! Every test of the condition becomes probes of the index; `&&` intersects what they find, `||`
//! unites it. What the index cannot tell is all traces. The result never lacks a trace; whether
//! it has one too many is known, and then its spans need not be read:
//!
//! - a conjunction of several tests only finds traces with a span for each, not one for all;
//! - an unscoped key on a resource does not count for spans that have the key themselves.

use std::ops::Bound;

use crate::base::error::Result;
use crate::base::ids::TraceId;
use crate::base::number::Number;
use crate::index::ordinals::OrdinalSet;
use crate::index::term::{Candidates, Probe, TagScope};
use crate::query::ast::{Check, Compare, Expr, Field, Scope, Test};
use crate::query::compare::print_number;
use crate::segment::intrinsic;

/// A segment's tag index, as far as planning goes.
pub trait Terms {
    /// How many traces the segment has.
    fn traces(&self) -> u32;

    /// The traces with a value, or an element of an array, that answers the probe: never one too
    /// few. A key that nothing bears finds none, and is exact.
    fn postings(&self, scope: TagScope, key: &str, probe: &Probe<'_>) -> Result<Candidates>;

    /// The traces of this id, where an index tells.
    fn of_id(&self, _id: TraceId) -> Result<Option<OrdinalSet>> {
        Ok(None)
    }
}

/// What the index knows of a condition.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The traces in which some span may fulfil it.
    pub set: OrdinalSet,
    /// Whether in each of them some span does.
    pub exact: bool,
    /// Whether every span of the segment fulfils it.
    pub always: bool,
}

/// The traces that may fulfil a condition. Recurses as deep as the query nests.
pub fn plan(terms: &dyn Terms, expr: &Expr, loose: bool) -> Result<Planned> {
    match expr {
        Expr::And(parts) => {
            let mut planned = always(terms);
            for part in parts {
                planned = planned.and(plan(terms, part, loose)?);
                if planned.set.is_empty() {
                    break;
                }
            }
            Ok(planned)
        }
        Expr::Or(parts) => {
            let mut planned = never(terms);
            for part in parts {
                planned = planned.or(plan(terms, part, loose)?);
                if planned.always {
                    break;
                }
            }
            Ok(planned)
        }
        Expr::Not(inner) => plan_not(terms, inner, loose),
        Expr::Test(test) => plan_test(terms, test, loose),
        Expr::Computed(computed) => Ok(plan(terms, &computed.needs, loose)?.inexact()),
    }
}

/// Traces in which a span fulfils a condition have others that do not; but what holds of no span
/// does not hold of any.
fn plan_not(terms: &dyn Terms, inner: &Expr, loose: bool) -> Result<Planned> {
    let inner = plan(terms, inner, loose)?;
    if inner.always {
        return Ok(never(terms));
    }
    Ok(if inner.set.is_empty() { always(terms) } else { unknown(terms) })
}

impl Planned {
    fn and(self, other: Self) -> Self {
        // Two sets of traces say nothing of one span; unless one of them holds of every span.
        let exact = match (self.always, other.always) {
            (true, _) => other.exact,
            (_, true) => self.exact,
            _ => false,
        };
        let set = self.set.and(&other.set);
        let exact = exact || set.is_empty();
        Self { set, exact, always: self.always && other.always }
    }

    fn or(self, other: Self) -> Self {
        if self.always || other.always {
            return if self.always { self } else { other };
        }
        let exact = self.exact && other.exact;
        Self { set: self.set.or(&other.set), exact, always: false }
    }

    fn inexact(self) -> Self {
        Self { exact: self.set.is_empty(), always: false, ..self }
    }
}

fn always(terms: &dyn Terms) -> Planned {
    Planned { set: OrdinalSet::all(terms.traces()), exact: true, always: true }
}

fn never(terms: &dyn Terms) -> Planned {
    Planned { set: OrdinalSet::none(terms.traces()), exact: true, always: false }
}

fn unknown(terms: &dyn Terms) -> Planned {
    Planned { set: OrdinalSet::all(terms.traces()), exact: false, always: false }
}

fn probe(terms: &dyn Terms, scope: TagScope, key: &str, probe: &Probe<'_>) -> Result<Planned> {
    let Candidates { set, exact } = terms.postings(scope, key, probe)?;
    Ok(Planned { set, exact, always: false })
}

fn plan_test(terms: &dyn Terms, test: &Test, loose: bool) -> Result<Planned> {
    let check = &test.check;
    let one = |scope, key: &str| plan_key(terms, scope, key, check, loose);
    match &test.field {
        Field::Attribute(Scope::Any, key) => {
            let on_spans = probe(terms, TagScope::Span, key, &Probe::Exists)?;
            let of_resources = one(TagScope::Resource, key)?;
            if on_spans.set.is_empty() {
                return Ok(of_resources);
            }
            if let Check::Absent = check {
                return Ok(unknown(terms));
            }
            Ok(one(TagScope::Span, key)?.or(of_resources.inexact()))
        }
        Field::Attribute(Scope::Span, key) => one(TagScope::Span, key),
        Field::Attribute(Scope::Resource, key) => one(TagScope::Resource, key),
        Field::Attribute(Scope::Event, key) => one(TagScope::Event, key),
        Field::Attribute(Scope::Link, key) => one(TagScope::Link, key),
        Field::Attribute(Scope::Instrumentation, key) => one(TagScope::Instrumentation, key),
        Field::Name => plan_intrinsic(terms, "name", check),
        Field::Kind => plan_intrinsic(terms, "kind", check),
        Field::Status => plan_intrinsic(terms, "status", check),
        Field::StatusMessage => match check {
            // Empty messages are not in the index.
            Check::Text(Compare::Equal, text) if !text.is_empty() => {
                plan_intrinsic(terms, "statusMessage", check)
            }
            _ => Ok(unknown(terms)),
        },
        Field::TraceId => match check {
            Check::Text(Compare::Equal, text) => plan_id(terms, text),
            _ => Ok(unknown(terms)),
        },
        Field::EventName => plan_text_of(terms, intrinsic::EVENT_NAME, check),
        Field::InstrumentationName => plan_text_of(terms, intrinsic::SCOPE_NAME, check),
        Field::InstrumentationVersion => plan_text_of(terms, intrinsic::SCOPE_VERSION, check),
        _ => Ok(unknown(terms)),
    }
}

/// The traces whose id prints so: each of their spans fulfils that.
fn plan_id(terms: &dyn Terms, text: &str) -> Result<Planned> {
    let id = text.parse::<TraceId>().ok().filter(|id| id.to_string() == text);
    let Some(id) = id else { return Ok(never(terms)) };
    let found = terms.of_id(id)?;
    Ok(found.map_or_else(|| unknown(terms), |set| Planned { set, exact: true, always: false }))
}

/// How long, in nanoseconds, a span takes at least that fulfils the condition: lets sources leave
/// out traces by their longest span.
pub fn min_duration(expr: &Expr) -> u64 {
    match expr {
        Expr::And(parts) => parts.iter().map(min_duration).max().unwrap_or(0),
        Expr::Or(parts) => parts.iter().map(min_duration).min().unwrap_or(0),
        Expr::Test(Test { field: Field::Duration, check }) => least_nanos(check),
        Expr::Test(_) | Expr::Not(_) | Expr::Computed(_) => 0,
    }
}

/// How long, in nanoseconds, a duration is at least of which a check holds.
pub fn least_nanos(check: &Check) -> u64 {
    let (compare, least) = match *check {
        Check::Number(compare, Number::Int(nanos)) => (compare, u64::try_from(nanos).ok()),
        // A duration is whole: one above 1.5 is 2 or more. Saturates.
        Check::Number(compare, Number::Double(nanos)) => {
            (compare, (nanos >= 0.0).then_some(nanos as u64))
        }
        Check::Nanos(compare, nanos) => (compare, Some(nanos)),
        _ => return 0,
    };
    match (compare, least) {
        (Compare::Greater, Some(least)) => least.saturating_add(1),
        (Compare::GreaterEqual | Compare::Equal, Some(least)) => least,
        _ => 0,
    }
}

/// Text that not every span has.
fn plan_text_of(terms: &dyn Terms, key: &str, check: &Check) -> Result<Planned> {
    match check {
        Check::Exists | Check::Absent | Check::Text(..) | Check::Pattern { .. } => {
            plan_key(terms, TagScope::Intrinsic, key, check, false)
        }
        _ => Ok(unknown(terms)),
    }
}

/// Names, kinds, status codes and messages.
fn plan_intrinsic(terms: &dyn Terms, key: &str, check: &Check) -> Result<Planned> {
    match check {
        // Asked of what every span has.
        Check::Exists => Ok(always(terms)),
        Check::Absent => Ok(never(terms)),
        Check::Code(compare, code) => {
            let code = Number::Int(i64::from(*code));
            plan_number(terms, TagScope::Intrinsic, key, *compare, code)
        }
        Check::Text(..) | Check::Pattern { .. } => {
            plan_key(terms, TagScope::Intrinsic, key, check, false)
        }
        _ => Ok(unknown(terms)),
    }
}

fn plan_key(
    terms: &dyn Terms,
    scope: TagScope,
    key: &str,
    check: &Check,
    loose: bool,
) -> Result<Planned> {
    let ask = |question: &Probe<'_>| probe(terms, scope, key, question);
    let bearers = || ask(&Probe::Exists);
    let strict = match check {
        Check::Exists => return bearers(),
        Check::Absent => {
            // Where nothing bears the key, every span lacks it; elsewhere some may.
            let is_unheard_of = bearers()?.set.is_empty();
            return Ok(if is_unheard_of { always(terms) } else { unknown(terms) });
        }
        // NaN is unequal, but within no bounds.
        Check::Number(Compare::NotEqual, _) => return Ok(bearers()?.inexact()),
        Check::Number(compare, number) => plan_number(terms, scope, key, *compare, *number)?,
        Check::Text(compare, text) => plan_text(&ask, *compare, text)?,
        Check::Bool(Compare::Equal, truth) => ask(&Probe::Bool(*truth))?,
        Check::Bool(Compare::NotEqual, truth) => ask(&Probe::Bool(!truth))?,
        Check::Pattern { regex, negated } => {
            ask(&Probe::Matches(&|text| regex.is_match(text) != *negated))?
        }
        Check::Bool(..) | Check::Code(..) | Check::Nanos(..) => return Ok(bearers()?.inexact()),
    };
    let planned = if loose { widen(&ask, check, strict)? } else { strict };
    // An array with another element than the one denied may hold that one too.
    let may_be_array = scope != TagScope::Intrinsic;
    Ok(if check.is_denial() && may_be_array { planned.inexact() } else { planned })
}

fn plan_number(
    terms: &dyn Terms,
    scope: TagScope,
    key: &str,
    compare: Compare,
    number: Number,
) -> Result<Planned> {
    use Bound::{Excluded, Included, Unbounded};
    let within = |low, high| probe(terms, scope, key, &Probe::Number { low, high });
    match compare {
        Compare::Equal => within(Included(number), Included(number)),
        Compare::Less => within(Unbounded, Excluded(number)),
        Compare::LessEqual => within(Unbounded, Included(number)),
        Compare::Greater => within(Excluded(number), Unbounded),
        Compare::GreaterEqual => within(Included(number), Unbounded),
        Compare::NotEqual => {
            let below = within(Unbounded, Excluded(number))?;
            Ok(below.or(within(Excluded(number), Unbounded)?))
        }
    }
}

type Ask<'a> = dyn Fn(&Probe<'_>) -> Result<Planned> + 'a;

fn plan_text(ask: &Ask<'_>, compare: Compare, text: &str) -> Result<Planned> {
    use Bound::{Excluded, Included, Unbounded};
    match compare {
        Compare::Equal => ask(&Probe::Str(text)),
        Compare::NotEqual => ask(&Probe::Matches(&|other| other != text)),
        Compare::Less => ask(&Probe::StrRange { low: Unbounded, high: Excluded(text) }),
        Compare::LessEqual => ask(&Probe::StrRange { low: Unbounded, high: Included(text) }),
        Compare::Greater => ask(&Probe::StrRange { low: Excluded(text), high: Unbounded }),
        Compare::GreaterEqual => ask(&Probe::StrRange { low: Included(text), high: Unbounded }),
    }
}

/// Adds what matches only loosely: values that print what the literal does.
fn widen(ask: &Ask<'_>, check: &Check, strict: Planned) -> Result<Planned> {
    match check {
        Check::Text(Compare::Equal, text) => {
            let mut all = strict;
            if let Ok(int) = text.parse() {
                all = all.or(ask(&Probe::equals(Number::Int(int)))?.inexact());
            } else if let Ok(double) = text.parse::<f64>() {
                // No bounds enclose NaN, though it prints as text can stand.
                let found = match double.is_nan() {
                    true => ask(&Probe::Exists)?,
                    false => ask(&Probe::equals(Number::Double(double)))?,
                };
                all = all.or(found.inexact());
            }
            if let Ok(truth) = text.parse() {
                all = all.or(ask(&Probe::Bool(truth))?);
            }
            Ok(all)
        }
        Check::Number(Compare::Equal, number) => {
            Ok(strict.or(ask(&Probe::Str(&print_number(*number)))?))
        }
        Check::Bool(Compare::Equal, truth) => {
            Ok(strict.or(ask(&Probe::Str(if *truth { "true" } else { "false" }))?))
        }
        Check::Text(Compare::NotEqual, _)
        | Check::Number(Compare::NotEqual, _)
        | Check::Bool(Compare::NotEqual, _)
        | Check::Pattern { .. } => Ok(ask(&Probe::Exists)?.inexact()),
        _ => Ok(strict),
    }
}
