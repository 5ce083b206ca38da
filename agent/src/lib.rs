//! The agent: measures one node, says what it saw, and keeps the operator's wish.
//!
//! ```text
//!  world ──► probe ──► sampler ──► Snapshot ──► export ──► http
//!  engine ──► watch ──────┘   (value, whole)    (bytes)
//!  operator (disk) ─────────────────────────────────┘
//! ```
//!
//! [`run`] wires the parts; nothing else does.

mod agent_check;
pub mod certificates;
pub mod compose;
pub mod config;
pub mod deploy;
pub mod engine;
pub mod export;
mod eyes;
pub mod http;
pub mod node;
pub mod operator;
pub mod probe;
pub mod public_url;
pub mod readiness;
pub mod reservations;
mod run;
pub mod sampler;
pub mod snapshot;
pub mod stack;
pub mod stack_env;
pub mod upkeep;
mod vitals;

pub use run::{Listeners, RunError, run, run_reloading};
