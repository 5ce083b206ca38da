//! Reproducible chance: what breaks ties, the same on every replica and in every version.
//!
//! The standard library's hasher is not used, because its results may change between releases and
//! replicas are not upgraded in the same second.

use usher_common::wire::{NodeId, RoomKey};

/// Which of the live replicas decides on a named room, so that two people who ask two replicas at
/// the same moment are not sent to two nodes. The others forward to it. `None` without replicas.
///
/// Two replicas that disagree on who is alive may disagree on some rooms, never on all: a replica
/// that comes or goes moves only its own share.
#[must_use]
pub fn owner<'a>(room: &RoomKey, replicas: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let key = fnv(room.as_str());
    replicas.into_iter().min_by_key(|replica| (scatter(scatter(key) ^ fnv(replica)), *replica))
}

/// What decides where the policy is indifferent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Draw {
    /// Given by the room, where it has a key: then the seed is not looked at.
    key: u64,
    /// The seed as it came, for taking turns.
    pub(super) turn: u64,
    /// Replicas should agree: near-equals are taken as equals.
    pub(super) by_room: bool,
}

impl Draw {
    /// The draw for one request.
    pub(super) fn of(room: Option<&RoomKey>, seed: u64) -> Self {
        match room {
            Some(room) => {
                let key = scatter(fnv(room.as_str()));
                Self { key, turn: key, by_room: true }
            }
            None => Self { key: scatter(seed), turn: seed, by_room: false },
        }
    }

    /// This node's place in the draw (rendezvous hashing): the smallest wins, and a node that
    /// comes or goes changes nothing between the others. Even over all of u64.
    pub(super) fn lot(self, node: &NodeId) -> u64 {
        scatter(self.key ^ fnv(node.as_str()))
    }
}

/// FNV-1a, 64 bits.
fn fnv(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}

/// The finisher of splitmix64: neighbours in, strangers out.
fn scatter(number: u64) -> u64 {
    let z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_wins_about_as_often_whatever_the_seeds_look_like() {
        let nodes: Vec<NodeId> = (0..10).map(|i| NodeId::parse(&format!("vm{i}")).unwrap()).collect();
        let mut wins = [0u32; 10];
        for seed in 0..20_000 {
            let draw = Draw::of(None, seed);
            let winner = (0..10).min_by_key(|&i| draw.lot(&nodes[i])).unwrap();
            wins[winner] += 1;
        }
        assert!(wins.iter().all(|&won| (1800..2200).contains(&won)), "{wins:?}");
    }

    #[test]
    fn a_room_keeps_its_owner_when_another_replica_goes() {
        let (three, two) = (["a:7080", "b:7080", "c:7080"], ["c:7080", "a:7080"]);
        let mut owned = [0u32; 3];
        for number in 0..3000 {
            let room = RoomKey::of(b"secret", "", &number.to_string());
            let before = owner(&room, three).unwrap();
            owned[three.iter().position(|replica| *replica == before).unwrap()] += 1;
            assert!(before == "b:7080" || owner(&room, two) == Some(before));
        }
        assert!(owned.iter().all(|&share| (900..1100).contains(&share)), "{owned:?}");
        assert_eq!(owner(&RoomKey::of(b"secret", "", "x"), []), None);
    }

    #[test]
    fn the_lots_of_a_room_are_the_same_in_every_version() {
        let room = RoomKey::of(b"secret", "", "daily");
        let draw = Draw::of(Some(&room), 1);
        assert_eq!(draw, Draw::of(Some(&room), 2), "the seed plays no part");
        assert_eq!(draw.lot(&NodeId::parse("vm1").unwrap()), 15_055_398_019_753_385_858);
    }
}
