//! Serving an axum router: bound early, patient with nobody, and ending without dropping anybody.
//! HTTP/1 without TLS, which is the load balancer's.
//!
//! ```text
//!             stop
//!  accept ─────┤ nothing more: who connects now queues in the kernel, for whoever holds the
//!              │ listener next (see rt::listeners)
//!  connections ┴► each to its end (http_server/connection.rs) ─► none left, or the grace is over
//! ```

mod connection;
#[cfg(test)]
mod tests;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How many connections may queue, above all over a restart; the kernel's own bound
/// (`net.core.somaxconn`) is 4096 today. The standard library asks for 128.
const QUEUE: i32 = 4096;

/// How long nothing is accepted when it cannot be, for want of file descriptors for instance.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Binds an address. Binding is apart from serving, so that a port in use is a
/// complaint before anything starts.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    rustix::net::listen(&listener, QUEUE)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What a failed bind means, and the mend.
#[must_use]
pub fn bind_complaint(address: SocketAddr, error: &io::Error) -> String {
    let mend = match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "; another process has it (see `ss -ltnp 'sport = :{}'`): stop that one or listen elsewhere",
                address.port()
            )
        }
        io::ErrorKind::AddrNotAvailable => "; no interface of this machine has that address".to_owned(),
        io::ErrorKind::PermissionDenied => "; ports below 1024 need CAP_NET_BIND_SERVICE".to_owned(),
        _ => String::new(),
    };
    format!("cannot listen on {address}: {error}{mend}")
}

/// Answers some requests before the router is asked: what is asked every second, for the way through a
/// router and its layers costs as much as a small answer. `None` leaves the request to the router.
pub type Front = Arc<dyn Fn(&Request<Incoming>) -> Option<Response<Body>> + Send + Sync>;

/// Serves `router` until `stop`; then answers what accepted connections still ask, within `grace`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    serve_behind(Arc::new(|_| None), listener, router, stop, grace).await
}

/// The same behind `front`.
pub async fn serve_behind(
    front: Front,
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let mut listener = Listener { inner: tokio::net::TcpListener::from_std(listener)?, failing: false };
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            stream = listener.accept() => {
                connections.spawn(connection::serve(stream, front.clone(), router.clone(), stop.clone()));
            }
        }
    }
    drop(listener);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(grace, all).await.is_err() {
        tracing::warn!(left = connections.len(), grace_s = grace.as_secs_f64(), "connections cut at the end");
    }
    Ok(())
}

struct Listener {
    inner: tokio::net::TcpListener,
    failing: bool,
}

impl Listener {
    /// The next connection, whatever it takes. What fails is said once, until it works again.
    async fn accept(&mut self) -> TcpStream {
        loop {
            match self.inner.accept().await {
                Ok((stream, _)) => {
                    self.failing = false;
                    return stream;
                }
                Err(error) if gone_before_accepted(&error) => {}
                Err(error) => {
                    if !self.failing {
                        tracing::error!(%error, "connections cannot be accepted; trying on");
                    }
                    self.failing = true;
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

/// Whether the error is about one connection only, whose other end has left the queue.
fn gone_before_accepted(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
