//! What is asked of the services: one row a probe.
//!
//! A new probe is a row here, a pure function beside its service's others, and a fixture.

use url::Url;

use super::reading::{Answered, Failed, Reading, ServiceProbe};
use super::{jicofo, jvb, nginx, prosody};

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The bridge.
    Jvb,
    /// The focus.
    Jicofo,
    /// The XMPP server.
    Prosody,
    /// The web server's front door.
    Web,
    /// The web server's status page.
    Nginx,
}

impl Service {
    /// Where docker-jitsi-meet's compose file publishes it on the host (`JVB_COLIBRI_PORT`,
    /// `JICOFO_REST_PORT`, `HTTPS_PORT`); `None` when it does not.
    #[must_use]
    pub fn stock_url(self) -> Option<Url> {
        let text = match self {
            Self::Jvb => "http://127.0.0.1:8080/",
            Self::Jicofo => "http://127.0.0.1:8888/",
            Self::Web => "https://127.0.0.1:8443/",
            Self::Prosody | Self::Nginx => return None,
        };
        Some(Url::parse(text).expect("a constant URL"))
    }
}

/// How often a probe is made while all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// The figures that placement looks at.
    Live,
    /// Whether a service is well, and what only a scrape looks at.
    Calm,
    /// What changes rarely, or is refreshed rarely by the service itself.
    Slow,
}

/// How much of the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The body is read.
    Get,
    /// Only whether it answers.
    Head,
}

