//! The workload is what it says: sizes, tails, rates, conventions, order, determinism.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tracekeep::{ResourceSpans, Span, StatusCode, TraceId, Value};
use tracekeep_workload::{Config, Workload, count, encode_json, encode_protobuf, write_protobuf};

fn spans(batches: &[Vec<ResourceSpans>]) -> impl Iterator<Item = (&str, &Span)> {
    batches.iter().flatten().flat_map(|group| {
        let attributes = &group.resource.as_ref().unwrap().attributes;
        let service = match &attributes[0].value {
            Value::String(text) => text,
            other => unreachable!("service {other:?}"),
        };
        let spans = group.scope_spans.iter().flat_map(|s| &s.spans);
        spans.map(move |span| (service.as_str(), span))
    })
}

#[test]
fn the_shop_is_as_described() {
    let config = Config::bench_store(200_000, 3);
    let batches: Vec<_> = Workload::new(&config).collect();
    let total: u64 = batches.iter().map(|b| count(b)).sum();
    assert!((200_000..205_000).contains(&total), "{total} spans");
    assert!(batches.iter().rev().skip(1).all(|b| count(b) == 2000));

    let bytes: usize = batches.iter().map(|b| encode_protobuf(b).len()).sum();
    let each = bytes as f64 / total as f64;
    assert!((340.0..370.0).contains(&each), "{each} bytes a span");

    let mut traces: BTreeMap<TraceId, u64> = BTreeMap::new();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut services, mut users, mut ids) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (service, span) in spans(&batches) {
        *traces.entry(span.trace_id).or_default() += 1;
        services.insert(service.to_owned());
        assert!(ids.insert(span.span_id), "span ids are unique");
        let mut note = |what, holds: bool| *counts.entry(what).or_default() += u64::from(holds);
        let stack =
            |e: &tracekeep::Event| e.attributes.iter().any(|a| a.key == "exception.stacktrace");
        note("stack", span.events.iter().any(stack));
        note("link", !span.links.is_empty());
        note("error", span.status_code() == StatusCode::ERROR);
        note("nanoseconds", span.start.nanos() % 1000 != 0);
        note("root", span.parent_span_id.is_none());
        *counts.entry("attributes").or_default() += span.attributes.len() as u64;
        for attribute in &span.attributes {
            let Value::String(text) = &attribute.value else { continue };
            if text.len() == 36 && text.matches('-').count() == 4 {
                *counts.entry("uuid").or_default() += 1;
            }
            if attribute.key == "user.id" {
                users.insert(text.clone());
            }
        }
    }
    assert_eq!(services.len(), 17);
    let mean = total as f64 / traces.len() as f64;
    let longest = *traces.values().max().unwrap();
    println!("{each:.1} bytes a span, {mean:.1} spans a trace, longest {longest}, {counts:?}");
    let single = traces.values().filter(|&&n| n == 1).count();
    println!("{single} of {} traces have one span, {} users", traces.len(), users.len());
    assert!((32.0..40.0).contains(&mean), "{mean} spans a trace");
    assert!((500..4000).contains(&longest), "longest {longest}");
    assert!(single > 0);
    assert_eq!(counts["root"], traces.len() as u64);
    let share = |what: &str| counts[what] as f64 / total as f64;
    assert!((0.10..0.14).contains(&share("uuid")), "{} uuids", share("uuid"));
    assert!((0.001..0.01).contains(&share("stack")), "{} stacks", share("stack"));
    assert!((0.002..0.03).contains(&share("error")), "{} errors", share("error"));
    assert!(share("link") > 0.001 && share("nanoseconds") > 0.02);
    assert!(users.len() > 2000);
}

