//! What is known of the nodes, as one value.
//!
//! ```text
//!  discovery, scrape ──Event──► State::apply(event, now) ──► flips (for the log)
//!                                   │
//!                    handle (the one lock) ──► placing: choose and pledge in one go
//!                                   └────────► view: plain structs for API, pages, metrics
//! ```
//!
//! Pure but for [`handle`]: no clock, no sockets, no randomness.

mod asked;
mod candidates;
mod event;
mod explain;
mod flip;
mod glance;
mod handle;
mod lessons;
mod node;
mod placing;
mod pledge;
mod readiness;
mod splits;
mod standing;
mod state;
mod traffic;
mod trouble;
mod view;
mod whereabouts;

pub use asked::{How, NoPlace, PlaceRequest, Placed};
pub use candidates::{Declined, Lineup};
pub use event::Event;
pub use explain::{Explained, Known};
pub use flip::Flip;
pub use glance::Burden;
pub use handle::Fleet;
pub use lessons::{Lessons, Pupil};
pub use node::{Life, Node};
pub use placing::{Chosen, Proposal};
pub use pledge::{Pledge, Pledges};
pub use readiness::Readiness;
pub use splits::SplitCounts;
pub use standing::{Standing, Unfit};
pub use state::State;
pub use traffic::Traffic;
pub use trouble::{Misfortune, Trouble};
pub use view::{Figures, FleetView, NodeView};
pub use whereabouts::Whereabouts;
