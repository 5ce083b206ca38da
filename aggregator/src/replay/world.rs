//! How imperfect the world is around the trace.

/// Imperfections; the default is the one that the published figures were made with.
#[derive(Debug, Clone, PartialEq)]
pub struct World {
    /// Probability that one scrape of one agent fails.
    pub scrape_failure: f64,
    /// The same for a VM without idle CPU.
    pub scrape_failure_overloaded: f64,
    /// Median of the time that a scrape round takes, ms; log-normal, at most 1 s.
    pub scrape_delay_ms: f64,
    /// How often the bridge refreshes its own participants and conferences, ms.
    pub bridge_refresh_ms: u64,
    /// How often it refreshes its stress, ms.
    pub stress_refresh_ms: u64,
    /// A VM's other work: mean-reverting over 60 s, standard deviation as a share of its CPU.
    pub noise: f64,
    /// Error of one CPU reading, standard deviation.
    pub reading_noise: f64,
    /// How differently VMs of one size really perform, standard deviation of the logarithm.
    pub speed_spread: f64,
    /// From when to when (ms) VM 0 throws everybody out and lets nobody in while its agent reports
    /// an idle, healthy machine; `None`: never.
    pub sinkhole_ms: Option<(u64, u64)>,
    /// Share of whole minutes in which an agent does not answer while its VM goes on.
    pub silent_minutes: f64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            scrape_failure: 0.01,
            scrape_failure_overloaded: 0.15,
            scrape_delay_ms: 30.0,
            bridge_refresh_ms: 5_000,
            stress_refresh_ms: 10_000,
            noise: 0.02,
            reading_noise: 0.015,
            speed_spread: 0.06,
            sinkhole_ms: None,
            silent_minutes: 1.0 / 1440.0,
        }
    }
}

impl World {
    /// Nothing is late, lost or noisy.
    #[must_use]
    pub fn perfect() -> Self {
        Self {
            scrape_failure: 0.0,
            scrape_failure_overloaded: 0.0,
            noise: 0.0,
            reading_noise: 0.0,
            speed_spread: 0.0,
            silent_minutes: 0.0,
            ..Self::default()
        }
    }
}
