//! One sample of everything, as an immutable value. Written once by the sampler,
//! read by everybody, never changed.

use std::sync::Arc;
use std::time::Instant;

use usher_common::wire::{Cpu, Disk, Host, Jitsi, Memory, Network, ProbeFailure};

use crate::engine::EngineFailure;
use crate::probe::containers::MeasuredContainer;
use crate::probe::reading::ServiceReadings;

/// Everything the agent knows at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Number of the sample, from 1.
    pub seq: u64,
    /// When it was taken.
    pub taken: Instant,
    /// The machine.
    pub host: HostFigures,
    /// Outcomes of the host's probes, by name.
    pub host_probes: Vec<(&'static str, Option<ProbeFailure>)>,
    /// The compose project watched here; `None` when there is none.
    pub project: Option<String>,
    /// Its containers; `Err` when the engine does not answer.
    pub containers: Result<Vec<MeasuredContainer>, EngineFailure>,
    /// When the engine last spoke (or failed to).
    pub engine_at: Instant,
    /// What Jitsi's services say, probe by probe.
    pub services: Arc<ServiceReadings>,
    /// The same as one statement; `None` when no probe of a service runs.
    pub jitsi: Option<Jitsi>,
}

/// The machine's figures in the words of the report; each `None` when not known.
#[derive(Debug, Clone, Default)]
pub struct HostFigures {
    /// Identity of the machine.
    pub host: Option<Host>,
    /// Processors.
    pub cpu: Option<Cpu>,
    /// Memory.
    pub memory: Option<Memory>,
    /// Disks.
    pub disk: Option<Disk>,
    /// Network.
    pub net: Option<Network>,
}
