//! Processor time by core and mode, from `/proc/stat`, and thermal throttling, from
//! `/sys/devices/system/cpu`.
//!
//! Counters of a core may step back a little (idle and iowait are computed anew at each
//! reading); a step back is not shown. When idle falls by 3 s or more, the core has been
//! unplugged and plugged in again, and all its counters start anew. A core that is
//! offline keeps its last values. All three as node_exporter does.

use std::collections::BTreeSet;
use std::path::PathBuf;

use procfs::{FromBufReadSI as _, KernelStats, current_system_info};
use usher_common::metric::Families;

use super::error::Garbled;
use super::table::Machine;
use super::{CollectError, parse};

/// A fall of idle that means a core was exchanged, seconds.
const EXCHANGED_SECONDS: u64 = 3;

/// The modes of `node_cpu_seconds_total`, in the order of [`Ticks`].
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

/// Ticks in each of [`MODES`], then as guest and as niced guest (both are also in user
/// and nice).
pub(super) type Ticks = [u64; 10];
pub(super) const IDLE: usize = 3;
pub(super) const IOWAIT: usize = 4;
pub(super) const STEAL: usize = 7;
/// How many of [`Ticks`] do not count another one's time again.
pub(super) const DISTINCT: usize = MODES.len();

/// What is shown of each core: never less than was shown before.
#[derive(Debug, Default)]
pub(super) struct Highest(Vec<(u32, Ticks)>);

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let stat = read(machine)?;
    let per_second = current_system_info().ticks_per_second();
    let shown = &mut machine.memory.cpu;
    shown.raise(&stat.cores, per_second * EXCHANGED_SECONDS);
    // The collector `stat` comes later in the same pass.
    machine.memory.stat = Some(stat);
    let shown = &machine.memory.cpu;
    for (core, ticks) in &shown.0 {
        let core = core.to_string();
        let mut push = |name, help, mode, ticks: u64| {
            families.counter(name, help, &[("cpu", &core), ("mode", mode)], ticks as f64 / per_second as f64);
        };
        for (mode, ticks) in MODES.iter().zip(ticks) {
            push("node_cpu_seconds_total", "Seconds the CPUs spent in each mode.", mode, *ticks);
        }
        for (mode, ticks) in ["user", "nice"].iter().zip(&ticks[DISTINCT..]) {
            let help = "Seconds the CPUs spent in guests (VMs) for each mode.";
            push("node_cpu_guest_seconds_total", help, mode, *ticks);
        }
    }
    throttles(machine, families);
    Ok(())
}

/// `/proc/stat`, with the numbers of its cores.
#[derive(Debug)]
pub(super) struct Stat {
    pub(super) kernel: KernelStats,
    pub(super) total: Ticks,
    /// Cores that are online; their numbers have gaps when others are not.
    pub(super) cores: Vec<(u32, Ticks)>,
    /// Interrupts served since boot; `procfs` does not read them.
    pub(super) interrupts: u64,
}

pub(super) fn read(machine: &mut Machine) -> Result<Stat, CollectError> {
    parse_stat(machine.files.proc_single("stat")?)
        .map_err(|garbled| garbled.at(machine.files.proc_path("stat")))
}

fn parse_stat(text: &str) -> Result<Stat, Garbled> {
    let kernel = KernelStats::from_buf_read(text.as_bytes(), current_system_info())?;
    // The parser keeps the order of the cores but not their numbers.
    let numbers =
        text.lines().filter_map(|line| line.strip_prefix("cpu").filter(|rest| !rest.starts_with(' ')));
    let cores = numbers
        .zip(&kernel.cpu_time)
        .map(|(line, time)| Ok((parse::nth(line, 0)?, ticks(time))))
        .collect::<Result<_, Garbled>>()?;
    let intr = text.lines().find(|line| line.starts_with("intr "));
    let intr = intr.ok_or_else(|| Garbled("no line \"intr\"".to_owned()))?;
    Ok(Stat { total: ticks(&kernel.total), cores, interrupts: parse::nth(intr, 1)?, kernel })
}

/// Modes that very old kernels do not have count nothing there.
fn ticks(time: &procfs::CpuTime) -> Ticks {
    [
        time.user,
        time.nice,
        time.system,
        time.idle,
        time.iowait.unwrap_or(0),
        time.irq.unwrap_or(0),
        time.softirq.unwrap_or(0),
        time.steal.unwrap_or(0),
        time.guest.unwrap_or(0),
        time.guest_nice.unwrap_or(0),
    ]
}

