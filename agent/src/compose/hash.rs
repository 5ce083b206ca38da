//! The hashes that compose writes on containers, networks and volumes and decides recreation by.
//!
//! They are the sha256 of Go's JSON of its structs, so they change when compose changes a struct: see [`Dialect`].
//! A dialect covers what the files of docker-jitsi-meet use. Rarer keys moved at other versions (network priority
//! in 2.36, modes of secrets in 2.31, long ports without a protocol in 2.29): there an older compose may recreate.
//! Measured against the labels that real compose writes; `tests/compose_oracle.rs` keeps it true.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::model::{Network, Service, Volume};

/// How the compose of a host computes a service's hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// Up to 2.28: dependencies and profiles count, variables that are set nowhere do not.
    UpTo2_28,
    /// 2.29.0 to 2.29.2: variables that are set nowhere count as null.
    From2_29_0,
    /// 2.29.3 to 2.30.1: dependencies count no more.
    From2_29_3,
    /// 2.30.2 to 2.40: profiles count no more.
    From2_30_2,
    /// 5.0 on: `create_host_path` is left out when it is true. Read from its source, not yet measured.
    From5,
}

impl Dialect {
    /// Every dialect, newest first: a foreign container in sync with any of them is in sync.
    pub const ALL: [Dialect; 5] =
        [Dialect::From5, Dialect::From2_30_2, Dialect::From2_29_3, Dialect::From2_29_0, Dialect::UpTo2_28];

    /// The dialect of a compose version such as `2.40.3` or `v5.0.1-rc1`; `None` when it is not a version.
    #[must_use]
    pub fn of_version(version: &str) -> Option<Dialect> {
        let mut parts = version.trim().trim_start_matches('v').split(['.', '-', '+']);
        let mut next = || parts.next()?.parse::<u32>().ok();
        let version = (next()?, next()?, next().unwrap_or(0));
        Some(match version {
            (5.., _, _) => Dialect::From5,
            _ if version >= (2, 30, 2) => Dialect::From2_30_2,
            _ if version >= (2, 29, 3) => Dialect::From2_29_3,
            _ if version >= (2, 29, 0) => Dialect::From2_29_0,
            _ => Dialect::UpTo2_28,
        })
    }
}

/// The `com.docker.compose.config-hash` of a service.
#[must_use]
pub fn service_hash(service: &Service, dialect: Dialect) -> String {
    let mut service = service.clone();
    if let Some(deploy) = &mut service.deploy {
        deploy.replicas = None;
    }
    if dialect < Dialect::From2_29_0 {
        service.environment.retain(|_, value| value.is_some());
    }
    if dialect >= Dialect::From2_29_3 {
        service.depends_on.clear();
    }
    if dialect >= Dialect::From2_30_2 {
        service.profiles.clear();
    }
    if dialect >= Dialect::From5 {
        for bind in service.volumes.iter_mut().filter_map(|mount| mount.bind.as_mut()) {
            bind.create_host_path = if bind.create_host_path == Some(true) { None } else { Some(false) };
        }
    }
    sha256(&service)
}

/// The hash that compose (since 2.31) labels a network with.
#[must_use]
pub fn network_hash(network: &Network) -> String {
    sha256(network)
}

/// The hash that compose (since 2.32) labels a volume with.
#[must_use]
pub fn volume_hash(volume: &Volume) -> String {
    let mut volume = volume.clone();
    if volume.driver.is_empty() {
        "local".clone_into(&mut volume.driver);
    }
    sha256(&volume)
}

fn sha256<T: Serialize>(value: &T) -> String {
    hex::encode(Sha256::digest(go_json(value)))
}

/// JSON as Go's encoder writes it: no blanks, and these five characters escaped wherever they stand.
pub(super) fn go_json<T: Serialize>(value: &T) -> String {
    let json = serde_json::to_string(value).expect("the model has text keys and no failing serialiser");
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '&' => out.push_str("\\u0026"),
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_their_dialect() {
        for (version, dialect) in [
            ("2.26.1", Some(Dialect::UpTo2_28)),
            ("2.29.2", Some(Dialect::From2_29_0)),
            ("v2.29.3", Some(Dialect::From2_29_3)),
            ("2.30.1", Some(Dialect::From2_29_3)),
            ("2.30.2", Some(Dialect::From2_30_2)),
            ("2.40.3+ds1-0ubuntu1", Some(Dialect::From2_30_2)),
            ("v5.0.0-rc.1", Some(Dialect::From5)),
            ("dev", None),
        ] {
            assert_eq!(Dialect::of_version(version), dialect, "{version}");
        }
    }

    #[test]
    fn the_network_of_jitsi_hashes_as_measured_on_compose() {
        let network = Network { name: "study1_meet.jitsi".into(), ..Network::default() };
        assert_eq!(go_json(&network), "{\"name\":\"study1_meet.jitsi\",\"ipam\":{}}");
    }

    #[test]
    fn json_is_escaped_as_go_does() {
        assert_eq!(go_json(&"a<b>&\u{2028}\"\u{e9}"), "\"a\\u003cb\\u003e\\u0026\\u2028\\\"\u{e9}\"");
    }
}
