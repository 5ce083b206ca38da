//! The words both sides share, and the plumbing both need.
pub mod metric;
pub mod wire;
