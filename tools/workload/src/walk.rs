//! Makes one trace: a walk down from an entrance, with times, failures, events and links.

use std::sync::Arc;

use tracekeep::{
    Event, KeyValue, Link, Span, SpanId, SpanKind, Status, StatusCode, Str, Timestamp,
};
use tracekeep::{TraceId, Value};

use crate::fleet::{Fleet, Instance};
use crate::plan::{Plan, PlannedOp, PlannedStep};
use crate::rng::{Rng, mix};
use crate::shape::{Facts, Shape};
use crate::shop::Times;
use crate::shop::failures::{Failure, failures};
use crate::shop::services::{ALL, Language};
use crate::text::{Subject, Template};

/// Different users.
const USERS: u64 = 100_000;

/// Different products.
const PRODUCTS: u64 = 20_000;

/// A span with what it belongs to.
#[derive(Debug)]
pub struct Made {
    /// Its resource in the fleet.
    pub resource: u32,
    /// Its scope in the fleet.
    pub scope: u32,
    /// The span.
    pub span: Span,
}

/// Walks through the shop.
#[derive(Debug)]
pub struct Walker {
    plan: Arc<Plan>,
    /// The instances; their resources are what [`Made::resource`] counts.
    pub fleet: Fleet,
    origin: u64,
    traces: u64,
    scratch: String,
}

/// How an operation went.
struct Done {
    end: u64,
    failed: Option<&'static Failure>,
}

/// What stays the same throughout a trace.
struct Walk<'a> {
    rng: &'a mut Rng,
    trace_id: TraceId,
    subject: Subject,
    /// The instance that serves this trace, per service.
    instances: Vec<Option<Instance>>,
    spans: &'a mut Vec<Made>,
}

impl Walker {
    /// A walker through the shop of this seed, which opens at `origin`.
    pub fn new(seed: u64, origin: Timestamp) -> Self {
        let scratch = String::new();
        let (plan, fleet) = (Arc::new(Plan::new()), Fleet::new(seed));
        Self { plan, fleet, origin: origin.nanos(), traces: 0, scratch }
    }

    /// Appends the spans of a trace that begins at `start`.
    pub fn trace(&mut self, rng: &mut Rng, start: Timestamp, spans: &mut Vec<Made>) {
        self.traces += 1;
        let user = rng.rank(USERS);
        let subject = Subject {
            user: mix(user) % 1_000_000,
            session: rng.bits(),
            product: rng.rank(PRODUCTS),
            order: 50_000_000 + self.traces,
        };
        let trace_id = TraceId::from(u128::from(rng.bits()) << 64 | u128::from(rng.bits()));
        let entrance = self.plan.entrance(rng.below(self.plan.weights()));
        let instances = vec![None; ALL.len()];
        let mut walk = Walk { rng, trace_id, subject, instances, spans };
        let plan = Arc::clone(&self.plan);
        if let Some(op) = plan.op(entrance) {
            self.serve(&plan, &mut walk, op, None, None, start.nanos());
        }
    }

    /// Calls `op` from `caller`'s span `parent`; through the network if that is another service.
    fn call(
        &mut self,
        plan: &Plan,
        walk: &mut Walk<'_>,
        op: &PlannedOp,
        caller: Instance,
        parent: SpanId,
        at: u64,
    ) -> Done {
        let Some(shape) = op.shapes.caller.as_ref().filter(|_| op.service != caller.service_index)
        else {
            return self.serve(plan, walk, op, Some(caller), Some((parent, false)), at);
        };
        let id = SpanId::from(walk.rng.bits());
        let way = walk.rng.lognormal(130_000.0, 0.6) as u64;
        if op.queued {
            let sent = at + 4 * way;
            let wait = walk.rng.lognormal(18_000_000.0, 1.5) as u64;
            self.serve(plan, walk, op, Some(caller), Some((id, true)), sent + wait);
            self.push(walk, shape, caller, None, (Some(parent), id), at, sent, None);
            return Done { end: sent, failed: None };
        }
        let done = self.serve(plan, walk, op, Some(caller), Some((id, true)), at + way);
        let back = done.end + walk.rng.lognormal(110_000.0, 0.6) as u64;
        let server = walk.instances.get(op.service).copied().flatten();
        self.push(walk, shape, caller, server, (Some(parent), id), at, back, done.failed);
        Done { end: back, failed: done.failed }
    }

    /// Does `op` in its own service, with all that it calls.
    fn serve(
        &mut self,
        plan: &Plan,
        walk: &mut Walk<'_>,
        op: &PlannedOp,
        caller: Option<Instance>,
        parent: Option<(SpanId, bool)>,
        at: u64,
    ) -> Done {
        let Some(instance) = self.instance(walk, op.service, at) else {
            return Done { end: at, failed: None };
        };
        let id = SpanId::from(walk.rng.bits());
        let slow = if walk.rng.chance(0.008) { 12.0 } else { 1.0 };
        let busy = walk.rng.lognormal(op.busy * slow, 0.75);
        let share = (busy / (op.steps.len() + 1) as f64) as u64;
        let mut now = at + share;
        let mut failed = None;
        for step in &op.steps {
            let Some(callee) = plan.op(step.op) else { continue };
            let times = how_often(walk.rng, step);
            let mut latest = now;
            for _ in 0..times {
                if matches!(step.times, Times::Each(_) | Times::Many(_)) {
                    walk.subject.product = walk.rng.rank(PRODUCTS);
                }
                let done = self.call(plan, walk, callee, instance, id, now);
                latest = latest.max(done.end);
                now = if step.parallel { now + 15_000 } else { done.end + share / 8 + 2_000 };
                // Most callers pass a failure on; some have an answer without.
                failed = failed.or(done.failed.filter(|_| walk.rng.chance(0.6)));
            }
            now = now.max(latest) + share;
        }
        let own_failure = walk.rng.chance(op.failures).then(|| failures(instance.service.language));
        let own_failure = own_failure.and_then(|ways| walk.rng.pick(ways));
        let thrown = own_failure.is_some();
        let failed = own_failure.or(failed);
        let remote = parent.is_some_and(|(_, remote)| remote);
        let peer = caller.filter(|_| remote);
        let ids = (parent.map(|(id, _)| id), id);
        self.push(walk, &op.shapes.own, instance, peer, ids, at, now, failed);
        if let Some(made) = walk.spans.last_mut() {
            if remote {
                made.span.flags |= 0x200;
            }
            self.happen(walk.rng, &walk.subject, &mut made.span, instance, thrown, failed);
            if op.queued {
                made.span.links.extend(parent.map(|(id, _)| link(walk.trace_id, id)));
            }
        }
        Done { end: now, failed }
    }

