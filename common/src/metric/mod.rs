//! Metric families as values, and their text.
//!
//! The data model, the registry for a program's own counters and the text of histograms and
//! summaries are the `prometheus` crate's. Added here are the type `untyped` (its encoder panics
//! on it, and node_exporter's vmstat and netstat families are untyped), OpenMetrics 1.0, and the
//! lines of single values, which cost a third of the crate's.

mod families;
mod parse;
mod text;

pub use families::{Families, Kind};
pub use parse::{Bounds, Parsed, parse};
pub use text::{Format, encode};
