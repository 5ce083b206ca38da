//! The replay itself: time goes on, scrapes come back, requests are answered.

use usher_aggregator::placement::{Promise, Request, Witness, owner};
use usher_common::wire::RoomKey;

use super::measure::{Meter, Outcome};
use super::oracle::{Foresight, Future};
use super::queue::{Event, Queue};
use super::replica::Replica;
use super::room::LiveRoom;
use super::setup::{Decider, Setup};
use super::vm::{Promised, TICK_MS, Vm};
use super::world::World;
use crate::trace::{Random, Trace, VmEvent, VmKind, mix, unit};

/// A scrape round takes this long at most, ms.
const SCRAPE_DELAY_MAX_MS: f64 = 1_000.0;
const LEARN_EVERY_MS: u64 = 5_000;

/// Lives `trace` through once and tells how it went.
///
/// # Panics
/// When the trace contradicts itself: VM numbers that do not count up, people who leave before
/// they join. [`Trace::from_csv`] does not check that.
#[must_use]
pub fn live(trace: &Trace, setup: &Setup, world: &World) -> Outcome {
    let mut replay = Replay {
        trace,
        setup,
        world,
        now_ms: 0,
        queue: Queue::default(),
        vms: Vec::new(),
        rooms: trace.rooms.iter().map(|_| LiveRoom::default()).collect(),
        replicas: (0..setup.replicas).map(|number| Replica::new(setup, number)).collect(),
        foresight: Foresight::default(),
        noise: Random::new(trace.seed, 10),
        net: Random::new(trace.seed, 11),
        balancer: Random::new(trace.seed, 12),
        meter: Meter::new(trace),
    };
    replay.run();
    replay.check();
    replay.meter.finish(trace, &replay.rooms)
}

pub(super) struct Replay<'a> {
    pub(super) trace: &'a Trace,
    setup: &'a Setup,
    world: &'a World,
    pub(super) now_ms: u64,
    pub(super) queue: Queue,
    pub(super) vms: Vec<Vm>,
    pub(super) rooms: Vec<LiveRoom>,
    replicas: Vec<Replica>,
    pub(super) foresight: Foresight,
    noise: Random,
    net: Random,
    balancer: Random,
    pub(super) meter: Meter,
}

