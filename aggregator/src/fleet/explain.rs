//! The ranking that a placement now would use, told in full; nothing is placed.

use serde::Serialize;
use usher_common::wire::NodeId;

use super::asked::{How, PlaceRequest};
use super::candidates::forgive;
use super::{Fleet, Lessons};
use crate::decision::{Excluded, Expected};
use crate::placement::{self, Ranking, Removal};

/// The ranking, and what went into it.
#[derive(Debug, Clone, Serialize)]
pub struct Explained {
    /// Where the room is already: then nobody is ranked for it.
    pub known: Option<Known>,
    /// People expected, as given and as earlier meetings of the room teach.
    pub expected: Expected,
    /// What the fleet has taught.
    pub lessons: Lessons,
    /// Those that could take it, best first, and those that placement's filters removed.
    #[serde(flatten)]
    pub ranking: Ranking,
    /// Those that were no candidates at all.
    pub excluded: Vec<Excluded>,
}

/// Where a room is.
#[derive(Debug, Clone, Serialize)]
pub struct Known {
    /// The node.
    pub node: NodeId,
    /// How that is known.
    pub how: How,
}

impl Fleet {
    /// What a placement now would see.
    #[must_use]
    pub fn explain(&self, request: &PlaceRequest) -> Explained {
        let now = self.now();
        let inner = self.lock();
        let known = request.room.as_ref().and_then(|room| inner.known(room, now));
        let mut weighed = inner.weigh(request, &[], now);
        let lessons = inner.state.lessons(now);
        drop(inner);
        let rank = |weighed: &crate::decision::Weighed| {
            let inputs = &weighed.inputs;
            placement::rank(&inputs.candidates, &weighed.request, &inputs.params, inputs.seed, now)
        };
        let mut ranking = rank(&weighed);
        if ranking.placed.is_empty() && ranking.removed.iter().any(|node| node.by == Removal::BrokenOff) {
            forgive(&mut weighed.inputs.candidates);
            ranking = rank(&weighed);
        }
        Explained {
            known: known.map(|known| Known { node: known.node, how: known.how }),
            expected: weighed.expected,
            lessons,
            ranking,
            excluded: weighed.inputs.excluded,
        }
    }
}
