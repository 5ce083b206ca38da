//! What the settings mean: typed, checked, complete. After this no code doubts a value.
//!
//! ```text
//!  Settings (kinds checked) ──build──► Config, or every complaint at once
//!                              ▲
//!                         token and target files
//! ```

mod build;
mod placement;
mod rooms;
mod rows;
mod targets;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use usher_common::rt::auth::Tokens;

use crate::discovery::Source;
use crate::placement::learn::{
    COST_MEMORY_MS, COST_SAMPLES_MIN, MEETING_GAP_MS, MEETINGS_MIN, NODE_MEMORY_MS,
};
use crate::placement::{Params, Policy};
use crate::target::Token;

pub use rows::{DEFAULT_FILE, SCHEMA};

/// The settings of one aggregator.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where people and front ends are answered.
    pub public_listen: SocketAddr,
    /// The operators' side.
    pub operator: Operator,
    /// How agents are read.
    pub scrape: Scrape,
    /// When a node is up.
    pub health: Health,
    /// Whom to read.
    pub discovery: Discovery,
    /// How a node is chosen.
    pub placement: Placement,
    /// What is remembered of rooms.
    pub rooms: Rooms,
    /// How long to go on answering once told to stop.
    pub drain: Duration,
    /// How long the public listener may let connections wait for the first round of reads. Not a setting:
    /// zero unless the program sets it.
    pub hold: Duration,
}

/// The operators' side.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Where operators are answered.
    pub listen: SocketAddr,
    /// What opens it; empty for "anybody who gets there" (loopback only).
    pub tokens: Tokens,
}

/// How agents are read.
#[derive(Debug, Clone, Copy)]
pub struct Scrape {
    /// From one read of a target to the next.
    pub interval: Duration,
    /// Deadline of one read; at most `interval`.
    pub timeout: Duration,
    /// Largest answer, bytes.
    pub max_bytes: usize,
    /// Reads under way at once.
    pub concurrency: usize,
    /// Longest wait after repeated failures.
    pub retry_max: Duration,
    /// Time constant of smoothing an exporter's CPU.
    pub smoothing: Duration,
}

/// When a node is up, and when its figures count.
#[derive(Debug, Clone, Copy)]
pub struct Health {
    /// Failures in a row that take it down.
    pub fall: u32,
    /// Good reads in a row that bring it back.
    pub rise: u32,
    /// Share of the fleet, 0..=1, beyond which losing it looks like our own fault.
    pub panic: f64,
    /// How long lost nodes stay in use then, milliseconds.
    pub panic_hold_ms: u64,
    /// Age of a sample beyond which it does not count, milliseconds.
    pub max_age_ms: u64,
    /// Whether the page of a node whose agent is silent is looked at.
    pub page: bool,
}

/// Whom to read.
#[derive(Debug, Clone)]
pub struct Discovery {
    /// Fixed targets, and what the files held when they were read for the check.
    pub sources: Vec<Source>,
    /// Token for targets of files.
    pub file_token: Option<Token>,
    /// How often the files are looked at.
    pub poll: Duration,
}

/// How a node is chosen, and how it is asked.
#[derive(Debug, Clone)]
pub struct Placement {
    /// The policy's constants.
    pub params: Params,
    /// How a choice is confirmed with its node.
    pub confirm: Confirm,
    /// What is learned.
    pub learn: Learn,
    /// A policy whose choices are computed beside, to be compared; never followed.
    pub shadow: Option<Policy>,
    /// Decisions kept for `GET /api/v1/decisions`.
    pub decisions: usize,
    /// A herd is what one node got within so many milliseconds.
    pub herd_window_ms: u64,
}

/// What is learned from the reports, and from how much.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learn {
    /// Whether sizes of rooms are learned from the census.
    pub room_sizes: bool,
    /// Whether the CPU cost of a person is learned, per node and for the fleet.
    pub person_cost: bool,
    /// A node's report is a lesson once in this many milliseconds.
    pub interval_ms: u64,
    /// Age constant with which lessons on the fleet's cost fade, milliseconds; taken for a meeting's length.
    pub memory_ms: u64,
    /// The same for what a node teaches of its own cost.
    pub node_memory_ms: u64,
    /// Lessons on cost (weighted by age) below which nothing is concluded.
    pub samples_min: u32,
    /// A room not seen for so many milliseconds has ended.
    pub meeting_gap_ms: u64,
    /// Meetings of a room below which its size is not told.
    pub meetings_min: u32,
    /// What callers announce is taken within this many times of what a room's history teaches.
    pub hint_tolerance: f64,
}

impl Default for Learn {
    fn default() -> Self {
        Self {
            room_sizes: true,
            person_cost: true,
            interval_ms: 5_000,
            memory_ms: COST_MEMORY_MS,
            node_memory_ms: NODE_MEMORY_MS,
            samples_min: COST_SAMPLES_MIN,
            meeting_gap_ms: MEETING_GAP_MS,
            meetings_min: MEETINGS_MIN,
            hint_tolerance: 4.0,
        }
    }
}

/// How a choice is confirmed with its node before anybody is sent there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirm {
    /// Deadline of one question.
    pub timeout: Duration,
    /// Deadline of all questions for one request.
    pub total: Duration,
    /// How long the node keeps room if nobody comes, seconds.
    pub ttl_s: u64,
}

/// What is remembered of rooms.
#[derive(Clone)]
pub struct Rooms {
    /// How long after the last request, milliseconds.
    pub memory_ms: u64,
    /// Where replicas claim rooms; `None` for nowhere.
    pub store: Option<Store>,
    /// The other replicas.
    pub peers: Peers,
    /// Secret of the keyed hash; `None` for a random one.
    pub secret: Option<Vec<u8>>,
}

/// The store of claims.
#[derive(Clone)]
pub struct Store {
    /// Where it is, and how it is entered.
    pub server: redis::ConnectionInfo,
    /// Deadline of one question.
    pub timeout: Duration,
    /// How long a claim lasts that nobody asks for, milliseconds.
    pub ttl_ms: u64,
    /// From one time that the agents' rooms are told to it to the next, at most.
    pub refresh: Duration,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("server", &self.server.addr()).finish_non_exhaustive()
    }
}

/// The other replicas.
#[derive(Debug, Clone)]
pub struct Peers {
    /// Their public addresses; ours may be among them.
    pub urls: Vec<url::Url>,
    /// From one look at them to the next.
    pub interval: Duration,
    /// Deadline of a question to the owner of a room.
    pub timeout: Duration,
}

impl std::fmt::Debug for Rooms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rooms").field("memory_ms", &self.memory_ms).finish_non_exhaustive()
    }
}

/// The files that discovery watches.
impl Discovery {
    /// Their paths.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        self.sources.iter().filter_map(|source| source.file.as_ref())
    }
}
