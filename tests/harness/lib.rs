//! What the end-to-end tests stand on: workloads, and fleets that live through them.
//!
//! - [`trace`]: what the outside world does to a fleet (rooms, people, dying VMs), as a file.
//! - [`replay`]: lives a trace through a simulated fleet with the real placement, in seconds.

pub mod replay;
pub mod trace;
