//! bollard's models to our values. Pure; a field that the engine left out is `None`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, HealthStatusEnum, PortMap};
use chrono::{DateTime, Utc};
use usher_common::wire::{ContainerHealth, ContainerState};

use super::ObservedContainer;

const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const ONE_OFF: &str = "com.docker.compose.oneoff";

/// The container, if it is a service's of a compose project (not a one-off `run`).
pub(super) fn container(inspected: ContainerInspectResponse) -> Option<ObservedContainer> {
    let config = inspected.config.as_ref();
    let labels = config.and_then(|config| config.labels.as_ref())?;
    if labels.get(ONE_OFF).is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return None;
    }
    let state = inspected.state.as_ref();
    let word = state.and_then(|state| state.status).map_or(ContainerState::Unknown, word_of);
    let running = state.and_then(|state| state.running).unwrap_or(word == ContainerState::Running);
    Some(ObservedContainer {
        project: labels.get(PROJECT)?.clone(),
        service: labels.get(SERVICE)?.clone(),
        id: inspected.id?,
        name: inspected.name?.trim_start_matches('/').to_owned(),
        image: config.and_then(|config| config.image.clone()),
        image_id: inspected.image,
        state: word,
        health: state
            .and_then(|state| state.health.as_ref())
            .and_then(|health| health.status)
            .and_then(verdict_of),
        restarts: inspected.restart_count.and_then(|count| u64::try_from(count).ok()),
        exit_code: state.filter(|_| !running).and_then(|state| state.exit_code),
        started_unix_ms: state.and_then(|state| state.started_at.as_ref()).and_then(|at| moment(at)),
        pid: state.and_then(|state| state.pid).and_then(|pid| i32::try_from(pid).ok()).filter(|pid| *pid > 0),
        memory_limit_bytes: inspected
            .host_config
            .and_then(|host| host.memory)
            .and_then(|bytes| u64::try_from(bytes).ok())
            .filter(|bytes| *bytes > 0),
        published: published(
            inspected.network_settings.as_ref().and_then(|settings| settings.ports.as_ref()),
        ),
        addresses: addresses(inspected.network_settings.and_then(|settings| settings.networks)),
    })
}

fn word_of(status: ContainerStateStatusEnum) -> ContainerState {
    match status {
        ContainerStateStatusEnum::CREATED => ContainerState::Created,
        ContainerStateStatusEnum::RUNNING => ContainerState::Running,
        ContainerStateStatusEnum::PAUSED => ContainerState::Paused,
        ContainerStateStatusEnum::RESTARTING => ContainerState::Restarting,
        ContainerStateStatusEnum::REMOVING => ContainerState::Removing,
        ContainerStateStatusEnum::EXITED => ContainerState::Exited,
        ContainerStateStatusEnum::DEAD => ContainerState::Dead,
        _ => ContainerState::Unknown,
    }
}

fn verdict_of(status: HealthStatusEnum) -> Option<ContainerHealth> {
    match status {
        HealthStatusEnum::STARTING => Some(ContainerHealth::Starting),
        HealthStatusEnum::HEALTHY => Some(ContainerHealth::Healthy),
        HealthStatusEnum::UNHEALTHY => Some(ContainerHealth::Unhealthy),
        _ => None,
    }
}

/// The engine writes year 1 for "never".
fn moment(at: &str) -> Option<i64> {
    let at: DateTime<Utc> = at.parse().ok()?;
    Some(at.timestamp_millis()).filter(|ms| *ms > 0)
}

/// The first binding of each TCP port.
fn published(ports: Option<&PortMap>) -> Vec<(u16, SocketAddr)> {
    let mut found: Vec<_> = ports
        .into_iter()
        .flatten()
        .filter_map(|(port, bindings)| {
            let inside = port.strip_suffix("/tcp")?.parse().ok()?;
            let binding = bindings.as_ref()?.first()?;
            let ip = match binding.host_ip.as_deref() {
                None | Some("") => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                Some(ip) => ip.parse().ok()?,
            };
            Some((inside, SocketAddr::new(ip, binding.host_port.as_ref()?.parse().ok()?)))
        })
        .collect();
    found.sort();
    found
}

fn addresses(networks: Option<HashMap<String, bollard::models::EndpointSettings>>) -> Vec<IpAddr> {
    let mut found: Vec<IpAddr> = networks
        .into_iter()
        .flatten()
        .filter_map(|(_, endpoint)| endpoint.ip_address?.parse().ok())
        .collect();
    found.sort();
    found
}