impl Highest {
    /// `exchanged` is the fall of idle that means another core, ticks.
    fn raise(&mut self, cores: &[(u32, Ticks)], exchanged: u64) {
        for (core, now) in cores {
            match self.0.binary_search_by_key(core, |(core, _)| *core) {
                Err(at) => self.0.insert(at, (*core, *now)),
                Ok(at) => {
                    let shown = &mut self.0[at].1;
                    if shown[IDLE].saturating_sub(now[IDLE]) >= exchanged {
                        *shown = *now;
                    } else {
                        shown.iter_mut().zip(now).for_each(|(shown, now)| *shown = (*shown).max(*now));
                    }
                }
            }
        }
    }
}

/// The throttle counters of this machine; looked for once, for virtual machines have none.
#[derive(Debug, Default)]
pub(super) struct Throttles(Option<Vec<Throttle>>);

#[derive(Debug)]
struct Throttle {
    package: String,
    /// `None` for the counter of the whole package.
    core: Option<String>,
    file: PathBuf,
}

fn throttles(machine: &mut Machine, families: &mut Families) {
    if machine.memory.throttles.0.is_none() {
        machine.memory.throttles.0 = Some(find_throttles(machine));
    }
    for throttle in machine.memory.throttles.0.iter().flatten() {
        let Some(count) = machine.files.number(&throttle.file) else { continue };
        match &throttle.core {
            Some(core) => families.counter(
                "node_cpu_core_throttles_total",
                "Number of times this CPU core has been throttled.",
                &[("package", &throttle.package), ("core", core)],
                count,
            ),
            None => families.counter(
                "node_cpu_package_throttles_total",
                "Number of times this CPU package has been throttled.",
                &[("package", &throttle.package)],
                count,
            ),
        }
    }
}

/// One file for each core and each package: threads of a core share one counter.
fn find_throttles(machine: &mut Machine) -> Vec<Throttle> {
    let root = machine.roots.sys.join("devices/system/cpu");
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for name in parse::entries(&root).ok().flatten().into_iter().flatten() {
        let directory = root.join(&name);
        if !name.strip_prefix("cpu").is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit())) {
            continue;
        }
        let mut id =
            |file: &str| machine.files.attribute(&directory.join("topology").join(file)).map(str::to_owned);
        let (Some(package), Some(core)) = (id("physical_package_id"), id("core_id")) else { continue };
        for (core, file) in [(Some(core), "core_throttle_count"), (None, "package_throttle_count")] {
            let file = directory.join("thermal_throttle").join(file);
            if file.exists() && seen.insert((package.clone(), core.clone())) {
                found.push(Throttle { package: package.clone(), core, file });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_idle(idle: u64) -> Ticks {
        [10, 0, 10, idle, 5, 0, 0, 1, 0, 0]
    }

    #[test]
    fn a_small_step_back_is_not_shown() {
        let mut shown = Highest(vec![(0, with_idle(1000))]);
        shown.raise(&[(0, with_idle(900))], 300);
        assert_eq!(shown.0, [(0, with_idle(1000))]);
    }

    #[test]
    fn a_core_that_was_exchanged_starts_anew() {
        let mut shown = Highest(vec![(0, with_idle(1000))]);
        let fresh = [1, 0, 1, 20, 0, 0, 0, 0, 0, 0];
        shown.raise(&[(0, fresh)], 300);
        assert_eq!(shown.0, [(0, fresh)]);
    }

    #[test]
    fn an_offline_core_keeps_its_values_and_leaves_the_others_numbers_alone() {
        let mut shown = Highest::default();
        shown.raise(&[(0, with_idle(1)), (1, with_idle(2)), (2, with_idle(3))], 300);
        shown.raise(&[(0, with_idle(11)), (2, with_idle(13))], 300);
        assert_eq!(shown.0, [(0, with_idle(11)), (1, with_idle(2)), (2, with_idle(13))]);
    }

    #[test]
    fn cores_are_known_by_their_numbers_not_by_their_order() {
        let text = "cpu  4 0 0 4 0 0 0 0 0 0\ncpu0 1 0 0 1 0 0 0 0 0 0\ncpu12 3 0 0 3 0 0 0 0 0 0\n\
                    intr 77 1 2\nctxt 5\nbtime 6\nprocesses 7\nprocs_running 1\nprocs_blocked 0\n";
        let stat = parse_stat(text).unwrap();
        assert_eq!(stat.cores.iter().map(|(core, _)| *core).collect::<Vec<_>>(), [0, 12]);
        assert_eq!((stat.interrupts, stat.cores[1].1[IDLE]), (77, 3));
        assert!(parse_stat(&text.replace("intr", "rtni")).is_err());
        assert!(parse_stat(&text.replace("cpu0 1", "cpu0 one")).is_err());
    }
}