/// One probe over HTTP.
#[derive(Debug)]
pub struct Row {
    /// Its name.
    pub probe: ServiceProbe,
    /// Who is asked.
    pub service: Service,
    /// The path below the service's base.
    pub path: &'static str,
    /// GET or HEAD.
    pub verb: Verb,
    /// The `Accept` header. The bridge's `/metrics` fails with 500 when there is none.
    pub accept: &'static str,
    /// How often.
    pub pace: Pace,
    /// Asked only while that probe of the same service answers without giving a reading.
    pub stands_in_for: Option<ServiceProbe>,
    /// Whether the interface may be off in a running container, so that a connection that
    /// ends without an answer is no proof of death; see [`super::pace::judge`].
    pub may_be_off: bool,
    /// Whether each attempt makes a connection of its own, which shows what a new client meets,
    /// such as the certificate of now. Else the connection of the last attempt serves again.
    pub anew: bool,
    /// What the answer says.
    pub read: fn(&Answered<'_>) -> Result<Reading, Failed>,
}

impl PartialEq for Row {
    /// A probe has one row.
    fn eq(&self, other: &Self) -> bool {
        self.probe == other.probe
    }
}

impl Eq for Row {}

const TEXT: &str = "text/plain; version=0.0.4";
const JSON: &str = "application/json";
const ANY: &str = "*/*";

/// The common part of a row; the rows say what differs.
const ROW: Row = Row {
    probe: ServiceProbe::JvbHealth,
    service: Service::Jvb,
    path: "about/health",
    verb: Verb::Get,
    accept: ANY,
    pace: Pace::Live,
    stands_in_for: None,
    may_be_off: false,
    anew: false,
    read: jvb::health,
};

/// Every probe over HTTP.
pub const ROWS: &[Row] = &[
    Row { probe: ServiceProbe::JvbMetrics, path: "metrics", accept: TEXT, read: jvb::metrics, ..ROW },
    Row {
        probe: ServiceProbe::JvbStats,
        path: "colibri/stats",
        accept: JSON,
        stands_in_for: Some(ServiceProbe::JvbMetrics),
        read: jvb::stats,
        ..ROW
    },
    Row { probe: ServiceProbe::JvbHealth, pace: Pace::Calm, ..ROW },
    Row {
        probe: ServiceProbe::JvbVersion,
        path: "about/version",
        accept: JSON,
        pace: Pace::Slow,
        read: jvb::version,
        ..ROW
    },
    Row {
        probe: ServiceProbe::JicofoStats,
        service: Service::Jicofo,
        path: "stats",
        accept: JSON,
        may_be_off: true,
        read: jicofo::stats,
        ..ROW
    },
    Row {
        probe: ServiceProbe::JicofoHealth,
        service: Service::Jicofo,
        pace: Pace::Calm,
        may_be_off: true,
        ..ROW
    },
    Row {
        probe: ServiceProbe::JicofoMetrics,
        service: Service::Jicofo,
        path: "metrics",
        accept: TEXT,
        pace: Pace::Slow, // jicofo refreshes them every 30 s
        may_be_off: true,
        read: jicofo::metrics,
        ..ROW
    },
    Row {
        probe: ServiceProbe::ProsodyHealth,
        service: Service::Prosody,
        path: "health",
        pace: Pace::Calm,
        read: prosody::health,
        ..ROW
    },
    Row {
        probe: ServiceProbe::ProsodyBosh,
        service: Service::Prosody,
        path: "http-bind",
        pace: Pace::Calm,
        read: prosody::bosh,
        ..ROW
    },
    Row {
        probe: ServiceProbe::ProsodyCensus,
        service: Service::Prosody,
        path: "room-census",
        accept: JSON,
        read: prosody::census,
        ..ROW
    },
    Row {
        probe: ServiceProbe::ProsodyMetrics,
        service: Service::Prosody,
        path: "metrics",
        accept: TEXT,
        pace: Pace::Slow,
        read: prosody::metrics,
        ..ROW
    },
    Row {
        probe: ServiceProbe::Web,
        service: Service::Web,
        path: "", // "/": served or redirected by every deployment, also by those with pages of their own
        verb: Verb::Head,
        pace: Pace::Calm,
        anew: true,
        read: nginx::page,
        ..ROW
    },
    Row {
        probe: ServiceProbe::NginxStatus,
        service: Service::Nginx,
        path: "",
        pace: Pace::Calm,
        read: nginx::status,
        ..ROW
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_probe_but_the_file_has_exactly_one_row_and_a_name_of_its_own() {
        for probe in ServiceProbe::ALL {
            let rows = ROWS.iter().filter(|row| row.probe == *probe).count();
            assert_eq!(rows, usize::from(*probe != ServiceProbe::CertificateFile), "{probe}");
        }
        let names: std::collections::BTreeSet<_> = ServiceProbe::ALL.iter().map(|p| p.as_str()).collect();
        assert_eq!(names.len(), ServiceProbe::ALL.len());
    }

    #[test]
    fn figures_of_bridge_focus_and_census_come_every_5_s_and_whether_they_are_well_every_10() {
        use ServiceProbe::{
            JicofoHealth, JicofoStats, JvbHealth, JvbMetrics, JvbStats, NginxStatus, ProsodyBosh,
            ProsodyCensus, ProsodyHealth, Web,
        };
        let paces = super::super::pace::Paces::default();
        assert_eq!((paces.live.as_secs(), paces.calm.as_secs()), (5, 10));
        let of = |pace| {
            ROWS.iter()
                .filter(|row| row.pace == pace)
                .map(|row| row.probe)
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(of(Pace::Live), [JvbMetrics, JvbStats, JicofoStats, ProsodyCensus].into());
        let calm = [JvbHealth, JicofoHealth, ProsodyHealth, ProsodyBosh, Web, NginxStatus];
        assert_eq!(of(Pace::Calm), calm.into());
    }

    #[test]
    fn an_accept_header_is_always_sent_and_a_stand_in_asks_the_same_service() {
        for row in ROWS {
            assert!(!row.accept.is_empty() && !row.path.starts_with('/'), "{}", row.probe);
            if let Some(primary) = row.stands_in_for {
                let primary = ROWS.iter().find(|other| other.probe == primary).unwrap();
                assert_eq!(primary.service, row.service);
            }
        }
    }
}
