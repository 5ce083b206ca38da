//! What the end-to-end tests share: fakes at the wire, the real programs in process, and
//! waiting for conditions.

pub mod aggregator;
pub mod eventually;
pub mod fake_agent;
