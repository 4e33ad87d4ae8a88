//! A segment's rows against a condition, column by column.
//!
//! The tag index leaves traces over in which each part of a condition holds of some span. Whether
//! all parts hold of one span is in its columns: a template fixes most fields for all of its
//! rows, so a condition comes down to a few columns of few templates, and the other rows of a
//! trace cost a look at their template. Whole spans are put together for the answer only.

use std::ops::Range;

use crate::base::error::Result;
use crate::base::number::Number;
use crate::base::text::Str;
use crate::block::models::SPELLED;
use crate::block::skeleton::ValueType;
use crate::block::structure::ParentCode;
use crate::query::ast::{Check, Expr, Field};
use crate::query::compare::{Seen, holds};
use crate::query::interrupt::Interrupt;
use crate::query::narrow::{Narrowing, Node};
use crate::query::predicate::{may_hold, of_resource};
use crate::segment::{Columns, Peek, Segment, Templates};

/// Tests rows of one segment.
pub struct Sieve<'a> {
    peek: Peek<'a>,
    /// Whether whole rows tell what columns do not.
    is_computed: bool,
    /// Whether no span with a parent in its trace fulfils the condition.
    takes_roots_only: bool,
    tests: RowTests<'a>,
}

/// A condition on rows of one segment, narrowed down to the templates met so far.
pub struct RowTests<'a> {
    segment: &'a Segment,
    filter: &'a Expr,
    loose: bool,
    templates: Templates,
    /// By template code; none where no row was met yet.
    nodes: Vec<Option<Node<'a>>>,
    resources: ResourceTests<'a>,
}

/// What a trace's rows in a segment say of a condition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sifted {
    /// Some row may fulfil it.
    pub possible: bool,
    /// Some row does.
    pub certain: bool,
}

impl<'a> Sieve<'a> {
    /// A sieve for a condition; none if it asks nothing of single spans.
    pub fn new(segment: &'a Segment, filter: &'a Expr, loose: bool) -> Result<Option<Self>> {
        if !asks_of_spans(filter) {
            return Ok(None);
        }
        let tests = RowTests::new(segment, filter, loose)?;
        let (is_computed, takes_roots_only) =
            (takes_rows(filter), !may_hold(filter, loose, &|| false));
        Ok(Some(Self { peek: segment.peek()?, is_computed, takes_roots_only, tests }))
    }

    /// Tests rows until one surely fulfils the condition. Where columns cannot tell, because there
    /// are none or the condition is computed, `whole` tells the verdict on the whole row.
    pub fn sift(
        &mut self,
        rows: Range<u32>,
        interrupt: &Interrupt,
        whole: &mut dyn FnMut(u32) -> Result<Option<bool>>,
    ) -> Result<Sifted> {
        let mut sifted = Sifted::default();
        // Rows behind one whose parent is missing can refer to that as to a row.
        let mut may_be_missing = false;
        for row in rows {
            interrupt.tick()?;
            if self.takes_roots_only {
                match self.peek.parent(row)? {
                    ParentCode::Up(_) if !may_be_missing => continue,
                    ParentCode::Up(_) => {}
                    ParentCode::Root => may_be_missing = false,
                    ParentCode::Explicit => may_be_missing = true,
                }
            }
            if self.tests.excludes(self.peek.template(row)?) {
                continue;
            }
            let columns = self.peek.row(row)?;
            let is_spelled = columns.template() == SPELLED;
            let verdict = match self.tests.verdict(columns)? {
                None if is_spelled || self.is_computed => whole(row)?,
                verdict => verdict,
            };
            match verdict {
                Some(false) => {}
                Some(true) => {
                    self.peek.keep();
                    return Ok(Sifted { possible: true, certain: true });
                }
                None => sifted.possible = true,
            }
        }
        if sifted.possible {
            self.peek.keep();
        }
        Ok(sifted)
    }
}

impl<'a> RowTests<'a> {
    /// The tests that a condition comes down to.
    pub fn new(segment: &'a Segment, filter: &'a Expr, loose: bool) -> Result<Self> {
        let templates = segment.templates()?;
        let nodes = templates.iter().map(|_| None).collect();
        let resources = ResourceTests::default();
        Ok(Self { segment, filter, loose, templates, nodes, resources })
    }

    /// Whether no row of a template fulfils the condition, as far as one was met.
    fn excludes(&self, template: u32) -> bool {
        matches!(self.nodes.get(template as usize), Some(Some(Node::Known(Some(false)))))
    }

    /// Whether a row fulfils the condition; `None` where its columns alone do not tell.
    pub fn verdict(&mut self, columns: Columns<'_>) -> Result<Option<bool>> {
        let code = columns.template() as usize;
        let (Some(model), Some(node)) = (self.templates.get(code), self.nodes.get_mut(code)) else {
            return Ok(None);
        };
        let node = match node {
            Some(node) => node,
            None => {
                let (segment, loose) = (self.segment, self.loose);
                let of_resource = &mut |key, check| Ok(self.resources.node(key, check));
                let mut narrowing = Narrowing { segment, model, loose, of_resource };
                node.insert(narrowing.of(self.filter)?)
            }
        };
        if let Node::Known(verdict) = node {
            return Ok(*verdict);
        }
        Probed { columns, segment: self.segment, loose: self.loose, resources: &mut self.resources }
            .verdict(node)
    }
}

