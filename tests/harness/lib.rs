//! What the end-to-end tests stand on.
//!
//! - [`jitsi_double`]: a stand-in for the services of one Jitsi, on the wire.
//! - [`images`]: Docker images made of this machine's own files.
//! - [`stack`]: a compose project of stand-in containers.
//! - [`eventually`]: waits for a state, and says what was missing.

pub mod eventually;
pub mod images;
pub mod jitsi_double;
pub mod stack;
