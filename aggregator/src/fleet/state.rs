//! All nodes, as one value that changes only by events.

use std::collections::BTreeMap;
use std::sync::Arc;

use usher_common::wire::{NodeId, OperatorMode, Report};

use super::lessons::School;
use super::splits::{Rooms, SplitCounts, Splits};
use super::{Event, Flip, Life, Node, Trouble};
use crate::clock::Millis;
use crate::config::{Health, Learn};
use crate::placement::Params;
use crate::target::{Target, TargetId};

/// The fleet.
#[derive(Debug, Clone)]
pub struct State {
    rules: Health,
    params: Params,
    nodes: BTreeMap<TargetId, Node>,
    /// Who has which name: of several that claim it, the first, until it is down or gone.
    owners: BTreeMap<NodeId, TargetId>,
    splits: Splits,
    pub(super) school: School,
    finished_round: bool,
    ever_read: bool,
    panic: bool,
}

impl State {
    /// A fleet of which nothing is known.
    #[must_use]
    pub fn new(rules: Health, params: Params, learn: Learn) -> Self {
        Self {
            rules,
            params,
            nodes: BTreeMap::new(),
            owners: BTreeMap::new(),
            splits: Splits::default(),
            school: School::new(learn),
            finished_round: false,
            ever_read: false,
            panic: false,
        }
    }

    /// Takes an event in; tells what changed by it. An event of a target that discovery
    /// no longer lists is too late and changes nothing.
    pub fn apply(&mut self, event: Event, now: Millis) -> Vec<Flip> {
        let mut flips = Vec::new();
        match event {
            Event::Targets(targets) => self.retarget(&targets, now, &mut flips),
            Event::Reported { target, report } => self.reported(&target, *report, now, &mut flips),
            Event::Unchanged { target } => {
                self.turn(&target, now, &mut flips, |node, rules| node.unchanged(rules, now));
                self.claim(&target, &mut flips);
            }
            Event::Silent { target, reason, detail } => {
                self.turn(&target, now, &mut flips, |node, rules| {
                    node.silent(Trouble::Fetch(reason), detail, rules, now);
                });
            }
            Event::Looked { target, served } => {
                if let Some(node) = self.nodes.get_mut(&target)
                    && node.looked(served, &self.rules)
                    && let Some(node) = node.name()
                {
                    flips.push(Flip::Page(node.clone(), served));
                }
            }
            Event::Failed { target, reason, detail } => {
                self.turn(&target, now, &mut flips, |node, rules| {
                    node.failed(Trouble::Fetch(reason), detail, rules, now);
                });
            }
        }
        self.finished_round |= !self.nodes.is_empty() && self.nodes.values().all(|node| node.tried);
        let panic = self.is_panic(now);
        if panic != std::mem::replace(&mut self.panic, panic) {
            flips.push(Flip::Panic(panic));
        }
        flips
    }

    /// The nodes, by target.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// The node at a target.
    pub fn node_mut(&mut self, target: &TargetId) -> Option<&mut Node> {
        self.nodes.get_mut(target)
    }

