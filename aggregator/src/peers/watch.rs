//! The background task that looks after the other replicas.

use std::sync::Arc;

use futures_util::future::join_all;
use http::StatusCode;
use tokio::time::sleep;
use usher_common::rt::http_client::call;
use usher_common::wire::ProbeFailure;

use super::view::Divergence;
use super::{Hello, Peers};
use crate::fleet::Fleet;

/// Largest answer, bytes: about 40 for each node.
const ANSWER_MAX: usize = 4 << 20;

/// Slow answers in a row after which a replica is taken for dead; a refused connection is proof at once.
const MISSES: u32 = 2;

/// Why a peer did not answer well.
#[derive(Debug)]
struct Miss {
    slow: bool,
    why: String,
}

/// The task.
#[derive(Debug)]
pub struct Watch {
    peers: Arc<Peers>,
    fleet: Arc<Fleet>,
}

impl Watch {
    /// Watches these peers; `fleet` is compared with their views of it.
    #[must_use]
    pub fn new(peers: Arc<Peers>, fleet: Arc<Fleet>) -> Self {
        Self { peers, fleet }
    }

    /// Asks everybody, again and again.
    pub async fn run(self) {
        loop {
            let urls: Vec<_> = self.peers.lock().iter().map(|peer| peer.url.clone()).collect();
            let answers = join_all(urls.iter().map(|url| self.peers.greet(url))).await;
            for (index, answer) in answers.into_iter().enumerate() {
                let divergence =
                    answer.as_ref().ok().map(|hello| Divergence::between(&self.fleet.loads(), &hello.loads));
                self.peers.seen(index, answer, divergence);
            }
            sleep(self.peers.settings.interval).await;
        }
    }
}

impl Peers {
    async fn greet(&self, url: &url::Url) -> Result<Hello, Miss> {
        let mut url = url.clone();
        url.set_path("/api/v1/peer");
        let request = self.client.get(url).bearer_auth(&self.token);
        let answer = call(request, self.settings.interval.min(self.settings.timeout), ANSWER_MAX);
        let answer = answer.await.map_err(|failure| Miss {
            slow: failure.reason == ProbeFailure::Timeout,
            why: failure.to_string(),
        })?;
        let wrong = |why| Miss { slow: false, why };
        match answer.status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                let mend = "it does not take our token: rooms.secret_file must hold the same there";
                return Err(wrong(mend.to_owned()));
            }
            status => return Err(wrong(format!("HTTP status {status}"))),
        }
        serde_json::from_slice(&answer.body)
            .map_err(|error| wrong(format!("no answer of a replica: {error}")))
    }

    fn seen(&self, index: usize, answer: Result<Hello, Miss>, divergence: Option<Divergence>) {
        let now = self.clock.now();
        let mut list = self.lock();
        let Some(peer) = list.get_mut(index) else { return };
        let trouble = match answer {
            Ok(hello) => {
                let ready = hello.ready;
                peer.missed = 0;
                peer.name = Some(hello.name);
                (!ready).then(|| "it is not ready".to_owned())
            }
            // One slow answer says more of the network's mood than of the replica.
            Err(Miss { slow: true, .. }) if peer.live && peer.missed + 1 < MISSES => {
                peer.missed += 1;
                return;
            }
            Err(Miss { why, .. }) => Some(why),
        };
        peer.view = divergence;
        let live = trouble.is_none();
        if live != peer.live {
            peer.since = now;
            let why = trouble.as_deref().unwrap_or("");
            tracing::info!(peer = %peer.url, live, why, "a replica");
        }
        (peer.live, peer.trouble) = (live, trouble);
    }
}
