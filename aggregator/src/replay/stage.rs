//! The world of a replay: VMs, rooms, people and what is measured of them; not who decides.
//!
//! ```text
//!  step(until) ──► Happening::Ask ──► whoever decides: the policy at once, or a process over HTTP
//!       ▲                                                          │
//!       └── people go on their way ◄────────── answered ◄──────────┘
//! ```
//!
//! Time is the trace's, in milliseconds, and goes on only by [`Stage::step`]: one who decides in
//! a simulation steps from event to event, one that is asked over HTTP keeps pace with a clock.

use std::sync::Arc;

use super::measure::{Meter, Outcome};
use super::oracle::{Foresight, Future};
use super::queue::{Event, Queue};
use super::room::{LiveRoom, Person};
use super::vm::{Figures, TICK_MS, Vm};
use super::world::World;
use crate::replay::trace::{Random, Trace, VmEvent, VmKind};

/// A fleet that lives through a trace.
#[derive(Debug, Clone)]
pub struct Stage {
    pub(super) trace: Arc<Trace>,
    pub(super) world: World,
    pub(super) now_ms: u64,
    pub(super) queue: Queue,
    pub(super) vms: Vec<Vm>,
    pub(super) rooms: Vec<LiveRoom>,
    pub(super) foresight: Option<Foresight>,
    pub(super) meter: Meter,
    noise: Random,
    net: Random,
    next: Next,
}

/// What of the trace comes next.
#[derive(Debug, Clone, Default)]
struct Next {
    vm: usize,
    room: usize,
    tick: u64,
}

/// What the stage cannot do by itself.
#[derive(Debug)]
pub enum Happening {
    /// A VM is there from now on.
    Added {
        /// Its number.
        vm: usize,
    },
    /// A VM's agent is gone for good.
    Died {
        /// Its number.
        vm: usize,
    },
    /// Somebody stands at the front page; whoever decides owes an [`Stage::answered`].
    Ask {
        /// The room's number.
        room: u32,
        /// Whose entry of the room.
        entry: u32,
    },
    /// Something that was put into the queue by who decides.
    Other(Event),
}

/// Where a request was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The VM's number.
    pub vm: usize,
    /// The room was placed just now, and not known to be there.
    pub placed: bool,
}

impl Stage {
    /// The beginning of a trace. With `foresight` the future of the rooms is written down, for an oracle.
    #[must_use]
    pub fn new(trace: Arc<Trace>, world: World, foresight: bool) -> Self {
        Self {
            now_ms: 0,
            queue: Queue::default(),
            vms: Vec::new(),
            rooms: trace.rooms.iter().map(|_| LiveRoom::default()).collect(),
            foresight: foresight.then(Foresight::default),
            meter: Meter::new(&trace),
            noise: Random::new(trace.seed, 10),
            net: Random::new(trace.seed, 11),
            next: Next::default(),
            trace,
            world,
        }
    }

    /// Lives on until something happens that is not the stage's to do, at `until_ms` at the latest
    /// (then, and at the end of the trace, `None`).
    ///
    /// # Panics
    /// When the trace contradicts itself: VM numbers that do not count up, people who leave before
    /// they join. [`Trace::from_csv`] does not check that.
    pub fn step(&mut self, until_ms: u64) -> Option<Happening> {
        loop {
            let vm_at = self.trace.vms.get(self.next.vm).map(|event| event.at_ms);
            let room_at = self.trace.rooms.get(self.next.room).map(|room| room.at_ms);
            let tick_at = Some(self.next.tick * TICK_MS);
            let times = [vm_at, tick_at, room_at, self.queue.next_at_ms()];
            let due = |&next: &u64| next < self.trace.end_ms && next <= until_ms;
            let Some(next) = times.into_iter().flatten().min().filter(due) else {
                self.now_ms = self.now_ms.max(until_ms.min(self.trace.end_ms));
                return None;
            };
            // an answer that came in meanwhile may have put something into what is past already
            self.now_ms = self.now_ms.max(next);
            let happening = if vm_at == Some(next) {
                self.next.vm += 1;
                self.vm_event(self.trace.vms[self.next.vm - 1])
            } else if tick_at == Some(next) {
                self.tick();
                None
            } else if room_at == Some(next) {
                self.next.room += 1;
                let room = u32::try_from(self.next.room - 1).expect("rooms are numbered with u32");
                self.open_room(room)
            } else {
                self.queue.take().and_then(|event| self.event(event))
            };
            if happening.is_some() {
                return happening;
            }
        }
    }

