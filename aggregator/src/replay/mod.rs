//! Lives a trace through a simulated fleet, with the real placement deciding, and measures.
//!
//! ```text
//!  Trace ──► queue of events ──► VMs (people → CPU) ──reports, late and noisy──► replicas
//!                  ▲                  ▲                                             │ Candidates
//!                  │                  └── people join where the answer said         ▼
//!                  └───────────── requests ◄──────────────── crate::placement::choose
//!                                                            (or an oracle that knows the future)
//! ```
//!
//! Discrete events, no real time: an hour of 100 VMs takes a fraction of a second. Everything is
//! drawn from the trace's seed, so the same trace, setup and world give the same outcome. What is
//! under test is the placement alone; HTTP, discovery and the fleet's bookkeeping are imitated.

mod compare;
mod measure;
mod oracle;
mod people;
mod queue;
mod replica;
mod room;
mod run;
mod setup;
mod stage;
pub mod trace;
mod vm;
mod world;

pub use compare::{Comparison, Row};
pub use measure::Outcome;
pub use run::{hint, live};
pub use setup::{Decider, Setup};
pub use stage::{Answered, Happening, Stage};
pub use vm::{Figures, Promised};
pub use world::World;

#[cfg(test)]
mod tests;
