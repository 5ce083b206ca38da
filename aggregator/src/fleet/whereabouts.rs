//! Where a room is, by the nodes' own word: a rule that all replicas follow alike.
//!
//! Live beats promised. Of several nodes the earliest wins, which every replica can tell from the
//! ages that the nodes report. Ages come in steps and through a network, so what is about as early is
//! taken as equal and goes by the node's name: a rule that hung on milliseconds would be answered
//! differently here and there.

use usher_common::wire::{NodeId, RoomKey};

use super::node::Presence;
use super::standing::is_joinable;
use super::{Node, State};
use crate::clock::Millis;

/// Where a room is.
#[derive(Debug, Clone, Copy)]
pub struct Whereabouts<'a> {
    /// The node.
    pub node: &'a Node,
    /// Whether people are in it; else it is promised.
    pub live: bool,
}

impl State {
    /// The node a room is on, if people can be sent there.
    #[must_use]
    pub fn whereabouts(&self, room: &RoomKey, now: Millis) -> Option<Whereabouts<'_>> {
        let (mut live, mut promised) = (Vec::new(), Vec::new());
        for node in self.nodes() {
            let (Some(presence), Some(name)) = (node.presence(room), node.name()) else { continue };
            let is_live = matches!(presence, Presence::Live { .. });
            if !is_joinable(node, is_live, self.rules(), self.panic(), now) {
                continue;
            }
            match presence {
                Presence::Live { participants, since } => live.push((since, participants, name, node)),
                Presence::Promised { made } => promised.push((made, name, node)),
            }
        }
        let signed = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        if let Some(node) = of_live(&live, signed(self.params().room_live_equal_ms)) {
            return Some(Whereabouts { node, live: true });
        }
        let first = promised.iter().map(|(made, ..)| *made).min()?;
        let last = first.saturating_add(signed(self.params().room_promised_equal_ms));
        let early = promised.iter().filter(|(made, ..)| *made <= last);
        early.min_by_key(|(_, name, _)| *name).map(|(_, _, node)| Whereabouts { node, live: false })
    }
}

/// The earliest; where one does not say how old the room is, the fullest.
fn of_live<'a>(live: &[(Option<i64>, u64, &NodeId, &'a Node)], equal_ms: i64) -> Option<&'a Node> {
    let sinces: Option<Vec<i64>> = live.iter().map(|(since, ..)| *since).collect();
    let chosen = match sinces.as_deref() {
        Some(sinces) => {
            let first = sinces.iter().min()?.saturating_add(equal_ms);
            let early = live.iter().filter(|(since, ..)| since.is_some_and(|since| since <= first));
            early.min_by_key(|(_, _, name, _)| *name)
        }
        None => live.iter().min_by_key(|(_, participants, name, _)| (u64::MAX - participants, *name)),
    };
    chosen.map(|(.., node)| *node)
}
