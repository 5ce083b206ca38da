//! Deployments: from one version of the stack to another, and back when the new one is bad.
//!
//! ```text
//!  POST ──orders──► drive ──► course (pure: what follows from what was found)
//!                    │  ▲           │
//!                    │  └─ verify   ▼
//!                    ▼            journal (on disk before anything is done)
//!                  stack (fetch, converge), release (files, tags)
//! ```
//!
//! The phase on disk alone says how to go on after a crash. Not here: single steps and their order (the planner's),
//! and when something that fell is helped (upkeep's). Where no agent runs, [`alone`] is the one who drives.

pub mod alone;
pub mod course;
pub(crate) mod drive;
pub mod job;
pub mod journal;
pub mod orders;
mod phases;
pub mod release;
pub mod verify;
