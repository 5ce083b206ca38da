//! The machine's figures for the report, sample after sample.

use crate::snapshot::HostFigures;
use std::time::Instant;
use usher_common::wire::ProbeFailure;

/// Placeholder until the host probes land.
#[derive(Debug)]
pub struct HostSampler;
impl HostSampler {
    pub fn sample(&mut self, _now: Instant) -> (HostFigures, Vec<(&'static str, Option<ProbeFailure>)>) {
        (HostFigures::default(), Vec::new())
    }
}
