//! A listener that refuses, resets or hangs as the world says, also on connections it let in before.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
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
    type Io = Passed;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Passed, SocketAddr) {
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
                _ => return (Passed { part: self.part, stream, world: self.world.clone() }, peer),
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// A connection that was let in. It ends, or falls silent, when the next request meets a fault
/// that would not have let it in.
#[derive(Debug)]
pub(super) struct Passed {
    part: Part,
    stream: TcpStream,
    world: watch::Receiver<World>,
}

impl AsyncRead for Passed {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(context, into);
        if into.filled().len() == before {
            return read;
        }
        match this.world.borrow().fault(this.part) {
            Some(Fault::Refuse | Fault::Reset) => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
            // Nobody wakes it: the other side tires of waiting.
            Some(Fault::Hang) => Poll::Pending,
            _ => read,
        }
    }
}

impl AsyncWrite for Passed {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}