    /// The node that has a name; else the one whose target is `host:port`, for nodes that
    /// have not said their name yet.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Node> {
        let owner = NodeId::parse(name).ok().and_then(|id| self.owners.get(&id));
        let by_name = owner.and_then(|target| self.nodes.get(target));
        by_name.or_else(|| self.nodes.values().find(|node| node.target.authority() == name))
    }

    /// Rooms that were seen on two nodes.
    #[must_use]
    pub fn splits(&self) -> SplitCounts {
        self.splits.counts()
    }

    /// The rules of health.
    #[must_use]
    pub fn rules(&self) -> &Health {
        &self.rules
    }

    /// The constants of placement.
    #[must_use]
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Whether most of the fleet was lost at once.
    #[must_use]
    pub fn panic(&self) -> bool {
        self.panic
    }

    pub(super) fn knows_targets(&self) -> bool {
        !self.nodes.is_empty()
    }

    pub(super) fn finished_round(&self) -> bool {
        self.finished_round
    }

    pub(super) fn ever_read(&self) -> bool {
        self.ever_read
    }

    fn retarget(&mut self, targets: &Arc<[Target]>, now: Millis, flips: &mut Vec<Flip>) {
        let gone: Vec<TargetId> =
            self.nodes.keys().filter(|id| !targets.iter().any(|target| target.id == **id)).cloned().collect();
        for id in gone {
            if let Some(node) = self.nodes.remove(&id) {
                self.splits.moved(&id, node.rooms(), &Rooms::new());
            }
            self.owners.retain(|_, owner| *owner != id);
            flips.push(Flip::Gone(id));
        }
        for target in targets.iter() {
            match self.nodes.get_mut(&target.id) {
                Some(node) => node.target = target.clone(),
                None => {
                    flips.push(Flip::Discovered(target.id.clone()));
                    let node = Node::new(target.clone(), self.school.pupil(), now);
                    self.nodes.insert(target.id.clone(), node);
                }
            }
        }
    }

    fn reported(&mut self, target: &TargetId, report: Report, now: Millis, flips: &mut Vec<Flip>) {
        let Some(node) = self.nodes.get_mut(target) else { return };
        self.ever_read = true;
        let before = node.latest.as_ref().map(|latest| latest.report.clone());
        node.pledges.settle(&report, now, self.params.promise_forgotten_after_ms());
        let name = report.node.clone();
        let differs = differences(target, before.as_deref(), &report);
        if before.as_ref().is_some_and(|before| before.node != name) {
            // Another machine stands there now: what we promised the old one is void.
            node.pledges = super::Pledges::default();
            node.traffic = super::Traffic::default();
            node.pupil = self.school.pupil();
            self.owners.retain(|_, owner| owner != target);
        }
        flips.extend(differs);
        let mut rooms = Rooms::new();
        self.turn(target, now, flips, |node, rules| rooms = node.reported(report, rules, now));
        if let Some(node) = self.nodes.get(target) {
            let none = Rooms::new();
            let rooms_now = if node.life == Life::Down { &none } else { node.rooms() };
            let splits = self.splits.moved(target, &rooms, rooms_now);
            if splits > 0 {
                flips.push(Flip::Split(name.clone(), splits));
            }
        }
        if let Some(node) = self.nodes.get_mut(target) {
            self.school.listen(node, &self.params, now);
            if node.observe_traffic(&self.params, now) {
                flips.push(Flip::BrokenOff(name));
            }
        }
        self.claim(target, flips);
    }

    /// Lets `change` happen to a node, and tells if its life took a turn.
    fn turn(
        &mut self,
        target: &TargetId,
        now: Millis,
        flips: &mut Vec<Flip>,
        change: impl FnOnce(&mut Node, &Health),
    ) {
        let Some(node) = self.nodes.get_mut(target) else { return };
        let (from, was_in) = (node.life, node.is_in_rotation());
        change(node, &self.rules);
        match (was_in, node.is_in_rotation()) {
            // Who was there when we started needs no slow start.
            (false, true) => node.in_rotation_since = self.finished_round.then_some(now),
            (true, false) => node.in_rotation_since = None,
            _ => {}
        }
        match (from == Life::Down, node.life == Life::Down) {
            (false, true) => drop(self.splits.moved(target, node.rooms(), &Rooms::new())),
            (true, false) => drop(self.splits.moved(target, &Rooms::new(), node.rooms())),
            _ => {}
        }
        if node.life != from {
            flips.push(Flip::Life {
                target: target.clone(),
                node: node.name().cloned(),
                from,
                to: node.life,
                why: node.misfortune.as_ref().map(|m| (m.reason, m.detail.clone())),
            });
        }
    }

    /// Settles who has the name that the node at `target` bears.
    fn claim(&mut self, target: &TargetId, flips: &mut Vec<Flip>) {
        let Some(name) = self.nodes.get(target).and_then(|node| node.name().cloned()) else { return };
        let owner = self.owners.get(&name).filter(|owner| *owner != target).cloned();
        let holds = owner.filter(|owner| self.nodes.get(owner).is_some_and(|node| node.life != Life::Down));
        let Some(node) = self.nodes.get_mut(target) else { return };
        match &holds {
            Some(by) if node.shadowed_by.as_ref() != Some(by) => {
                flips.push(Flip::NameTaken { target: target.clone(), node: name, by: by.clone() });
            }
            Some(_) => {}
            None => {
                let before = self.owners.insert(name, target.clone());
                if let Some(loser) = before.filter(|loser| loser != target)
                    && let Some(loser) = self.nodes.get_mut(&loser)
                {
                    loser.shadowed_by = Some(target.clone());
                }
            }
        }
        if let Some(node) = self.nodes.get_mut(target) {
            node.shadowed_by = holds;
        }
    }

    /// Lost lately: taken down within `panic_hold`. Nodes that are down for longer were
    /// lost for good and no longer speak for or against us.
    fn is_panic(&self, now: Millis) -> bool {
        let lost = |node: &&Node| {
            node.life == Life::Down
                && node.latest.is_some()
                && now.saturating_sub(node.since) <= self.rules.panic_hold_ms
        };
        let lost = self.nodes.values().filter(lost).count();
        let left = self.nodes.values().filter(|node| matches!(node.life, Life::Up | Life::Suspect)).count();
        #[expect(clippy::cast_precision_loss, reason = "numbers of nodes")]
        let share = lost as f64 / (lost + left).max(1) as f64;
        lost > 0 && share > self.rules.panic
    }
}

/// What a report changes that is worth a line.
fn differences(target: &TargetId, before: Option<&Report>, report: &Report) -> Vec<Flip> {
    let mut flips = Vec::new();
    let name = report.node.clone();
    if let Some(before) = before {
        if before.node != name {
            flips.push(Flip::Renamed { target: target.clone(), from: before.node.clone(), to: name.clone() });
        } else if before.boot_id != report.boot_id {
            flips.push(Flip::Restarted(target.clone(), name.clone()));
        }
    }
    let mode = before.map_or(OperatorMode::Ready, |before| before.operator.mode);
    if report.operator.mode != mode {
        flips.push(Flip::Operator(name.clone(), report.operator.mode));
    }
    if before.is_none_or(|before| before.ready) != report.ready {
        flips.push(Flip::Readiness(name, report.ready, report.not_ready.clone()));
    }
    flips
}

#[cfg(test)]
pub(super) mod tests;
