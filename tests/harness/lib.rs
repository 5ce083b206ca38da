//! What the end-to-end tests stand on: real programs started and stopped, doubles that
//! speak the wire, and patience that says what it last saw.

pub mod agent;
pub mod aggregator;
pub mod eventually;
pub mod fake_agent;
pub mod proc_tree;
pub mod program;
