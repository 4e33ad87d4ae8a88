//! Which library records a span, by the language and by what the span is about.

use crate::shop::services::Language;

/// What a span is about, as far as instrumentation libraries go.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Medium {
    /// The server side of HTTP.
    HttpServer,
    /// The client side of HTTP.
    HttpClient,
    /// The server side of gRPC.
    RpcServer,
    /// The client side of gRPC.
    RpcClient,
    /// A database client.
    Sql,
    /// A cache client.
    Cache,
    /// A producer or consumer of messages.
    Messaging,
    /// The service's own code.
    Own,
}

/// All media, in their order.
pub const MEDIA: [Medium; 8] = [
    Medium::HttpServer,
    Medium::HttpClient,
    Medium::RpcServer,
    Medium::RpcClient,
    Medium::Sql,
    Medium::Cache,
    Medium::Messaging,
    Medium::Own,
];

/// Name and version of the library; `None` where the service records its spans itself.
pub const fn library(language: Language, medium: Medium) -> Option<(&'static str, &'static str)> {
    use Medium::{Cache, HttpClient, HttpServer, Messaging, RpcClient, RpcServer, Sql};
    Some(match (language, medium) {
        (Language::Node, HttpServer | HttpClient) => {
            ("@opentelemetry/instrumentation-http", "0.57.2")
        }
        (Language::Node, RpcServer | RpcClient) => {
            ("@opentelemetry/instrumentation-grpc", "0.57.2")
        }
        (Language::Node, Sql) => ("@opentelemetry/instrumentation-pg", "0.51.1"),
        (Language::Node, Cache) => ("@opentelemetry/instrumentation-redis-4", "0.46.1"),
        (Language::Node, Messaging) => ("@opentelemetry/instrumentation-kafkajs", "0.7.0"),
        (Language::Go, HttpServer | HttpClient) => {
            ("go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", "0.60.0")
        }
        (Language::Go, RpcServer | RpcClient) => (
            "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc",
            "0.60.0",
        ),
        (Language::Go, Sql) => ("github.com/XSAM/otelsql", "0.37.0"),
        (Language::Go, Cache) => ("github.com/redis/go-redis/extra/redisotel/v9", "semver:9.7.1"),
        (Language::Go, Messaging) => ("otelsarama", "0.43.0"),
        (Language::Java, HttpServer) => ("io.opentelemetry.tomcat-10.0", "2.14.0-alpha"),
        (Language::Java, HttpClient) => ("io.opentelemetry.apache-httpclient-5.0", "2.14.0-alpha"),
        (Language::Java, RpcServer | RpcClient) => ("io.opentelemetry.grpc-1.6", "2.14.0-alpha"),
        (Language::Java, Sql) => ("io.opentelemetry.jdbc", "2.14.0-alpha"),
        (Language::Java, Cache) => ("io.opentelemetry.lettuce-5.1", "2.14.0-alpha"),
        (Language::Java, Messaging) => ("io.opentelemetry.kafka-clients-0.11", "2.14.0-alpha"),
        (Language::DotNet, HttpServer) => ("Microsoft.AspNetCore", ""),
        (Language::DotNet, HttpClient) => ("System.Net.Http", ""),
        (Language::DotNet, RpcServer | RpcClient) => {
            ("OpenTelemetry.Instrumentation.GrpcNetClient", "1.11.0-beta.2")
        }
        (Language::DotNet, Sql) => ("Npgsql", "9.0.3"),
        (Language::DotNet, Cache) => {
            ("OpenTelemetry.Instrumentation.StackExchangeRedis", "1.11.0-beta.2")
        }
        (Language::DotNet, Messaging) => ("OpenTelemetry.Instrumentation.ConfluentKafka", "0.1.0"),
        (Language::Python, HttpServer) => ("opentelemetry.instrumentation.flask", "0.52b1"),
        (Language::Python, HttpClient) => ("opentelemetry.instrumentation.requests", "0.52b1"),
        (Language::Python, RpcServer | RpcClient) => {
            ("opentelemetry.instrumentation.grpc", "0.52b1")
        }
        (Language::Python, Sql) => ("opentelemetry.instrumentation.psycopg2", "0.52b1"),
        (Language::Python, Cache) => ("opentelemetry.instrumentation.redis", "0.52b1"),
        (Language::Python, Messaging) => ("opentelemetry.instrumentation.kafka", "0.52b1"),
        (Language::Ruby, HttpServer) => ("OpenTelemetry::Instrumentation::Sinatra", "0.25.1"),
        (Language::Ruby, HttpClient) => ("OpenTelemetry::Instrumentation::Net::HTTP", "0.23.0"),
        (Language::Rust, HttpServer) => ("opentelemetry-instrumentation-actix-web", "0.22.0"),
        (Language::Rust, HttpClient) => ("reqwest-tracing", "0.5.6"),
        _ => return None,
    })
}
