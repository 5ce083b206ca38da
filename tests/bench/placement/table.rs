//! The results side by side.

use std::fmt;

use usher_aggregator::replay::Outcome;

use crate::run::{Plan, Ran};
use crate::settings::Kind;

/// Share of the time in which the trace may stand still without spoiling the figures.
const HELD_MAX: f64 = 0.1;

/// The results of one trace, or of several summed up.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) seed: String,
    pub(crate) oracle: Outcome,
    /// Our policy in simulated time, without HTTP, by replicas.
    pub(crate) simulated: Vec<(usize, Outcome)>,
    pub(crate) ran: Vec<Ran>,
    /// CPU of the bench itself: agents, people, stage; cores.
    pub(crate) own_cores: f64,
}

impl Table {
    /// The last line: the runs with the most replicas, summed over the tables.
    pub(crate) fn headline(tables: &[Self]) -> Option<String> {
        let replicas = tables.iter().flat_map(|table| &table.ran).map(|ran| ran.plan.replicas).max()?;
        let minutes = |kind: Kind| {
            let found =
                tables.iter().map(|table| table.find(kind, replicas).map(|ran| ran.outcome.overload_minutes));
            found.sum::<Option<f64>>()
        };
        let oracle: f64 = tables.iter().map(|table| table.oracle.overload_minutes).sum();
        let (usher, seed) = minutes(Kind::Usher).zip(minutes(Kind::OldDesign))?;
        Some(format!("overload participant-minutes: usher {usher:.0} seed {seed:.0} oracle {oracle:.0}"))
    }

    /// Several traces as one: sums of what is counted, means of what is a level.
    pub(crate) fn pooled(tables: &[Self]) -> Self {
        let simulated = |index: usize| tables.iter().map(move |table| &table.simulated[index].1);
        let first = &tables[0];
        let ran = first.ran.iter().map(|one| {
            let same: Vec<&Ran> =
                tables.iter().filter_map(|table| table.find(one.plan.kind, one.plan.replicas)).collect();
            let mut answers_ms: Vec<f64> =
                same.iter().flat_map(|ran| ran.answers_ms.iter().copied()).collect();
            answers_ms.sort_by(f64::total_cmp);
            let mean =
                |figure: fn(&Ran) -> f64| same.iter().map(|ran| figure(ran)).sum::<f64>() / same.len() as f64;
            Ran {
                plan: Plan { ..one.plan.clone() },
                outcome: Outcome::pooled(same.iter().map(|ran| &ran.outcome)),
                answers_ms,
                aggregator_cores: mean(|ran| ran.aggregator_cores),
                held_ms: same.iter().map(|ran| ran.held_ms).sum(),
                held_share: same.iter().map(|ran| ran.held_share).fold(0.0, f64::max),
                missed: same.iter().map(|ran| ran.missed).sum(),
                scrapes: same.iter().map(|ran| ran.scrapes).sum(),
            }
        });
        Self {
            seed: tables.iter().map(|table| table.seed.as_str()).collect::<Vec<_>>().join(", "),
            oracle: Outcome::pooled(tables.iter().map(|table| &table.oracle)),
            simulated: (0..first.simulated.len())
                .map(|index| (first.simulated[index].0, Outcome::pooled(simulated(index))))
                .collect(),
            ran: ran.collect(),
            own_cores: tables.iter().map(|table| table.own_cores).sum::<f64>() / tables.len() as f64,
        }
    }

    fn find(&self, kind: Kind, replicas: usize) -> Option<&Ran> {
        self.ran.iter().find(|ran| (ran.plan.kind, ran.plan.replicas) == (kind, replicas))
    }

    fn row(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        outcome: &Outcome,
        old: Option<&Outcome>,
        rest: &str,
    ) -> fmt::Result {
        let fewer = old.map_or_else(String::new, |old| {
            format!("{:.1}", old.overload_minutes / outcome.overload_minutes)
        });
        writeln!(
            f,
            "| {name} | {:.0} | {fewer} | {:+.0} % | {:.3} | {:.3} | {:.4} | {:.2} | {:.2} | {:.0} | {:.2} | {} | {} |{rest}",
            outcome.overload_minutes,
            100.0 * (outcome.overload_minutes / self.oracle.overload_minutes - 1.0),
            outcome.overload_percent(),
            100.0 * outcome.heavy_overload_minutes / outcome.minutes,
            outcome.herd_percent(),
            outcome.max_over_mean,
            outcome.flash_peak,
            outcome.burst,
            outcome.split_percent(),
            outcome.failed,
            outcome.refused,
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "seed {}, {:.0} participant-minutes, {} requests",
            self.seed, self.oracle.minutes, self.oracle.asked
        )?;
        writeln!(
            f,
            "| policy, replicas | overload min | ÷ seed | vs oracle | pm>85 % | pm>95 % | herd % | max/mean | flash peak | burst | split % | failed | of it refused | answers p50 ms | p99 ms | cores | missed reads | held ms |"
        )?;
        writeln!(
            f,
            "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
        )?;
        for ran in &self.ran {
            let old = self.find(Kind::OldDesign, ran.plan.replicas).map(|ran| &ran.outcome);
            let rest = format!(
                " {:.1} | {:.1} | {:.2} | {:.0} of {:.0} | {:.0} |",
                quantile(&ran.answers_ms, 0.5),
                quantile(&ran.answers_ms, 0.99),
                ran.aggregator_cores,
                ran.missed,
                ran.scrapes,
                ran.held_ms,
            );
            self.row(
                f,
                &format!("{}, {}", ran.plan.kind.name(), ran.plan.replicas),
                &ran.outcome,
                old,
                &rest,
            )?;
        }
        for (replicas, outcome) in &self.simulated {
            let old = self.find(Kind::OldDesign, *replicas).map(|ran| &ran.outcome);
            self.row(f, &format!("usher simulated, {replicas}"), outcome, old, " | | | | |")?;
        }
        let old = self.ran.iter().find(|ran| ran.plan.kind == Kind::OldDesign).map(|ran| &ran.outcome);
        self.row(f, "oracle", &self.oracle, old, " | | | | |")?;
        writeln!(f, "CPU of agents, people and measure: {:.2} cores", self.own_cores)?;
        let held = self.ran.iter().map(|ran| ran.held_share).fold(0.0, f64::max);
        if held > HELD_MAX {
            let percent = 100.0 * held;
            writeln!(
                f,
                "the machine was busy with something else: the trace stood still for {percent:.0} % of the time; these figures say nothing"
            )?;
        }
        Ok(())
    }
}

/// A quantile of numbers in order of size.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
}
