//! `make bench-placement`: how well the real aggregator places rooms, over HTTP, in compressed time.
//!
//! ```text
//!  Trace ──┬─► run: old design ─┐   each run: agents on loopback, 1 or 3 aggregator processes,
//!          ├─► run: usher       ├─► table        people who ask them, one stage that measures
//!          └─► oracle (replay) ─┘
//! ```
//!
//! All runs of a seed go side by side on the same trace. The replay rules are the trace format's; the
//! oracle's figure, and for comparison our policy's without HTTP, come from the replay in simulated
//! time. Progress goes to standard error; the last line of standard output is the 3-replica result.

mod agents;
mod replicas;
mod run;
mod settings;
mod table;

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use tokio::task::JoinSet;
use usher_aggregator::replay::trace::Workload;
use usher_aggregator::replay::{Setup, World, live};
use usher_tests::redis::Redis;

use run::{Plan, Ran, own_cpu_s};
use settings::{Claims, Kind};
use table::Table;

/// The word for a redis-server of the bench's own.
const OWN_STORE: &str = "own";

#[derive(Debug, Parser)]
#[command(about = "Drives the real aggregator through a workload trace and compares it with the old design")]
struct Cli {
    /// Seeds of the traces, one after the other: `7001`, `7001,7005`, `7001..7004` (both included).
    #[arg(long, value_delimiter = ',', default_value = "7001", value_parser = seeds)]
    seeds: Vec<RangeInclusive<u64>>,
    /// How many times faster than the trace.
    #[arg(long, default_value_t = 10.0)]
    speed: f64,
    /// Minutes of the trace, if not the whole hour.
    #[arg(long)]
    minutes: Option<f64>,
    /// Mean CPU aimed at, 0 to 1.
    #[arg(long, default_value_t = 0.65)]
    load: f64,
    /// Numbers of replicas.
    #[arg(long, value_delimiter = ',', default_value = "1,3")]
    replicas: Vec<usize>,
    /// From one read of an agent to the next, ms of the trace.
    #[arg(long, default_value_t = 2_000)]
    interval: u64,
    /// Share of the rooms whose size is roughly announced (`expected_participants`).
    #[arg(long, default_value_t = 0.0)]
    hints: f64,
    /// Only this one (then there is no last line).
    #[arg(long)]
    only: Option<Kind>,
    /// Redis in which our replicas claim rooms, redis://host:port/; without an address, one of the bench's
    /// own. Without the option they ask one another.
    #[arg(long, num_args = 0..=1, default_missing_value = OWN_STORE)]
    store: Option<String>,
    /// One more setting of our aggregators, `placement.learn_person_cost=false`: times as the aggregator is to
    /// have them, texts in quotes.
    #[arg(long)]
    set: Vec<String>,
    /// Keeps settings and logs of the aggregators here.
    #[arg(long)]
    keep: Option<std::path::PathBuf>,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the measure")]
async fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let own_store = match cli.store.as_deref() {
        Some(OWN_STORE) => Some(Redis::start().await),
        _ => None,
    };
    let claims = match (&own_store, &cli.store) {
        (Some(redis), _) => Some(Claims { url: redis.url(), password_file: Some(redis.password_file()) }),
        (None, url) => url.clone().map(|url| Claims { url, password_file: None }),
    };
    let mut tables = Vec::new();
    for seed in cli.seeds.iter().cloned().flatten() {
        let table = cli.seed(seed, claims.as_ref()).await?;
        println!("{table}");
        tables.push(table);
    }
    if tables.len() > 1 {
        println!("all seeds together\n{}", Table::pooled(&tables));
    }
    if let Some(headline) = Table::headline(&tables) {
        println!("{headline}");
    }
    Ok(())
}

impl Cli {
    #[expect(clippy::print_stderr, reason = "the plan of the next minutes, for whoever waits")]
    async fn seed(&self, seed: u64, claims: Option<&Claims>) -> anyhow::Result<Table> {
        let mut workload = Workload::preset("replay", seed)?;
        workload.load = self.load;
        workload.measured_s = self.minutes.map_or(workload.measured_s, |minutes| minutes * 60.0);
        let trace = Arc::new(workload.generate());
        let plans = self.plans(claims);
        eprintln!(
            "seed {seed}: {} rooms over {:.0} min at {}x, {} runs side by side: {:.1} min",
            trace.rooms.len(),
            trace.end_ms as f64 / 60_000.0,
            self.speed,
            plans.len(),
            trace.end_ms as f64 / 60_000.0 / self.speed
        );
        let (began, cpu_before) = (Instant::now(), own_cpu_s()?);
        let scratch = tempfile::tempdir()?;
        let base = self.keep.clone().unwrap_or_else(|| scratch.path().to_owned());
        let (mut runs, mut lived) = (JoinSet::new(), Vec::new());
        for plan in plans {
            let directory =
                base.join(format!("{seed}-{}-{}", plan.kind.name().replace(' ', "-"), plan.replicas));
            std::fs::create_dir_all(&directory)?;
            let trace = trace.clone();
            let lived_ms = Arc::new(AtomicU64::new(0));
            lived.push(lived_ms.clone());
            runs.spawn(async move { run::run(plan, trace, &directory, &lived_ms).await });
        }
        let mut progress = tokio::time::interval(Duration::from_secs(30));
        progress.tick().await;
        let mut ran: Vec<Ran> = Vec::new();
        loop {
            tokio::select! {
                done = runs.join_next() => match done {
                    Some(done) => ran.push(done.context("a run panicked")??),
                    None => break,
                },
                _ = progress.tick() => {
                    let slowest = lived.iter().map(|lived| lived.load(Ordering::Relaxed)).min();
                    eprintln!("  {:.1} min of the trace", slowest.map_or(0.0, |ms| ms as f64 / 60_000.0));
                }
            }
        }
        let own_cores = (own_cpu_s()? - cpu_before) / began.elapsed().as_secs_f64();
        ran.sort_by_key(|ran| (ran.plan.replicas, ran.plan.kind != Kind::OldDesign));
        let simulated = |setup: &Setup| live(&trace, setup, &World::default());
        let oracle = simulated(&Setup::oracle());
        let ours = self.replicas.iter().map(|&replicas| {
            let mut setup = Setup::usher(replicas);
            (setup.hints, setup.interval_ms) = (self.hints, self.interval);
            (replicas, simulated(&setup))
        });
        Ok(Table { seed: seed.to_string(), oracle, simulated: ours.collect(), ran, own_cores })
    }

    fn plans(&self, claims: Option<&Claims>) -> Vec<Plan> {
        let mut plans = Vec::new();
        for &replicas in &self.replicas {
            for kind in [Kind::OldDesign, Kind::Usher] {
                if self.only.is_some_and(|only| only != kind) {
                    continue;
                }
                plans.push(Plan {
                    kind,
                    replicas,
                    speed: self.speed,
                    interval_ms: self.interval,
                    hints: self.hints,
                    net: u8::try_from(10 + plans.len()).expect("a handful of runs"),
                    store: claims.cloned(),
                    more: self.set.clone(),
                });
            }
        }
        plans
    }
}

fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let number = |text: &str| {
        text.parse().map_err(|_| format!("{text:?} is no seed: write for example 7001 or 7001..7004"))
    };
    match text.split_once("..") {
        Some((from, to)) => Ok(number(from)?..=number(to)?),
        None => number(text).map(|seed| seed..=seed),
    }
}
