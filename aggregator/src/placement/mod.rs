//! Where a new room goes. Pure: values and `now` in, a choice out; no clock, no IO, no chance
//! but the seed that is handed in.
//!
//! ```text
//!  Candidate ──eligible──► what may take it ──score──► expected load ──policy──► order ──► Choice
//!  (per node,  filters     │                 cpu + promised      one file each          or NoPlace
//!   at now)    subtract    │ removed, why    + still to come
//!                          └──────────────────────────────────────────────► Ranking (explain)
//! ```
//!
//! - [`choose`] answers one request, [`rank`] tells the same in full: every node, with the parts of
//!   its score or the filter that removed it.
//! - [`Params`] holds every constant; [`Params::at_speed`] scales the times for compressed replays.
//! - [`JoinRate`], [`Breaker`], [`learn`] are small values that whoever keeps the fleet's state
//!   feeds with each report, and whose results go into the next [`Candidate`].
//!
//! - [`owner`] says which replica decides on a named room. Without it (or a store of claims) near-equal
//!   views agree on most rooms, not on all.
//!
//! Not here: scraping, reservations, the memory of which room is where.

mod breaker;
mod candidate;
mod choose;
mod draw;
mod eligible;
mod filling;
mod join_rate;
pub mod learn;
mod params;
mod policy;
mod ranking;
mod score;

pub use breaker::Breaker;
pub use candidate::{Candidate, Life, Promise, Reading, Witness};
pub use choose::{choose, rank};
pub use draw::owner;
pub use eligible::Removal;
pub use join_rate::JoinRate;
pub use params::Params;
pub use policy::Policy;
pub use ranking::{Choice, NoPlace, Placed, Ranking, Removed, Request, Tier};
pub use score::Load;
pub use usher_common::words::UnknownWord;

#[cfg(test)]
pub(crate) mod properties;
#[cfg(test)]
mod rules;
