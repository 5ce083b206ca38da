//! Metric families as values, and their text.
//!
//! The registry for a program's own counters, and histograms and summaries with their text, are the
//! `prometheus` crate's. Ours are samples of one value, nearly all there are: a fraction of the memory
//! and a third of the time of the crate's, the type `untyped` (its encoder panics on it, and
//! node_exporter's vmstat and netstat families are untyped), and OpenMetrics 1.0.

mod families;
mod parse;
mod text;

pub use families::{Families, Kind};
pub use parse::{Bounds, Parsed, parse, values};
pub use text::{Format, encode};
