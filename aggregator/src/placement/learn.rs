//! What the fleet teaches about itself: what a person costs, how many come to a room.
//!
//! Values that are fed with `observe` and asked with `estimate`. None of them speaks before it has
//! seen enough, each stays within stated bounds, and old lessons fade.

mod join_time;
mod person_cost;
mod room_size;

pub use join_time::JoinTime;
pub use person_cost::{COST_MEMORY_MS, COST_SAMPLES_MIN, NODE_MEMORY_MS, PersonCost, on_node};
pub use room_size::{MEETING_GAP_MS, MEETINGS_MIN, RoomSizes, Sighting};
