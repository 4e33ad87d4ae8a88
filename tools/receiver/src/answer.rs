//! What the store says, as exporters understand it.

use std::time::Duration;

use prost::Message;
use serde_json::{Value, json};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tracekeep::{Appended, Error};

/// How long clients should wait for buffers to be flushed, and for a disk to be made room on.
const BUSY: Duration = Duration::from_secs(1);
const NO_SPACE: Duration = Duration::from_secs(30);

/// OTLP's `ExportTraceServiceResponse`.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

/// OTLP's `ExportTracePartialSuccess`.
#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `google.rpc.Status`, which HTTP answers carry in their body.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// Why some spans were not stored; none if all were.
fn partial(done: &Appended) -> Option<(i64, &str)> {
    let rejected = i64::try_from(done.rejected).unwrap_or(i64::MAX);
    let why = done.first_rejection.as_deref().unwrap_or_default();
    (rejected > 0).then_some((rejected, why))
}

/// The answer to a request that was stored, in protobuf.
pub fn stored_protobuf(done: &Appended) -> Vec<u8> {
    let partial_success = partial(done).map(|(rejected_spans, why)| PartialSuccess {
        rejected_spans,
        error_message: why.to_owned(),
    });
    Response { partial_success }.encode_to_vec()
}

/// The same in JSON.
pub fn stored_json(done: &Appended) -> Value {
    partial(done).map_or_else(
        || json!({}),
        |(rejected, why)| {
            let rejected = rejected.to_string();
            json!({ "partialSuccess": { "rejectedSpans": rejected, "errorMessage": why } })
        },
    )
}

/// A request that was not stored.
pub struct Refused {
    /// As gRPC says it.
    pub code: Code,
    /// As HTTP says it.
    pub http: u16,
    /// When to try again. The code alone tells whether.
    pub retry_after: Option<Duration>,
    /// What went wrong.
    pub message: String,
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let (code, http, retry_after) = match &error {
            Error::Busy => (Code::ResourceExhausted, 429, Some(BUSY)),
            Error::NoSpace { .. } => (Code::Unavailable, 503, Some(NO_SPACE)),
            Error::InvalidInput { .. } => (Code::InvalidArgument, 400, None),
            Error::Limit { .. } => (Code::InvalidArgument, 413, None),
            // The spans are fine and not stored: they should come again, here or elsewhere.
            _ => (Code::Unavailable, 503, None),
        };
        Self { code, http, retry_after, message: error.to_string() }
    }
}

impl Refused {
    /// As the status of a gRPC call.
    pub fn into_status(self) -> Status {
        match self.retry_after {
            // Without it exporters do not retry what is exhausted.
            Some(delay) => Status::with_error_details(
                self.code,
                self.message,
                ErrorDetails::with_retry_info(Some(delay)),
            ),
            None => Status::new(self.code, self.message),
        }
    }

    /// As the body of an HTTP answer, in protobuf.
    pub fn to_protobuf(&self) -> Vec<u8> {
        RpcStatus { code: self.code.into(), message: self.message.clone() }.encode_to_vec()
    }

    /// The same in JSON.
    pub fn to_json(&self) -> Value {
        json!({ "code": i32::from(self.code), "message": self.message })
    }
}
