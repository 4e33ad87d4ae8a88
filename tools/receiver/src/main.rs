//! Receives OTLP and keeps it in a store, until it is interrupted.

use std::error::Error;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Parser;
use tokio::net::TcpListener;
use tracekeep::{OnFull, Options, Store};
use tracekeep_receiver::{Intake, grpc, http};

/// Receives OTLP traces over gRPC and HTTP and keeps them in a Tracekeep store.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The store's directory, made if need be
    #[arg(long, env = "TRACEKEEP_STORE")]
    store: PathBuf,
    /// Where to listen for gRPC
    #[arg(long, default_value = "127.0.0.1:4317")]
    grpc: SocketAddr,
    /// Where to listen for HTTP
    #[arg(long, default_value = "127.0.0.1:4318")]
    http: SocketAddr,
    /// Memory for buffers, flushes, merges and caches, in MiB
    #[arg(long, default_value_t = 256)]
    memory_mib: usize,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let memory = arguments.memory_mib.saturating_mul(1 << 20);
    let options = Options::default().on_full(OnFull::Reject).memory_bytes(memory);
    let store = Store::open(&arguments.store, options)?;
    let intake = Intake::new(store.clone());
    let grpc = TcpListener::bind(arguments.grpc).await?;
    let http = TcpListener::bind(arguments.http).await?;
    eprintln!("OTLP on {} (gRPC) and {} (HTTP)", grpc.local_addr()?, http.local_addr()?);
    let stop = || async {
        // Where interrupts cannot be heard, only a signal that ends the process stops it.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let served =
        tokio::join!(grpc::serve(grpc, intake.clone(), stop()), http::serve(http, intake, stop()),);
    // Whatever ended the servers, what they acknowledged is flushed.
    tokio::task::spawn_blocking(move || store.close()).await??;
    served.0?;
    Ok(served.1?)
}