    /// Trace time, ms.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Puts something that the decider wants to be told at a time into the queue.
    pub(super) fn put(&mut self, at_ms: u64, event: Event) {
        self.queue.put(at_ms, event);
    }

    /// How many VMs there ever were.
    #[must_use]
    pub fn vms(&self) -> usize {
        self.vms.len()
    }

    /// What an agent says now; `None` when it gives no answer, by chance or because it is gone.
    pub fn report(&mut self, vm: usize) -> Option<Figures> {
        let (now_ms, seed) = (self.now_ms, self.trace.seed);
        self.vms[vm].report(vm as u64, now_ms, seed, &self.world, &mut self.net)
    }

    /// Whether an agent answers at all in this minute.
    #[must_use]
    pub fn answers(&self, vm: usize) -> bool {
        self.vms[vm].answers(vm as u64, self.now_ms, self.trace.seed, &self.world)
    }

    /// Whether a VM drains.
    #[must_use]
    pub fn is_draining(&self, vm: usize) -> bool {
        self.vms[vm].draining
    }

    /// CPU of a VM now, smoothed over 3 s, or the bridge's word (stress × 0.9) where that is worse.
    #[must_use]
    pub fn load_of(&self, vm: usize) -> f64 {
        self.vms[vm].load()
    }

    /// The live rooms on a VM, by number, with the people in each.
    pub fn rooms_on(&self, vm: usize) -> impl Iterator<Item = (u32, u32)> {
        self.vms[vm].rooms.iter().map(move |&room| (room, self.rooms[room as usize].people_on(vm)))
    }

    /// Chance that belongs to the network.
    pub(super) fn net(&mut self) -> &mut Random {
        &mut self.net
    }

    /// The figures so far; the rates among them only after [`finish`](Self::finish).
    #[must_use]
    pub fn so_far(&self) -> &Outcome {
        &self.meter.outcome
    }

    /// The end: what was measured.
    ///
    /// # Panics
    /// When the sums of the replay do not agree with one another.
    #[must_use]
    pub fn finish(self) -> Outcome {
        self.check();
        self.meter.finish(&self.trace, &self.rooms)
    }

    fn vm_event(&mut self, event: VmEvent) -> Option<Happening> {
        let vm = event.vm as usize;
        match event.kind {
            VmKind::Add => {
                assert_eq!(vm, self.vms.len(), "VM numbers count up");
                self.vms.push(Vm::new(event.vm, event.capacity_permille, self.trace.seed, &self.world));
                Some(Happening::Added { vm })
            }
            VmKind::Drain => {
                self.vms[vm].draining = true;
                None
            }
            VmKind::Die => {
                self.die(vm);
                Some(Happening::Died { vm })
            }
        }
    }

    fn tick(&mut self) {
        let tick = self.next.tick;
        self.next.tick += 1;
        for (phase, vm) in (0u64..).zip(&mut self.vms) {
            vm.tick(tick, phase, &self.world, &mut self.noise);
        }
        self.meter.tick(&self.trace, tick * TICK_MS, &mut self.vms, &self.rooms);
    }

    fn event(&mut self, event: Event) -> Option<Happening> {
        match event {
            Event::Ask { room, entry } => {
                return self.ask(room, entry).then_some(Happening::Ask { room, entry });
            }
            Event::Join { room, entry } => self.join(room, entry),
            Event::Leave { room, entry } => self.leave(room, entry),
            Event::Sinkhole { open: true } => self.sink(0),
            Event::Sinkhole { open: false } => self.vms[0].alive = true,
            other => return Some(Happening::Other(other)),
        }
        None
    }

    /// Writes down what a placed room will need, for those who may know.
    pub(super) fn foresee(&mut self, room: u32, vm: usize) {
        if let Some(foresight) = &mut self.foresight {
            foresight.place(vm, &Future::of(&self.trace.rooms[room as usize], self.now_ms));
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
        let held = people.filter(|person| matches!(person, Person::In(_))).count();
        assert_eq!(inside, held, "everybody who is in a conference is on one VM");
    }
}
