//! How good the placements are: measured all the time, exported as metrics.
//!
//! - [`Judge`]: each decision at once. How old its readings were, how much better by our own score
//!   another node would have been, and what a shadow policy would have done.
//! - [`Hindsight`]: the same decision once newer reports are in, whether those who were promised
//!   came, how many rooms one node got in a short while, and how the load lies on the fleet.
//!
//! Not here: anything that a decision depends on.

mod herd;
mod hindsight;
mod judge;
mod regret;

pub use herd::Herd;
pub use hindsight::Hindsight;
pub use judge::Judge;
pub use regret::Scores;
