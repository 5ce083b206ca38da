//! What the operator and the moment allow a plan to do.

use std::collections::{BTreeMap, BTreeSet};

use usher_common::wire::StackHold;

/// The policy of one plan; the default allows everything that interrupts nobody unknowingly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Services that people are on right now: how many conferences, `None` when nobody knows. A service that is
    /// not here can be interrupted at any time.
    pub live: BTreeMap<String, Option<u64>>,
    /// Interrupt conferences all the same.
    pub interrupt: bool,
    /// Somebody else changed the project a moment ago: do nothing until it is quiet.
    pub foreign_activity: bool,
    /// Services that the operator stopped and that stay so.
    pub stopped: BTreeSet<String>,
    /// Services that are not started and not restarted for now, and why.
    pub resting: BTreeMap<String, StackHold>,
    /// Services whose running containers are ill and restarted.
    pub restart: BTreeSet<String>,
    /// What runs is not replaced although the files say something else: that is for a deployment.
    pub keep_versions: bool,
    /// Spec hashes whose containers did not come up: not tried again.
    pub failed: BTreeSet<String>,
    /// Something failed a moment ago: what is down is started and what was cut short is ended, but nothing more is
    /// replaced.
    pub halt: bool,
    /// What was made by hand from other settings is replaced; otherwise it is only told.
    pub enforce: bool,
    /// Containers of services that are gone from the files are removed; otherwise they are only told.
    pub remove_orphans: bool,
    /// Services that are replaced whether or not anything changed.
    pub force: BTreeSet<String>,
    /// Look for newer images of services with `pull_policy: always`.
    pub refresh: bool,
}

impl Policy {
    /// How many conferences forbid to interrupt a service: the outer `None` is no reason, the inner one no number.
    #[must_use]
    pub fn conferences_on(&self, service: &str) -> Option<Option<u64>> {
        match self.live.get(service) {
            None | Some(Some(0)) => None,
            Some(_) if self.interrupt => None,
            Some(count) => Some(*count),
        }
    }
}
