//! What the probes of services say: an outcome each, and all of them in one value.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use usher_common::wire::ProbeFailure;

use super::certificate::Certificate;
use super::jicofo::Focus;
use super::jvb::Bridge;
use super::nginx::StubStatus;
use super::prosody::Census;
use super::series::Series;

/// One probe of one service: a label in metrics, a key in the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceProbe {
    /// The bridge's Prometheus series, and its figures from them.
    JvbMetrics,
    /// The bridge's figures from `/colibri/stats`, when the series are not to be had.
    JvbStats,
    /// The bridge's health check.
    JvbHealth,
    /// The bridge's version.
    JvbVersion,
    /// Jicofo's figures.
    JicofoStats,
    /// Jicofo's health check: prosody, jicofo and "a bridge is joined" in one.
    JicofoHealth,
    /// Jicofo's Prometheus series.
    JicofoMetrics,
    /// Prosody's health check.
    ProsodyHealth,
    /// Prosody's BOSH page: open to all, so it tells whether prosody answers.
    ProsodyBosh,
    /// The rooms of prosody.
    ProsodyCensus,
    /// Prosody's series.
    ProsodyMetrics,
    /// The web container's front door, and the certificate it shows.
    Web,
    /// nginx's `stub_status`.
    NginxStatus,
    /// A certificate in a file.
    CertificateFile,
}

impl ServiceProbe {
    /// Every probe.
    pub const ALL: &'static [Self] = &[
        Self::JvbMetrics,
        Self::JvbStats,
        Self::JvbHealth,
        Self::JvbVersion,
        Self::JicofoStats,
        Self::JicofoHealth,
        Self::JicofoMetrics,
        Self::ProsodyHealth,
        Self::ProsodyBosh,
        Self::ProsodyCensus,
        Self::ProsodyMetrics,
        Self::Web,
        Self::NginxStatus,
        Self::CertificateFile,
    ];

    /// The word in labels, reports and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::JvbMetrics => "jvb_metrics",
            Self::JvbStats => "jvb_stats",
            Self::JvbHealth => "jvb_health",
            Self::JvbVersion => "jvb_version",
            Self::JicofoStats => "jicofo_stats",
            Self::JicofoHealth => "jicofo_health",
            Self::JicofoMetrics => "jicofo_metrics",
            Self::ProsodyHealth => "prosody_health",
            Self::ProsodyBosh => "prosody_bosh",
            Self::ProsodyCensus => "prosody_census",
            Self::ProsodyMetrics => "prosody_metrics",
            Self::Web => "web",
            Self::NginxStatus => "nginx_status",
            Self::CertificateFile => "certificate_file",
        }
    }
}

impl fmt::Display for ServiceProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A whole HTTP answer, and what is needed to understand it.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
    /// The server's certificate (DER), over HTTPS.
    pub certificate: Option<&'a [u8]>,
    /// The fleet's secret, for room keys; without it rooms are counted but not listed.
    pub room_secret: Option<&'a [u8]>,
    /// The wall clock, seconds since the Unix epoch.
    pub now_unix_s: u64,
}

/// What a probe read.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// It answers and says it is well.
    Well,
    /// The bridge's figures.
    Bridge(Box<Bridge>),
    /// Jicofo's figures.
    Focus(Focus),
    /// A version.
    Version(String),
    /// The rooms.
    Census(Census),
    /// nginx's counters.
    StubStatus(StubStatus),
    /// The page was served; the certificate that was shown, over HTTPS, when it could be read.
    Page(Option<Certificate>),
    /// A certificate of a file.
    Certificate(Certificate),
    /// Series to pass on.
    Series(Series),
}

/// Why there is no reading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct Failed {
    /// The closed reason.
    pub reason: ProbeFailure,
    /// With `Unhealthy`: the service itself says that it should pass by itself (status 503).
    pub soft: bool,
    /// For the log: never a room's name, never a body.
    pub detail: String,
}

impl Failed {
    /// A failure with its detail.
    pub fn new(reason: ProbeFailure, detail: impl Into<String>) -> Self {
        Self { reason, soft: false, detail: detail.into() }
    }

    /// The answer could not be understood.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(ProbeFailure::Malformed, detail)
    }

    /// What a status other than the expected one means: 404 is how Jitsi's services answer
    /// for an interface that is switched off, 401 and 403 are for us to be let in.
    #[must_use]
    pub fn of_status(status: u16) -> Self {
        let reason = match status {
            404 | 501 => ProbeFailure::Disabled,
            401 | 403 => ProbeFailure::Denied,
            _ => ProbeFailure::Status,
        };
        Self::new(reason, format!("HTTP {status}"))
    }
}

/// The outcome of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What it read, or why not.
    pub result: Result<Reading, Failed>,
    /// When the attempt ended.
    pub at: Instant,
    /// How long it took.
    pub took: Duration,
}

/// The newest outcome of every probe that runs; immutable once published.
#[derive(Debug, Clone, Default)]
pub struct ServiceReadings {
    outcomes: BTreeMap<ServiceProbe, Arc<Outcome>>,
    failures: BTreeMap<(ServiceProbe, ProbeFailure), u64>,
}

impl ServiceReadings {
    /// The newest outcome of `probe`; `None` when it does not run.
    #[must_use]
    pub fn outcome(&self, probe: ServiceProbe) -> Option<&Outcome> {
        self.outcomes.get(&probe).map(AsRef::as_ref)
    }

    /// What `probe` read, when its newest attempt succeeded.
    #[must_use]
    pub fn reading(&self, probe: ServiceProbe) -> Option<&Reading> {
        self.outcome(probe)?.result.as_ref().ok()
    }

    /// Why `probe` has no reading; `None` when it has one or does not run.
    #[must_use]
    pub fn failure(&self, probe: ServiceProbe) -> Option<&Failed> {
        self.outcome(probe)?.result.as_ref().err()
    }

    /// All outcomes.
    pub fn outcomes(&self) -> impl Iterator<Item = (ServiceProbe, &Outcome)> {
        self.outcomes.iter().map(|(probe, outcome)| (*probe, outcome.as_ref()))
    }

    /// How often each probe failed for each reason since the start.
    #[must_use]
    pub const fn failures(&self) -> &BTreeMap<(ServiceProbe, ProbeFailure), u64> {
        &self.failures
    }

    /// These readings with a newer outcome of `probe`.
    #[must_use]
    pub fn with(&self, probe: ServiceProbe, outcome: Outcome) -> Self {
        let mut next = self.clone();
        if let Err(failed) = &outcome.result
            && failed.reason != ProbeFailure::Pending
        {
            *next.failures.entry((probe, failed.reason)).or_insert(0) += 1;
        }
        next.outcomes.insert(probe, Arc::new(outcome));
        next
    }

    /// These readings without `probe`, which no longer runs. Its counts stay.
    #[must_use]
    pub fn without(&self, probe: ServiceProbe) -> Self {
        let mut next = self.clone();
        next.outcomes.remove(&probe);
        next
    }
}
