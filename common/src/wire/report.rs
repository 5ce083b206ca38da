//! The report: everything an agent tells an aggregator, in one value.
//!
//! `None` always means "not known", never zero. Figures are of the sample's
//! moment; `sample_age_ms` says how long ago that was when the report left.
//!
//! With 50 rooms, 6 containers and every field set it is 7.1 kB of JSON; fast gzip would
//! make 3.7 kB of it (the keys of rooms do not compress).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ContainerHealth, ContainerState, NodeId, NotReady, OperatorState, ProbeFailure, PublicUrl, Reservation,
    RoomKey, Upkeep,
};

/// The number of the report's format. Raised only when a meaning changes.
pub const SCHEMA: u32 = 1;

/// Answer of `GET /v1/report`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// See [`SCHEMA`].
    pub schema: u32,
    /// The node's name.
    pub node: NodeId,
    /// Where people are sent.
    pub public_url: PublicUrl,
    /// Version of the agent.
    pub agent_version: String,
    /// Changes whenever the agent starts anew; `seq` counts within it.
    pub boot_id: String,
    /// Number of the sample, rising by at least 1 with each. A report whose `seq`
    /// stands still comes from a frozen agent, however promptly it answers.
    pub seq: u64,
    /// Age of the sample when the report was sent, milliseconds.
    pub sample_age_ms: u64,
    /// Whether the node may take new rooms.
    pub ready: bool,
    /// Why not; empty when `ready`.
    #[serde(default)]
    pub not_ready: Vec<NotReady>,
    /// What the operator wants of the node.
    #[serde(default)]
    pub operator: OperatorState,
    /// The region the node stands in, for requests that prefer one.
    #[serde(default)]
    pub region: Option<String>,
    /// The operator's own labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The machine.
    #[serde(default)]
    pub host: Option<Host>,
    /// The processors.
    #[serde(default)]
    pub cpu: Option<Cpu>,
    /// The memory.
    #[serde(default)]
    pub memory: Option<Memory>,
    /// The fullest of the file systems that matter here (root, state directory, engine's root).
    #[serde(default)]
    pub disk: Option<Disk>,
    /// All physical network interfaces together.
    #[serde(default)]
    pub net: Option<Network>,
    /// The Jitsi services of this node, together.
    #[serde(default)]
    pub jitsi: Option<Jitsi>,
    /// The compose project; `None` when none is expected here.
    #[serde(default)]
    pub stack: Option<Stack>,
    /// Live rooms; `None` when the node has no census (see `jitsi.conferences` for the count).
    #[serde(default)]
    pub rooms: Option<Vec<Room>>,
    /// Promises made to this node that have not lapsed.
    #[serde(default)]
    pub reservations: Vec<Reservation>,
    /// Every probe that is configured, with its outcome.
    #[serde(default)]
    pub probes: BTreeMap<String, Probe>,
}

/// The machine itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Host {
    /// Host name as the kernel knows it.
    #[serde(default)]
    pub hostname: Option<String>,
    /// Kernel release.
    #[serde(default)]
    pub kernel: Option<String>,
    /// When the machine booted, seconds since the Unix epoch.
    #[serde(default)]
    pub boot_time_unix_s: Option<u64>,
}

/// The processors: fractions of all cores together, 0..=1, over the last sampling interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cpu {
    /// Logical cores online.
    pub cores: u32,
    /// Everything but idle and iowait, steal included; `None` until two samples exist.
    pub busy: Option<f64>,
    /// `busy`, smoothed exponentially with a time constant of 3 s.
    pub busy_smooth: Option<f64>,
    /// Time the hypervisor gave to others.
    #[serde(default)]
    pub steal: Option<f64>,
    /// Idle with IO outstanding.
    #[serde(default)]
    pub iowait: Option<f64>,
    /// `busy` of each core, by its number in `/proc/stat`.
    #[serde(default)]
    pub per_core_busy: Option<Vec<f64>>,
    /// Load averages over 1, 5 and 15 minutes.
    #[serde(default)]
    pub load: Option<[f64; 3]>,
}

/// Memory, bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Memory {
    /// All of it.
    pub total_bytes: u64,
    /// What could be had without swapping (`MemAvailable`); `None` on kernels that do not say.
    pub available_bytes: Option<u64>,
    /// Swap space.
    #[serde(default)]
    pub swap_total_bytes: Option<u64>,
    /// Swap space not in use.
    #[serde(default)]
    pub swap_free_bytes: Option<u64>,
}

