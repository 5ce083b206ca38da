//! A container as the stack's work needs it: what [`Container`] holds, and how its life went.

use bollard::models::{
    ContainerInspectResponse, ContainerStateStatusEnum, HealthStatusEnum, PortMap, RestartPolicy,
    RestartPolicyNameEnum,
};

use usher_common::wire::ProbeFailure;

use super::EngineFailure;
use crate::compose::desired::Restart;
use crate::compose::observed::{Container, Health, State};

/// One container, whoever made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// What a plan cares about.
    pub container: Container,
    /// When the engine starts it again, as it stands now.
    pub restart: Restart,
    /// Starts by the engine's policy.
    pub restarts: i64,
    /// When its present or last life began, RFC 3339; `None`: never.
    pub started_at: Option<String>,
    /// The exit code of its last life, whether or not it runs again.
    pub exit_code: Option<i64>,
    /// Whether the kernel ended it for want of memory, as far as the engine noticed.
    pub oom_killed: bool,
    /// What the engine could not do about it, such as to find its program.
    pub error: String,
    /// The image as it was asked for.
    pub image: String,
    /// Volumes it mounts, named or not.
    pub volumes: Vec<VolumeMount>,
    /// Published ports as Docker prints them: `0.0.0.0:8000->8000/tcp`.
    pub ports: Vec<String>,
    /// Whether it has a terminal: its log is one raw stream then.
    pub tty: bool,
}

/// A volume in a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeMount {
    /// The engine's name of the volume.
    pub name: String,
    /// Where it is inside.
    pub target: String,
}

/// The container; an error when the engine left out what every container has: nothing can be said of it then, least of
/// all that it is not there.
pub(super) fn inspected(from: ContainerInspectResponse) -> Result<Inspected, EngineFailure> {
    let id = from.id.filter(|id| !id.is_empty()).ok_or_else(|| missing("a container", "its id"))?;
    let lacks = |what| missing(&id, what);
    let state = from.state.unwrap_or_default();
    let config = from.config.unwrap_or_default();
    let settings = from.network_settings.unwrap_or_default();
    let exit_code = state.exit_code;
    let container = Container {
        name: from.name.ok_or_else(|| lacks("its name"))?.trim_start_matches('/').to_owned(),
        state: match state.status {
            Some(ContainerStateStatusEnum::RUNNING | ContainerStateStatusEnum::STOPPING) => State::Running,
            Some(ContainerStateStatusEnum::PAUSED) => State::Paused,
            Some(ContainerStateStatusEnum::RESTARTING) => State::Restarting,
            Some(ContainerStateStatusEnum::EXITED) => {
                State::Exited(exit_code.ok_or_else(|| lacks("its exit code"))?)
            }
            Some(ContainerStateStatusEnum::CREATED) => State::Created,
            Some(ContainerStateStatusEnum::REMOVING | ContainerStateStatusEnum::DEAD) => State::Dead,
            Some(ContainerStateStatusEnum::EMPTY) | None => return Err(lacks("its state")),
        },
        health: state.health.and_then(|health| health.status).and_then(|status| match status {
            HealthStatusEnum::STARTING => Some(Health::Starting),
            HealthStatusEnum::HEALTHY => Some(Health::Healthy),
            HealthStatusEnum::UNHEALTHY => Some(Health::Unhealthy),
            _ => None,
        }),
        image_id: from.image.filter(|id| !id.is_empty()).ok_or_else(|| lacks("its image"))?,
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        networks: settings.networks.unwrap_or_default().into_keys().collect(),
        restart_before: None,
        owes_restart_with: None,
        id,
    };
    let volumes = from.mounts.unwrap_or_default().into_iter().filter_map(|mount| {
        (mount.typ.as_deref() == Some("volume"))
            .then_some(VolumeMount { name: mount.name?, target: mount.destination? })
    });
    Ok(Inspected {
        container,
        restart: from
            .host_config
            .and_then(|host| host.restart_policy)
            .map_or(Restart::No, |policy| restart(&policy)),
        restarts: from.restart_count.unwrap_or(0),
        // The engine writes year 1 for "never".
        started_at: state.started_at.filter(|at| !at.starts_with("0001-")),
        exit_code,
        oom_killed: state.oom_killed.unwrap_or(false),
        error: state.error.unwrap_or_default(),
        image: config.image.unwrap_or_default(),
        volumes: volumes.collect(),
        ports: settings.ports.as_ref().map(ports).unwrap_or_default(),
        tty: config.tty.unwrap_or(false),
    })
}

