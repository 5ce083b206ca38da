//! One aggregator: what it read, what it promised, which room is where; and how it answers.
//!
//! This imitates the product's bookkeeping around [`placement`](crate::placement) with
//! its real parts; the decision itself is the product's.

use std::collections::HashMap;

use crate::placement::learn::{COST_MEMORY_MS, COST_SAMPLES_MIN, NODE_MEMORY_MS, PersonCost, on_node};
use crate::placement::{
    Candidate, Choice, JoinRate, Life, NoPlace, Params, Promise, Reading, Request, Witness, choose,
};
use usher_common::wire::{NodeId, OperatorMode};

use super::room::LiveRoom;
use super::setup::Setup;
use super::vm::Figures;

/// Nodes seen within this time of the start need no slow start, ms.
const START_MS: u64 = 10_000;

#[derive(Debug)]
pub(super) struct Replica {
    pub(super) candidates: Vec<Candidate>,
    params: Params,
    notes: Vec<Notes>,
    numbers: HashMap<NodeId, usize>,
    /// Room → VM, last asked for.
    memory: HashMap<u32, (usize, u64)>,
    /// Failures in a row after which rooms there are given up.
    lost_after: u32,
    cost: PersonCost,
    turn: u64,
}

/// What is kept of one node beside its candidate.
#[derive(Debug)]
struct Notes {
    failures: u32,
    /// Its page was served when a read last failed.
    page: bool,
    joins: JoinRate,
    /// Promises made here that the agent may not have listed yet.
    own: Vec<Promise>,
    /// What it taught of the cost of a person.
    cost: PersonCost,
}

impl Default for Notes {
    fn default() -> Self {
        let cost = PersonCost::new(NODE_MEMORY_MS, COST_SAMPLES_MIN);
        Self { failures: 0, page: false, joins: JoinRate::default(), own: Vec::new(), cost }
    }
}

impl Replica {
    pub(super) fn new(setup: &Setup, number: usize) -> Self {
        Self {
            candidates: Vec::new(),
            params: setup.params(),
            notes: Vec::new(),
            numbers: HashMap::new(),
            memory: HashMap::new(),
            lost_after: setup.lost_after,
            cost: PersonCost::default(),
            turn: number as u64 * 1_000_003,
        }
    }

    /// A VM was added to the list of agents.
    pub(super) fn discover(&mut self, number: usize) {
        let node = NodeId::parse(&format!("vm{number}")).expect("letters and digits");
        self.numbers.insert(node.clone(), number);
        self.candidates.push(Candidate::unseen(node));
        self.notes.push(Notes::default());
    }

    /// The answer of a scrape, or its failure; `page` tells whether people find the VM's page served.
    pub(super) fn scraped(
        &mut self,
        vm: usize,
        report: Option<Figures>,
        page: bool,
        setup: &Setup,
        now_ms: u64,
    ) {
        let (candidate, notes) = (&mut self.candidates[vm], &mut self.notes[vm]);
        let Some(report) = report else {
            notes.failures += 1;
            notes.page = setup.look_at_page && page;
            if candidate.life != Life::NeverSeen {
                candidate.life = if notes.failures >= setup.down_after { Life::Down } else { Life::Suspect };
            }
            return;
        };
        notes.failures = 0;
        let params = &self.params;
        let joined = notes.joins.counted(report.joins_total, report.at_ms, params.join_rate_smoothing_ms);
        candidate.breaker.reported(joined, report.at_ms, params);
        if matches!(candidate.life, Life::NeverSeen | Life::Down) && now_ms > START_MS {
            candidate.in_rotation_since_at_ms = Some(now_ms);
        }
        candidate.life = Life::Up;
        candidate.ready = true;
        candidate.operator = if report.draining { OperatorMode::Drain } else { OperatorMode::Ready };
        candidate.reading = Some(Reading {
            at_ms: report.at_ms,
            cpu: Some(if setup.slow_cpu { report.cpu_15s } else { report.cpu_3s }),
            stress: setup.read_stress.then_some(report.stress),
            participants: Some(report.participants),
            joins_per_s: notes.joins.per_s(),
            cores: Some(report.cores),
        });
        let oldest_ms = report.at_ms.saturating_sub(params.promise_forgotten_after_ms());
        notes.own.retain(|own| own.made_at_ms >= oldest_ms);
        if setup.confirm {
            // what the agent lists no longer, has begun to come: more will follow
            for promise in &report.promises {
                let listed = Promise {
                    people: promise.people,
                    made_at_ms: promise.made_at_ms,
                    witness: Witness::Agent,
                };
                let same =
                    |own: &&mut Promise| own.made_at_ms == listed.made_at_ms && own.people == listed.people;
                let known = notes.own.iter_mut().find(same);
                match known {
                    Some(known) => *known = listed,
                    None => notes.own.push(listed),
                }
            }
            candidate.promises.clone_from(&notes.own);
        } else {
            candidate.promises.clone_from(&notes.own);
        }
    }

