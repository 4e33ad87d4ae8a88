//! OTLP over gRPC: the service `TraceService/Export`.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::codegen::Service;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::transport::Server;
use tonic::{Request, Response, Status};

use crate::answer;
use crate::codec::RawCodec;
use crate::intake::{Encoding, Intake, MAX_REQUEST_BYTES};

/// The path of the one call.
pub const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

type Answer<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The service, which hands over requests as they came.
#[derive(Clone, Debug)]
pub struct TraceService {
    intake: Intake,
}

impl NamedService for TraceService {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl TraceService {
    /// Hands requests to `intake`.
    pub fn new(intake: Intake) -> Self {
        Self { intake }
    }
}

impl UnaryService<Vec<u8>> for TraceService {
    type Response = Vec<u8>;
    type Future = Answer<Result<Response<Vec<u8>>, Status>>;

    fn call(&mut self, request: Request<Vec<u8>>) -> Self::Future {
        let intake = self.intake.clone();
        Box::pin(async move {
            let stored = intake.store(request.into_inner(), Encoding::Protobuf).await;
            match stored {
                Ok(done) => Ok(Response::new(answer::stored_protobuf(&done))),
                Err(refused) => Err(refused.into_status()),
            }
        })
    }
}

impl Service<http::Request<Body>> for TraceService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer<Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move {
            if request.uri().path() != EXPORT {
                return Ok(Status::unimplemented("only TraceService/Export").into_http());
            }
            let mut grpc = Grpc::new(RawCodec)
                .accept_compressed(CompressionEncoding::Gzip)
                .max_decoding_message_size(MAX_REQUEST_BYTES);
            Ok(grpc.unary(service, request).await)
        })
    }
}

/// Serves gRPC until `stop` is done.
///
/// # Errors
/// Those of the listening socket.
pub async fn serve(
    listener: TcpListener,
    intake: Intake,
    stop: impl Future<Output = ()>,
) -> Result<(), tonic::transport::Error> {
    let incoming = TcpListenerStream::new(listener);
    let service = TraceService::new(intake);
    Server::builder().add_service(service).serve_with_incoming_shutdown(incoming, stop).await
}
