//! What people do: ask, go, join, leave, and come back when their VM dies (the replay rules of the
//! trace format).

use super::measure::need;
use super::queue::Event;
use super::room::Person;
use super::stage::{Answered, Happening, Stage};
use crate::replay::trace::back_after_death_ms;

/// Answered with a dead VM: asked again after this. Not answered at all: after the shorter one,
/// which is also how often a URL is tried that does not work yet. ms.
const AFTER_DEAD_ANSWER_MS: u64 = 6_000;
const TRY_AGAIN_MS: u64 = 3_000;
/// Nobody asks who would leave so soon, ms.
const NOT_WORTH_MS: u64 = 5_000;

impl Stage {
    /// The first request for a room (or a room that runs already).
    pub(super) fn open_room(&mut self, number: u32) -> Option<Happening> {
        let trace = self.trace.clone();
        let room = &trace.rooms[number as usize];
        let live = &mut self.rooms[number as usize];
        live.people = vec![Person::Away; room.stays.len().max(1)];
        if let Some(vm) = room.live_on {
            live.home = Some(vm as usize);
            self.foresee(number, vm as usize);
        }
        if room.abandoned {
            return self.ask(number, 0).then_some(Happening::Ask { room: number, entry: 0 });
        }
        for (entry, stay) in (0u32..).zip(&room.stays) {
            let asks = stay.asks && room.live_on.is_none();
            if asks {
                self.queue.put(room.at_ms + u64::from(stay.ask_ms), Event::Ask { room: number, entry });
            } else {
                self.queue.put(room.at_ms + stay.joins_ms(), Event::Join { room: number, entry });
            }
        }
        None
    }

    pub(super) fn leaves_at_ms(&self, room: u32, entry: u32) -> u64 {
        let room = &self.trace.rooms[room as usize];
        room.at_ms + room.stays[entry as usize].leaves_ms()
    }

    /// A person stands at the front page; whether the aggregator is to be asked.
    pub(super) fn ask(&mut self, number: u32, entry: u32) -> bool {
        let room = &self.trace.rooms[number as usize];
        let person = self.rooms[number as usize].people[entry as usize];
        if person == Person::Gone {
            return false;
        }
        if !room.abandoned && self.leaves_at_ms(number, entry) < self.now_ms + NOT_WORTH_MS {
            self.set_person(number, entry, Person::Gone);
            return false;
        }
        if self.now_ms >= self.trace.warm_ms {
            self.meter.outcome.asked += 1;
        }
        true
    }

    /// The answer to a person's request came; `None`: there was none, or no server could be named.
    pub fn answered(&mut self, number: u32, entry: u32, answer: Option<Answered>) {
        let Some(Answered { vm, placed }) = answer else {
            self.meter.outcome.failed += 1;
            self.meter.outcome.refused += 1;
            self.queue.put(self.now_ms + TRY_AGAIN_MS, Event::Ask { room: number, entry });
            return;
        };
        if placed {
            self.vms[vm].placed_in_slot += 1;
        }
        if !self.vms[vm].alive {
            self.meter.outcome.failed += 1;
            self.queue.put(self.now_ms + AFTER_DEAD_ANSWER_MS, Event::Ask { room: number, entry });
            return;
        }
        if placed {
            self.foresee(number, vm);
        }
        let room = &self.trace.rooms[number as usize];
        if room.abandoned {
            return;
        }
        let delay_ms = u64::from(room.stays[entry as usize].delay_ms);
        self.set_person(number, entry, Person::Going(vm));
        self.rooms[number as usize].home.get_or_insert(vm);
        self.queue.put(self.now_ms + delay_ms, Event::Join { room: number, entry });
    }