/// Whether some part of the condition looks at a span rather than at its trace.
pub fn asks_of_spans(expr: &Expr) -> bool {
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(asks_of_spans),
        Expr::Not(inner) => asks_of_spans(inner),
        Expr::Test(test) => !test.field.needs_trace(),
        Expr::Computed(computed) => {
            let mut asks = false;
            computed.expr.fields(&mut |field| asks |= !field.needs_trace());
            asks
        }
    }
}

/// Whether some part of the condition takes whole rows, none of which columns can replace.
fn takes_rows(expr: &Expr) -> bool {
    let is_in_columns = |field: &Field| {
        matches!(
            field,
            Field::Attribute(..)
                | Field::Name
                | Field::Kind
                | Field::Status
                | Field::StatusMessage
                | Field::Duration
                | Field::EventName
                | Field::InstrumentationName
                | Field::InstrumentationVersion
        )
    };
    match expr {
        Expr::And(parts) | Expr::Or(parts) => parts.iter().any(takes_rows),
        Expr::Not(inner) => takes_rows(inner),
        Expr::Test(test) => !is_in_columns(&test.field) && !test.field.needs_trace(),
        Expr::Computed(_) => true,
    }
}

/// One row under test.
struct Probed<'p, 'a> {
    columns: Columns<'p>,
    segment: &'a Segment,
    loose: bool,
    resources: &'p mut ResourceTests<'a>,
}

impl Probed<'_, '_> {
    fn verdict(&mut self, node: &Node<'_>) -> Result<Option<bool>> {
        let (nodes, decisive) = match node {
            Node::And(nodes) => (nodes, false),
            Node::Or(nodes) => (nodes, true),
            Node::Not(inner) => return Ok(self.verdict(inner)?.map(|verdict| !verdict)),
            Node::Known(verdict) => return Ok(*verdict),
            Node::Resource(test) => {
                let code = self.columns.resource()?;
                return self.resources.verdict(*test, code, self.segment, self.loose).map(Some);
            }
            Node::Duration(check) => {
                let nanos = self.columns.duration()?.max(0) as u64;
                return Ok(Some(holds(check, Seen::Nanos(nanos), self.loose)));
            }
            Node::Slot(column, value, check) => return self.slot(*column, *value, check).map(Some),
        };
        let mut verdict = Some(!decisive);
        for node in nodes {
            match self.verdict(node)? {
                Some(truth) if truth == decisive => return Ok(Some(decisive)),
                Some(_) => {}
                None => verdict = None,
            }
        }
        Ok(verdict)
    }

    fn slot(&self, column: usize, value: ValueType, check: &Check) -> Result<bool> {
        if let ValueType::Str = value {
            let text = self.columns.text(column)?;
            return Ok(holds(check, Seen::Text(text.as_str()), self.loose));
        }
        let bits = self.columns.int(column)?;
        let seen = match value {
            ValueType::Bool => Seen::Bool(bits != 0),
            ValueType::Double => Seen::Number(Number::Double(f64::from_bits(bits as u64))),
            _ => Seen::Number(Number::Int(bits)),
        };
        Ok(holds(check, seen, self.loose))
    }
}

/// The tests of resource attributes; each is made once a resource.
#[derive(Default)]
struct ResourceTests<'a> {
    tests: Vec<ResourceTest<'a>>,
}

struct ResourceTest<'a> {
    key: &'a Str,
    check: &'a Check,
    /// By resource code.
    verdicts: Vec<Option<bool>>,
}

impl<'a> ResourceTests<'a> {
    fn node(&mut self, key: &'a Str, check: &'a Check) -> Node<'a> {
        let same = |test: &ResourceTest<'_>| std::ptr::eq(test.check, check);
        let known = self.tests.iter().position(same);
        Node::Resource(known.unwrap_or_else(|| {
            self.tests.push(ResourceTest { key, check, verdicts: Vec::new() });
            self.tests.len() - 1
        }))
    }

    fn verdict(&mut self, test: usize, code: u32, segment: &Segment, loose: bool) -> Result<bool> {
        let Some(test) = self.tests.get_mut(test) else { return Ok(false) };
        let place = code as usize;
        if let Some(Some(verdict)) = test.verdicts.get(place) {
            return Ok(*verdict);
        }
        // An error for a code that no resource has: the list cannot grow past the resources.
        let resource = segment.resource(code)?;
        let verdict = of_resource(&resource, test.key, test.check, loose);
        if test.verdicts.len() <= place {
            test.verdicts.resize(place + 1, None);
        }
        if let Some(known) = test.verdicts.get_mut(place) {
            *known = Some(verdict);
        }
        Ok(verdict)
    }
}
