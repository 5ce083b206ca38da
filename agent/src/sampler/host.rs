//! The machine's figures for the report, sample after sample.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use usher_common::wire::ProbeFailure;

use crate::config::Config;
use crate::probe::host::{self, Host, HostSample, Roots, Settings, Space};
use crate::snapshot::HostFigures;

/// Time constant of the smoothed CPU figure: what a placement is judged by is neither a
/// spike of one sample nor the minute before last.
const CPU_SMOOTHING: Duration = Duration::from_secs(3);

/// Room on disks changes slowly and costs a question to each file system.
const SPACE_EVERY: Duration = Duration::from_secs(15);

/// Processor time comes in ticks of 10 ms: over less than this a share of it says nothing.
const LEAST_GAP: Duration = Duration::from_millis(90);

/// Samples the host and remembers what rates need.
#[derive(Debug)]
pub struct HostSampler {
    probe: Host,
    directories: Vec<PathBuf>,
    before: Option<HostSample>,
    busy_smooth: Option<f64>,
    spaces: Option<(Instant, Vec<Space>)>,
    latest: Option<(HostFigures, Outcomes)>,
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
        Self { probe, directories, before: None, busy_smooth: None, spaces: None, latest: None }
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
        let mut outcomes: Outcomes = PARTS
            .iter()
            .map(|part| {
                let failure = sampled.failures.iter().find(|(name, _)| name == part);
                (*part, failure.map(|(_, error)| error.reason()))
            })
            .collect();
        outcomes.push(("filesystem", self.look_at_spaces(now)));
        let spaces: &[Space] = self.spaces.as_ref().map_or(&[], |(_, spaces)| spaces);
        let figures = HostFigures {
            host: Some(host::identity(Some(&sample))),
            cpu: host::cpu(&sample, rates.as_ref(), self.busy_smooth),
            memory: host::memory(&sample),
            disk: host::disk(spaces, rates.as_ref()),
            net: host::network(&sample, rates.as_ref()),
        };
        self.before = Some(sample);
        self.latest = Some((figures.clone(), outcomes.clone()));
        (figures, outcomes)
    }

    fn look_at_spaces(&mut self, now: Instant) -> Option<ProbeFailure> {
        let due =
            self.spaces.as_ref().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= SPACE_EVERY);
        if !due {
            return None;
        }
        match self.probe.space(&self.directories) {
            Ok(spaces) => {
                self.spaces = Some((now, spaces));
                None
            }
            Err(error) => {
                // Asked again at the next sample; old room is not room.
                self.spaces = None;
                Some(error.reason())
            }
        }
    }
}
