//! The second opinion on a node whose agent is silent: is the page that people open still served?
//!
//! An agent can hang, crash or be upgraded while meetings go on beside it. Who is sent elsewhere then
//! meets nobody. So before a node's meetings are placed anew, its public address is asked too.
//!
//! Any answer but a server error counts: somebody serves there, whatever it thinks of `HEAD`. The
//! address is the agent's own word: nothing secret is sent to it, and nothing of its answer is kept.

use std::time::Duration;

use reqwest::Client;
use url::Url;
use usher_common::rt::http_client::{ClientOptions, Failure, call, client};

/// More of an answer to `HEAD` than this is no answer, bytes.
const ANSWER_MAX: usize = 1 << 16;

/// Looks at pages.
#[derive(Debug, Clone)]
pub(super) struct Looker {
    client: Client,
    timeout: Duration,
}

impl Looker {
    /// One that waits so long for an answer.
    pub(super) fn new(timeout: Duration) -> Result<Self, Failure> {
        let options = ClientOptions { accept_any_certificate: true, ..ClientOptions::default() };
        Ok(Self { client: client(&options)?, timeout })
    }

    /// Whether the page at `url` is served.
    pub(super) async fn is_served(&self, url: Url) -> bool {
        match call(self.client.head(url), self.timeout, ANSWER_MAX).await {
            Ok(answer) => !answer.status.is_server_error(),
            Err(failure) => {
                tracing::debug!(%failure, "the page is not served");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use http::StatusCode;
    use tokio::task::JoinSet;
    use tokio_util::sync::CancellationToken;
    use usher_common::rt::http_server::{bind, serve};

    use super::*;

    #[tokio::test]
    async fn whoever_answers_serves_but_not_a_proxy_without_its_server() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let base = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let router = Router::new()
            .route("/", get(|| async { "meetings" }))
            .route("/proxy", get(|| async { StatusCode::BAD_GATEWAY }))
            .route("/silent", get(|| async { std::future::pending::<&str>().await }));
        let stop = CancellationToken::new();
        let mut server = JoinSet::new();
        server.spawn(serve(listener, router, stop.clone(), Duration::ZERO));
        let looker = Looker::new(Duration::from_millis(300)).unwrap();
        let mut served = Vec::new();
        for path in ["/", "/no-such-page", "/proxy", "/silent"] {
            served.push(looker.is_served(base.join(path).unwrap()).await);
        }
        assert_eq!(served, [true, true, false, false]);
        stop.cancel();
        server.join_next().await.unwrap().unwrap().unwrap();
        assert!(!looker.is_served(base).await, "nobody listens any more");
    }
}
