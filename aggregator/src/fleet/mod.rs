//! What is known of the nodes, as one value.
//!
//! ```text
//!  discovery, scrape ──Event──► State::apply(event, now) ──► flips (for the log)
//!                                   │
//!                    handle (the one lock) ──► place: choose and pledge in one go
//!                                   └────────► view: plain structs for API, pages, metrics
//! ```
//!
//! Pure but for [`handle`]: no clock, no sockets, no randomness.

mod event;
mod flip;
mod handle;
mod node;
mod pledge;
mod readiness;
mod standing;
mod state;
mod trouble;
mod view;

pub use event::Event;
pub use flip::Flip;
pub use handle::{Fleet, How, PlaceRequest, Placed};
pub use node::{Life, Node};
pub use pledge::{Pledge, Pledges};
pub use readiness::Readiness;
pub use standing::{Standing, Unfit};
pub use state::State;
pub use trouble::{Misfortune, Trouble};
pub use view::{Figures, FleetView, NodeView};
