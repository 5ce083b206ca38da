//! Runs beside one Jitsi: measures the host and the stack, reports, and keeps the stack up.

pub mod compose;