    /// Slow estimators, once every `every_ms`.
    pub(super) fn learn(&mut self, every_ms: u64, now_ms: u64) {
        let standard_cores = self.params.standard_cores;
        for (candidate, notes) in self.candidates.iter().zip(&mut self.notes) {
            let Some(reading) = candidate.reading.as_ref().filter(|_| candidate.life == Life::Up) else {
                continue;
            };
            if let (Some(cpu), Some(people), Some(cores)) = (reading.cpu, reading.participants, reading.cores)
            {
                self.cost.observe(cpu, people, f64::from(cores) / standard_cores, now_ms);
                notes.cost.observe(cpu, people, 1.0, now_ms);
            }
        }
        if let Some(cost) = self.cost.estimate(now_ms) {
            self.params.cost_per_person = cost;
        }
        let of_standard = self.params.cost_per_person;
        for (candidate, notes) in self.candidates.iter_mut().zip(&self.notes) {
            let learned = candidate.reading.as_ref().and_then(|reading| {
                let by_hardware = of_standard * standard_cores / f64::from(reading.cores?.max(1));
                let meetings = notes.cost.people(now_ms) * every_ms as f64 / COST_MEMORY_MS as f64;
                Some(on_node(notes.cost.estimate(now_ms)?, by_hardware, meetings))
            });
            candidate.cost_per_person = learned;
            candidate.capacity = learned.map(|cost| of_standard / cost);
        }
    }

    /// Where a named room is, as far as this replica can know: remembered, or listed by an agent
    /// (the earliest wins).
    pub(super) fn whereabouts(&mut self, room: u32, live: &LiveRoom, now_ms: u64) -> Option<usize> {
        let remembered = self.memory.get(&room).copied();
        if let Some((vm, asked_ms)) = remembered
            && now_ms - asked_ms < self.params.room_memory_ms
            && self.reachable(vm, now_ms)
        {
            self.memory.insert(room, (vm, now_ms));
            return Some(vm);
        }
        let parts = live.parts.iter().map(|part| (part.since_ms, part.vm));
        let promised = live.promised.iter().map(|&(vm, made_ms)| (made_ms, vm));
        let listed = |&(since_ms, vm): &(u64, usize)| {
            let read = self.candidates.get(vm).and_then(|candidate| candidate.reading.as_ref());
            read.is_some_and(|reading| reading.at_ms >= since_ms) && self.reachable(vm, now_ms)
        };
        let (_, vm) = parts.chain(promised).filter(listed).min()?;
        self.memory.insert(room, (vm, now_ms));
        Some(vm)
    }

    /// Whether people may still be sent to a room on `vm`.
    fn reachable(&self, vm: usize, now_ms: u64) -> bool {
        let (candidate, notes) = (&self.candidates[vm], &self.notes[vm]);
        let there = notes.failures < self.lost_after || notes.page;
        candidate.reading.is_some() && there && !candidate.breaker.is_open(now_ms)
    }

    /// The product's answer for a new room.
    pub(super) fn choose(&mut self, request: &Request, now_ms: u64) -> Result<Choice, NoPlace> {
        self.turn += 1;
        choose(&self.candidates, request, &self.params, self.turn, now_ms)
    }

    /// The VMs that an oracle may choose from: what every policy's filters would leave, or all
    /// that were ever seen.
    pub(super) fn open_to_oracle(&self) -> Vec<usize> {
        let seen = |vm: &usize| self.candidates[*vm].reading.is_some();
        let open = |vm: &usize| {
            let candidate = &self.candidates[*vm];
            candidate.life != Life::Down && candidate.operator == OperatorMode::Ready
        };
        let all: Vec<usize> = (0..self.candidates.len()).filter(seen).collect();
        let open: Vec<usize> = all.iter().copied().filter(open).collect();
        if open.is_empty() { all } else { open }
    }

    /// The number of a node.
    pub(super) fn number(&self, node: &NodeId) -> usize {
        self.numbers[node]
    }

    /// A placement was made here.
    pub(super) fn placed(&mut self, vm: usize, named: Option<u32>, promise: Promise, now_ms: u64) {
        if let Some(room) = named {
            self.memory.insert(room, (vm, now_ms));
        }
        let candidate = &mut self.candidates[vm];
        candidate.breaker.placed(now_ms, &self.params);
        candidate.promises.push(promise.clone());
        self.notes[vm].own.push(promise);
    }
}