/// A file system, and the traffic of all disks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Disk {
    /// Where the file system is mounted.
    pub mount: String,
    /// Its size.
    pub total_bytes: u64,
    /// What an ordinary user can still write.
    pub available_bytes: u64,
    /// Read from all disks, bytes per second.
    #[serde(default)]
    pub read_bytes_per_s: Option<f64>,
    /// Written to all disks, bytes per second.
    #[serde(default)]
    pub written_bytes_per_s: Option<f64>,
}

/// Network traffic over the interfaces that lead out of the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Network {
    /// Received, bytes per second; `None` until two samples exist.
    pub receive_bytes_per_s: Option<f64>,
    /// Sent, bytes per second; `None` until two samples exist.
    pub transmit_bytes_per_s: Option<f64>,
    /// Received packets the kernel had to drop, per second.
    #[serde(default)]
    pub receive_drop_per_s: Option<f64>,
    /// UDP datagrams lost to full socket buffers, per second: media that was heard too late.
    #[serde(default)]
    pub udp_rcvbuf_errors_per_s: Option<f64>,
}

/// The Jitsi services, merged from what JVB, jicofo and prosody say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Jitsi {
    /// JVB's `stress`: 1 is full, and it may exceed 1. Never clamped.
    #[serde(default)]
    pub stress: Option<f64>,
    /// People in meetings here: jicofo's figure where it is to be had (it counts the lone
    /// first participant), else the bridge's.
    #[serde(default)]
    pub participants: Option<u64>,
    /// Meetings running here.
    #[serde(default)]
    pub conferences: Option<u64>,
    /// People in the largest meeting.
    #[serde(default)]
    pub largest_conference: Option<u64>,
    /// People who ever joined since the service started; never falls within one `boot_id` of the service.
    #[serde(default)]
    pub joins_total: Option<u64>,
    /// Media into the bridge, bits per second.
    #[serde(default)]
    pub receive_bits_per_s: Option<f64>,
    /// Media out of the bridge, bits per second.
    #[serde(default)]
    pub transmit_bits_per_s: Option<f64>,
    /// Whether every health check that could be asked passes.
    #[serde(default)]
    pub healthy: Option<bool>,
    /// Whether the bridge is joined to prosody; without it no meeting can use the bridge.
    #[serde(default)]
    pub bridge_linked: Option<bool>,
    /// Whether the bridge is in graceful shutdown.
    #[serde(default)]
    pub shutting_down: Option<bool>,
    /// JVB's version.
    #[serde(default)]
    pub bridge_version: Option<String>,
    /// When the web container's certificate ends, seconds since the Unix epoch.
    #[serde(default)]
    pub certificate_not_after_unix_s: Option<i64>,
}

/// The compose project that the agent watches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stack {
    /// The project's name; `None` when none was found yet.
    #[serde(default)]
    pub project: Option<String>,
    /// Its containers, by service name; `None` when the engine does not answer.
    pub containers: Option<Vec<Container>>,
    /// Why the containers are unknown.
    #[serde(default)]
    pub engine_failure: Option<ProbeFailure>,
    /// What the agent does to keep the project up; `None` when it only watches.
    #[serde(default)]
    pub upkeep: Option<Upkeep>,
}

/// One container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Container {
    /// The compose service.
    pub service: String,
    /// The container's name.
    pub name: String,
    /// The image it was made from, as the compose file names it.
    #[serde(default)]
    pub image: Option<String>,
    /// The engine's word.
    pub state: ContainerState,
    /// The verdict of its health check; `None` when it has none.
    #[serde(default)]
    pub health: Option<ContainerHealth>,
    /// Restarts by the engine's policy since it was made.
    #[serde(default)]
    pub restarts: Option<u64>,
    /// Exit code of the last life, when it does not run.
    #[serde(default)]
    pub exit_code: Option<i64>,
    /// When its present life began, milliseconds since the Unix epoch.
    #[serde(default)]
    pub started_unix_ms: Option<i64>,
    /// Cores in use (1.0 is one core), over the last interval.
    #[serde(default)]
    pub cpu_cores: Option<f64>,
    /// Memory it needs: usage without inactive page cache.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// Its memory limit; `None` when it has none.
    #[serde(default)]
    pub memory_limit_bytes: Option<u64>,
    /// Processes killed in it for want of memory since it was made.
    #[serde(default)]
    pub oom_kills: Option<u64>,
}

/// One live room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Room {
    /// Keyed hash of its name.
    pub key: RoomKey,
    /// People in it.
    pub participants: u64,
    /// How long it has existed, seconds; `None` when the census does not say.
    #[serde(default)]
    pub age_s: Option<u64>,
}

/// The outcome of one probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Probe {
    /// Whether it has a reading.
    pub ok: bool,
    /// Why not, when not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<ProbeFailure>,
    /// How old its newest outcome is, milliseconds.
    #[serde(default)]
    pub age_ms: Option<u64>,
}
