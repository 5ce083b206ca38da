//! What the end-to-end tests stand on.
//!
//! - [`agent`], [`aggregator`]: the real ones, as a process and in process.
//! - [`program`]: our programs as processes.
//! - [`fake_agent`]: speaks the wire format and obeys a script.
//! - [`machine`]: a Debian with systemd, booted in a container.
//! - [`load`]: requests one after another, and what became of them.
//! - [`proc_tree`]: a machine whose processors are as busy as the test says.
//! - [`jitsi_double`]: a stand-in for the services of one Jitsi, on the wire.
//! - [`engine`]: a Docker engine of a test's own, to be restarted or given a small disk.
//! - [`images`]: Docker images made of this machine's own files.
//! - [`registry`]: a private registry with a password.
//! - [`compose_project`]: a folder with compose files, for `usher-agent stack` and the real compose.
//! - [`stack`]: a compose project of stand-in containers.
//! - [`trace`]: what the outside world does to a fleet (rooms, people, dying VMs), as a file.
//! - [`replay`]: lives a trace through a simulated fleet with the real placement, in seconds.
//! - [`prometheus`]: Debian's Prometheus on a port and directory of its own.
//! - [`redis`]: Debian's redis-server on a port of its own.
//! - [`eventually`]: waits for a state, and says what was missing.

pub mod agent;
pub mod aggregator;
pub mod compose_project;
pub mod engine;
pub mod eventually;
pub mod fake_agent;
pub mod images;
pub mod jitsi_double;
pub mod load;
pub mod machine;
pub mod proc_tree;
pub mod program;
pub mod prometheus;
pub mod redis;
pub mod registry;
pub use usher_aggregator::replay;
pub mod stack;
pub use usher_aggregator::replay::trace;
