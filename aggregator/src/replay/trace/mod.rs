//! Workloads: what the outside world does to a fleet of Jitsi VMs, whatever places the rooms.
//!
//! ```text
//!  Workload (preset + options + seed) ──generate──► Trace ──to_csv──► "fleet-trace v1" text
//!                                                     ▲                       │
//!                                                     └───────from_csv────────┘
//! ```
//!
//! VMs appear, drain and die; rooms are asked for; people join and leave. A trace says nothing
//! of where a room goes: that is what whoever replays it decides. The same options and seed give
//! the same bytes on every machine, so two implementations can be compared on one trace.
//!
//! Everything in a file is whole milliseconds and whole permille; a generated trace is rounded to
//! them before anybody sees it, so that reading back a written trace gives the same value.

mod cost;
mod csv;
mod fleet;
mod generate;
mod random;
mod room;
mod workload;

pub use cost::{CPU_IDLE, back_after_death_ms, room_cost};
pub use csv::BadTrace;
pub use random::{Random, mix, unit};
pub use workload::{NoSuchPreset, Workload};

/// A whole workload.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// What the trace was drawn with; the replay's own noise uses it too.
    pub seed: u64,
    /// Nothing is measured before, ms.
    pub warm_ms: u64,
    /// The end, ms.
    pub end_ms: u64,
    /// Starts of the flash crowds within the measured time, ms.
    pub spikes_ms: Vec<u64>,
    /// By time; the `Add`s at 0 are the initial fleet.
    pub vms: Vec<VmEvent>,
    /// By time; a room's number is its place here.
    pub rooms: Vec<Room>,
}

/// Something that happens to a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VmEvent {
    /// When, ms.
    pub at_ms: u64,
    /// What.
    pub kind: VmKind,
    /// The VM's number, counting up from 0.
    pub vm: u32,
    /// Capacity in permille of the standard VM.
    pub capacity_permille: u32,
}

/// What can happen to a VM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VmKind {
    /// It exists from now on.
    Add,
    /// Agent and rooms are gone at once, for good.
    Die,
    /// From now on its agent says "draining"; its rooms go on.
    Drain,
}

/// A meeting: asked for once, or many times if it has a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The first request, ms.
    pub at_ms: u64,
    /// It has a name that its people know; without one it is anonymous.
    pub named: bool,
    /// Asked for, answered, and nobody ever joins.
    pub abandoned: bool,
    /// Runs already at time 0 on this VM, and nobody asks for it.
    pub live_on: Option<u32>,
    /// How much video, permille of the mean.
    pub weight_permille: u32,
    /// Its people's stays. Not to be shown to the aggregator.
    pub stays: Vec<Stay>,
}

/// One person's time in a room, ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// Arrival at the front page (or at the room's URL), after the room's first request.
    pub ask_ms: u32,
    /// From the answer to being in the conference.
    pub delay_ms: u32,
    /// In the conference.
    pub stay_ms: u32,
    /// Goes through the front page; else opens the room's URL.
    pub asks: bool,
}

impl Stay {
    /// When this person is in the conference if nothing goes wrong, ms after the room's first request.
    #[must_use]
    pub fn joins_ms(&self) -> u64 {
        u64::from(self.ask_ms) + u64::from(self.delay_ms)
    }

    /// When this person leaves, late or not, ms after the room's first request.
    #[must_use]
    pub fn leaves_ms(&self) -> u64 {
        self.joins_ms() + u64::from(self.stay_ms)
    }
}

#[cfg(test)]
mod tests;
