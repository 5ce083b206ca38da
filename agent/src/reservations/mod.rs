//! Promises of load: people who were sent here and have not arrived yet.
//!
//! ```text
//!  POST ─► Book::reserve ─┐
//!  census ─► Book::arrived ┼─► the report, for every aggregator to see
//!  time ─► lapse ─────────┘
//! ```
//!
//! [`Book`] is a value; [`Reservations`] is the one lock around it and its file. The file is
//! written without a sync: it is there for a restart of the agent, not for a power cut, after
//! which nobody is on their way to a meeting here.

mod book;
mod store;

pub use book::{Book, Granted, Limits, Standing};
pub use store::Reservations;
