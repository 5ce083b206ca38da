//! The compose engine: what should run, what runs, and the steps between them.
//!
//! ```text
//!                 disk (reads files)                           engine (reads and does; not here)
//!                   │ asked by                                   │                  ▲
//!                   ▼                                            ▼                  │ create_body
//! Request ──► file ──► model::Project ──► desired ──┐        observed               │
//!                          │                        ├──────────► plan ──► steps ──► apply (not here)
//!                          ▼                        │             ▲
//!                   canonical, hash                 └─ diff ──────┘ policy
//!            (as docker compose prints and labels)
//! ```
//!
//! Everything here is a function of values but `disk`, which reads files. What is left to build on it has its place:
//! `apply` does one [`plan::Step`] after the other through the engine and decides nothing; whoever runs it fills
//! [`observed::Observed`], remembers what failed for [`plan::Policy`], and plans again after every change.

pub mod bind;
pub mod canonical;
pub mod create_body;
pub mod desired;
pub mod diff;
pub mod disk;
pub mod file;
pub mod hash;
pub mod model;
pub mod observed;
pub mod order;
pub mod plan;
