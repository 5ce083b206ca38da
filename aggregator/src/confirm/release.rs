//! Takes promises back that an agent may have made without our hearing of it: such a promise would
//! lead others to a room that went elsewhere. In the background and once; what fails lapses by
//! itself after `placement.confirm_ttl`.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::ask::Asker;
use crate::target::Target;

/// How long an agent may take: it was too slow a moment ago.
const DEADLINE: Duration = Duration::from_secs(5);
/// Calls under way at once.
const CONCURRENCY: usize = 16;
/// Promises waiting to be taken back; beyond it they are left to lapse.
const MOST: usize = 1000;

/// Where promises to take back are handed in.
#[derive(Debug, Clone)]
pub(super) struct Release {
    queue: Sender<(Target, String)>,
}

/// The task that takes them back.
#[derive(Debug)]
pub struct Releases {
    queue: Receiver<(Target, String)>,
    asker: Asker,
}

/// Both ends.
pub(super) fn release(asker: Asker) -> (Release, Releases) {
    let (send, receive) = channel(MOST);
    (Release { queue: send }, Releases { queue: receive, asker })
}

impl Release {
    /// Hands a promise in; never waits.
    pub(super) fn take_back(&self, target: &Target, id: &str) {
        if self.queue.try_send((target.clone(), id.to_owned())).is_err() {
            tracing::debug!(target = %target.id, "too many promises to take back: left to lapse");
        }
    }
}

impl Releases {
    /// Takes back what is handed in, for ever.
    pub async fn run(self) {
        let Self { queue, asker } = self;
        let due = unfold(queue, async |mut queue| Some((queue.recv().await?, queue)));
        let take_back = |(target, id): (Target, String)| {
            let asker = asker.clone();
            async move {
                if let Err(failure) = asker.release(&target, &id, DEADLINE).await {
                    tracing::debug!(target = %target.id, %failure, "a promise could not be taken back");
                }
            }
        };
        due.for_each_concurrent(CONCURRENCY, take_back).await;
        // Nobody is left who could hand one in: the process is ending.
        std::future::pending::<()>().await;
    }
}
