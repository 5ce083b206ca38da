//! Where the people of a room are.

/// One person of the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Person {
    /// Not here, or thrown out.
    Away,
    /// Has an answer and is on the way to this VM.
    Going(usize),
    /// In the conference on this VM.
    In(usize),
    /// Will not come (again).
    Gone,
}

/// A room as it lives.
#[derive(Debug, Clone, Default)]
pub(super) struct LiveRoom {
    /// The VM of the first answer: the room's URL.
    pub(super) home: Option<usize>,
    /// The parts of the room: a room that is not split has at most one.
    pub(super) parts: Vec<Part>,
    /// Promises made for it that an agent took: VM, when.
    pub(super) promised: Vec<(usize, u64)>,
    pub(super) people: Vec<Person>,
    /// It had people on two VMs at once.
    pub(super) split: bool,
    /// It had two people at once.
    pub(super) met: bool,
}

/// The part of a room that is on one VM.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) vm: usize,
    pub(super) people: u32,
    pub(super) since_ms: u64,
}

impl LiveRoom {
    /// People of this room on `vm`.
    pub(super) fn people_on(&self, vm: usize) -> u32 {
        self.parts.iter().find(|part| part.vm == vm).map_or(0, |part| part.people)
    }

    /// Sets the number of people on `vm`.
    pub(super) fn set_people(&mut self, vm: usize, people: u32, now_ms: u64) {
        match self.parts.iter().position(|part| part.vm == vm) {
            Some(at) if people == 0 => drop(self.parts.swap_remove(at)),
            Some(at) => self.parts[at].people = people,
            None if people == 0 => {}
            None => self.parts.push(Part { vm, people, since_ms: now_ms }),
        }
        self.met |= self.parts.iter().map(|part| part.people).sum::<u32>() > 1;
        self.split |= self.parts.len() > 1;
    }
}