fn missing(container: &str, what: &str) -> EngineFailure {
    EngineFailure::new(ProbeFailure::Malformed, format!("the engine leaves out {what} of {container}"))
}

fn restart(policy: &RestartPolicy) -> Restart {
    match policy.name {
        Some(RestartPolicyNameEnum::ALWAYS) => Restart::Always,
        Some(RestartPolicyNameEnum::UNLESS_STOPPED) => Restart::UnlessStopped,
        Some(RestartPolicyNameEnum::ON_FAILURE) => {
            Restart::OnFailure(policy.maximum_retry_count.unwrap_or(0))
        }
        _ => Restart::No,
    }
}

fn ports(map: &PortMap) -> Vec<String> {
    let mut all: Vec<String> = map
        .iter()
        .flat_map(|(inside, bindings)| {
            bindings.iter().flatten().map(move |binding| {
                let ip = binding.host_ip.as_deref().filter(|ip| !ip.is_empty()).unwrap_or("0.0.0.0");
                let ip = if ip.contains(':') { format!("[{ip}]") } else { ip.to_owned() };
                format!("{ip}:{}->{inside}", binding.host_port.as_deref().unwrap_or("?"))
            })
        })
        .collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engines_answer_becomes_our_words() {
        let json = serde_json::json!({
            "Id": "abc", "Name": "/p-web-1", "Image": "sha256:1", "RestartCount": 2,
            "State": {"Status": "exited", "ExitCode": 3, "OOMKilled": true, "StartedAt": "0001-01-01T00:00:00Z",
                      "Health": {"Status": "unhealthy"}},
            "Config": {"Image": "web:1", "Labels": {"a": "b"}, "Tty": true},
            "HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5}},
            "Mounts": [{"Type": "volume", "Name": "v", "Destination": "/data"}, {"Type": "bind", "Source": "/x"}],
            "NetworkSettings": {"Networks": {"n": {}},
                                "Ports": {"80/tcp": [{"HostIp": "::1", "HostPort": "8000"}], "1/udp": null}},
        });
        let found = inspected(serde_json::from_value(json).unwrap()).unwrap();
        assert_eq!(found.container.name, "p-web-1");
        assert_eq!(found.container.state, State::Exited(3));
        assert_eq!(found.container.health, Some(Health::Unhealthy));
        assert_eq!(found.restart, Restart::OnFailure(5));
        assert_eq!(found.started_at, None);
        assert_eq!(found.ports, ["[::1]:8000->80/tcp"]);
        assert_eq!(found.volumes, [VolumeMount { name: "v".into(), target: "/data".into() }]);
        assert!(found.oom_killed && found.tty && found.container.networks.contains("n"));
    }

    #[test]
    fn what_every_container_has_and_the_engine_leaves_out_is_an_error_and_not_an_empty_word() {
        let whole = serde_json::json!({
            "Id": "abc", "Name": "/p-web-1", "Image": "sha256:1", "State": {"Status": "exited", "ExitCode": 0},
        });
        let read = |json: &serde_json::Value| inspected(serde_json::from_value(json.clone()).unwrap());
        assert!(read(&whole).is_ok());
        for pointer in ["/Id", "/Name", "/Image", "/State/Status", "/State/ExitCode"] {
            let mut cut = whole.clone();
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            cut.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
            assert_eq!(read(&cut).expect_err(pointer).reason, ProbeFailure::Malformed);
        }
    }
}
