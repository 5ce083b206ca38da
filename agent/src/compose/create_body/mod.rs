//! Our container, network and volume specs in the engine's words. Field by field, no decisions.

mod mounts;

use std::collections::{BTreeSet, HashMap};

use bollard::models::{
    ContainerCreateBody, DeviceMapping, EndpointIpamConfig, EndpointSettings, HealthConfig, HostConfig,
    HostConfigCgroupnsModeEnum, HostConfigLogConfig, Ipam, IpamConfig, NetworkCreateRequest,
    NetworkingConfig, PortBinding, PortMap, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum,
    VolumeCreateRequest,
};

use crate::compose::desired::{Attachment, ContainerSpec, NetworkSpec, Restart, VolumeSpec};
use crate::compose::model::Service;
use crate::compose::model::print::Bytes;
use crate::compose::model::service::{HealthCheck, Texts, Ulimit};

/// The body that creates a container. Only its primary network is in it: engines before API 1.44 take no more, so
/// the others ([`other_networks`]) are connected between create and start.
#[must_use]
pub fn container(
    spec: &ContainerSpec,
    image_id: Option<&str>,
    replaces: Option<&str>,
) -> ContainerCreateBody {
    let service = &spec.service;
    let environment = service.environment.iter();
    let primary = spec.networks.first().map(|on| NetworkingConfig {
        endpoints_config: Some(HashMap::from([(on.network.clone(), endpoint(on, service))])),
    });
    ContainerCreateBody {
        hostname: text(&service.hostname),
        domainname: text(&service.domainname),
        user: text(&service.user),
        attach_stdin: Some(false),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        exposed_ports: Some(exposed(service)),
        tty: Some(service.tty),
        open_stdin: Some(service.stdin_open),
        stdin_once: Some(service.stdin_open),
        env: list(environment.map(|(name, value)| variable(name, value.as_deref())).collect()),
        cmd: service.command.clone(),
        healthcheck: service.healthcheck.as_ref().map(health),
        image: Some(service.image.clone()),
        working_dir: text(&service.working_dir),
        entrypoint: service.entrypoint.clone(),
        labels: Some(spec.all_labels(image_id, replaces).into_iter().collect()),
        stop_signal: text(&service.stop_signal),
        stop_timeout: service.stop_grace_period.map(|grace| grace.0 / 1_000_000_000),
        host_config: Some(host(spec)),
        networking_config: primary,
        ..ContainerCreateBody::default()
    }
}

/// The networks to connect after create, by their engine name.
#[must_use]
pub fn other_networks(spec: &ContainerSpec) -> Vec<(String, EndpointSettings)> {
    spec.networks.iter().skip(1).map(|on| (on.network.clone(), endpoint(on, &spec.service))).collect()
}

