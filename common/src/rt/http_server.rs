//! Serving an axum router: bound early, drained at the end, patient with nobody.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use hyper_util::rt::TokioTimer;
use tokio_util::sync::CancellationToken;

/// How long a client may take to send its request's head. It also ends idle connections, so
/// it is longer than a Prometheus waits between scrapes and a load balancer keeps one open.
const HEAD_DEADLINE: Duration = Duration::from_secs(75);

/// Binds an address. Binding is apart from serving, so that a port in use is a
/// complaint before anything starts.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
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

/// Serves `router` until `stop`, then finishes the requests under way within `grace`.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener)?.handle(handle.clone());
    // HTTP/1 only: while it still waits for the first bytes to tell the version, a graceful end would
    // drop the connection, and with it a request that is on its way.
    let http = server.http_builder();
    *http = http.clone().http1_only();
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE);
    let serving = server.serve(router.into_make_service_with_connect_info::<SocketAddr>());
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended,
        () = stop.cancelled() => handle.graceful_shutdown(Some(grace)),
    }
    serving.await
}
