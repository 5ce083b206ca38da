//! Snapshot to bytes: the report for aggregators, the metrics for Prometheus.

mod containers;
pub mod metrics;
pub mod report;
