//! The replay in simulated time: scrapes come back, requests are answered on the spot.

use std::sync::Arc;

use super::measure::Outcome;
use super::oracle::{Foresight, Future};
use super::queue::Event;
use super::replica::Replica;
use super::setup::{Decider, Setup};
use super::stage::{Answered, Happening, Stage};
use super::vm::Promised;
use super::world::World;
use crate::placement::{Promise, Request, Witness, owner};
use crate::replay::trace::{Random, Trace, mix, unit};
use usher_common::wire::RoomKey;

/// A scrape round takes this long at most, ms.
const SCRAPE_DELAY_MAX_MS: f64 = 1_000.0;
const LEARN_EVERY_MS: u64 = 5_000;

/// Lives `trace` through once and tells how it went.
///
/// # Panics
/// When the trace contradicts itself, see [`Stage::step`].
#[must_use]
pub fn live(trace: &Arc<Trace>, setup: &Setup, world: &World) -> Outcome {
    let knows_future = !matches!(setup.decider, Decider::Placement(_));
    let mut replay = Replay {
        stage: Stage::new(trace.clone(), world.clone(), knows_future),
        setup,
        replicas: (0..setup.replicas).map(|number| Replica::new(setup, number)).collect(),
        balancer: Random::new(trace.seed, 12),
    };
    replay.run();
    replay.stage.finish()
}

struct Replay<'a> {
    stage: Stage,
    setup: &'a Setup,
    replicas: Vec<Replica>,
    balancer: Random,
}