fn host(spec: &ContainerSpec) -> HostConfig {
    let service = &spec.service;
    let limits = service.deploy.as_ref().and_then(|deploy| deploy.resources.limits.as_ref());
    let reserved = service.deploy.as_ref().and_then(|deploy| deploy.resources.reservations.as_ref());
    let either = |own: Bytes, deploy: Option<Bytes>| deploy.filter(|bytes| !bytes.is_zero()).unwrap_or(own);
    let cpus = limits.map(|limits| limits.cpus).filter(|cpus| !cpus.is_zero()).unwrap_or(service.cpus);
    let pids = limits.map(|limits| limits.pids).filter(|pids| *pids != 0).unwrap_or(service.pids_limit);
    let primary = spec.networks.first().map(|on| on.network.clone());
    HostConfig {
        cpu_shares: number(service.cpu_shares),
        memory: size(either(service.mem_limit, limits.map(|limits| limits.memory))),
        cgroup_parent: text(&service.cgroup_parent),
        cpu_period: number(service.cpu_period),
        cpu_quota: number(service.cpu_quota),
        cpu_realtime_period: number(service.cpu_rt_period),
        cpu_realtime_runtime: number(service.cpu_rt_runtime),
        cpuset_cpus: text(&service.cpuset),
        devices: list(service.devices.iter().map(device).collect()),
        device_cgroup_rules: list(service.device_cgroup_rules.clone()),
        memory_reservation: size(either(service.mem_reservation, reserved.map(|reserved| reserved.memory))),
        memory_swap: size(service.memswap_limit),
        memory_swappiness: size(service.mem_swappiness),
        #[expect(
            clippy::cast_possible_truncation,
            reason = "whole billionths of a CPU, in 32 bits as compose reckons"
        )]
        nano_cpus: number((cpus.0 * 1e9) as i64),
        oom_kill_disable: service.oom_kill_disable.then_some(true),
        init: service.init,
        pids_limit: number(pids),
        ulimits: list(service.ulimits.iter().map(|(name, limit)| ulimit(name, *limit)).collect()),
        cpu_count: number(service.cpu_count),
        #[expect(clippy::cast_possible_truncation, reason = "the engine takes whole percents")]
        cpu_percent: number(service.cpu_percent.0 as i64),
        binds: list(mounts::binds(spec)),
        log_config: service.logging.as_ref().map(|logging| HostConfigLogConfig {
            typ: text(&logging.driver),
            config: Some(map(&logging.options)),
        }),
        network_mode: text(&service.network_mode).or(primary),
        port_bindings: Some(published(service)),
        restart_policy: (spec.restart != Restart::No).then(|| restart(spec.restart)),
        mounts: list(mounts::mounts(spec)),
        annotations: (!service.annotations.is_empty()).then(|| map(&service.annotations)),
        cap_add: list(capabilities(&service.cap_add)),
        cap_drop: list(capabilities(&service.cap_drop)),
        cgroupns_mode: match service.cgroup.as_str() {
            "host" => Some(HostConfigCgroupnsModeEnum::HOST),
            "private" => Some(HostConfigCgroupnsModeEnum::PRIVATE),
            _ => None,
        },
        dns: list(service.dns.clone()),
        dns_options: list(service.dns_opt.clone()),
        dns_search: list(service.dns_search.clone()),
        // The engine wants a colon where compose prints an equals sign.
        extra_hosts: list(service.extra_hosts.iter().map(|host| host.replacen('=', ":", 1)).collect()),
        group_add: list(service.group_add.clone()),
        ipc_mode: text(&service.ipc),
        oom_score_adj: number(service.oom_score_adj),
        pid_mode: text(&service.pid),
        privileged: Some(service.privileged),
        readonly_rootfs: Some(service.read_only),
        security_opt: list(service.security_opt.clone()),
        storage_opt: (!service.storage_opt.is_empty()).then(|| map(&service.storage_opt)),
        tmpfs: (!service.tmpfs.is_empty()).then(|| service.tmpfs.iter().map(|entry| tmpfs(entry)).collect()),
        uts_mode: text(&service.uts),
        userns_mode: text(&service.userns_mode),
        shm_size: size(service.shm_size),
        sysctls: (!service.sysctls.is_empty()).then(|| map(&service.sysctls)),
        runtime: text(&service.runtime),
        ..HostConfig::default()
    }
}

/// When the engine starts a container again.
#[must_use]
pub fn restart(restart: Restart) -> RestartPolicy {
    let (name, most) = match restart {
        Restart::No => (RestartPolicyNameEnum::NO, None),
        Restart::Always => (RestartPolicyNameEnum::ALWAYS, None),
        Restart::UnlessStopped => (RestartPolicyNameEnum::UNLESS_STOPPED, None),
        Restart::OnFailure(most) => (RestartPolicyNameEnum::ON_FAILURE, number(most)),
    };
    RestartPolicy { name: Some(name), maximum_retry_count: most }
}

/// The body that creates a network.
#[must_use]
pub fn network(spec: &NetworkSpec) -> NetworkCreateRequest {
    let network = &spec.network;
    let pools = network.ipam.config.iter().map(|pool| IpamConfig {
        subnet: text(&pool.subnet),
        ip_range: text(&pool.ip_range),
        gateway: text(&pool.gateway),
        auxiliary_addresses: (!pool.aux_addresses.is_empty()).then(|| map(&pool.aux_addresses)),
    });
    NetworkCreateRequest {
        name: network.name.clone(),
        driver: text(&network.driver),
        internal: Some(network.internal),
        attachable: Some(network.attachable),
        ipam: Some(Ipam { driver: text(&network.ipam.driver), config: list(pools.collect()), options: None }),
        enable_ipv4: network.enable_ipv4,
        enable_ipv6: network.enable_ipv6,
        options: (!network.driver_opts.is_empty()).then(|| map(&network.driver_opts)),
        labels: Some(spec.labels.clone().into_iter().collect()),
        ..NetworkCreateRequest::default()
    }
}

