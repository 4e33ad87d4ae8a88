//! What spans of one kind look like: name, kind, library, attributes, prepared once.

use tracekeep::{KeyValue, SpanKind, Str, Value};

use crate::rng::Rng;
use crate::shop::instrumentation::Medium;
use crate::shop::services::Service;
use crate::shop::{Entry, Op, Says};
use crate::text::{Subject, Template};

/// A prepared kind of span.
#[derive(Debug)]
pub struct Shape {
    /// Its name.
    pub name: Str,
    /// Its kind.
    pub kind: SpanKind,
    /// What it is about.
    pub medium: Medium,
    attributes: Vec<(Str, Fill)>,
}

/// How the value of an attribute comes about.
#[derive(Debug)]
enum Fill {
    Always(Value),
    OneOf(Vec<Value>),
    Text(Template),
    MaybeText(f64, Template),
    Int(i64, i64),
    Money(i64, i64),
    Bool(f64),
    HttpStatus,
    RpcStatus,
    /// Only where the span failed.
    ErrorType,
    /// `network.peer.address` of the other side's instance.
    Peer,
    /// An ever growing number.
    Offset,
}

/// What the attributes of one span depend on.
pub struct Facts<'a> {
    /// The kind of failure, if the span failed.
    pub failed: Option<&'a str>,
    /// The network address of the other side.
    pub peer: &'a Str,
    /// Nanoseconds since the start of the workload.
    pub age: u64,
}

/// The shapes of an operation's spans.
#[derive(Debug)]
pub struct Shapes {
    /// The span inside the service.
    pub own: Shape,
    /// The caller's span of it, where another service or a broker lies between.
    pub caller: Option<Shape>,
}

impl Shapes {
    /// Prepares the shapes of `op`.
    pub fn new(op: &Op) -> Self {
        let service = op.service;
        let mut own = own_shape(&op.entry, service);
        own.attributes.extend(op.says.iter().map(|(key, says)| (Str::from(*key), fill(says))));
        Self { own, caller: caller_shape(&op.entry, service) }
    }
}

impl Shape {
    fn new(name: &str, kind: SpanKind, medium: Medium) -> Self {
        Self { name: Str::from(name), kind, medium, attributes: Vec::new() }
    }

    fn with(mut self, key: &str, fill: Fill) -> Self {
        self.attributes.push((Str::from(key), fill));
        self
    }

    fn text(self, key: &str, text: &'static str) -> Self {
        self.with(key, fill(&Says::Text(text)))
    }

    /// A constant that is put together here.
    fn own_text(self, key: &str, text: String) -> Self {
        self.with(key, Fill::Always(Value::from(text)))
    }

    fn int(self, key: &str, number: i64) -> Self {
        self.with(key, Fill::Always(Value::Int(number)))
    }

    /// The attributes of a span of this shape.
    pub fn attributes(
        &self,
        facts: &Facts<'_>,
        subject: &Subject,
        rng: &mut Rng,
        scratch: &mut String,
    ) -> Vec<KeyValue> {
        // Two more fit: some SDKs add the thread.
        let mut attributes = Vec::with_capacity(self.attributes.len() + 2);
        for (key, fill) in &self.attributes {
            if let Some(value) = fill.value(facts, subject, rng, scratch) {
                attributes.push(KeyValue { key: key.clone(), value });
            }
        }
        attributes
    }
}

impl Fill {
    fn value(
        &self,
        facts: &Facts<'_>,
        subject: &Subject,
        rng: &mut Rng,
        scratch: &mut String,
    ) -> Option<Value> {
        Some(match self {
            Self::Always(value) => value.clone(),
            Self::OneOf(values) => rng.pick(values)?.clone(),
            Self::Text(template) => Value::String(template.fill(subject, rng, scratch)),
            Self::MaybeText(chance, template) => {
                if !rng.chance(*chance) {
                    return None;
                }
                Value::String(template.fill(subject, rng, scratch))
            }
            Self::Int(low, high) => {
                let range = high.saturating_sub(*low).saturating_add(1) as u64;
                Value::Int(low.saturating_add(rng.rank(range) as i64))
            }
            Self::Money(low, high) => Value::Double(rng.between(*low, *high) as f64 / 100.0),
            Self::Bool(chance) => Value::Bool(rng.chance(*chance)),
            Self::HttpStatus => Value::Int(match facts.failed {
                None => 200,
                Some(_) => *rng.pick(&[500, 503, 502, 504])?,
            }),
            Self::RpcStatus => Value::Int(match facts.failed {
                None => 0,
                Some(_) => *rng.pick(&[13, 14, 4, 2])?,
            }),
            Self::ErrorType => Value::from(facts.failed?),
            Self::Peer => Value::String(facts.peer.clone()),
            Self::Offset => Value::Int((facts.age / 40_000_000) as i64),
        })
    }
}

