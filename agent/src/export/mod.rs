//! Snapshot to bytes: the report for aggregators, the metrics for
//! Prometheus, the line for HAProxy.

pub mod agent_check;
mod containers;
pub mod metrics;
pub mod report;
mod upkeep;
