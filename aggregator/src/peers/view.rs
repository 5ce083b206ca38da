//! What replicas tell each other, and how far their views of the fleet lie apart. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Peers;

/// What a replica says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// The name that it drew at its start.
    pub name: String,
    /// Whether it may be sent requests.
    pub ready: bool,
    /// CPU busy fraction of each node that it may send rooms to, as it knows it.
    pub loads: BTreeMap<String, f64>,
}

/// How far two views lie apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Divergence {
    /// Mean difference of the CPU busy fractions of the nodes that both may use.
    pub load: f64,
    /// Nodes that only one of the two may use.
    pub nodes: usize,
}

/// A peer, for operators.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeerView {
    /// Where it is asked.
    pub url: String,
    /// Whether it is ourselves.
    pub is_us: bool,
    /// Whether it takes part in deciding on rooms.
    pub live: bool,
    /// Why not.
    pub trouble: Option<String>,
    /// For how long it has been so, milliseconds.
    pub age_ms: u64,
    /// How far its view lies from ours; `None` while it does not answer.
    pub divergence: Option<Divergence>,
}

/// The peers, for operators.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct View {
    /// Replicas that share the rooms, ourselves included.
    pub live: usize,
    /// The entries of the settings.
    pub peers: Vec<PeerView>,
}

impl Peers {
    /// As they are now.
    #[must_use]
    pub fn view(&self) -> View {
        let now = self.clock.now();
        let list = self.lock();
        let peers: Vec<PeerView> = list
            .iter()
            .map(|peer| PeerView {
                url: peer.url.to_string(),
                is_us: peer.name.as_deref() == Some(self.name.as_str()),
                live: peer.live,
                trouble: peer.trouble.clone(),
                age_ms: now.saturating_sub(peer.since),
                divergence: peer.view,
            })
            .collect();
        View { live: 1 + peers.iter().filter(|peer| peer.live && !peer.is_us).count(), peers }
    }
}

impl Divergence {
    /// Between our view and another's.
    #[must_use]
    pub fn between(ours: &BTreeMap<String, f64>, theirs: &BTreeMap<String, f64>) -> Self {
        let both: Vec<f64> =
            ours.iter().filter_map(|(node, load)| Some((load - theirs.get(node)?).abs())).collect();
        #[expect(clippy::cast_precision_loss, reason = "a number of nodes")]
        let load = if both.is_empty() { 0.0 } else { both.iter().sum::<f64>() / both.len() as f64 };
        Self { load, nodes: ours.len() + theirs.len() - 2 * both.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_compared_on_what_both_know_and_by_what_only_one_does() {
        let view =
            |list: &[(&str, f64)]| list.iter().map(|(node, load)| ((*node).to_owned(), *load)).collect();
        let ours = view(&[("a", 0.5), ("b", 0.25), ("c", 0.1)]);
        let theirs = view(&[("a", 0.25), ("b", 0.25), ("d", 0.9)]);
        assert_eq!(Divergence::between(&ours, &theirs), Divergence { load: 0.125, nodes: 2 });
        assert_eq!(Divergence::between(&ours, &ours), Divergence::default());
        assert_eq!(Divergence::between(&view(&[]), &theirs).nodes, 3);
    }
}
