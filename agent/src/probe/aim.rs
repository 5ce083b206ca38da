//! Where the Jitsi services are, from the settings and from what the engine says. Pure.
//!
//! A service is asked where the settings say so, else where its container publishes it on
//! the host, else at the container's own address. Without either there is nothing to ask:
//! a machine without a Jitsi has no ill Jitsi.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use url::Url;
use usher_common::wire::ContainerState;

use super::targets::{Secret, ServiceTargets, Target};
use crate::config::JitsiConfig;
use crate::engine::ObservedContainer;

/// Schemes and ports on which a service listens in its container, the newest release's first
/// (docker-jitsi-meet moved from 80 and 443 to 8000 and 8443 in stable-11146).
struct Door {
    service: &'static str,
    ways: &'static [(&'static str, u16)],
}

const JVB: Door = Door { service: "jvb", ways: &[("http", 8080)] };
const JICOFO: Door = Door { service: "jicofo", ways: &[("http", 8888)] };
const PROSODY: Door = Door { service: "prosody", ways: &[("http", 5280)] };
// In clear only where nothing is published in cipher: then a proxy stands before it.
const WEB: Door =
    Door { service: "web", ways: &[("https", 8443), ("https", 443), ("http", 8000), ("http", 80)] };

/// The targets; `containers` are those of this node's project, empty when it has none.
#[must_use]
pub fn targets(
    config: &JitsiConfig,
    room_secret: Option<Secret>,
    containers: &[&ObservedContainer],
) -> ServiceTargets {
    let target = |said: &Option<Url>, door: &Door| {
        let container = containers.iter().find(|container| container.service == door.service);
        let base = said.clone().or_else(|| container.and_then(|container| door.of(container)))?;
        let running = container.map(|container| container.state == ContainerState::Running);
        Some(Target { running, ..Target::at(base) })
    };
    ServiceTargets {
        jvb: target(&config.jvb_url, &JVB),
        jicofo: target(&config.jicofo_url, &JICOFO),
        prosody: target(&config.prosody_url, &PROSODY),
        web: target(&config.web_url, &WEB),
        nginx: config.nginx_status_url.clone().map(Target::at),
        certificate_file: config.certificate_file.clone(),
        room_secret,
    }
}

impl Door {
    fn of(&self, container: &ObservedContainer) -> Option<Url> {
        let published = self.ways.iter().find_map(|(scheme, port)| {
            let on_host = container.published.iter().find(|(inside, _)| inside == port)?.1;
            Some((*scheme, reachable(on_host)))
        });
        // With nothing published, it is where the container is.
        let inside = || {
            let (scheme, port) = self.ways.first()?;
            Some((*scheme, SocketAddr::new(*container.addresses.first()?, *port)))
        };
        let (scheme, address) = published.or_else(inside)?;
        Url::parse(&format!("{scheme}://{address}/")).ok()
    }
}

/// A port that is published on all addresses is reached over loopback.
fn reachable(published: SocketAddr) -> SocketAddr {
    let ip = if published.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { published.ip() };
    SocketAddr::new(ip, published.port())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::observed_for_tests as observed;

    fn nothing_said() -> JitsiConfig {
        JitsiConfig {
            jvb_url: None,
            jicofo_url: None,
            prosody_url: None,
            web_url: None,
            nginx_status_url: None,
            certificate_file: None,
        }
    }

    #[test]
    fn a_machine_without_a_jitsi_is_not_asked_for_one() {
        assert_eq!(targets(&nothing_said(), None, &[]), ServiceTargets::default());
    }

    #[test]
    fn a_service_is_asked_where_it_is_published_else_where_its_container_is() {
        let mut jvb = observed("jvb");
        jvb.published = vec![(8080, "127.0.0.1:18080".parse().unwrap())];
        let mut prosody = observed("prosody");
        prosody.addresses = vec!["172.18.0.3".parse().unwrap()];
        let mut web = observed("web");
        web.published = vec![(443, "0.0.0.0:8443".parse().unwrap())];
        web.state = ContainerState::Exited;
        let found = targets(&nothing_said(), None, &[&jvb, &prosody, &web]);
        assert_eq!(found.jvb.unwrap().base.as_str(), "http://127.0.0.1:18080/");
        assert_eq!(found.prosody.unwrap().base.as_str(), "http://172.18.0.3:5280/");
        let web = found.web.unwrap();
        assert_eq!((web.base.as_str(), web.running), ("https://127.0.0.1:8443/", Some(false)));
        assert_eq!(found.jicofo, None);
    }

    #[test]
    fn the_settings_have_the_last_word() {
        let said = JitsiConfig { jvb_url: Url::parse("http://bridge:9/").ok(), ..nothing_said() };
        let found = targets(&said, None, &[&observed("jvb")]).jvb.unwrap();
        assert_eq!((found.base.as_str(), found.running), ("http://bridge:9/", Some(true)));
    }
}
