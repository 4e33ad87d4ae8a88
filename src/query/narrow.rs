//! What is left of a condition for the rows of one template.
//!
//! A template fixes names, kind, status, keys and types for all of its rows; what remains of a
//! condition is a test of a few columns, or nothing.

use crate::base::error::Result;
use crate::base::text::Str;
use crate::block::models::{SLOTS, TemplateModel};
use crate::block::skeleton::ValueType;
use crate::block::template::{Owner, Place, Template};
use crate::query::ast::{Check, Expr, Field, Scope, Test};
use crate::query::compare::{Seen, holds};
use crate::query::plan::least_nanos;
use crate::query::predicate::of_scope;
use crate::segment::Segment;

/// A condition on the rows of one template.
#[derive(Debug)]
pub enum Node<'a> {
    /// It is decided; or, if none, columns alone cannot decide it.
    Known(Option<bool>),
    /// All hold.
    And(Vec<Node<'a>>),
    /// At least one holds.
    Or(Vec<Node<'a>>),
    /// It does not hold.
    Not(Box<Node<'a>>),
    /// The so-manieth of the tests of resources.
    Resource(usize),
    /// A test of the duration.
    Duration(&'a Check),
    /// A test of the value in a column.
    Slot(usize, ValueType, &'a Check),
}

/// Narrows conditions down to the rows of one template.
pub struct Narrowing<'n, 'a> {
    /// The segment that the template is of.
    pub segment: &'n Segment,
    /// The template.
    pub model: &'n TemplateModel,
    /// As the query says.
    pub loose: bool,
    /// What becomes of a test of a resource's attribute.
    pub of_resource: &'n mut dyn FnMut(&'a Str, &'a Check) -> Result<Node<'a>>,
}

impl<'a> Narrowing<'_, 'a> {
    /// Narrows a condition. Recurses as deep as the query nests.
    pub fn of(&mut self, expr: &'a Expr) -> Result<Node<'a>> {
        let (parts, decisive) = match expr {
            Expr::And(parts) => (parts, false),
            Expr::Or(parts) => (parts, true),
            Expr::Not(inner) => {
                return Ok(match self.of(inner)? {
                    Node::Known(verdict) => Node::Known(verdict.map(|verdict| !verdict)),
                    node => Node::Not(Box::new(node)),
                });
            }
            Expr::Test(test) => return self.test(test),
            Expr::Computed(computed) => {
                // What it needs may be missing; all else takes the whole span.
                return Ok(match self.of(&computed.needs)? {
                    Node::Known(Some(false)) => Node::Known(Some(false)),
                    Node::Known(_) => Node::Known(None),
                    node => Node::And(vec![node, Node::Known(None)]),
                });
            }
        };
        let mut nodes = Vec::new();
        for part in parts {
            match self.of(part)? {
                Node::Known(Some(verdict)) if verdict == decisive => {
                    return Ok(Node::Known(Some(decisive)));
                }
                Node::Known(Some(_)) => {}
                node => nodes.push(node),
            }
        }
        Ok(joined(nodes, decisive))
    }

    fn test(&mut self, test: &'a Test) -> Result<Node<'a>> {
        let (check, loose) = (&test.check, self.loose);
        match &test.field {
            Field::Duration if self.is_sane() => return Ok(Node::Duration(check)),
            field if field.needs_trace() => return Ok(Node::Known(None)),
            Field::Duration => return Ok(Node::Known(None)),
            Field::Attribute(Scope::Resource, key) => return (self.of_resource)(key, check),
            _ => {}
        }
        let Some(template) = &self.model.template else { return Ok(Node::Known(None)) };
        let known = |seen| Node::Known(Some(holds(check, seen, loose)));
        Ok(match &test.field {
            Field::Name => known(Seen::Text(&template.name)),
            Field::Kind => known(Seen::Code(template.kind.0)),
            Field::Status => known(Seen::Code(template.status.unwrap_or_default().0)),
            Field::StatusMessage if template.status.is_none() => absent(check),
            Field::StatusMessage => {
                let place = template.slots.iter().position(|s| s.place == Place::StatusMessage);
                let slot = |slot| Node::Slot(SLOTS + slot, ValueType::Str, check);
                place.map_or_else(|| known(Seen::Text("")), slot)
            }
            Field::Attribute(Scope::Any, key)
                if template.attributes.iter().all(|(own, _)| own != key) =>
            {
                return (self.of_resource)(key, check);
            }
            Field::Attribute(Scope::Span | Scope::Any, key) => {
                self.attribute(template, Owner::Span, key, check)
            }
            Field::Attribute(Scope::Event, key) => {
                self.attribute(template, Owner::Event, key, check)
            }
            Field::Attribute(Scope::Link, key) => self.attribute(template, Owner::Link, key, check),
            Field::Attribute(Scope::Instrumentation, key) => {
                let scope = self.segment.scope(template.scope)?;
                Node::Known(Some(of_scope(&scope, key, check, loose)))
            }
            Field::EventName => {
                let names = template.events.iter().map(|event| Seen::Text(&event.name));
                Node::Known(Some(any(names, check, loose)))
            }
            Field::InstrumentationName | Field::InstrumentationVersion => {
                let scope = self.segment.scope(template.scope)?;
                let texts = scope.scope.iter().map(|scope| match &test.field {
                    Field::InstrumentationName => Seen::Text(&scope.name),
                    _ => Seen::Text(&scope.version),
                });
                Node::Known(Some(any(texts, check, loose)))
            }
            _ => Node::Known(None),
        })
    }

    /// A test of all attributes with this key on a span, its events or its links.
    fn attribute(
        &self,
        template: &Template,
        owner: Owner,
        key: &Str,
        check: &'a Check,
    ) -> Node<'a> {
        let of_owner: Vec<&[(Str, ValueType)]> = match owner {
            Owner::Span => vec![&template.attributes],
            Owner::Event => template.events.iter().map(|event| &*event.attributes).collect(),
            Owner::Link => template.links.iter().map(|link| &*link.attributes).collect(),
        };
        let mut types = of_owner.into_iter().flatten().filter(|(own, _)| own == key).peekable();
        if types.peek().is_none() {
            return absent(check);
        }
        // Types without a slot say all there is to say.
        let bare = types.filter(|(_, value)| value.slot().is_none());
        let mut nodes: Vec<Node<'a>> = bare.map(|_| self.other(check)).collect();
        for (number, slot) in template.slots.iter().enumerate() {
            let Place::Attribute(of, name, value) = &slot.place else { continue };
            if *of == owner && name == key {
                nodes.push(self.slot(SLOTS + number, *value, check));
            }
        }
        if nodes.iter().any(|node| matches!(node, Node::Known(Some(true)))) {
            return Node::Known(Some(true));
        }
        nodes.retain(|node| !matches!(node, Node::Known(Some(_))));
        joined(nodes, true)
    }

    fn slot(&self, column: usize, value: ValueType, check: &'a Check) -> Node<'a> {
        match value {
            _ if matches!(check, Check::Exists | Check::Absent) => self.other(check),
            ValueType::Bool | ValueType::Int | ValueType::Double | ValueType::Str => {
                Node::Slot(column, value, check)
            }
            // Elements are not worth decoding twice.
            ValueType::Array => Node::Known(None),
            _ => self.other(check),
        }
    }

    /// A value that only exists.
    fn other(&self, check: &Check) -> Node<'a> {
        Node::Known(Some(holds(check, Seen::Other, self.loose)))
    }

    /// Whether no span's end wraps around against its start.
    fn is_sane(&self) -> bool {
        let summary = self.segment.summary();
        summary.last_start.max(summary.last_end).nanos() <= i64::MAX as u64
    }
}

/// Nodes none of which is decisive, in the order of their cost.
fn joined(mut nodes: Vec<Node<'_>>, decisive: bool) -> Node<'_> {
    nodes.sort_by_key(Node::cost);
    if nodes.len() > 1 {
        return if decisive { Node::Or(nodes) } else { Node::And(nodes) };
    }
    nodes.pop().unwrap_or(Node::Known(Some(!decisive)))
}

/// Whether the check holds of any value, or asks for there to be none.
fn any<'s>(values: impl Iterator<Item = Seen<'s>>, check: &Check, loose: bool) -> bool {
    let (mut exists, mut any) = (false, false);
    for value in values {
        exists = true;
        any |= holds(check, value, loose);
    }
    any || (!exists && matches!(check, Check::Absent))
}

const fn absent<'a>(check: &Check) -> Node<'a> {
    Node::Known(Some(matches!(check, Check::Absent)))
}

impl Node<'_> {
    /// A rank: integers first, then text, patterns last.
    fn cost(&self) -> u32 {
        match self {
            Self::Known(_) => 0,
            Self::Resource(_) => 1,
            Self::Duration(_) => 2,
            Self::Slot(_, ValueType::Str, Check::Pattern { .. }) => 5,
            Self::Slot(_, ValueType::Str, _) => 4,
            Self::Slot(..) => 3,
            Self::And(nodes) | Self::Or(nodes) => nodes.iter().map(Self::cost).max().unwrap_or(0),
            Self::Not(node) => node.cost(),
        }
    }

    /// How long, in nanoseconds, a row takes at least that fulfils it; `None` if none does.
    pub fn least_nanos(&self) -> Option<u64> {
        match self {
            Self::Known(Some(false)) => None,
            Self::Duration(check) => Some(least_nanos(check)),
            Self::And(nodes) => {
                let least: Option<Vec<u64>> = nodes.iter().map(Self::least_nanos).collect();
                least.and_then(|least| least.into_iter().max())
            }
            Self::Or(nodes) => nodes.iter().filter_map(Self::least_nanos).min(),
            Self::Known(_) | Self::Resource(_) | Self::Slot(..) | Self::Not(_) => Some(0),
        }
    }
}