fn fill(says: &Says) -> Fill {
    let percent = |percent: u32| f64::from(percent) / 100.0;
    match *says {
        Says::Text(text) => {
            let template = Template::new(text);
            if template.is_plain() { Fill::Always(Value::from(text)) } else { Fill::Text(template) }
        }
        Says::Of(texts) => Fill::OneOf(texts.iter().map(|&text| Value::from(text)).collect()),
        Says::Int(low, high) if low == high => Fill::Always(Value::Int(low)),
        Says::Int(low, high) => Fill::Int(low, high),
        Says::Money(low, high) => Fill::Money(low, high),
        Says::Bool(of_100) => Fill::Bool(percent(of_100)),
        Says::Maybe(of_100, text) => Fill::MaybeText(percent(of_100), Template::new(text)),
    }
}

/// The span of the service that does the work.
fn own_shape(entry: &Entry, service: &'static Service) -> Shape {
    match *entry {
        Entry::Http(method, route, path) => {
            Shape::new(&format!("{method} {route}"), SpanKind::SERVER, Medium::HttpServer)
                .text("http.request.method", method)
                .text("url.scheme", "http")
                .text("url.path", path)
                .text("http.route", route)
                .text("server.address", service.name)
                .int("server.port", service.port)
                .text("network.protocol.version", "1.1")
                .text("client.address", "{address}")
                .with("user_agent.original", fill(&Says::Of(AGENTS)))
                .with("http.response.status_code", Fill::HttpStatus)
                .with("error.type", Fill::ErrorType)
        }
        Entry::Rpc(name, method) => {
            Shape::new(&format!("{name}/{method}"), SpanKind::SERVER, Medium::RpcServer)
                .text("rpc.system", "grpc")
                .text("rpc.service", name)
                .text("rpc.method", method)
                .with("network.peer.address", Fill::Peer)
                .with("rpc.grpc.status_code", Fill::RpcStatus)
        }
        Entry::Message(topic) => {
            Shape::new(&format!("process {topic}"), SpanKind::CONSUMER, Medium::Messaging)
                .text("messaging.system", "kafka")
                .text("messaging.operation.name", "process")
                .text("messaging.operation.type", "process")
                .text("messaging.destination.name", topic)
                .with("messaging.destination.partition.id", fill(&Says::Of(&["0", "1", "2", "3"])))
                .own_text("messaging.consumer.group.name", format!("{}-v1", service.name))
                .with("messaging.kafka.offset", Fill::Offset)
                .with("messaging.message.body.size", Fill::Int(180, 2400))
        }
        Entry::Job(name) => Shape::new(name, SpanKind::INTERNAL, Medium::Own),
        Entry::Local(name) => Shape::new(name, SpanKind::INTERNAL, Medium::Own),
        Entry::Sql(system, namespace, operation, table, text) => {
            Shape::new(&format!("{operation} {table}"), SpanKind::CLIENT, Medium::Sql)
                .text("db.system.name", system)
                .text("db.namespace", namespace)
                .text("db.operation.name", operation)
                .text("db.collection.name", table)
                .text("db.query.text", text)
                .own_text("server.address", format!("{system}-{namespace}.data.svc"))
                .with("error.type", Fill::ErrorType)
        }
        Entry::Cache(operation, text) => Shape::new(operation, SpanKind::CLIENT, Medium::Cache)
            .text("db.system.name", "redis")
            .text("db.operation.name", operation)
            .text("db.query.text", text)
            .own_text("server.address", format!("redis-{}", service.name))
            .int("server.port", 6379)
            .with("error.type", Fill::ErrorType),
        Entry::Outside(method, host, url) => {
            Shape::new(method, SpanKind::CLIENT, Medium::HttpClient)
                .text("http.request.method", method)
                .text("url.full", url)
                .text("server.address", host)
                .with("http.response.status_code", Fill::HttpStatus)
                .with("error.type", Fill::ErrorType)
        }
    }
}

/// The span of who calls it from another service.
fn caller_shape(entry: &Entry, service: &'static Service) -> Option<Shape> {
    Some(match *entry {
        Entry::Http(method, _, path) => Shape::new(method, SpanKind::CLIENT, Medium::HttpClient)
            .text("http.request.method", method)
            .text("server.address", service.name)
            .int("server.port", service.port)
            .text("url.path", path)
            .with("http.response.status_code", Fill::HttpStatus)
            .with("error.type", Fill::ErrorType),
        Entry::Rpc(name, method) => {
            Shape::new(&format!("{name}/{method}"), SpanKind::CLIENT, Medium::RpcClient)
                .text("rpc.system", "grpc")
                .text("rpc.service", name)
                .text("rpc.method", method)
                .text("server.address", service.name)
                .int("server.port", service.port)
                .with("rpc.grpc.status_code", Fill::RpcStatus)
        }
        Entry::Message(topic) => {
            Shape::new(&format!("send {topic}"), SpanKind::PRODUCER, Medium::Messaging)
                .text("messaging.system", "kafka")
                .text("messaging.operation.name", "send")
                .text("messaging.operation.type", "send")
                .text("messaging.destination.name", topic)
                .with("messaging.kafka.message.key", fill(&Says::Text("{order}")))
        }
        _ => return None,
    })
}

const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "ShopApp/9.12.1 (iOS 18.6; iPhone15,4)",
    "ShopApp/9.11.0 (Android 15; Pixel 8)",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "kube-probe/1.33",
    "python-requests/2.32.3",
];
