//! Runs the collectors: measures each, keeps each one's trouble its own, and always
//! says how each fared.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use usher_common::metric::Families;
use usher_common::wire::ProbeFailure;

use super::table::Machine;
use super::{CollectError, Collector, Cost, Roots, Settings, TABLE};

/// The host probe. One value serves for the life of the agent: it keeps files open and
/// remembers what counters must not fall below.
#[derive(Debug)]
pub struct Host {
    pub(super) machine: Machine,
    table: &'static [Collector],
    rows: Vec<Row>,
}

/// How a collector fared at a pass.
#[derive(Debug)]
pub struct Ran {
    /// Which.
    pub collector: &'static str,
    /// How long it took, when it last ran.
    pub took: Duration,
    /// Why it has nothing, or not all.
    pub failure: Option<CollectError>,
}

/// What is remembered of one row of the table.
#[derive(Debug, Default)]
struct Row {
    /// The readings of a warm collector.
    kept: Option<Kept>,
    /// The failure that the log was last told of.
    told: Option<ProbeFailure>,
}

#[derive(Debug)]
struct Kept {
    at: Instant,
    serves_for: Duration,
    took: Duration,
    families: Families,
    /// What was looked for, when the machine has nothing of the kind.
    absent: Option<PathBuf>,
}

impl Host {
    /// A probe of the machine whose trees lie at `roots`.
    #[must_use]
    pub fn new(roots: Roots, settings: Settings) -> Self {
        Self::with_table(roots, settings, TABLE)
    }

    pub(super) fn with_table(roots: Roots, settings: Settings, table: &'static [Collector]) -> Self {
        let rows = table.iter().map(|_| Row::default()).collect();
        Self { machine: Machine::new(roots, settings), table, rows }
    }

    /// Runs every collector and pushes its samples, and for each of them
    /// `node_scrape_collector_duration_seconds` and `node_scrape_collector_success`.
    /// Blocks on files, and on a dead file system for up to [`Settings::statfs_deadline`].
    pub fn collect(&mut self, now: Instant, families: &mut Families) -> Vec<Ran> {
        let mut pass = Vec::with_capacity(self.table.len());
        for (collector, row) in self.table.iter().zip(&mut self.rows) {
            let serves = |kept: &&Kept| now.saturating_duration_since(kept.at) < kept.serves_for;
            if let Some(kept) = row.kept.as_ref().filter(serves) {
                families.append(&kept.families);
                let failure = kept.absent.clone().map(|path| CollectError::NoData { path });
                pass.push(Ran { collector: collector.name, took: kept.took, failure });
                continue;
            }
            let ran = match collector.cost {
                Cost::Hot => run(collector, &mut self.machine, families),
                Cost::Warm | Cost::Still => {
                    let mut own = row.kept.take().map_or_else(Families::new, |kept| kept.families);
                    own.clear();
                    let ran = run(collector, &mut self.machine, &mut own);
                    families.append(&own);
                    let Settings { warm_for, still_for, .. } = self.machine.settings;
                    let kept = |serves_for, absent| {
                        Some(Kept { at: now, serves_for, took: ran.took, families: own, absent })
                    };
                    row.kept = match &ran.failure {
                        None if collector.cost == Cost::Still => kept(still_for, None),
                        None => kept(warm_for, None),
                        // A machine hardly ever gets what it did not have.
                        Some(CollectError::NoData { path }) => kept(still_for, Some(path.clone())),
                        // Any other failure is not worth keeping: the next pass tries again.
                        Some(_) => None,
                    };
                    ran
                }
            };
            row.tell(&ran);
            pass.push(ran);
        }
        report(&pass, families);
        pass
    }
}

impl Row {
    /// Logs when a collector begins to fail, fails otherwise, or recovers; not each time.
    fn tell(&mut self, ran: &Ran) {
        let reason = ran.failure.as_ref().map(CollectError::reason);
        if reason == self.told {
            return;
        }
        match &ran.failure {
            Some(failure) if failure.is_no_data() => tracing::debug!(collector = ran.collector, "{failure}"),
            Some(failure) => tracing::warn!(collector = ran.collector, "failed to {failure}"),
            None => tracing::info!(collector = ran.collector, "collector recovered"),
        }
        self.told = reason;
    }
}

fn run(collector: &Collector, machine: &mut Machine, families: &mut Families) -> Ran {
    let start = Instant::now();
    // What a panic leaves behind are samples already pushed and memory of single values:
    // none of them can be half written.
    let outcome = catch_unwind(AssertUnwindSafe(|| (collector.collect)(machine, families)));
    let failure = match outcome {
        Ok(result) => result.err(),
        Err(panic) => Some(CollectError::Panicked {
            last_file: machine.files.last().to_owned(),
            message: panic
                .downcast_ref::<&str>()
                .map(ToString::to_string)
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "a value that is not text".to_owned()),
        }),
    };
    Ran { collector: collector.name, took: start.elapsed(), failure }
}

/// The two families that tell how the collectors fared. No data counts as no success,
/// as it does in node_exporter.
fn report(pass: &[Ran], families: &mut Families) {
    for ran in pass {
        families.gauge(
            "node_scrape_collector_duration_seconds",
            "node_exporter: Duration of a collector scrape.",
            &[("collector", ran.collector)],
            ran.took.as_secs_f64(),
        );
    }
    for ran in pass {
        families.gauge(
            "node_scrape_collector_success",
            "node_exporter: Whether a collector succeeded.",
            &[("collector", ran.collector)],
            f64::from(u8::from(ran.failure.is_none())),
        );
    }
}
