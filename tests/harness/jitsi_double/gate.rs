//! A listener that refuses, resets or hangs as the world says.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::world::{Fault, Part, World};

/// Lets connections in, or not.
#[derive(Debug)]
pub(super) struct Gate {
    part: Part,
    address: SocketAddr,
    /// `None` while the port is closed.
    listener: Option<TcpListener>,
    world: watch::Receiver<World>,
    /// Connections that were taken and are left waiting.
    hanging: Vec<TcpStream>,
}

impl Gate {
    pub(super) const fn new(
        part: Part,
        listener: TcpListener,
        address: SocketAddr,
        world: watch::Receiver<World>,
    ) -> Self {
        Self { part, address, listener: Some(listener), world, hanging: Vec::new() }
    }

    async fn changed(world: &mut watch::Receiver<World>) {
        if world.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    async fn open(&mut self) -> TcpListener {
        if let Some(listener) = self.listener.take() {
            return listener;
        }
        loop {
            // The port was ours a moment ago; nobody else is given it while tests ask for port 0.
            match TcpListener::bind(self.address).await {
                Ok(listener) => return listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

impl axum::serve::Listener for Gate {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        loop {
            let fault = self.world.borrow_and_update().fault(self.part);
            if fault != Some(Fault::Hang) {
                self.hanging.clear();
            }
            if fault == Some(Fault::Refuse) {
                self.listener = None;
                Self::changed(&mut self.world).await;
                continue;
            }
            let listener = self.open().await;
            let taken = tokio::select! {
                () = Self::changed(&mut self.world) => None,
                taken = listener.accept() => taken.ok(),
            };
            self.listener = Some(listener);
            let Some((stream, peer)) = taken else { continue };
            match fault {
                Some(Fault::Reset) => drop(stream),
                Some(Fault::Hang) => self.hanging.push(stream),
                _ => return (stream, peer),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}
