//! An exporter, with no more of one than the tests need.

use std::net::SocketAddr;

use prost::bytes::{Buf, BufMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Endpoint;
use tonic::{Request, Status};
use tracekeep::Store;
use tracekeep_receiver::{Intake, grpc, http};

pub const PROTOBUF: &str = "Content-Type: application/x-protobuf";
pub const JSON: &str = "Content-Type: application/json";
pub const GZIP: &str = "Content-Encoding: gzip";

/// How a request may come.
#[derive(Clone, Copy, Debug)]
pub enum Wire {
    Grpc { gzip: bool },
    Http { json: bool, gzip: bool },
}

impl Wire {
    pub const ALL: [Self; 6] = [
        Self::Grpc { gzip: false },
        Self::Grpc { gzip: true },
        Self::Http { json: false, gzip: false },
        Self::Http { json: false, gzip: true },
        Self::Http { json: true, gzip: false },
        Self::Http { json: true, gzip: true },
    ];
}

/// A running receiver, which stops when this is dropped.
pub struct Client {
    grpc: SocketAddr,
    http: SocketAddr,
    _stop: watch::Sender<()>,
}

/// Serves `store` on ports that are free.
pub async fn start(store: Store) -> Client {
    let (stop, stopped) = watch::channel(());
    let stopped = || {
        let mut stopped = stopped.clone();
        async move { drop(stopped.changed().await) }
    };
    let listen = || TcpListener::bind(("127.0.0.1", 0));
    let (over_grpc, over_http) = (listen().await.unwrap(), listen().await.unwrap());
    let (grpc, http) = (over_grpc.local_addr().unwrap(), over_http.local_addr().unwrap());
    let intake = Intake::new(store);
    tokio::spawn(grpc::serve(over_grpc, intake.clone(), stopped()));
    tokio::spawn(http::serve(over_http, intake, stopped()));
    Client { grpc, http, _stop: stop }
}

impl Client {
    /// Exports over gRPC; the bytes of the answer.
    pub async fn export(&self, request: Vec<u8>, gzip: bool) -> Result<Vec<u8>, Status> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.grpc)).unwrap();
        let mut client = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
        if gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        client.ready().await.unwrap();
        let path = grpc::EXPORT.parse().unwrap();
        client.unary(Request::new(request), path, Raw).await.map(tonic::Response::into_inner)
    }

    /// Posts over HTTP/1.1.
    pub async fn post(&self, headers: &[&str], body: &[u8]) -> Answer {
        let mut head = format!(
            "POST /v1/traces HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.http,
            body.len()
        );
        headers.iter().for_each(|header| head += &format!("{header}\r\n"));
        let mut stream = TcpStream::connect(self.http).await.unwrap();
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let code = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { code, head, body: bytes[end + 4..].to_vec() }
    }
}

/// What came over HTTP.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    /// The body of a success.
    #[track_caller]
    pub fn ok(self) -> Vec<u8> {
        assert_eq!(self.code, 200, "{self:?}");
        self.body
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// Messages as their bytes.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut bytes = vec![0; message.remaining()];
        message.copy_to_slice(&mut bytes);
        Ok(Some(bytes))
    }
}
