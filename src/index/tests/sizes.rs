//! What the sections cost on attributes like those of a web shop: 83,000 spans in 2,300 traces.

use std::collections::BTreeMap;

use crate::base::checksum::hash64;
use crate::base::effort::Effort;
use crate::base::ids::TraceId;
use crate::base::model::SpanKind;
use crate::base::number::Number;
use crate::base::text::Str;
use crate::base::time::Timestamp;
use crate::index::bloom::{Strength, write_bloom};
use crate::index::id_index::write_id_index;
use crate::index::operations::OperationsBuilder;
use crate::index::term::{TagScope, TermKind, hash_text};
use crate::index::terms_builder::TermsBuilder;
use crate::index::tests::open_terms;
use crate::index::traces::{TraceEntry, TraceFlags, TraceTableBuilder};
use crate::index::zones::{Zone, write_zones};

const TRACES: u32 = 2300;
const SERVICES: u64 = 18;

/// A stream of numbers that is the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 += 1;
        hash64(&self.0.to_le_bytes()) % sides
    }

    /// Small numbers are likely, as with users, products and addresses.
    fn skewed(&mut self, sides: u64) -> u64 {
        let (a, b) = (self.roll(sides) + 1, self.roll(sides) + 1);
        a * b / (sides + 1)
    }
}

/// Values of a key and the traces that have them.
type Postings = BTreeMap<String, Vec<u32>>;

