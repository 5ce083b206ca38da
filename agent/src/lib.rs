//! The agent: measures its host and the Jitsi on it, reports, and keeps the stack up.
pub mod probe;