    /// A person arrives in the conference.
    pub(super) fn join(&mut self, number: u32, entry: u32) {
        let leaves_at_ms = self.leaves_at_ms(number, entry);
        if leaves_at_ms <= self.now_ms {
            self.set_person(number, entry, Person::Gone);
            return;
        }
        let live = &mut self.rooms[number as usize];
        let vm = match live.people[entry as usize] {
            Person::Going(vm) => vm,
            Person::Away => match live.home {
                Some(vm) => vm,
                None => {
                    self.queue.put(self.now_ms + TRY_AGAIN_MS, Event::Join { room: number, entry });
                    return;
                }
            },
            Person::In(_) | Person::Gone => return,
        };
        if self.vms[vm].alive {
            self.set_person(number, entry, Person::In(vm));
            self.vms[vm].joins_total += 1;
            self.change_people(number, vm, 1);
            self.queue.put(leaves_at_ms, Event::Leave { room: number, entry });
            return;
        }
        // answered, but the VM died before the join
        if live.home == Some(vm) {
            live.home = None;
        }
        self.set_person(number, entry, Person::Away);
        let asks = entry == 0 || self.trace.rooms[number as usize].stays[entry as usize].asks;
        let again =
            if asks { Event::Ask { room: number, entry } } else { Event::Join { room: number, entry } };
        self.queue.put(self.now_ms + AFTER_DEAD_ANSWER_MS, again);
    }

    pub(super) fn leave(&mut self, number: u32, entry: u32) {
        // who was thrown out and joined again leaves when planned, by this event or the later one
        if let Person::In(vm) = self.rooms[number as usize].people[entry as usize] {
            self.set_person(number, entry, Person::Gone);
            self.change_people(number, vm, -1);
        }
    }

    /// A VM dies: everybody on it is out, and some time later back at the front page or the URL.
    pub(super) fn die(&mut self, vm: usize) {
        let rooms = self.vms[vm].die();
        self.throw_out(vm, &rooms);
    }

    /// A VM becomes a sinkhole: its agent reports well and nobody can meet there.
    pub(super) fn sink(&mut self, vm: usize) {
        let rooms = self.vms[vm].empty();
        self.throw_out(vm, &rooms);
    }

    fn throw_out(&mut self, vm: usize, rooms: &[u32]) {
        if let Some(foresight) = &mut self.foresight {
            foresight.die(vm);
        }
        let trace = self.trace.clone();
        for &number in rooms {
            let room = &trace.rooms[number as usize];
            let live = &mut self.rooms[number as usize];
            live.parts.retain(|part| part.vm != vm);
            live.promised.retain(|promise| promise.0 != vm);
            if live.home == Some(vm) {
                live.home = None;
            }
            let mut first = true;
            for (entry, stay) in (0u32..).zip(&room.stays) {
                if self.rooms[number as usize].people[entry as usize] != Person::In(vm) {
                    continue;
                }
                self.set_person(number, entry, Person::Away);
                let asks = if room.named { stay.asks } else { first };
                first = false;
                let at_ms = self.now_ms + back_after_death_ms(self.trace.seed, number, entry, asks);
                let back = if asks {
                    Event::Ask { room: number, entry }
                } else {
                    Event::Join { room: number, entry }
                };
                self.queue.put(at_ms, back);
            }
        }
    }

    fn set_person(&mut self, room: u32, entry: u32, person: Person) {
        self.rooms[room as usize].people[entry as usize] = person;
    }

    fn change_people(&mut self, number: u32, vm: usize, change: i32) {
        let room = &self.trace.rooms[number as usize];
        let live = &mut self.rooms[number as usize];
        let state = &mut self.vms[vm];
        let before = live.people_on(vm);
        let after = before.checked_add_signed(change).expect("nobody leaves who is not there");
        live.set_people(vm, after, self.now_ms);
        if before == 0 {
            state.rooms.push(number);
        } else if after == 0 {
            state.rooms.retain(|&here| here != number);
        }
        state.people = state.people.checked_add_signed(change).expect("the VM holds its rooms' people");
        state.media = (state.media + need(room, after) - need(room, before)).max(0.0);
    }
}
