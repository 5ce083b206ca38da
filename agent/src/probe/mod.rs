//! Everything that is measured, one probe a file. A probe reads and parses; what a
//! reading means for the node is decided elsewhere.

pub mod cgroup;
pub mod containers;
pub mod host;
pub mod service;
