//! OTLP over HTTP: `POST /v1/traces`.

use std::future::Future;
use std::io::{self, Read};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use flate2::read::MultiGzDecoder;
use tokio::net::TcpListener;
use tonic::Code;

use crate::answer::{self, Refused};
use crate::intake::{Encoding, Intake, MAX_REQUEST_BYTES};

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// The routes, over `intake`.
pub fn router(intake: Intake) -> Router {
    let limit = DefaultBodyLimit::max(MAX_REQUEST_BYTES);
    Router::new().route("/v1/traces", post(traces)).layer(limit).with_state(intake)
}

/// Serves HTTP until `stop` is done.
///
/// # Errors
/// Those of the listening socket.
pub async fn serve(
    listener: TcpListener,
    intake: Intake,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(intake)).with_graceful_shutdown(stop).await
}

async fn traces(State(intake): State<Intake>, headers: HeaderMap, body: Bytes) -> Response {
    let Some(encoding) = encoding(&headers) else {
        let refused = refused(415, format!("the content type must be {PROTOBUF} or {JSON}"));
        return refuse(&refused, Encoding::Json);
    };
    let stored = match unpacked(&headers, body).await {
        Ok(request) => intake.store(request, encoding).await,
        Err(refused) => Err(refused),
    };
    match (stored, encoding) {
        (Ok(done), Encoding::Protobuf) => {
            respond(StatusCode::OK, PROTOBUF, answer::stored_protobuf(&done))
        }
        (Ok(done), Encoding::Json) => {
            respond(StatusCode::OK, JSON, answer::stored_json(&done).to_string().into())
        }
        (Err(refused), encoding) => refuse(&refused, encoding),
    }
}

/// What the content type says, whatever parameters it has.
fn encoding(headers: &HeaderMap) -> Option<Encoding> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim();
    match kind.to_ascii_lowercase().as_str() {
        PROTOBUF => Some(Encoding::Protobuf),
        JSON => Some(Encoding::Json),
        _ => None,
    }
}

/// The request's bytes, unpacked if they are gzip.
async fn unpacked(headers: &HeaderMap, body: Bytes) -> Result<Vec<u8>, Refused> {
    match headers.get(CONTENT_ENCODING).map(|value| value.as_bytes()) {
        None | Some(b"" | b"identity") => Ok(body.into()),
        Some(b"gzip") => {
            let unpacked = tokio::task::spawn_blocking(move || gunzip(&body)).await;
            unpacked.unwrap_or_else(|_| Err(refused(500, "unpacking ended early".into())))
        }
        Some(_) => Err(refused(415, "the content encoding must be gzip, or none".into())),
    }
}

/// Unpacks at most what a request may hold: a small body may claim to be a very large one.
fn gunzip(body: &[u8]) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    let limit = MAX_REQUEST_BYTES as u64 + 1;
    let read = MultiGzDecoder::new(body).take(limit).read_to_end(&mut bytes);
    read.map_err(|error| refused(400, format!("the body is no gzip: {error}")))?;
    if bytes.len() > MAX_REQUEST_BYTES {
        return Err(refused(413, format!("more than {MAX_REQUEST_BYTES} bytes when unpacked")));
    }
    Ok(bytes)
}

/// A request that the store never saw.
fn refused(http: u16, message: String) -> Refused {
    Refused { code: Code::InvalidArgument, http, retry_after: None, message }
}

fn refuse(refused: &Refused, encoding: Encoding) -> Response {
    let status = StatusCode::from_u16(refused.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match encoding {
        Encoding::Protobuf => respond(status, PROTOBUF, refused.to_protobuf()),
        Encoding::Json => respond(status, JSON, refused.to_json().to_string().into()),
    };
    if let Some(delay) = refused.retry_after {
        response.headers_mut().insert(RETRY_AFTER, delay.as_secs().into());
    }
    response
}

fn respond(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response {
    let headers: [(HeaderName, &str); 1] = [(CONTENT_TYPE, kind)];
    (status, headers, body).into_response()
}
