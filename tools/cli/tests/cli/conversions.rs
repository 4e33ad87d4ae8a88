//! Jaeger's and Zipkin's JSON become OTLP.

use serde_json::{Value, json};

use crate::bench::Bench;

fn jaeger() -> Value {
    json!({ "total": 0, "data": [{
        "traceID": "1a2b",
        "spans": [{
            "traceID": "1a2b", "spanID": "a1", "flags": 1, "operationName": "GET /",
            "references": [], "startTime": 1_763_800_000_000_001u64, "duration": 2500,
            "tags": [
                { "key": "span.kind", "type": "string", "value": "server" },
                { "key": "http.status_code", "type": "int64", "value": 500 },
                { "key": "ratio", "type": "float64", "value": 0.1 },
                { "key": "cached", "type": "bool", "value": false },
                { "key": "raw", "type": "binary", "value": "AAH/" },
                { "key": "error", "type": "bool", "value": true },
                { "key": "otel.scope.name", "type": "string", "value": "net/http" },
            ],
            "logs": [{ "timestamp": 1_763_800_000_000_002u64, "fields": [
                { "key": "event", "type": "string", "value": "exception" },
                { "key": "message", "type": "string", "value": "boom" },
            ] }],
            "processID": "p1", "warnings": null,
        }, {
            "traceID": "1a2b", "spanID": "a2", "operationName": "SELECT",
            "references": [
                { "refType": "CHILD_OF", "traceID": "1a2b", "spanID": "a1" },
                { "refType": "FOLLOWS_FROM", "traceID": "ff", "spanID": "b1" },
            ],
            "startTime": 1_763_800_000_000_002u64, "duration": 0,
            "tags": [{ "key": "span.kind", "type": "string", "value": "odd" }],
            "logs": [], "processID": "p2", "warnings": ["clock skew"],
        }],
        "processes": {
            "p1": { "serviceName": "web", "tags": [{ "key": "host", "type": "string", "value": "h" }] },
            "p2": { "serviceName": "db", "tags": [] },
        },
    }] })
}

#[test]
fn p3_jaegers_traces_keep_all_they_say() {
    for text in [jaeger().to_string(), serde_json::to_string_pretty(&jaeger()).unwrap()] {
        let bench = Bench::new();
        assert_eq!(bench.import(&bench.file("jaeger.json", text))["spans"], 2);
        let spans = bench.spans();
        let (root, child) = (&spans[1], &spans[0]);
        let (root, child) = if root["name"] == "GET /" { (root, child) } else { (child, root) };
        assert_eq!(root["traceId"], format!("{:032x}", 0x1a2b));
        assert_eq!(root["spanId"], "00000000000000a1");
        assert_eq!((&root["flags"], &root["kind"]), (&1.into(), &2.into()));
        assert_eq!(root["startTimeUnixNano"], "1763800000000001000");
        assert_eq!(root["endTimeUnixNano"], "1763800000002501000");
        assert_eq!(root["status"], json!({ "code": 2 }));
        assert_eq!(
            root["attributes"],
            json!([
                { "key": "http.status_code", "value": { "intValue": "500" } },
                { "key": "ratio", "value": { "doubleValue": 0.1 } },
                { "key": "cached", "value": { "boolValue": false } },
                { "key": "raw", "value": { "bytesValue": "AAH/" } },
                { "key": "error", "value": { "boolValue": true } },
            ])
        );
        assert_eq!(
            root["events"],
            json!([{
                "timeUnixNano": "1763800000000002000", "name": "exception",
                "attributes": [{ "key": "message", "value": { "stringValue": "boom" } }],
            }])
        );
        assert_eq!(child["parentSpanId"], "00000000000000a1");
        assert_eq!(child["links"][0]["traceId"], format!("{:032x}", 0xff));
        assert_eq!(
            child["links"][0]["attributes"],
            json!([{ "key": "opentracing.ref_type", "value": { "stringValue": "follows_from" } }])
        );
        assert_eq!(child["attributes"][0]["key"], "span.kind");
        assert_eq!(child["attributes"][1]["key"], "jaeger.warnings");
        assert_eq!(bench.run(&["services"]).ok(), "db\nweb\n");
        assert_eq!(bench.run(&["values", "resource.host"]).ok(), "h\tstring\n");
        assert_eq!(
            bench.run(&["search", "{ status = error && kind = server }"]).ok().lines().count(),
            1
        );
    }
}

