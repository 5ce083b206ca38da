//! Whether this replica should be sent requests at all.
//!
//! Ready once every target known has been tried, and once at least one report was ever
//! read: before, our answers would be guesses, and another replica may know more. Both
//! stay true once they were. A fleet that is lost *later* does not make us unready: the
//! same is true of every replica then, and our 503 with its reasons (and the page for
//! people) is a better answer than the load balancer's. The end of the process is not
//! judged here; see `http::health`.

use super::State;

/// The verdict.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Readiness {
    /// Whether to send requests here.
    pub ready: bool,
    /// Why not; empty when ready.
    pub reasons: Vec<String>,
}

impl State {
    /// Judges.
    #[must_use]
    pub fn readiness(&self) -> Readiness {
        let mut reasons = Vec::new();
        if !self.knows_targets() {
            reasons.push("discovery has not listed any target yet".to_owned());
        } else if !self.finished_round() {
            let left = self.nodes().filter(|node| !node.tried).count();
            reasons.push(format!("first round of reads is not over: {left} targets left"));
        } else if !self.ever_read() {
            reasons.push("no target has given a report yet".to_owned());
        }
        Readiness { ready: reasons.is_empty(), reasons }
    }
}
