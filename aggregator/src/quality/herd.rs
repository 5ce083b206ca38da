//! How many rooms one node got within a short while: what a flash crowd must not make large. Pure.

use std::collections::{BTreeMap, VecDeque};

use usher_common::wire::NodeId;

/// Placements looked at; a fleet that gets more within the window is judged by the newest.
const MOST: usize = 50_000;

/// The placements of the last while.
#[derive(Debug, Clone)]
pub struct Herd {
    window_ms: u64,
    placed: VecDeque<(u64, NodeId)>,
}

impl Herd {
    /// Nothing placed yet; the while is `window_ms` long.
    #[must_use]
    pub fn new(window_ms: u64) -> Self {
        Self { window_ms, placed: VecDeque::new() }
    }

    /// A room was placed.
    pub fn placed(&mut self, node: NodeId, now_ms: u64) {
        if self.placed.len() >= MOST {
            self.placed.pop_front();
        }
        self.placed.push_back((now_ms, node));
    }

    /// The most that one node got.
    pub fn largest(&mut self, now_ms: u64) -> usize {
        while self.placed.front().is_some_and(|(at, _)| now_ms.saturating_sub(*at) > self.window_ms) {
            self.placed.pop_front();
        }
        let mut counts: BTreeMap<&NodeId, usize> = BTreeMap::new();
        for (_, node) in &self.placed {
            *counts.entry(node).or_default() += 1;
        }
        counts.into_values().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW_MS: u64 = 30_000;

    #[test]
    fn the_largest_herd_is_of_the_window_only() {
        let [one, two] = ["vm1", "vm2"].map(|name| NodeId::parse(name).unwrap());
        let mut herd = Herd::new(WINDOW_MS);
        assert_eq!(herd.largest(0), 0);
        (0..5).for_each(|at| herd.placed(one.clone(), at));
        (0..3).for_each(|_| herd.placed(two.clone(), 20_000));
        assert_eq!(herd.largest(20_000), 5);
        assert_eq!(herd.largest(WINDOW_MS + 2), 3);
        assert_eq!(herd.largest(WINDOW_MS + 20_001), 0);
    }
}