#[test]
fn batches_come_in_the_order_of_ends_but_for_the_late() {
    let config = Config::default().spans(60_000).length(Duration::from_secs(3600));
    let ends = |batch: &Vec<ResourceSpans>| {
        let ends = spans(std::slice::from_ref(batch)).map(|(_, s)| s.end.nanos());
        let ends: Vec<u64> = ends.collect();
        (*ends.iter().min().unwrap(), *ends.iter().max().unwrap())
    };
    let punctual: Vec<_> = Workload::new(&config).map(|b| ends(&b)).collect();
    // Clocks differ by less than a millisecond.
    assert!(punctual.windows(2).all(|w| w[0].1 <= w[1].0 + 1_000_000));

    let late = config.clone().late(0.01, Duration::from_secs(1800));
    let batches: Vec<_> = Workload::new(&late).collect();
    let mut newest = 0;
    let (mut behind, mut most) = (0, 0);
    for batch in &batches {
        newest = ends(batch).1.max(newest);
        for (_, span) in spans(std::slice::from_ref(batch)) {
            let lag = newest - span.end.nanos();
            behind += u64::from(lag > 200_000_000_000);
            most = most.max(lag);
        }
    }
    assert!((200..1200).contains(&behind), "{behind} of 60,000 late");
    assert!(most < 2_000_000_000_000, "{most}");
    // Lateness moves spans; it changes none.
    let ids = |batches: &[Vec<ResourceSpans>]| -> BTreeSet<_> {
        spans(batches).map(|(_, s)| (s.trace_id, s.span_id, s.start, s.end)).collect()
    };
    let all: Vec<_> = Workload::new(&config).collect();
    assert_eq!(ids(&all), ids(&batches));
}

#[test]
fn length_is_met() {
    let config = Config::default().spans(60_000).length(Duration::from_secs(86_400));
    let batches: Vec<_> = Workload::new(&config).collect();
    let last = spans(&batches).map(|(_, s)| s.start).max().unwrap();
    let length = last.since(config.start).as_secs_f64();
    assert!((86_000.0..87_000.0).contains(&length), "{length} seconds");
}

/// A hash that no library can change: FNV-1a.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn a_seed_gives_the_same_bytes_for_ever() {
    let mut file = Vec::new();
    let written =
        write_protobuf(Workload::new(&Config::bench_store(20_000, 1)), &mut file).unwrap();
    assert_eq!(written.bytes, file.len() as u64);
    let mut odd = Vec::new();
    write_protobuf(Workload::new(&Config::default().spans(5000).hostile(true)), &mut odd).unwrap();
    assert_eq!((hash(&file), hash(&odd)), (5171066639181588004, 371106090615735637));
}

#[test]
fn seeds_differ() {
    let first = |seed| Workload::new(&Config::default().seed(seed).spans(2000)).requests().next();
    assert_ne!(first(1), first(2));
}

#[test]
fn hostile_spans_are_as_odd_as_promised() {
    let config = Config::default().spans(5000).hostile(true);
    let batches: Vec<_> = Workload::new(&config).collect();
    let all: Vec<&Span> =
        batches.iter().flatten().flat_map(|g| &g.scope_spans).flat_map(|s| &s.spans).collect();
    assert_eq!(all.len(), 5000);
    let has = |what: fn(&Span) -> bool| all.iter().any(|s| what(s));
    assert!(has(|s| s.trace_id.high() == 0) && has(|s| s.trace_id == TraceId::from(0)));
    assert!(has(|s| s.end < s.start) && has(|s| s.start.nanos() == 0));
    assert!(has(|s| s.parent_span_id == Some(s.span_id)) && has(|s| s.name.is_empty()));
    assert!(has(|s| s.kind.name().is_none()) && has(|s| s.status_code().name().is_none()));
    let names: BTreeSet<_> = all.iter().map(|s| &s.name).collect();
    assert!(names.len() > 4500);
    let ids: BTreeSet<_> = all.iter().map(|s| (s.trace_id, s.span_id)).collect();
    assert!(ids.len() < all.len(), "some ids repeat");
    assert!(batches.iter().flatten().any(|g| g.resource.is_none()));
    let json = encode_json(&batches[0]);
    assert!(!json.contains('\n') && json.contains("\"NaN\"") | json.contains("\"Infinity\""));
}
