//! Placeholder until the service probes land.
use std::collections::BTreeMap;
use usher_common::wire::{Jitsi, Probe, Room};
#[derive(Debug, Default)]
pub struct ServiceReadings {
    pub jitsi: Option<Jitsi>,
    pub rooms: Option<Vec<Room>>,
    pub probes: BTreeMap<String, Probe>,
}
impl ServiceReadings {
    pub fn jitsi(&self) -> Option<&Jitsi> {
        self.jitsi.as_ref()
    }
}
