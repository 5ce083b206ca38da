//! The stand-in for Jitsi's services as a program, for containers.

use std::net::SocketAddr;

use clap::Parser;
use usher_tests::jitsi_double::{Double, Part, World};

/// Serves the named parts of a Jitsi until it is ended.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen as the bridge.
    #[arg(long)]
    jvb: Option<SocketAddr>,
    /// Where to listen as jicofo.
    #[arg(long)]
    jicofo: Option<SocketAddr>,
    /// Where to listen as prosody.
    #[arg(long)]
    prosody: Option<SocketAddr>,
    /// Where to listen as the web server.
    #[arg(long)]
    web: Option<SocketAddr>,
    /// Where to take `PUT /double`.
    #[arg(long)]
    control: Option<SocketAddr>,
    /// The world to begin with, as JSON.
    #[arg(long, default_value = "{}")]
    world: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let world: World = serde_json::from_str(&arguments.world)?;
    let mut double = Double::empty(world);
    let parts = [
        (Part::Jvb, arguments.jvb),
        (Part::Jicofo, arguments.jicofo),
        (Part::Prosody, arguments.prosody),
        (Part::Web, arguments.web),
    ];
    for (part, address) in parts {
        if let Some(address) = address {
            double.serve(part, address).await?;
        }
    }
    if let Some(address) = arguments.control {
        double.serve_control(address).await?;
    }
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        () = double.forever() => {}
        _ = term.recv() => {} // the first process of a container is not ended by it unasked
    }
    Ok(())
}
