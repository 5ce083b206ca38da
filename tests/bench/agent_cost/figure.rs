//! Figures of several rounds, and two of them side by side.

use std::fmt;

/// The median of rounds with its spread.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figure {
    median: f64,
    lowest: f64,
    highest: f64,
}

impl Figure {
    /// Of at least one round.
    pub(crate) fn of(rounds: impl Iterator<Item = f64>) -> Self {
        let mut all: Vec<f64> = rounds.collect();
        all.sort_by(f64::total_cmp);
        Self { median: all[all.len() / 2], lowest: all[0], highest: all[all.len() - 1] }
    }

    /// Of one measurement.
    pub(crate) const fn one(value: f64) -> Self {
        Self { median: value, lowest: value, highest: value }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.median.abs() >= 100.0 { 0 } else { 3 };
        write!(f, "{:.digits$}", self.median)?;
        if self.lowest < self.highest {
            write!(f, " ({:.digits$}..{:.digits$})", self.lowest, self.highest)?;
        }
        Ok(())
    }
}

/// A line of the table: ours, theirs, and ours as a part of theirs.
pub(crate) fn row(name: &str, [ours, theirs]: [Figure; 2]) -> String {
    let (left, right) = (ours.to_string(), theirs.to_string());
    let ratio = ours.median / theirs.median;
    format!("  {name:<26} agent {left:<26} node_exporter {right:<26} ratio {ratio:.3}")
}
