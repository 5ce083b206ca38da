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

mod candidates;
mod event;
mod flip;
mod handle;
mod node;
mod placing;
mod pledge;
mod readiness;
mod standing;
mod state;
mod traffic;
mod trouble;
mod view;

pub use candidates::{Declined, Lineup};
pub use event::Event;
pub use flip::Flip;
pub use handle::Fleet;
pub use node::{Life, Node};
pub use placing::{Chosen, Explained, How, NoPlace, PlaceRequest, Placed, Proposal};
pub use pledge::{Pledge, Pledges};
pub use readiness::Readiness;
pub use standing::{Standing, Unfit};
pub use state::State;
pub use traffic::Traffic;
pub use trouble::{Misfortune, Trouble};
pub use view::{Figures, FleetView, NodeView};
