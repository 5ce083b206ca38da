//! Several setups on the same traces, side by side.

use std::fmt;
use std::sync::Arc;

use super::measure::Outcome;
use super::run::live;
use super::setup::Setup;
use super::world::World;
use crate::replay::trace::Trace;

/// The outcomes of one setup, one per trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The setup's name.
    pub name: String,
    /// In the order of the traces.
    pub outcomes: Vec<Outcome>,
}

/// Setups compared on the same traces; the old design and the oracle are always among them.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The old design.
    pub old: Row,
    /// The oracle.
    pub oracle: Row,
    /// What is compared.
    pub rows: Vec<Row>,
}

impl Comparison {
    /// Lives every setup through every trace.
    #[must_use]
    pub fn of(setups: &[Setup], traces: &[Arc<Trace>], world: &World) -> Self {
        let row = |setup: &Setup| Row {
            name: setup.name.clone(),
            outcomes: traces.iter().map(|trace| live(trace, setup, world)).collect(),
        };
        Self {
            old: row(&Setup::old_design()),
            oracle: row(&Setup::oracle()),
            rows: setups.iter().map(row).collect(),
        }
    }

    /// How many times fewer participant-minutes in overload than the old design.
    #[must_use]
    pub fn times_fewer_than_old(&self, row: &Row) -> f64 {
        self.old.mean(Outcome::overload_percent) / row.mean(Outcome::overload_percent)
    }

    /// How many per cent more than the oracle.
    #[must_use]
    pub fn percent_above_oracle(&self, row: &Row) -> f64 {
        100.0 * (row.mean(Outcome::overload_percent) / self.oracle.mean(Outcome::overload_percent) - 1.0)
    }
}

impl Comparison {
    /// The headline in absolute figures, summed over the traces, for comparing with a run over HTTP.
    #[must_use]
    pub fn headline(&self, row: &Row) -> String {
        let minutes = |row: &Row| row.mean(|outcome| outcome.overload_minutes) * row.outcomes.len() as f64;
        let [usher, seed, oracle] = [row, &self.old, &self.oracle].map(minutes);
        format!("overload participant-minutes: usher {usher:.0} seed {seed:.0} oracle {oracle:.0}")
    }
}

impl Row {
    /// Mean of a figure over the traces.
    #[must_use]
    pub fn mean(&self, figure: impl Fn(&Outcome) -> f64) -> f64 {
        self.outcomes.iter().map(figure).sum::<f64>() / self.outcomes.len().max(1) as f64
    }
}

impl fmt::Display for Comparison {
    /// A Markdown table, means over the traces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| policy | ÷ old | vs oracle | pm>85 % | pm>95 % | herd % | max/mean | spread | flash peak | burst | split % | failed | refused | mean |"
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")?;
        for row in [&self.old].into_iter().chain(&self.rows).chain([&self.oracle]) {
            writeln!(
                f,
                "| {} | {:.1} | {:+.0} % | {:.3} | {:.3} | {:.3} | {:.2} | {:.4} | {:.2} | {:.1} | {:.2} | {:.1} | {:.1} | {:.3} |",
                row.name,
                self.times_fewer_than_old(row),
                self.percent_above_oracle(row),
                row.mean(Outcome::overload_percent),
                row.mean(|outcome| 100.0 * outcome.heavy_overload_minutes / outcome.minutes),
                row.mean(Outcome::herd_percent),
                row.mean(|outcome| outcome.max_over_mean),
                row.mean(|outcome| outcome.spread),
                row.mean(|outcome| outcome.flash_peak),
                row.mean(|outcome| outcome.burst),
                row.mean(Outcome::split_percent),
                row.mean(|outcome| outcome.failed as f64),
                row.mean(|outcome| outcome.refused as f64),
                row.mean(|outcome| outcome.mean_demand),
            )?;
        }
        Ok(())
    }
}
