//! Metric families as values, and their text.
//!
//! The data model, the registry for a program's own counters, the escaping and
//! the sample lines are the `prometheus` crate's. Two things it does not do are
//! added here: the type `untyped` (its encoder panics on it, and node_exporter's
//! vmstat and netstat families are untyped), and OpenMetrics 1.0.

mod families;
mod parse;
mod text;

pub use families::{Families, Kind};
pub use parse::{Bounds, Parsed, parse};
pub use text::{Format, encode};