#[derive(Default)]
struct Shop {
    values: BTreeMap<(TagScope, &'static str), Postings>,
    hashed: BTreeMap<&'static str, Vec<(u64, u32)>>,
    numbers: BTreeMap<&'static str, Vec<(Number, u32)>>,
}

impl Shop {
    fn add(&mut self, scope: TagScope, key: &'static str, value: String, ordinal: u32) {
        let list = self.values.entry((scope, key)).or_default().entry(value).or_default();
        if list.last() != Some(&ordinal) {
            list.push(ordinal);
        }
    }
}

#[test]
fn sections_stay_within_a_fifth_of_the_data() {
    let mut dice = Dice(7);
    let mut shop = Shop::default();
    let mut table = TraceTableBuilder::new();
    let mut operations = OperationsBuilder::new(10_000);
    let mut zones = Vec::new();
    let mut lows = Vec::new();
    let (mut spans, mut now) = (0u64, 1_763_827_200_000_000_000u64);
    for ordinal in 0..TRACES {
        now += dice.roll(3_000_000) * 1000;
        let rows = 4 + dice.skewed(130) as u32;
        let length = 20_000_000 + dice.skewed(2_000_000) * 1000;
        let low = hash64(&ordinal.to_le_bytes());
        lows.push(low);
        let error = dice.roll(12) == 0;
        table.push(&TraceEntry {
            id: TraceId::from(u128::from(hash64(&low.to_le_bytes())) << 64 | u128::from(low)),
            first_row: 0,
            rows,
            first_start: Timestamp::from_nanos(now),
            last_start: Timestamp::from_nanos(now + length - dice.roll(9000) * 1000),
            max_end: Timestamp::from_nanos(now + length),
            max_duration: if dice.roll(5) > 0 { length } else { length / 2000 * 1000 },
            flags: TraceFlags(1 | u8::from(error) << 1),
        });
        let flow = dice.roll(12);
        shop.add(TagScope::Span, "user.id", format!("user-{}", dice.skewed(4000)), ordinal);
        shop.add(TagScope::Span, "session.tier", format!("tier{}", dice.skewed(4)), ordinal);
        for row in 0..rows {
            spans += 1;
            // A trace of a flow touches some services, the frontend always.
            let service = if row == 0 { 0 } else { (flow + dice.roll(7)) % SERVICES };
            let pod = dice.roll(3);
            let operation = dice.skewed(6);
            let resource = |shop: &mut Shop, key, value| {
                shop.add(TagScope::Resource, key, value, ordinal);
            };
            resource(&mut shop, "service.name", format!("service-{service}"));
            resource(&mut shop, "service.version", format!("1.{}.0", service % 5));
            resource(&mut shop, "service.instance.id", format!("{service}-{pod}-instance"));
            resource(&mut shop, "k8s.pod.name", format!("service-{service}-7d9f-{pod}"));
            resource(&mut shop, "k8s.node.name", format!("node-{}", (service * 3 + pod) % 20));
            resource(&mut shop, "host.name", format!("node-{}", (service * 3 + pod) % 20));
            resource(&mut shop, "k8s.namespace.name", "shop".into());
            resource(&mut shop, "deployment.environment", "production".into());
            resource(&mut shop, "cloud.region", format!("eu-{}", service % 3));
            resource(&mut shop, "telemetry.sdk.language", format!("lang-{}", service % 5));
            let span = |shop: &mut Shop, key, value| shop.add(TagScope::Span, key, value, ordinal);
            shop.add(
                TagScope::Intrinsic,
                "name",
                format!("GET /s{service}/operation/{operation}"),
                ordinal,
            );
            shop.add(TagScope::Intrinsic, "kind", format!("{}", dice.roll(4)), ordinal);
            if dice.roll(3) == 0 {
                span(&mut shop, "http.request.method", format!("M{}", operation % 4));
                span(&mut shop, "http.route", format!("/s{service}/operation/{operation}"));
                let status = if error && dice.roll(4) == 0 { 500 + dice.roll(4) } else { 200 };
                span(&mut shop, "http.response.status_code", status.to_string());
                span(&mut shop, "server.address", format!("service-{service}.shop.svc"));
                span(&mut shop, "network.peer.address", format!("10.0.{service}.{pod}"));
                let size = Number::Int((200 + dice.skewed(90_000)) as i64);
                shop.numbers.entry("http.response.body.size").or_default().push((size, ordinal));
            } else if dice.roll(3) == 0 {
                span(&mut shop, "db.system.name", format!("db{}", service % 3));
                span(
                    &mut shop,
                    "db.query.text",
                    format!("SELECT * FROM t{service} WHERE c{operation} = ?"),
                );
                span(&mut shop, "db.operation.name", format!("op{}", operation % 5));
                span(&mut shop, "db.collection.name", format!("t{service}"));
            }
            if dice.roll(8) == 0 {
                let id = hash_text(&format!("request {spans}"));
                shop.hashed.entry("request.id").or_default().push((id, ordinal));
                span(&mut shop, "app.product.id", format!("SKU-{:05}", dice.skewed(1200)));
            }
            if dice.roll(5) == 0 {
                span(&mut shop, "thread.id", dice.roll(32).to_string());
            }
            if error && dice.roll(9) == 0 {
                shop.add(TagScope::Event, "exception.type", format!("E{}", dice.roll(6)), ordinal);
            }
            let (service, name) = (format!("service-{service}"), format!("GET /{operation}"));
            let kind = SpanKind((operation % 4) as i32);
            let own = operations.number(Some(&Str::from(service)), &Str::from(name), kind);
            operations.count(own.unwrap(), error);
            if spans % 512 == 0 {
                zones.push(Zone {
                    first_start: Timestamp::from_nanos(now - dice.roll(9_000_000) * 1000),
                    last_start: Timestamp::from_nanos(now + length),
                    max_end: Timestamp::from_nanos(now + length),
                    max_duration: length,
                    errors: dice.roll(20) as u32,
                });
            }
        }
    }

    let mut builder = TermsBuilder::new(TRACES, 2, Effort::Thorough);
    for ((scope, key), postings) in &shop.values {
        let mut values: Vec<(&str, Vec<u32>)> =
            postings.iter().map(|(value, list)| (value.as_str(), list.clone())).collect();
        builder.add_values(*scope, key, &mut values);
    }
    for (key, pairs) in &shop.hashed {
        builder.add_hashed(TagScope::Span, key, TermKind::Str, pairs);
    }
    for (key, pairs) in &shop.numbers {
        builder.add_buckets(TagScope::Span, key, pairs);
    }
    let terms = builder.finish(1);
    let sizes = [
        ("bloom", write_bloom(&lows, Strength::SEGMENT).len()),
        ("id index", write_id_index(&lows).len()),
        ("trace table", table.finish().len()),
        ("terms", terms.index.len()),
        ("dictionaries", terms.dictionaries.len()),
        ("zones", write_zones(&zones).len()),
        ("operations", operations.finish().0.len()),
    ];
    for (section, bytes) in sizes {
        println!("{section:12} {bytes:7} bytes {:.3} B/span", bytes as f64 / spans as f64);
    }
    let total: usize = sizes.iter().map(|(_, bytes)| bytes).sum();
    println!("all {total} bytes, {:.3} B/span of {spans}", total as f64 / spans as f64);
    let terms = open_terms(terms, TRACES);
    for key in terms.unwrap().describe().unwrap() {
        println!("{} {} in {}: {:?}", key.scope, key.key, key.traces, key.parts);
    }
    assert!(total as u64 <= spans * 4, "a fifth of 20 bytes a span");
}
