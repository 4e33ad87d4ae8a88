//! The receiver on ephemeral ports of the loopback, as exporters meet it.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod client;

use std::io::Write;
use std::sync::Arc;

use client::{Client, Wire, start};
use flate2::Compression;
use flate2::write::GzEncoder;
use tonic::Code;
use tonic_types::StatusExt;
use tracekeep::simulation::{Environment, ManualClock, MemDisk, ThreadPool};
use tracekeep::{OnFull, Options, Store, Timestamp};
use tracekeep_workload::{Config, Workload, count, encode_json, encode_protobuf};

/// A request of some spans in protobuf and in JSON, and how many they are.
fn request(seed: u64) -> (Vec<u8>, Vec<u8>, u64) {
    let batch = Workload::new(&Config::default().seed(seed).spans(200)).next().unwrap();
    (encode_protobuf(&batch), encode_json(&batch).into(), count(&batch))
}

/// A request whose second span has an id of a wrong length.
fn partly_invalid() -> Vec<u8> {
    let span = |id: &[u8]| {
        let mut span = vec![0x0a, id.len() as u8];
        span.extend_from_slice(id);
        span.extend_from_slice(&[0x12, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        span
    };
    let wrap = |tag: u8, inner: &[u8]| [&[tag, inner.len() as u8], inner].concat();
    let spans = [wrap(0x12, &span(&[7; 16])), wrap(0x12, &span(&[7; 3]))].concat();
    wrap(0x0a, &wrap(0x12, &spans))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn store(dir: &tempfile::TempDir) -> Store {
    let options = Options::default().on_full(OnFull::Reject).min_free_bytes(0);
    Store::open(dir.path(), options).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_way_in_stores_the_spans() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let receiver = start(store.clone()).await;
    let mut spans = 0;
    for (seed, wire) in (0..).zip(Wire::ALL) {
        let (protobuf, json, count) = request(seed);
        let answer = match wire {
            Wire::Grpc { gzip } => receiver.export(protobuf, gzip).await.unwrap(),
            Wire::Http { json: false, gzip: false } => {
                receiver.post(&[client::PROTOBUF], &protobuf).await.ok()
            }
            Wire::Http { json: false, gzip: true } => {
                receiver.post(&[client::PROTOBUF, client::GZIP], &gzip(&protobuf)).await.ok()
            }
            Wire::Http { json: true, gzip: false } => {
                receiver.post(&["Content-Type: Application/JSON; charset=utf-8"], &json).await.ok()
            }
            Wire::Http { json: true, gzip: true } => {
                receiver.post(&[client::JSON, client::GZIP], &gzip(&json)).await.ok()
            }
        };
        let wanted = if matches!(wire, Wire::Http { json: true, .. }) { "{}" } else { "" };
        assert_eq!(String::from_utf8(answer).unwrap(), wanted, "{wire:?}");
        spans += count;
        assert_eq!(store.stats().unwrap().spans, spans, "{wire:?}: durable when answered");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_are_invalid_are_a_partial_success() {
    let dir = tempfile::tempdir().unwrap();
    let store = store(&dir);
    let receiver = start(store.clone()).await;
    let over_grpc = receiver.export(partly_invalid(), false).await.unwrap();
    let over_http = receiver.post(&[client::PROTOBUF], &partly_invalid()).await.ok();
    assert_eq!(over_grpc, over_http);
    // Field 1, of which field 1 is the number of rejected spans and field 2 says why.
    assert_eq!((over_grpc[0], &over_grpc[2..5]), (0x0a, &[0x08, 1, 0x12][..]));
    assert!(String::from_utf8_lossy(&over_grpc).contains("trace id"), "{over_grpc:?}");
    let json = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"07","spanId":"0102030405060708"}]}]}]}"#;
    let answer = receiver.post(&[client::JSON], json).await.ok();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains(r#""rejectedSpans":"1""#), "{answer}");
    assert_eq!(store.stats().unwrap().spans, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_not_to_be_retried() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = start(store(&dir)).await;
    let status = receiver.export(b"no protobuf".to_vec(), false).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.get_details_retry_info().is_none());
    let cases: [(u16, &[&str], &[u8]); 5] = [
        (400, &[client::PROTOBUF], b"no protobuf"),
        (400, &[client::JSON], b"{"),
        (400, &[client::JSON, client::GZIP], b"no gzip"),
        (415, &["Content-Type: text/plain"], b""),
        (415, &[client::JSON, "Content-Encoding: br"], b""),
    ];
    for (code, headers, body) in cases {
        let answer = receiver.post(headers, body).await;
        assert_eq!(answer.code, code, "{headers:?}: {answer:?}");
        assert_eq!(answer.header("retry-after"), None);
    }
    // A small body that claims to be a very large one.
    let bomb = gzip(&vec![0; tracekeep_receiver::MAX_REQUEST_BYTES + 1]);
    let answer = receiver.post(&[client::PROTOBUF, client::GZIP], &bomb).await;
    assert_eq!(answer.code, 413, "{answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_store_makes_clients_retry_until_it_has_room() {
    let disk = MemDisk::new();
    let world = Environment {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(ManualClock::new(Timestamp::from_nanos(1))),
        executor: Arc::new(ThreadPool::new(2)),
    };
    let options = Options::default().on_full(OnFull::Reject).memory_bytes(1 << 20).threads(2);
    let store = Store::open_in("/store", options.min_free_bytes(0), world).unwrap();
    let receiver = start(store.clone()).await;
    disk.hold_syncs(".seg.tmp");
    let mut stored = 0;
    let status = loop {
        let (protobuf, _, count) = request(stored / 200);
        match receiver.export(protobuf, false).await {
            Ok(_) => stored += count,
            Err(status) => break status,
        }
    };
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.get_details_retry_info().unwrap().retry_delay.is_some());
    let (protobuf, ..) = request(1000);
    let answer = receiver.post(&[client::PROTOBUF], &protobuf).await;
    assert_eq!((answer.code, answer.header("retry-after")), (429, Some("1")));
    assert_eq!(store.stats().unwrap().spans, stored, "what was acknowledged is there");
    disk.let_syncs_go();
    while receiver.post(&[client::PROTOBUF], &protobuf).await.code != 200 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_makes_clients_retry_later() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), Options::default().min_free_bytes(u64::MAX)).unwrap();
    let receiver: Client = start(store).await;
    let (protobuf, ..) = request(1);
    let status = receiver.export(protobuf.clone(), true).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.get_details_retry_info().unwrap().retry_delay.unwrap().as_secs(), 30);
    let answer = receiver.post(&[client::PROTOBUF], &protobuf).await;
    assert_eq!((answer.code, answer.header("retry-after")), (503, Some("30")));
}
