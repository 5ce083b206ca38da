//! The words both sides of Usher share, and the plumbing both need.
//!
//! Two halves with a rule between them: everything but [`rt`] is pure values and
//! functions (no sockets, files, clock, environment or randomness); [`rt`] touches
//! the world and decides nothing.

pub mod backoff;
pub mod metric;
pub mod rt;
pub mod settings;
pub mod wire;
pub mod words;
