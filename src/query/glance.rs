//! What a span's canonical bytes tell of a condition before they are decoded.
//!
//! Small live groups have no index: a search looks at all of their spans. Most do not matter, and
//! most of those show it: text that a condition asks for stands in the bytes as it is, times are
//! known beside them, and a test of a resource is made once for all of its spans.

use memchr::memmem::Finder;

use crate::base::time::saturating_nanos;
use crate::ingest::batch::Entry;
use crate::ingest::group::Group;
use crate::query::ast::{Check, Compare, Expr, Field, Scope, Test};
use crate::query::compare::{Seen, holds};
use crate::query::predicate::of_resource;
use crate::query::typed::Query;

/// What must be so of a span that fulfils a condition.
pub struct Glance<'q> {
    sign: Sign<'q>,
    loose: bool,
}

/// A sign that a span may fulfil a condition: cheap to look for, never missing where it does.
enum Sign<'q> {
    /// There is none.
    Any,
    /// These bytes stand in it.
    Bytes(Box<Finder<'q>>),
    /// A test of its duration.
    Duration(&'q Check),
    /// A test of its resource, and by the group's number of the resource whether it holds.
    Resource(Vec<bool>),
    /// All of these.
    And(Vec<Sign<'q>>),
    /// One of these.
    Or(Vec<Sign<'q>>),
}

impl<'q> Glance<'q> {
    /// The signs of a query's condition in a group.
    pub fn new(group: &Group, query: &'q Query) -> Self {
        Self { sign: sign(group, &query.filter, query.loose), loose: query.loose }
    }

    /// Whether a span of the group may fulfil the condition.
    pub fn admits(&self, group: &Group, entry: &Entry) -> bool {
        self.sign.shows(group, entry, self.loose)
    }
}

/// Recurses as deep as the query nests.
fn sign<'q>(group: &Group, expr: &'q Expr, loose: bool) -> Sign<'q> {
    match expr {
        Expr::And(parts) => {
            let signs = parts.iter().map(|part| sign(group, part, loose));
            let mut signs: Vec<_> = signs.filter(|sign| !matches!(sign, Sign::Any)).collect();
            signs.sort_by_key(Sign::cost);
            if signs.is_empty() { Sign::Any } else { Sign::And(signs) }
        }
        Expr::Or(parts) => {
            let mut signs: Vec<_> = parts.iter().map(|part| sign(group, part, loose)).collect();
            signs.sort_by_key(Sign::cost);
            let open = signs.iter().any(|sign| matches!(sign, Sign::Any));
            if open { Sign::Any } else { Sign::Or(signs) }
        }
        Expr::Not(_) => Sign::Any,
        Expr::Test(test) => sign_of(group, test, loose),
        Expr::Computed(computed) => sign(group, &computed.needs, loose),
    }
}

fn sign_of<'q>(group: &Group, test: &'q Test, loose: bool) -> Sign<'q> {
    let check = &test.check;
    // Where loose matching or absence is asked for, nothing needs to stand anywhere.
    let literal = match check {
        Check::Text(Compare::Equal, text) if !loose && !text.is_empty() => Some(text),
        _ => None,
    };
    let bytes = |text: &'q str| Sign::Bytes(Box::new(Finder::new(text.as_bytes())));
    match &test.field {
        Field::Duration => Sign::Duration(check),
        Field::Name | Field::StatusMessage => literal.map_or(Sign::Any, |text| bytes(text)),
        Field::Attribute(scope, key) => {
            // A value that a check holds of stands behind its key.
            let own = || match (check, literal) {
                (Check::Absent, _) => Sign::Any,
                (_, Some(text)) => bytes(text),
                (_, None) if key.is_empty() => Sign::Any,
                (_, None) => bytes(key),
            };
            let resource = || {
                let holds = |resource| of_resource(resource, key, check, loose);
                Sign::Resource(group.resources().map(holds).collect())
            };
            match scope {
                Scope::Span | Scope::Event | Scope::Link => own(),
                Scope::Resource => resource(),
                Scope::Any => match own() {
                    Sign::Any => Sign::Any,
                    own => Sign::Or(vec![resource(), own]),
                },
                Scope::Instrumentation => Sign::Any,
            }
        }
        Field::EventName => literal.map_or(Sign::Any, |text| bytes(text)),
        _ => Sign::Any,
    }
}

impl Sign<'_> {
    fn cost(&self) -> u8 {
        match self {
            Self::Any => 0,
            Self::Resource(_) => 1,
            Self::Duration(_) => 2,
            Self::Bytes(_) => 3,
            Self::And(signs) | Self::Or(signs) => signs.iter().map(Self::cost).max().unwrap_or(0),
        }
    }

    fn shows(&self, group: &Group, entry: &Entry, loose: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Bytes(finder) => finder.find(group.span_bytes(entry)).is_some(),
            Self::Duration(check) => {
                let nanos = saturating_nanos(entry.end().since(entry.start()));
                holds(check, Seen::Nanos(nanos), loose)
            }
            Self::Resource(verdicts) => verdicts.get(entry.resource_number()) != Some(&false),
            Self::And(signs) => signs.iter().all(|sign| sign.shows(group, entry, loose)),
            Self::Or(signs) => signs.iter().any(|sign| sign.shows(group, entry, loose)),
        }
    }
}
