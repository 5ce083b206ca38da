//! The TCP listener for HAProxy's agent-check: one line to whoever connects, then the end.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt as _;
use tokio::sync::Semaphore;

use crate::export::{agent_check::line, report::report};
use crate::node::Node;

/// Connections answered at once; HAProxy opens one per check.
const AT_ONCE: usize = 64;

/// How long a reader may take for one line.
const DEADLINE: Duration = Duration::from_secs(1);

/// Answers until it is dropped.
pub(crate) async fn serve(listener: TcpListener, node: Arc<Node>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the agent-check listener is unusable");
            return;
        }
    };
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let mut stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of file descriptors, most likely: wait for some to come back.
                tracing::warn!(%error, "an agent-check connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let snapshot = node.latest();
        let text = line(&report(&node, snapshot.as_deref(), node.operator.now(), Instant::now()));
        #[expect(clippy::disallowed_methods, reason = "bounded by the semaphore and the deadline")]
        tokio::spawn(async move {
            let written = tokio::time::timeout(DEADLINE, async {
                stream.write_all(text.as_bytes()).await?;
                stream.shutdown().await
            });
            if let Ok(Err(error)) = written.await {
                tracing::debug!(%error, "an agent-check reader left early");
            }
            drop(place);
        });
    }
}
