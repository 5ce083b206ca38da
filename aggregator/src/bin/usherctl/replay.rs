//! `usherctl replay`: judges the placement offline.
//!
//! ```text
//! usherctl replay trace     --preset replay --seed 1 > replay-1.csv
//! usherctl replay compare   --preset replay --seeds 11..20 --load 0.65 --set promise_memory_ms=10000
//! usherctl replay compare   --trace replay-1.csv --policies
//! usherctl decisions --format json > d.jsonl; usherctl replay decisions d.jsonl --set policy=least-cpu
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use console::Style;
use serde_json::json;
use usher_aggregator::decision::Decision;
use usher_aggregator::placement::{Params, Policy};
use usher_aggregator::replay::trace::{Trace, Workload};
use usher_aggregator::replay::{Comparison, Decider, Row, Setup, World};

use crate::cli::Format;
use crate::decisions::read;
use crate::table::{Rows, UNKNOWN, print, print_json};

#[derive(Debug, Args)]
pub(crate) struct Replay {
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
    /// Lives traces through and compares the product with the old design, simpler policies and an oracle.
    Compare(Compare),
    /// Makes recorded decisions again, with the policy they were made with or another.
    Decisions(Records),
}

impl Replay {
    pub(crate) fn run(&self, format: Format) -> anyhow::Result<()> {
        match &self.what {
            What::Trace { drawn, seed } => print(&drawn.workload(*seed)?.generate().to_csv()),
            What::Compare(compare) => compare.show(format),
            What::Decisions(records) => records.show(format),
        }
    }
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
    fn show(&self, format: Format) -> anyhow::Result<()> {
        let comparison = self.run()?;
        if format == Format::Json {
            let row = |row: &Row| json!({ "name": row.name, "outcomes": row.outcomes });
            let rows: Vec<_> = comparison.rows.iter().map(row).collect();
            return print_json(&json!({
                "old": row(&comparison.old), "oracle": row(&comparison.oracle), "rows": rows,
            }));
        }
        let headline = comparison.rows.first().map(|first| comparison.headline(first) + "\n");
        print(&format!("{comparison}{}", headline.as_deref().unwrap_or("")))
    }

    fn run(&self) -> anyhow::Result<Comparison> {
        let world = if self.perfect { World::perfect() } else { World::default() };
        Ok(Comparison::of(&self.setups()?, &self.traces()?, &world))
    }

    fn traces(&self) -> anyhow::Result<Vec<Arc<Trace>>> {
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
    let mut of_policy = Vec::new();
    for change in changes.split(',') {
        let (key, value) = change.split_once('=').with_context(|| format!("{change:?} is no key=value"))?;
        match key {
            "confirm" => setup.confirm = value.parse()?,
            "route_by_name" => setup.route_by_name = value.parse()?,
            "interval_ms" => setup.interval_ms = value.parse()?,
            "read_stress" => setup.read_stress = value.parse()?,
            "learn_cost" => setup.learn_cost = value.parse()?,
            "slow_cpu" => setup.slow_cpu = value.parse()?,
            _ => of_policy.push(change),
        }
    }
    **params = with_changes(params, &of_policy)?;
    Ok(setup)
}

/// The constants of the policy with those named in `key=value` changed.
fn with_changes(params: &Params, changes: &[&str]) -> anyhow::Result<Params> {
    let mut json = serde_json::to_value(params)?;
    for change in changes {
        let (key, value) = change.split_once('=').with_context(|| format!("{change:?} is no key=value"))?;
        let known = json.get_mut(key).with_context(|| format!("no constant is called {key}"))?;
        *known = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    }
    serde_json::from_value(json).with_context(|| format!("{} cannot be used", changes.join(",")))
}

#[derive(Debug, Args)]
struct Records {
    /// Records as `usherctl decisions --format json` gives them, one a line.
    file: PathBuf,
    /// Constants to change, `key=value`; `policy=least-cpu` takes another policy.
    #[arg(long, value_delimiter = ',')]
    set: Vec<String>,
}

impl Records {
    fn show(&self, format: Format) -> anyhow::Result<()> {
        let decisions = load(&self.file)?;
        let changes: Vec<&str> = self.set.iter().map(String::as_str).collect();
        let mut rows = Rows::new(&[">#", "then", "now", ">expected then", ">now"]);
        let (mut same, mut list) = (0, Vec::new());
        for decision in &decisions {
            let Some(attempt) = decision.tries.last() else { continue };
            let params = with_changes(&attempt.inputs.params, &changes)?;
            let now = attempt.inputs.choose(&decision.request, &params).ok();
            let then = attempt.replay(&decision.request).ok();
            let node = now.as_ref().map(|choice| choice.node.clone());
            let is_same = node == attempt.node;
            same += usize::from(is_same);
            // both judged by the constants of then: another policy need not know a load
            let load = |node: Option<&str>| {
                let ranking = usher_aggregator::placement::rank(
                    &attempt.inputs.candidates,
                    &decision.request,
                    &Params { policy: Policy::ExpectedLoad, ..attempt.inputs.params.clone() },
                    attempt.inputs.seed,
                    attempt.inputs.now_ms,
                );
                let placed = ranking.placed.into_iter().find(|placed| Some(placed.node.as_str()) == node)?;
                Some(placed.load?.expected)
            };
            let [before, after] = [&attempt.node, &node]
                .map(|node| load(node.as_ref().map(usher_common::wire::NodeId::as_str)));
            let name = |name: Option<String>| name.unwrap_or_else(|| UNKNOWN.to_owned());
            let share = |load: Option<f64>| {
                load.map_or_else(|| UNKNOWN.to_owned(), |load| format!("{:.1} %", load * 100.0))
            };
            list.push(
                json!({ "seq": decision.seq, "then": attempt.node, "now": node, "expected_then": before,
                "expected_now": after, "reproduced": then.map(|choice| Some(choice.node) == attempt.node) }),
            );
            let style = if is_same { Style::new() } else { Style::new().yellow() };
            rows.add(
                vec![
                    decision.seq.to_string(),
                    name(attempt.node.as_ref().map(ToString::to_string)),
                    name(node.as_ref().map(ToString::to_string)),
                    share(before),
                    share(after),
                ],
                style,
            );
        }
        match format {
            Format::Json => print_json(&json!({ "decisions": list, "same": same })),
            Format::Table => print(&format!("{}{same} of {} as they were\n", rows.render(), list.len())),
        }
    }
}

fn load(file: &Path) -> anyhow::Result<Vec<Decision>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    read(&text).with_context(|| format!("{} does not hold decisions", file.display()))
}

fn seed_range(text: &str) -> Result<std::ops::RangeInclusive<u64>, String> {
    let wanted = || format!("{text:?} is no range of seeds: write for example 1..4");
    let (from, to) = text.split_once("..").ok_or_else(wanted)?;
    let [from, to] = [from, to.trim_start_matches('=')].map(str::parse);
    Ok(from.map_err(|_| wanted())?..=to.map_err(|_| wanted())?)
}
