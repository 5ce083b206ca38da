//! What agents and aggregators say to each other, as values.
//!
//! The rule for change: only add. A new field is an `Option` (or a list that
//! may be empty), an old reader ignores it, a new reader takes its absence as
//! "unknown". A field whose *meaning* changes gets a new name. Enums that
//! travel end in `Unknown`, so that an old reader survives a new word.

mod health;
mod ids;
mod operator;
mod report;
mod reservation;
mod schema;
mod stack;

pub use health::{ContainerHealth, ContainerState, NotReady, ProbeFailure};
pub use ids::{BadNodeId, BadPublicUrl, NodeId, PublicUrl, RoomKey};
pub use operator::{OperatorMode, OperatorState};
pub use report::{Container, Cpu, Disk, Host, Jitsi, Memory, Network, Probe, Report, Room, SCHEMA, Stack};
pub use reservation::{Refusal, Reservation, ReservationAnswer, ReservationRequest, Reserved};
pub use schema::REPORT_SCHEMA;
pub use stack::{DeployPhase, DeployReason, Deployment, Heal, HeldService, Illness, StackHold, Upkeep};
