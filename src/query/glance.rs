//! What a live span tells of a condition before it is decoded.
//!
//! Small live groups have no index: a search looks at all of their spans, and at all spans of
//! traces that match. Most do not matter, and most of those show it: text that a condition asks for
//! stands in the bytes as it is, times are known beside them, and a test of a resource is made once
//! for all of its spans.

use std::cell::{OnceCell, RefCell};

use memchr::memmem::Finder;

use crate::base::text::Str;
use crate::base::time::saturating_nanos;
use crate::ingest::batch::Entry;
use crate::ingest::group::Group;
use crate::query::ast::{Check, Compare, Expr, Field, Scope, Test};
use crate::query::compare::{Seen, holds};
use crate::query::predicate::{joined, of_resource};

/// What can be said of spans of one group and a condition without decoding them.
pub struct Glance<'q> {
    sign: Sign<'q>,
    loose: bool,
}

/// A sign of whether a span fulfils a condition, cheap to look for.
enum Sign<'q> {
    /// There is none.
    Open,
    /// This text stands in every span that fulfils it, as a name, a key or a value.
    Text(&'q Str, OnceCell<Box<Finder<'q>>>),
    /// A test of its duration.
    Duration(&'q Check),
    /// A test of its resource.
    Resource(OfResource<'q>),
    /// This holds of every span that fulfils it, and perhaps of others.
    Needs(Box<Sign<'q>>),
    /// What this says not.
    Not(Box<Sign<'q>>),
    /// All of these, the cheapest first.
    And(Vec<Sign<'q>>),
    /// One of these, the cheapest first.
    Or(Vec<Sign<'q>>),
}

/// A test of resources' attributes; each is made once a resource.
struct OfResource<'q> {
    key: &'q Str,
    check: &'q Check,
    /// By the group's number of the resource.
    verdicts: RefCell<Vec<Option<bool>>>,
}

impl<'q> Glance<'q> {
    /// The signs of a condition.
    pub fn new(condition: &'q Expr, loose: bool) -> Self {
        Self { sign: sign(condition, loose), loose }
    }

    /// Whether some span of the group may fulfil the condition; `false` is certain.
    pub fn may_hold_in(&self, group: &Group) -> bool {
        self.sign.may_hold_in(group)
    }

    /// Whether a span of the group fulfils the condition; `None` where that takes a closer look. All
    /// spans that it is asked of must be of one group.
    pub fn verdict(&self, group: &Group, entry: &Entry) -> Option<bool> {
        self.sign.verdict(group, entry, self.loose)
    }
}

/// Recurses as deep as the query nests.
fn sign(condition: &Expr, loose: bool) -> Sign<'_> {
    match condition {
        Expr::And(parts) => Sign::And(signs(parts, loose)),
        Expr::Or(parts) => Sign::Or(signs(parts, loose)),
        Expr::Not(inner) => Sign::Not(Box::new(sign(inner, loose))),
        Expr::Test(test) => sign_of(test, loose),
        Expr::Computed(computed) => Sign::Needs(Box::new(sign(&computed.needs, loose))),
    }
}

fn signs(parts: &[Expr], loose: bool) -> Vec<Sign<'_>> {
    let mut signs: Vec<_> = parts.iter().map(|part| sign(part, loose)).collect();
    signs.sort_by_key(Sign::cost);
    signs
}

fn sign_of(test: &Test, loose: bool) -> Sign<'_> {
    let check = &test.check;
    // Where loose matching or absence is asked for, nothing needs to stand anywhere.
    let literal = match check {
        Check::Text(Compare::Equal, text) if !loose && !text.is_empty() => Some(text),
        _ => None,
    };
    match &test.field {
        Field::Duration => Sign::Duration(check),
        Field::Name | Field::StatusMessage | Field::EventName => {
            literal.map_or(Sign::Open, |text| Sign::Text(text, OnceCell::new()))
        }
        Field::Attribute(scope, key) => {
            // A value that a check holds of stands behind its key.
            let own = || match (check, literal) {
                (Check::Absent, _) => Sign::Open,
                (_, Some(text)) => Sign::Text(text, OnceCell::new()),
                (_, None) if key.is_empty() => Sign::Open,
                (_, None) => Sign::Text(key, OnceCell::new()),
            };
            let resource =
                || Sign::Resource(OfResource { key, check, verdicts: RefCell::default() });
            match scope {
                Scope::Span | Scope::Event | Scope::Link => own(),
                Scope::Resource => resource(),
                // What the span has itself hides what its resource has.
                Scope::Any => Sign::Needs(Box::new(Sign::Or(vec![resource(), own()]))),
                Scope::Instrumentation => Sign::Open,
            }
        }
        _ => Sign::Open,
    }
}

impl Sign<'_> {
    fn cost(&self) -> u8 {
        match self {
            Self::Resource(_) => 1,
            Self::Duration(_) => 2,
            Self::Text(..) => 3,
            Self::Needs(sign) | Self::Not(sign) => sign.cost(),
            Self::And(signs) | Self::Or(signs) => signs.iter().map(Self::cost).max().unwrap_or(0),
            // Never decides.
            Self::Open => 4,
        }
    }

    fn may_hold_in(&self, group: &Group) -> bool {
        match self {
            Self::Text(text, _) => group.may_contain_text(text),
            Self::Needs(sign) => sign.may_hold_in(group),
            Self::And(signs) => signs.iter().all(|sign| sign.may_hold_in(group)),
            Self::Or(signs) => signs.iter().any(|sign| sign.may_hold_in(group)),
            Self::Open | Self::Duration(_) | Self::Resource(_) | Self::Not(_) => true,
        }
    }

    fn verdict(&self, group: &Group, entry: &Entry, loose: bool) -> Option<bool> {
        let all = |signs: &[Self], decisive| {
            joined(decisive, signs.iter().map(|sign| sign.verdict(group, entry, loose)))
        };
        match self {
            Self::Open => None,
            Self::Text(text, finder) => {
                let finder = finder.get_or_init(|| Box::new(Finder::new(text.as_bytes())));
                finder.find(group.span_bytes(entry)).is_none().then_some(false)
            }
            Self::Duration(check) => {
                let nanos = saturating_nanos(entry.end().since(entry.start()));
                Some(holds(check, Seen::Nanos(nanos), loose))
            }
            Self::Resource(test) => test.verdict(group, entry, loose),
            Self::Needs(sign) => sign.verdict(group, entry, loose).filter(|holds| !holds),
            Self::Not(sign) => sign.verdict(group, entry, loose).map(|holds| !holds),
            Self::And(signs) => all(signs, false),
            Self::Or(signs) => all(signs, true),
        }
    }
}

impl OfResource<'_> {
    /// Whether it holds of a span's resource; `None` if the group has no such resource.
    fn verdict(&self, group: &Group, entry: &Entry, loose: bool) -> Option<bool> {
        let number = entry.resource_number();
        if let Some(Some(known)) = self.verdicts.borrow().get(number) {
            return Some(*known);
        }
        // Numbers are below the group's count, so that the list stays as short.
        let resource = group.resource(entry).ok()?;
        let verdict = of_resource(resource.decoded(), self.key, self.check, loose);
        let mut verdicts = self.verdicts.borrow_mut();
        if verdicts.len() <= number {
            verdicts.resize(number + 1, None);
        }
        if let Some(known) = verdicts.get_mut(number) {
            *known = Some(verdict);
        }
        Some(verdict)
    }
}
