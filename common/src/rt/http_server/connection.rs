//! One connection from its first byte to its end. Not how connections come (the listener's part).
//!
//! hyper's own graceful end closes a connection at once of which it has read nothing yet, and with it
//! a request that is on its way. So a stop goes in two steps here: every answer from then on says
//! `Connection: close`, and who has not asked yet gets a moment to do so before hyper is told.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::Front;

/// How long a client may take to send its request's head. It also ends idle connections, so
/// it is longer than a Prometheus waits between scrapes and a load balancer keeps one open.
const HEAD_DEADLINE: Duration = Duration::from_secs(75);

/// How long a connection that never asked anything may still take after a stop: its request is on its
/// way, be it over a bad line, unless a browser opened the connection for later.
const FIRST_REQUEST: Duration = Duration::from_secs(2);

/// The same for one that was answered before: its owner may be writing the next request just now, and
/// who does not expects it to be closed any time.
const NEXT_REQUEST: Duration = Duration::from_millis(300);

/// Answers what comes over `stream` until the client leaves, or soon after `stop`.
pub(super) async fn serve(stream: TcpStream, front: Front, router: Router, stop: CancellationToken) {
    let asked = Arc::new(AtomicBool::new(false));
    let (seen, stopping) = (Arc::clone(&asked), stop.clone());
    let service = service_fn(move |request| {
        seen.store(true, Ordering::Relaxed);
        answer(front(&request), router.clone(), request, stopping.clone())
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_DEADLINE);
    let connection = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let patience = async {
        stop.cancelled().await;
        let patience = if asked.load(Ordering::Relaxed) { NEXT_REQUEST } else { FIRST_REQUEST };
        tokio::time::sleep(patience).await;
    };
    // How a connection ends is the client's affair: a balancer's check ends with a reset each time.
    tokio::select! {
        _ended = connection.as_mut() => return,
        () = patience => connection.as_mut().graceful_shutdown(),
    }
    _ = connection.await;
}

async fn answer(
    answered: Option<Response<Body>>,
    router: Router,
    request: Request<Incoming>,
    stop: CancellationToken,
) -> Result<Response<Body>, Infallible> {
    let mut response = match answered {
        Some(response) => response,
        None => router.oneshot(request.map(Body::new)).await?,
    };
    if stop.is_cancelled() {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
