//! The machine's figures for the report, sample after sample.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use usher_common::wire::{self, ProbeFailure};

use crate::config::Config;
use crate::probe::host::{self, Host, HostSample, Roots, Settings, SlowRates, SlowSample, Space};
use crate::snapshot::HostFigures;

/// Time constant of the smoothed CPU figure: what a placement is judged by is neither a
/// spike of one sample nor the minute before last.
const CPU_SMOOTHING: Duration = Duration::from_secs(3);

/// Room on disks changes slowly and costs a question to each file system, and the machine's
/// name changes hardly ever.
const STILL_EVERY: Duration = Duration::from_secs(30);

/// Disks and lost datagrams, by which nobody places a meeting, and load averages, which the kernel itself
/// makes anew as often.
const SLOW_EVERY: Duration = Duration::from_secs(5);

/// Processor time comes in ticks of 10 ms: over less than this a share of it says nothing.
const LEAST_GAP: Duration = Duration::from_millis(90);

/// Samples the host and remembers what rates need.
#[derive(Debug)]
pub struct HostSampler {
    probe: Host,
    directories: Vec<PathBuf>,
    before: Option<HostSample>,
    busy_smooth: Option<f64>,
    slow: Option<Slow>,
    still: Option<Still>,
    latest: Option<(HostFigures, Outcomes)>,
}

/// The newest slow sample.
#[derive(Debug)]
struct Slow {
    sample: SlowSample,
    /// `None` after the first.
    rates: Option<SlowRates>,
    failures: Vec<(&'static str, ProbeFailure)>,
}

/// What changes slowly.
#[derive(Debug)]
struct Still {
    at: Instant,
    spaces: Vec<Space>,
    host: wire::Host,
}

/// Each part of the sample with why it is missing, if it is.
pub type Outcomes = Vec<(&'static str, Option<ProbeFailure>)>;

const PARTS: [&str; 6] = ["cpu", "meminfo", "loadavg", "netdev", "diskstats", "netstat"];

/// The probe's settings from the agent's.
#[must_use]
pub fn host_probe(config: &Config) -> Host {
    let roots = Roots {
        proc: config.host.proc.clone(),
        sys: config.host.sys.clone(),
        rootfs: config.host.rootfs.clone(),
    };
    let mut settings = Settings::default();
    if let Some(directory) = &config.host.textfile_directory {
        settings.textfile_directory.clone_from(directory);
    }
    Host::new(roots, settings)
}

impl HostSampler {
    /// A sampler; `directories` are those whose file systems must not fill up.
    #[must_use]
    pub fn new(probe: Host, directories: Vec<PathBuf>) -> Self {
        Self { probe, directories, before: None, busy_smooth: None, slow: None, still: None, latest: None }
    }

    /// Whether a sample at `now` asks file systems, which may block: see [`Host::space`]. All
    /// else is `/proc`, which does not.
    #[must_use]
    pub fn may_block(&self, now: Instant) -> bool {
        self.still.as_ref().is_none_or(|still| now.saturating_duration_since(still.at) >= STILL_EVERY)
    }

    /// The figures at `now`; those of a moment ago when that was too short a time for rates.
    pub fn sample(&mut self, now: Instant) -> (HostFigures, Outcomes) {
        let elapsed = self.before.as_ref().map(|before| now.saturating_duration_since(before.at));
        if let Some(latest) = self.latest.as_ref().filter(|_| elapsed.is_some_and(|gap| gap < LEAST_GAP)) {
            return latest.clone();
        }
        let sampled = self.probe.sample(now);
        let sample = sampled.sample;
        let rates = self.before.as_ref().zip(elapsed).map(|(before, gap)| host::rates(before, &sample, gap));
        if let Some(shares) = rates.as_ref().and_then(|rates| rates.cpu) {
            let gap = elapsed.unwrap_or(CPU_SMOOTHING);
            self.busy_smooth = Some(host::smooth(self.busy_smooth, shares.busy, gap, CPU_SMOOTHING));
        }
        let (slow, slow_failures) = self.slow(now);
        let load = self.slow.as_ref().and_then(|slow| slow.sample.load);
        let failures: Vec<_> = sampled
            .failures
            .iter()
            .map(|(part, error)| (*part, error.reason()))
            .chain(slow_failures)
            .collect();
        let failure = |part| failures.iter().find(|(failed, _)| *failed == part).map(|(_, reason)| *reason);
        let mut outcomes: Outcomes = PARTS.iter().map(|part| (*part, failure(*part))).collect();
        outcomes.push(("filesystem", self.look_at_the_still(now)));
        let still = self.still.as_ref();
        let boot_time_unix_s = sample.cpu.as_ref().map(|cpu| cpu.boot_time_unix_s);
        let figures = HostFigures {
            host: Some(wire::Host {
                boot_time_unix_s,
                ..still.map_or_else(host::identity, |still| still.host.clone())
            }),
            cpu: host::cpu(&sample, rates.as_ref(), self.busy_smooth, load),
            memory: host::memory(&sample),
            disk: host::disk(still.map_or(&[], |still| &still.spaces), slow),
            net: host::network(&sample, rates.as_ref(), slow),
        };
        self.before = Some(sample);
        self.latest = Some((figures.clone(), outcomes.clone()));
        (figures, outcomes)
    }

    /// The slow speeds and what is missing of them; anew when they are old, or when there is but one sample.
    fn slow(&mut self, now: Instant) -> (Option<SlowRates>, Vec<(&'static str, ProbeFailure)>) {
        let fresh =
            |slow: &&Slow| slow.rates.is_some() && now.saturating_duration_since(slow.sample.at) < SLOW_EVERY;
        if let Some(slow) = self.slow.as_ref().filter(fresh) {
            return (slow.rates, slow.failures.clone());
        }
        let sampled = self.probe.slow_sample(now);
        let rates = self.slow.as_ref().map(|before| host::slow_rates(&before.sample, &sampled.sample));
        let failures: Vec<_> = sampled.failures.iter().map(|(part, error)| (*part, error.reason())).collect();
        self.slow = Some(Slow { sample: sampled.sample, rates, failures: failures.clone() });
        (rates, failures)
    }

    fn look_at_the_still(&mut self, now: Instant) -> Option<ProbeFailure> {
        if !self.may_block(now) {
            return None;
        }
        match self.probe.space(&self.directories) {
            Ok(spaces) => {
                self.still = Some(Still { at: now, spaces, host: host::identity() });
                None
            }
            Err(error) => {
                // Asked again at the next sample; old room is not room.
                self.still = None;
                Some(error.reason())
            }
        }
    }
}
