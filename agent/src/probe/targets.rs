//! Where the services are. Changes at run time: containers get new addresses.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use url::Url;

use super::rows::Service;

/// Bytes that are never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<[u8]>);

impl Secret {
    /// Hides `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// One service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// What the rows' paths are appended to; for nginx the status page itself.
    pub base: Url,
    /// `Host` header to send instead of the URL's host, for a prosody with several hosts.
    pub host: Option<String>,
    /// Bearer token to send, where a proxy stands before the service.
    pub bearer: Option<Secret>,
    /// Whether its container runs; `None` when that is not known.
    pub running: Option<bool>,
}

impl Target {
    /// A service at `base`, of whose container nothing is known.
    #[must_use]
    pub const fn at(base: Url) -> Self {
        Self { base, host: None, bearer: None, running: None }
    }

    /// The URL of `path` below the base; an empty path is the base itself.
    #[must_use]
    pub fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        if !path.is_empty() {
            let below = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{below}/{path}"));
        }
        url
    }
}

/// All services of this node. `None`: not here, not asked, not in the report.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceTargets {
    /// The bridge's private HTTP server.
    pub jvb: Option<Target>,
    /// Jicofo's HTTP server.
    pub jicofo: Option<Target>,
    /// Prosody's HTTP server: the container's address, it is published nowhere.
    pub prosody: Option<Target>,
    /// The web container's front door, HTTPS where it has it.
    pub web: Option<Target>,
    /// nginx's `stub_status` page; no stock stack has one.
    pub nginx: Option<Target>,
    /// A certificate to watch, PEM.
    pub certificate_file: Option<PathBuf>,
    /// The fleet's secret for room keys; without it rooms are counted but not listed.
    pub room_secret: Option<Secret>,
}

impl ServiceTargets {
    /// Where a stock docker-jitsi-meet publishes its services: the defaults of the rows.
    #[must_use]
    pub fn stock() -> Self {
        let target = |service: Service| service.stock_url().map(Target::at);
        Self {
            jvb: target(Service::Jvb),
            jicofo: target(Service::Jicofo),
            prosody: target(Service::Prosody),
            web: target(Service::Web),
            nginx: target(Service::Nginx),
            certificate_file: None,
            room_secret: None,
        }
    }

    /// The target of `service`.
    #[must_use]
    pub const fn of(&self, service: Service) -> Option<&Target> {
        match service {
            Service::Jvb => self.jvb.as_ref(),
            Service::Jicofo => self.jicofo.as_ref(),
            Service::Prosody => self.prosody.as_ref(),
            Service::Web => self.web.as_ref(),
            Service::Nginx => self.nginx.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_below_the_base_with_or_without_its_slash() {
        let url = |base: &str, path: &str| Target::at(base.parse().unwrap()).url(path).to_string();
        assert_eq!(url("http://127.0.0.1:8080", "about/health"), "http://127.0.0.1:8080/about/health");
        assert_eq!(url("http://h/jvb/", "metrics"), "http://h/jvb/metrics");
        assert_eq!(url("http://h/jvb", "metrics"), "http://h/jvb/metrics");
        assert_eq!(url("http://h/status", ""), "http://h/status");
    }

    #[test]
    fn secrets_are_not_shown() {
        let targets = ServiceTargets {
            room_secret: Some(Secret::new(b"hunter2hunter2")),
            jvb: Some(Target {
                bearer: Some(Secret::new(b"hunter2")),
                ..Target::at("http://h/".parse().unwrap())
            }),
            ..ServiceTargets::stock()
        };
        assert!(!format!("{targets:?}").contains("hunter") && !format!("{targets:?}").contains("104, 117"));
    }
}
