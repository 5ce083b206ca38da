//! What a workload is drawn from: every figure, and the presets.

/// Lengths of the presets, s.
const HOUR_S: f64 = 3600.0;

/// The description of a workload; [`Workload::generate`](Self::generate) draws it.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// The same seed and figures give the same trace.
    pub seed: u64,
    /// VMs at the start.
    pub vms: u32,
    /// Share of VMs of half size.
    pub half: f64,
    /// Mean CPU aimed at over the measured time, 0..=1.
    pub load: f64,
    /// Before measuring, s. With `preload` it is lived before time 0.
    pub warm_s: f64,
    /// Measured, s.
    pub measured_s: f64,
    /// Requests in a flash crowd, times the ordinary rate.
    pub spike_factor: f64,
    /// How long a flash crowd lasts, s.
    pub spike_s: f64,
    /// The same for the smaller crowd halfway between two flash crowds (two thirds as long).
    pub half_way_factor: f64,
    /// Share of requests after which nobody comes.
    pub abandoned: f64,
    /// Share of rooms with a name.
    pub named: f64,
    /// When people come after the first, log-normal: median, s.
    pub join_median_s: f64,
    /// and sigma.
    pub join_sigma: f64,
    /// People in a room, log-normal: median.
    pub size_median: f64,
    /// and sigma: heavy-tailed, cut at 300.
    pub size_sigma: f64,
    /// VMs die, drain and are added.
    pub churn: bool,
    /// Flash crowds start at every multiple of this, s.
    pub period_s: f64,
    /// The fleet is loaded from the start.
    pub preload: bool,
}

/// Somebody asked for a preset that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no preset {0:?}: take one of fleet20, fleet100, fleet1000, replay, tiny")]
pub struct NoSuchPreset(pub String);

impl Workload {
    /// The names that [`preset`](Self::preset) knows.
    pub const PRESETS: [&'static str; 5] = ["fleet20", "fleet100", "fleet1000", "replay", "tiny"];

    /// `fleet*`: six hours from an empty fleet, two of them warm-up. `replay`: 100 VMs, one hour,
    /// loaded from the start, a flash crowd every 20 minutes. `tiny`: 3 VMs, 10 minutes, to read.
    ///
    /// # Errors
    /// When there is no such preset.
    pub fn preset(name: &str, seed: u64) -> Result<Self, NoSuchPreset> {
        let hundred = Self {
            seed,
            vms: 100,
            half: 0.2,
            load: 0.55,
            warm_s: 2.0 * HOUR_S,
            measured_s: 4.0 * HOUR_S,
            spike_factor: 8.0,
            spike_s: 90.0,
            half_way_factor: 4.0,
            abandoned: 0.25,
            named: 0.4,
            join_median_s: 60.0,
            join_sigma: 1.0,
            size_median: 3.0,
            size_sigma: 1.21,
            churn: true,
            period_s: HOUR_S,
            preload: false,
        };
        match name {
            "fleet20" => Ok(Self { vms: 20, ..hundred }),
            "fleet100" => Ok(hundred),
            "fleet1000" => Ok(Self { vms: 1000, ..hundred }),
            "replay" => Ok(Self {
                load: 0.65,
                size_sigma: 0.95,
                preload: true,
                measured_s: HOUR_S,
                period_s: 1200.0,
                ..hundred
            }),
            "tiny" => Ok(Self {
                vms: 3,
                load: 0.1,
                preload: true,
                warm_s: 600.0,
                measured_s: 600.0,
                period_s: 300.0,
                ..hundred
            }),
            other => Err(NoSuchPreset(other.to_owned())),
        }
    }

    /// When measuring starts, s of the trace.
    pub(super) fn measured_from_s(&self) -> f64 {
        if self.preload { 0.0 } else { self.warm_s }
    }

    /// When the trace ends, s.
    pub(super) fn end_s(&self) -> f64 {
        self.measured_from_s() + self.measured_s
    }

    /// Requests at second `t`, relative to the ordinary rate: a slow wave, and the crowds on it.
    pub(super) fn demand_at(&self, t: f64) -> f64 {
        let wave = 1.0 + 0.15 * (std::f64::consts::TAU * (t - 7200.0) / (8.0 * HOUR_S)).sin();
        let since_full = t % self.period_s;
        let since_half = (t + self.period_s / 2.0) % self.period_s;
        let crowd = if t < self.period_s * 0.5 {
            1.0
        } else if since_full < self.spike_s {
            self.spike_factor
        } else if since_half < self.spike_s * 2.0 / 3.0 {
            self.half_way_factor
        } else {
            1.0
        };
        wave * crowd
    }
}