    fn instance(&mut self, walk: &mut Walk<'_>, service: usize, at: u64) -> Option<Instance> {
        let known = walk.instances.get(service).copied().flatten();
        // Channels stick to one instance for a while, not for ever.
        if known.is_some() && !walk.rng.chance(0.04) {
            return known;
        }
        let age = at.saturating_sub(self.origin);
        let found = self.fleet.instance(service, walk.rng.bits() >> 8, age);
        if let Some(slot) = walk.instances.get_mut(service) {
            *slot = found;
        }
        found
    }

    #[expect(clippy::too_many_arguments, reason = "a span is made of these, in one place")]
    fn push(
        &mut self,
        walk: &mut Walk<'_>,
        shape: &Shape,
        instance: Instance,
        peer: Option<Instance>,
        (parent, span_id): (Option<SpanId>, SpanId),
        start: u64,
        end: u64,
        failed: Option<&'static Failure>,
    ) {
        let language = instance.service.language;
        let peer = peer.map(|p| self.fleet.address(p.resource)).unwrap_or_default();
        let age = start.saturating_sub(self.origin);
        let facts = Facts { failed: failed.map(|f| f.kind), peer: &peer, age };
        let mut attributes = shape.attributes(&facts, &walk.subject, walk.rng, &mut self.scratch);
        if language == Language::Java && shape.kind != SpanKind::INTERNAL {
            attributes.push(KeyValue::new("thread.id", Value::Int(24 + walk.rng.rank(60) as i64)));
        }
        let clock = |time: u64| {
            let tick = instance.service.tick;
            Timestamp::from_nanos(time.saturating_add_signed(instance.skew) / tick * tick)
        };
        let span = Span {
            trace_id: walk.trace_id,
            span_id,
            parent_span_id: parent,
            flags: 0x101,
            name: shape.name.clone(),
            kind: shape.kind,
            start: clock(start),
            end: clock(end),
            attributes,
            status: status(language, failed.is_some()),
            ..Span::default()
        };
        let scope = self.fleet.scope_of(instance.service_index, shape.medium);
        walk.spans.push(Made { resource: instance.resource, scope, span });
    }

    /// Adds what happened during a span, and what its status says.
    fn happen(
        &mut self,
        rng: &mut Rng,
        subject: &Subject,
        span: &mut Span,
        instance: Instance,
        thrown: bool,
        failed: Option<&'static Failure>,
    ) {
        if let (Some(failure), true) = (failed, thrown) {
            let message = Template::new(failure.message).fill(subject, rng, &mut self.scratch);
            let stack = format!("{}: {message}\n{}", failure.kind, failure.stack);
            span.events.push(Event {
                time: span.end,
                name: "exception".into(),
                attributes: vec![
                    KeyValue::new("exception.type", failure.kind),
                    KeyValue::new("exception.message", message.clone()),
                    KeyValue::new("exception.stacktrace", stack),
                ],
                ..Event::default()
            });
            span.status = Some(Status { message, code: StatusCode::ERROR, unknown: Vec::new() });
        }
        let server = span.kind == SpanKind::SERVER;
        if server && instance.service.language == Language::Go {
            let body = rng.between(40, 4000);
            for (name, time) in [("RECEIVED", span.start), ("SENT", span.end)] {
                let attributes = vec![
                    KeyValue::new("rpc.message.type", name),
                    KeyValue::new("rpc.message.uncompressed_size", Value::Int(body)),
                ];
                span.events.push(Event {
                    time,
                    name: "rpc.message".into(),
                    attributes,
                    ..Event::default()
                });
            }
        }
        if server && rng.chance(0.02) {
            let name = Str::from("app.cache.miss");
            let key = Template::new("product:{product}").fill(subject, rng, &mut self.scratch);
            let attributes = vec![KeyValue::new("app.cache.key", key)];
            let time = span.start;
            span.events.push(Event { time, name, attributes, ..Event::default() });
        }
    }
}

fn how_often(rng: &mut Rng, step: &PlannedStep) -> u64 {
    match step.times {
        Times::Once => 1,
        Times::Sometimes(percent) => u64::from(rng.chance(f64::from(percent) / 100.0)),
        Times::Each(count) => count.into(),
        Times::Many(most) => rng.pareto(0.8, most),
    }
}

fn link(trace_id: TraceId, span_id: SpanId) -> Link {
    let attributes = vec![KeyValue::new("messaging.operation.name", "process")];
    Link { trace_id, span_id, attributes, flags: 0x301, ..Link::default() }
}

/// SDKs differ in whether they write a status that is unset.
fn status(language: Language, failed: bool) -> Option<Status> {
    let code = if failed { StatusCode::ERROR } else { StatusCode::UNSET };
    let written = failed || matches!(language, Language::Go | Language::Node | Language::Java);
    written.then(|| Status { code, ..Status::default() })
}