impl Replay<'_> {
    fn run(&mut self) {
        let (replicas, groups) = (self.setup.replicas as u64, self.setup.groups as u64);
        for (replica, part) in (0..self.setup.replicas).zip(0u64..) {
            for (group, k) in (0..self.setup.groups).zip(0u64..) {
                let phase =
                    self.setup.interval_ms * (2 * k * replicas + 2 * part + 1) / (2 * replicas * groups);
                self.stage.put(10 + phase, Event::Scrape { replica, group });
            }
            self.stage.put(LEARN_EVERY_MS, Event::Learn { replica });
        }
        if let Some((from_ms, to_ms)) = self.stage.world.sinkhole_ms {
            self.stage.put(from_ms, Event::Sinkhole { open: true });
            self.stage.put(to_ms, Event::Sinkhole { open: false });
        }
        while let Some(happening) = self.stage.step(u64::MAX) {
            match happening {
                Happening::Added { vm } => {
                    self.replicas.iter_mut().for_each(|replica| replica.discover(vm));
                }
                Happening::Died { .. } => {}
                Happening::Ask { room, entry } => {
                    let answer = self.answer(room);
                    self.stage.answered(room, entry, answer);
                }
                Happening::Other(event) => self.event(event),
            }
        }
    }

    fn event(&mut self, event: Event) {
        let now_ms = self.stage.now_ms;
        match event {
            Event::Scrape { replica, group } => self.scrape(replica, group),
            Event::Reports { replica, reports } => {
                for (vm, report) in reports {
                    let page = self.stage.vms[vm].alive;
                    self.replicas[replica].scraped(vm, report, page, self.setup, now_ms);
                }
            }
            Event::Learn { replica } => {
                if self.setup.learn_cost {
                    self.replicas[replica].learn(LEARN_EVERY_MS, now_ms);
                }
                self.stage.put(now_ms + LEARN_EVERY_MS, Event::Learn { replica });
            }
            Event::Ask { .. } | Event::Join { .. } | Event::Leave { .. } | Event::Sinkhole { .. } => {
                unreachable!("the stage's own")
            }
        }
    }

    fn scrape(&mut self, replica: usize, group: usize) {
        let now_ms = self.stage.now_ms;
        let asked = (group..self.stage.vms()).step_by(self.setup.groups);
        let reports = asked.map(|vm| (vm, self.stage.report(vm))).collect();
        let median_ms = self.stage.world.scrape_delay_ms;
        let delay = self.stage.net().lognormal(median_ms, 0.8).min(SCRAPE_DELAY_MAX_MS);
        self.stage.put(now_ms + delay as u64, Event::Reports { replica, reports });
        self.stage.put(now_ms + self.setup.interval_ms, Event::Scrape { replica, group });
    }

    /// The aggregator's answer to a request for this room: a VM, or nothing.
    fn answer(&mut self, room: u32) -> Option<Answered> {
        let now_ms = self.stage.now_ms;
        let named = self.stage.trace.rooms[room as usize].named;
        let number = if named && self.setup.route_by_name {
            self.owner_of(room)
        } else {
            self.balancer.below(self.replicas.len())
        };
        if named
            && let Some(vm) =
                self.replicas[number].whereabouts(room, &self.stage.rooms[room as usize], now_ms)
        {
            return Some(Answered { vm, placed: false });
        }
        let (vm, people, witness) = match &self.setup.decider {
            Decider::Placement(_) => self.place(number, room)?,
            Decider::Oracle | Decider::Clairvoyant => (self.foretell(number, room)?, 1.0, Witness::OwnOnly),
        };
        let promise = Promise { people, made_at_ms: now_ms, witness };
        self.replicas[number].placed(vm, named.then_some(room), promise, now_ms);
        Some(Answered { vm, placed: true })
    }

    /// The replica that the room's name belongs to.
    fn owner_of(&self, room: u32) -> usize {
        let names: Vec<String> = (0..self.replicas.len()).map(|number| format!("replica{number}")).collect();
        let owner = owner(&key_of(room), names.iter().map(String::as_str)).expect("at least one replica");
        names.iter().position(|name| name == owner).expect("one of the names handed in")
    }

    /// The product's choice, confirmed by the agent where that is set up: the first of the best
    /// few whose agent answers and does not drain.
    fn place(&mut self, replica: usize, room: u32) -> Option<(usize, f64, Witness)> {
        let now_ms = self.stage.now_ms;
        // a room without a name gets one from the aggregator
        let request = Request { room: Some(key_of(room)), expected_people: self.hint(room), region: None };
        let chosen = self.replicas[replica].choose(&request, now_ms).ok()?;
        let number = |node| self.replicas[replica].number(node);
        if !self.setup.confirm {
            return Some((number(&chosen.node), chosen.people, Witness::OwnOnly));
        }
        let order = std::iter::once(&chosen.node).chain(&chosen.runners_up).map(number);
        let vm = { order }.find(|&vm| !self.stage.vms[vm].draining && self.stage.answers(vm))?;
        self.stage.vms[vm].promise(Promised { room, people: chosen.people, made_at_ms: now_ms });
        self.stage.rooms[room as usize].promised.push((vm, now_ms));
        Some((vm, chosen.people, Witness::Own))
    }

    fn hint(&self, room: u32) -> Option<f64> {
        hint(&self.stage.trace, room, self.setup.hints)
    }

    fn foretell(&mut self, replica: usize, room: u32) -> Option<usize> {
        let open = self.replicas[replica].open_to_oracle();
        let stage = &self.stage;
        let foresight: &Foresight = stage.foresight.as_ref().expect("written down for an oracle");
        let future = Future::of(&stage.trace.rooms[room as usize], stage.now_ms);
        let score = |vm: usize| match (&self.setup.decider, stage.vms[vm].alive) {
            (_, false) => f64::INFINITY,
            (Decider::Clairvoyant, true) => foresight.clairvoyant(vm, &stage.vms[vm], &future),
            (_, true) => foresight.oracle(vm, &stage.vms[vm], stage.now_ms),
        };
        let scored = open.into_iter().map(|vm| (score(vm), vm));
        scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, vm)| vm)
    }
}

/// A rough size, for this share of the rooms: right within a factor of three.
#[must_use]
pub fn hint(trace: &Trace, room: u32, share: f64) -> Option<f64> {
    let dice = |salt: u64| unit(mix(u64::from(room), salt));
    let size = trace.rooms[room as usize].stays.len();
    (dice(17) < share).then(|| size as f64 * (1.2 * (dice(18) + dice(19) - 1.0)).exp())
}

/// The key of a room: its name is `r` and its number.
fn key_of(room: u32) -> RoomKey {
    RoomKey::of(b"replay", "", &format!("r{room}"))
}
