//! The newest decisions, bounded by number and by memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Decision;

/// Most memory that all kept decisions may take, bytes: a fleet of 1000 nodes fills it with some 60.
const WEIGHT_MAX: usize = 32 << 20;

/// The memory of decisions, shared. Its lock is held for moments and guards nothing else.
#[derive(Debug)]
pub struct Decisions {
    most: usize,
    weight_max: usize,
    inner: Mutex<Ring>,
}

#[derive(Debug, Default)]
struct Ring {
    kept: VecDeque<(usize, Arc<Decision>)>,
    weight: usize,
    made: u64,
}

impl Decisions {
    /// A memory of the newest `most` decisions; 0 keeps none.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, weight_max: WEIGHT_MAX, inner: Mutex::default() }
    }

    /// Keeps a decision and gives it its number.
    pub fn push(&self, mut decision: Decision) -> Arc<Decision> {
        let weight = decision.tries.iter().map(|attempt| attempt.inputs.weight()).sum();
        let mut ring = self.lock();
        ring.made += 1;
        decision.seq = ring.made;
        let decision = Arc::new(decision);
        ring.weight += weight;
        ring.kept.push_back((weight, decision.clone()));
        while ring.kept.len() > self.most || (ring.weight > self.weight_max && ring.kept.len() > 1) {
            let Some((weight, _)) = ring.kept.pop_front() else { break };
            ring.weight -= weight;
        }
        decision
    }

    /// At most `limit` decisions, oldest first: those right after number `after`, or the newest.
    #[must_use]
    pub fn list(&self, after: Option<u64>, limit: usize) -> Vec<Arc<Decision>> {
        let ring = self.lock();
        let decisions = ring.kept.iter().map(|(_, decision)| decision);
        match after {
            Some(after) => decisions.filter(|decision| decision.seq > after).take(limit).cloned().collect(),
            None => decisions.skip(ring.kept.len().saturating_sub(limit)).cloned().collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::{Expected, Inputs, Try};
    use crate::placement::{Params, Request};

    fn decision() -> Decision {
        let params = Params::default();
        let inputs = Inputs { now_ms: 0, seed: 0, params, candidates: Vec::new(), excluded: Vec::new() };
        let attempt = Try { inputs, node: None, answer: None, asked_us: None };
        let (request, expected) = (Request::default(), Expected::default());
        Decision { seq: 0, at_unix_ms: 0, request, expected, tries: vec![attempt], node: None, took_us: 0 }
    }

    fn numbers(list: &[Arc<Decision>]) -> Vec<u64> {
        list.iter().map(|decision| decision.seq).collect()
    }

    #[test]
    fn the_newest_are_kept_and_can_be_followed_by_number() {
        let decisions = Decisions::new(3);
        (0..5).for_each(|_| drop(decisions.push(decision())));
        assert_eq!(numbers(&decisions.list(None, 10)), [3, 4, 5]);
        assert_eq!(numbers(&decisions.list(None, 2)), [4, 5]);
        assert_eq!(numbers(&decisions.list(Some(0), 2)), [3, 4], "what is gone is skipped");
        assert_eq!(numbers(&decisions.list(Some(4), 10)), [5]);
        assert!(Decisions::new(0).list(None, 1).is_empty());
    }

    #[test]
    fn heavy_decisions_are_fewer() {
        let heavy = decision().tries[0].inputs.weight() * 2;
        let decisions = Decisions { weight_max: heavy, ..Decisions::new(1000) };
        (0..9).for_each(|_| drop(decisions.push(decision())));
        assert_eq!(numbers(&decisions.list(None, 10)), [8, 9]);
    }
}
