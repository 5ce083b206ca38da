//! Offline judge of the placement: draws traces, lives them through, prints a table.
//!
//! ```text
//! fleet-replay trace   --preset replay --seed 1 > replay-1.csv
//! fleet-replay compare --preset replay --seeds 11..20 --load 0.65 --set promise_memory_ms=10000
//! fleet-replay compare --trace replay-1.csv
//! ```

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use usher_aggregator::placement::{Params, Policy};
use usher_tests::replay::{Comparison, Decider, Setup, World};
use usher_tests::trace::{Trace, Workload};

#[derive(Debug, Parser)]
#[command(about = "Draws workloads and replays them against the placement")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Writes a trace to standard output.
    Trace {
        #[command(flatten)]
        drawn: Drawn,
        /// The same seed gives the same trace.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Compares the product with the old design, simpler policies and the oracle.
    Compare(Compare),
}

#[derive(Debug, Args)]
struct Drawn {
    /// fleet20, fleet100, fleet1000, replay or tiny.
    #[arg(long, default_value = "replay")]
    preset: String,
    /// VMs, if not the preset's.
    #[arg(long)]
    vms: Option<u32>,
    /// Mean CPU aimed at, 0 to 1, if not the preset's.
    #[arg(long)]
    load: Option<f64>,
    /// Measured minutes, if not the preset's.
    #[arg(long)]
    minutes: Option<f64>,
    /// Spread of the room sizes, if not the preset's.
    #[arg(long)]
    size_sigma: Option<f64>,
}

#[derive(Debug, Args)]
struct Compare {
    #[command(flatten)]
    drawn: Drawn,
    /// Seeds to draw, `from..to`, both included.
    #[arg(long, default_value = "1..4", value_parser = seed_range)]
    seeds: std::ops::RangeInclusive<u64>,
    /// Trace files to read instead of drawing.
    #[arg(long)]
    trace: Vec<PathBuf>,
    /// Numbers of replicas to try.
    #[arg(long, value_delimiter = ',', default_value = "1,3")]
    replicas: Vec<usize>,
    /// Constants of the placement to change, `key=value`; several in one make one more row.
    #[arg(long)]
    set: Vec<String>,
    /// Share of rooms whose size is roughly given.
    #[arg(long, default_value_t = 0.0)]
    hints: f64,
    /// The other policies too.
    #[arg(long)]
    policies: bool,
    /// No noise, no failures.
    #[arg(long)]
    perfect: bool,
}

fn main() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match Cli::parse().what {
        What::Trace { drawn, seed } => out.write_all(drawn.workload(seed)?.generate().to_csv().as_bytes())?,
        What::Compare(compare) => {
            let comparison = compare.run()?;
            write!(out, "{comparison}")?;
            if let Some(first) = comparison.rows.first() {
                writeln!(out, "{}", comparison.headline(first))?;
            }
        }
    }
    Ok(())
}

impl Drawn {
    fn workload(&self, seed: u64) -> anyhow::Result<Workload> {
        let mut workload = Workload::preset(&self.preset, seed)?;
        workload.vms = self.vms.unwrap_or(workload.vms);
        workload.load = self.load.unwrap_or(workload.load);
        workload.measured_s = self.minutes.map_or(workload.measured_s, |minutes| minutes * 60.0);
        workload.size_sigma = self.size_sigma.unwrap_or(workload.size_sigma);
        Ok(workload)
    }
}

impl Compare {
    fn run(&self) -> anyhow::Result<Comparison> {
        let world = if self.perfect { World::perfect() } else { World::default() };
        Ok(Comparison::of(&self.setups()?, &self.traces()?, &world))
    }

    fn traces(&self) -> anyhow::Result<Vec<std::sync::Arc<Trace>>> {
        if self.trace.is_empty() {
            return self.seeds.clone().map(|seed| Ok(self.drawn.workload(seed)?.generate().into())).collect();
        }
        let read = |path: &PathBuf| {
            let text = std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
            Ok(Trace::from_csv(&text).with_context(|| format!("read {}", path.display()))?.into())
        };
        self.trace.iter().map(read).collect()
    }

    fn setups(&self) -> anyhow::Result<Vec<Setup>> {
        let mut setups: Vec<Setup> = self.replicas.iter().map(|&replicas| Setup::usher(replicas)).collect();
        for changes in &self.set {
            for &replicas in &self.replicas {
                setups.push(changed(Setup::usher(replicas), changes)?);
            }
        }
        if self.policies {
            let others = Policy::ALL.iter().filter(|policy| **policy != Policy::ExpectedLoad);
            setups.extend(others.map(|policy| Setup::policy(*policy)));
        }
        setups.iter_mut().for_each(|setup| setup.hints = self.hints);
        Ok(setups)
    }
}

/// The setup with the constants named in `key=value,key=value` changed.
fn changed(mut setup: Setup, changes: &str) -> anyhow::Result<Setup> {
    setup.name = format!("{}, {changes}", setup.name);
    let Decider::Placement(params) = &mut setup.decider else { bail!("an oracle has no constants") };
    let mut json = serde_json::to_value(&**params)?;
    for change in changes.split(',') {
        let (key, value) = change.split_once('=').with_context(|| format!("{change:?} is no key=value"))?;
        match key {
            "confirm" => setup.confirm = value.parse()?,
            "route_by_name" => setup.route_by_name = value.parse()?,
            "interval_ms" => setup.interval_ms = value.parse()?,
            "read_stress" => setup.read_stress = value.parse()?,
            "learn_cost" => setup.learn_cost = value.parse()?,
            "slow_cpu" => setup.slow_cpu = value.parse()?,
            _ => {
                let known = json.get_mut(key).with_context(|| format!("no constant is called {key}"))?;
                *known = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            }
        }
    }
    **params = serde_json::from_value::<Params>(json)?;
    Ok(setup)
}

fn seed_range(text: &str) -> Result<std::ops::RangeInclusive<u64>, String> {
    let wanted = || format!("{text:?} is no range of seeds: write for example 1..4");
    let (from, to) = text.split_once("..").ok_or_else(wanted)?;
    let [from, to] = [from, to.trim_start_matches('=')].map(str::parse);
    Ok(from.map_err(|_| wanted())?..=to.map_err(|_| wanted())?)
}
