//! What proves that the agent lives, to systemd's watchdog: the newest sample is young, so the
//! clock, the blocking threads and the probes move; and our own listener answers us. Neither
//! depends on Docker, Jitsi or anybody else, so that none of them can have us killed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use usher_common::rt::systemd;

use crate::node::Node;

/// Beyond two intervals, what a sample may take on a machine that swaps.
const SLACK: Duration = Duration::from_secs(5);

/// Says that we are ready, and then proves for ever that we live.
pub(crate) async fn report(node: Arc<Node>, listens: SocketAddr) {
    let began = Instant::now();
    systemd::ready(&format!("{} listens on {listens}", node.identity.node));
    systemd::prove_life(|| prove(&node, listens, began)).await;
}

/// Says that the end begins, once it does.
pub(crate) async fn report_end(node: Arc<Node>, at_most: Duration) {
    node.stopping.cancelled().await;
    systemd::stopping(at_most);
}

async fn prove(node: &Node, listens: SocketAddr, began: Instant) -> Result<String, String> {
    let taken = node.snapshot.borrow().as_ref().map(|snapshot| snapshot.taken);
    sample_is_young(taken, began, Instant::now(), node.sample_interval)?;
    systemd::answers(listens).await?;
    let mode = node.operator.now().mode;
    Ok(format!("{} listens on {listens}, operator state {mode}", node.identity.node))
}

fn sample_is_young(
    taken: Option<Instant>,
    began: Instant,
    now: Instant,
    interval: Duration,
) -> Result<(), String> {
    let age = now.saturating_duration_since(taken.unwrap_or(began));
    let patience = interval * 2 + SLACK;
    if age <= patience {
        return Ok(());
    }
    let what = if taken.is_some() { "the newest sample" } else { "no sample came since the start, which" };
    Err(format!("{what} is {} s old, and one is due every {interval:?}", age.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sampler_that_is_late_lives_and_one_that_is_stuck_does_not() {
        let began = Instant::now();
        let at = |s| began + Duration::from_secs(s);
        let interval = Duration::from_secs(1);
        assert!(sample_is_young(Some(at(93)), began, at(100), interval).is_ok());
        let stuck = sample_is_young(Some(at(92)), began, at(100), interval).unwrap_err();
        assert!(stuck.contains("8 s old"), "{stuck}");
        assert!(sample_is_young(None, began, at(7), interval).is_ok(), "the first sample may take as long");
        assert!(sample_is_young(None, began, at(8), interval).is_err());
        let rare = Duration::from_secs(60);
        assert!(sample_is_young(Some(at(0)), began, at(125), rare).is_ok());
    }
}