/// The body that creates a volume.
#[must_use]
pub fn volume(spec: &VolumeSpec) -> VolumeCreateRequest {
    VolumeCreateRequest {
        name: Some(spec.volume.name.clone()),
        driver: text(&spec.volume.driver),
        driver_opts: (!spec.volume.driver_opts.is_empty()).then(|| map(&spec.volume.driver_opts)),
        labels: Some(spec.labels.clone().into_iter().collect()),
        ..VolumeCreateRequest::default()
    }
}

fn text(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn number(number: i64) -> Option<i64> {
    (number != 0).then_some(number)
}

fn size(bytes: Bytes) -> Option<i64> {
    number(bytes.0)
}

fn list<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn map(texts: &Texts) -> HashMap<String, String> {
    texts.clone().into_iter().collect()
}

fn endpoint(on: &Attachment, service: &Service) -> EndpointSettings {
    let options = &on.options;
    let addresses = EndpointIpamConfig {
        ipv4_address: text(&options.ipv4_address),
        ipv6_address: text(&options.ipv6_address),
        link_local_ips: list(options.link_local_ips.clone()),
    };
    EndpointSettings {
        ipam_config: (addresses != EndpointIpamConfig::default()).then_some(addresses),
        mac_address: text(&options.mac_address).or_else(|| text(&service.mac_address)),
        aliases: Some(on.aliases.clone()),
        driver_opts: (!options.driver_opts.is_empty()).then(|| map(&options.driver_opts)),
        gw_priority: number(options.gw_priority),
        ..EndpointSettings::default()
    }
}

fn health(check: &HealthCheck) -> HealthConfig {
    if check.disable {
        return HealthConfig { test: Some(vec!["NONE".to_owned()]), ..HealthConfig::default() };
    }
    HealthConfig {
        test: list(check.test.clone()),
        interval: check.interval.map(|interval| interval.0),
        timeout: check.timeout.map(|timeout| timeout.0),
        retries: check.retries,
        start_period: check.start_period.map(|period| period.0),
        start_interval: check.start_interval.map(|interval| interval.0),
    }
}

fn device(device: &crate::compose::model::service::Device) -> DeviceMapping {
    DeviceMapping {
        path_on_host: text(&device.source),
        path_in_container: text(&device.target),
        cgroup_permissions: text(&device.permissions),
    }
}

fn ulimit(name: &str, limit: Ulimit) -> ResourcesUlimits {
    let (soft, hard) = match limit {
        Ulimit::Single(both) => (both, both),
        Ulimit::Pair { soft, hard } => (soft, hard),
    };
    ResourcesUlimits { name: Some(name.to_owned()), soft: Some(soft), hard: Some(hard) }
}

/// Capabilities as compose hands them on: with their prefix, sorted.
fn capabilities(names: &[String]) -> Vec<String> {
    let prefixed = |name: &String| match name.to_uppercase() {
        name if name == "ALL" || name.starts_with("CAP_") => name,
        name => format!("CAP_{name}"),
    };
    names.iter().map(prefixed).collect::<BTreeSet<_>>().into_iter().collect()
}

/// A name alone takes the variable away from what the image sets, as compose has it for names that are set nowhere.
fn variable(name: &str, value: Option<&str>) -> String {
    value.map_or_else(|| name.to_owned(), |value| format!("{name}={value}"))
}

/// `/run:size=16M` as a path and its options.
fn tmpfs(entry: &str) -> (String, String) {
    let (path, options) = entry.split_once(':').unwrap_or((entry, ""));
    (path.to_owned(), options.to_owned())
}

fn with_protocol(port: &str) -> String {
    if port.contains('/') { port.to_owned() } else { format!("{port}/tcp") }
}

/// `expose` and the targets of `ports`, ranges written out.
fn exposed(service: &Service) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for entry in &service.expose {
        let entry = with_protocol(entry);
        let (ports, protocol) = entry.split_once('/').expect("the protocol was just added");
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) => all.extend((first..=last).map(|port| format!("{port}/{protocol}"))),
            _ => all.push(entry.clone()),
        }
    }
    all.extend(service.ports.iter().map(|port| format!("{}/{}", port.target, port.protocol)));
    all.sort();
    all.dedup();
    all
}

fn published(service: &Service) -> PortMap {
    let mut map = PortMap::new();
    for port in &service.ports {
        let binding = PortBinding { host_ip: text(&port.host_ip), host_port: text(&port.published) };
        let bindings = map.entry(format!("{}/{}", port.target, port.protocol)).or_default();
        bindings.get_or_insert_with(Vec::new).push(binding);
    }
    map
}