impl Replay<'_> {
    fn run(&mut self) {
        let (replicas, groups) = (self.setup.replicas as u64, self.setup.groups as u64);
        for (replica, part) in (0..self.setup.replicas).zip(0u64..) {
            for (group, k) in (0..self.setup.groups).zip(0u64..) {
                let phase =
                    self.setup.interval_ms * (2 * k * replicas + 2 * part + 1) / (2 * replicas * groups);
                self.queue.put(10 + phase, Event::Scrape { replica, group });
            }
            self.queue.put(LEARN_EVERY_MS, Event::Learn { replica });
        }
        if let Some((from_ms, to_ms)) = self.world.sinkhole_ms {
            self.queue.put(from_ms, Event::Sinkhole { open: true });
            self.queue.put(to_ms, Event::Sinkhole { open: false });
        }
        let (mut vm, mut room, mut tick) = (0usize, 0usize, 0u64);
        loop {
            let vm_at = self.trace.vms.get(vm).map(|event| event.at_ms);
            let room_at = self.trace.rooms.get(room).map(|room| room.at_ms);
            let tick_at = Some(tick * TICK_MS);
            let times = [vm_at, tick_at, room_at, self.queue.next_at_ms()];
            let Some(next) = times.into_iter().flatten().min().filter(|&next| next < self.trace.end_ms)
            else {
                return;
            };
            self.now_ms = next;
            if vm_at == Some(next) {
                self.vm_event(self.trace.vms[vm]);
                vm += 1;
            } else if tick_at == Some(next) {
                self.tick(tick);
                tick += 1;
            } else if room_at == Some(next) {
                self.open_room(u32::try_from(room).expect("rooms are numbered with u32"));
                room += 1;
            } else if let Some(event) = self.queue.take() {
                self.event(event);
            }
        }
    }

    fn vm_event(&mut self, event: VmEvent) {
        let vm = event.vm as usize;
        match event.kind {
            VmKind::Add => {
                assert_eq!(vm, self.vms.len(), "VM numbers count up");
                self.vms.push(Vm::new(event.vm, event.capacity_permille, self.trace.seed, self.world));
                self.replicas.iter_mut().for_each(|replica| replica.discover(vm));
            }
            VmKind::Drain => self.vms[vm].draining = true,
            VmKind::Die => self.die(vm),
        }
    }

    fn tick(&mut self, tick: u64) {
        for (phase, vm) in (0u64..).zip(&mut self.vms) {
            vm.tick(tick, phase, self.world, &mut self.noise);
        }
        self.meter.tick(self.trace, self.now_ms, &mut self.vms, &self.rooms);
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Ask { room, entry } => self.ask(room, entry),
            Event::Join { room, entry } => self.join(room, entry),
            Event::Leave { room, entry } => self.leave(room, entry),
            Event::Scrape { replica, group } => self.scrape(replica, group),
            Event::Reports { replica, reports } => {
                for (vm, report) in reports {
                    self.replicas[replica].scraped(vm, report, self.setup, self.now_ms);
                }
            }
            Event::Sinkhole { open: true } => self.sink(0),
            Event::Sinkhole { open: false } => self.vms[0].alive = true,
            Event::Learn { replica } => {
                if self.setup.learn_cost {
                    self.replicas[replica].learn(self.now_ms);
                }
                self.queue.put(self.now_ms + LEARN_EVERY_MS, Event::Learn { replica });
            }
        }
    }

    fn scrape(&mut self, replica: usize, group: usize) {
        let (now_ms, seed) = (self.now_ms, self.trace.seed);
        let asked = (group..self.vms.len()).step_by(self.setup.groups);
        let reports = asked
            .map(|vm| (vm, self.vms[vm].report(vm as u64, now_ms, seed, self.world, &mut self.net)))
            .collect();
        let delay = self.net.lognormal(self.world.scrape_delay_ms, 0.8).min(SCRAPE_DELAY_MAX_MS);
        self.queue.put(now_ms + delay as u64, Event::Reports { replica, reports });
        self.queue.put(now_ms + self.setup.interval_ms, Event::Scrape { replica, group });
    }

    /// The aggregator's answer to a request for this room: a VM, or nothing.
    pub(super) fn answer(&mut self, room: u32) -> Option<usize> {
        let named = self.trace.rooms[room as usize].named;
        let number = if named && self.setup.route_by_name {
            self.owner_of(room)
        } else {
            self.balancer.below(self.replicas.len())
        };
        if named
            && let Some(vm) = self.replicas[number].whereabouts(room, &self.rooms[room as usize], self.now_ms)
        {
            return Some(vm);
        }
        let (vm, people, witness) = match &self.setup.decider {
            Decider::Placement(_) => self.place(number, room, named)?,
            Decider::Oracle | Decider::Clairvoyant => (self.foretell(number, room)?, 1.0, Witness::OwnOnly),
        };
        let promise = Promise { people, made_at_ms: self.now_ms, witness };
        self.replicas[number].placed(vm, named.then_some(room), promise, self.now_ms);
        self.vms[vm].placed_in_slot += 1;
        if self.vms[vm].alive {
            self.foresee(room, vm);
        }
        Some(vm)
    }

    /// The replica that the room's name belongs to.
    fn owner_of(&self, room: u32) -> usize {
        let names: Vec<String> = (0..self.replicas.len()).map(|number| format!("replica{number}")).collect();
        let owner = owner(&key_of(room), names.iter().map(String::as_str)).expect("at least one replica");
        names.iter().position(|name| name == owner).expect("one of the names handed in")
    }

    /// The product's choice, confirmed by the agent where that is set up: the first of the best
    /// few whose agent answers and does not drain.
    fn place(&mut self, replica: usize, room: u32, named: bool) -> Option<(usize, f64, Witness)> {
        let request =
            Request { room: named.then(|| key_of(room)), expected_people: self.hint(room), region: None };
        let chosen = self.replicas[replica].choose(&request, self.now_ms).ok()?;
        let number = |node| self.replicas[replica].number(node);
        if !self.setup.confirm {
            return Some((number(&chosen.node), chosen.people, Witness::OwnOnly));
        }
        let order = std::iter::once(&chosen.node).chain(&chosen.runners_up).map(number);
        let vm = order.into_iter().find(|&vm| {
            let state = &self.vms[vm];
            !state.draining && state.answers(vm as u64, self.now_ms, self.trace.seed, self.world)
        })?;
        self.vms[vm].promise(Promised { people: chosen.people, made_at_ms: self.now_ms });
        self.rooms[room as usize].promised.push((vm, self.now_ms));
        Some((vm, chosen.people, Witness::Own))
    }

    /// A rough size, for the share of rooms that have one: right within a factor of three.
    fn hint(&self, room: u32) -> Option<f64> {
        let dice = |salt: u64| unit(mix(u64::from(room), salt));
        let size = self.trace.rooms[room as usize].stays.len();
        (dice(17) < self.setup.hints).then(|| size as f64 * (1.2 * (dice(18) + dice(19) - 1.0)).exp())
    }

    fn foretell(&mut self, replica: usize, room: u32) -> Option<usize> {
        let open = self.replicas[replica].open_to_oracle();
        let future = Future::of(&self.trace.rooms[room as usize], self.now_ms);
        let score = |vm: usize| match (&self.setup.decider, self.vms[vm].alive) {
            (_, false) => f64::INFINITY,
            (Decider::Clairvoyant, true) => self.foresight.clairvoyant(vm, &self.vms[vm], &future),
            (_, true) => self.foresight.oracle(vm, &self.vms[vm], self.now_ms),
        };
        let scored = open.into_iter().map(|vm| (score(vm), vm));
        scored.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, vm)| vm)
    }

    /// Writes down what a placed room will need, for those who may know.
    pub(super) fn foresee(&mut self, room: u32, vm: usize) {
        if !matches!(self.setup.decider, Decider::Placement(_)) {
            self.foresight.place(vm, &Future::of(&self.trace.rooms[room as usize], self.now_ms));
        }
    }

    /// Every sum of a VM agrees with the rooms on it, and every person is in one place.
    fn check(&self) {
        let mut inside = 0;
        for (vm, state) in self.vms.iter().enumerate() {
            let people: u32 = state.rooms.iter().map(|&room| self.rooms[room as usize].people_on(vm)).sum();
            assert_eq!(people, state.people, "people of VM {vm}");
            inside += people as usize;
        }
        let people = self.rooms.iter().flat_map(|room| &room.people);
        let held = people.filter(|person| matches!(person, super::room::Person::In(_))).count();
        assert_eq!(inside, held, "everybody who is in a conference is on one VM");
    }
}

/// The key of a named room: its name is `r` and its number.
fn key_of(room: u32) -> RoomKey {
    RoomKey::of(b"replay", "", &format!("r{room}"))
}