fn zipkin() -> Value {
    json!([{
        "traceId": "5af7183fb1d4cf5f", "parentId": "6b221d5bc9e6496c", "id": "352bff9a74ca9ad2",
        "name": "get /api", "kind": "SERVER", "timestamp": 1_556_604_172_355_737u64, "duration": 1431,
        "localEndpoint": { "serviceName": "backend", "ipv4": "192.168.99.1", "port": 3306 },
        "remoteEndpoint": { "serviceName": "frontend", "ipv4": "172.19.0.2", "ipv6": "::1", "port": 58648 },
        "tags": { "http.method": "GET", "error": "no such user" },
        "annotations": [{ "timestamp": 1_556_604_172_355_800u64, "value": "cache miss" }],
        "shared": true, "debug": true,
    }, { "traceId": "5af7183fb1d4cf5f", "id": "6b221d5bc9e6496c" }])
}

#[test]
fn p3_zipkins_spans_keep_all_they_say() {
    let lists = json!([zipkin(), []]);
    for text in [zipkin().to_string(), lists.to_string(), format!(" {:#}\n", zipkin())] {
        let bench = Bench::new();
        assert_eq!(bench.import(&bench.file("zipkin.json", text))["spans"], 2);
        let spans = bench.spans();
        let span = spans.iter().find(|span| span["name"] == "get /api").unwrap();
        assert_eq!(span["traceId"], "00000000000000005af7183fb1d4cf5f");
        assert_eq!(span["parentSpanId"], "6b221d5bc9e6496c");
        assert_eq!(span["kind"], 2);
        assert_eq!(span["startTimeUnixNano"], "1556604172355737000");
        assert_eq!(span["endTimeUnixNano"], "1556604172357168000");
        assert_eq!(span["status"], json!({ "message": "no such user", "code": 2 }));
        assert_eq!(span["events"][0]["name"], "cache miss");
        let keys: Vec<&str> = span["attributes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|attribute| attribute["key"].as_str().unwrap())
            .collect();
        assert_eq!(
            keys,
            [
                "net.host.ip",
                "net.host.port",
                "net.peer.ip",
                "net.peer.ip6",
                "net.peer.port",
                "peer.service",
                "zipkin.shared",
                "zipkin.debug",
                "http.method",
                "error",
            ]
        );
        assert_eq!(bench.run(&["services"]).ok(), "backend\n");
    }
}

#[test]
fn a_spoiled_span_is_told_by_its_place_and_left_out_alone() {
    let mut spans = zipkin();
    spans[0]["traceId"] = "xyz".into();
    let text = spans.to_string();
    let bench = Bench::new();
    let file = bench.file("zipkin.json", &text).to_str().unwrap().to_owned();
    let error = bench.run(&["import", &file]).fails(1);
    assert!(error.contains("byte 1: traceId is \"xyz\""), "{error}");
    let ran = bench.run(&["import", "--keep-going", "--json", &file]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!((&ran.json()["spans"], &ran.json()["malformed"]), (&1.into(), &1.into()));

    let mut trace = jaeger();
    trace["data"][0]["spans"][1]["startTime"] = "soon".into();
    let file = bench.file("jaeger.json", trace.to_string()).to_str().unwrap().to_owned();
    let error = bench.run(&["import", &file]).fails(1);
    assert!(error.contains("span 1 of the trace: startTime is \"soon\""), "{error}");
    assert_eq!(bench.dump().len(), 1, "P2: none of the trace is stored");
}
