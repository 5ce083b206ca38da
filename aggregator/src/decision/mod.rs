//! What was decided, on what grounds, and what came of it: the record of every placement.
//!
//! ```text
//!  fleet.propose ──Inputs──► confirm ──Try, Try, …──► Decision ──► Decisions (bounded memory)
//!                                                        │              └► GET /api/v1/decisions
//!                                                        └► replay: the same inputs, the same choice
//! ```
//!
//! Pure values: a record is JSON, and [`Try::replay`] feeds it to the policy again, here or on
//! another machine years later. Rooms appear by their keyed hash, never by name.
//!
//! Not here: how a choice is made (`placement`), how its node is asked (`confirm`).

mod record;
mod ring;

pub use record::{Answer, Decision, Excluded, Expected, Inputs, Try, Weighed};
pub use ring::Decisions;
