//! One service, after merging and with its short syntaxes written out.

use std::collections::BTreeMap;

use super::parts::{attachment, dependency, device, file_mount, health_check, logging, mount, port, ulimit};
use super::{Below, Fields, below, deploy, words};
use crate::compose::file::node::{Node, Value};
use crate::compose::file::place::Complaints;
use crate::compose::model::service::{Attachment, Service};

/// Keys that compose has and this engine does not, each with the reason an operator gets.
const REFUSED: &[(&str, &str)] = &[
    ("build", "images are pulled, not built here: name an image"),
    ("develop", "it is for developing"),
    ("extends", "only a service of the same file can be extended"),
    ("include", "list the files in COMPOSE_FILE"),
    ("provider", "services that are not containers"),
    ("models", "services that are not containers"),
    ("gpus", "device requests; use devices"),
    ("credential_spec", "it is for Windows"),
    ("isolation", "it is for Windows"),
    ("blkio_config", "limits of block devices"),
    ("links", "services on one network find each other by name"),
    ("external_links", "use an external network"),
    ("volumes_from", "name the volumes in both services"),
    ("label_file", "write labels into the service"),
    ("post_start", "hooks around start and stop"),
    ("pre_start", "hooks around start and stop"),
    ("pre_stop", "hooks around start and stop"),
    ("use_api_socket", "mount the engine's socket"),
    ("dockerfile", "images are pulled, not built here"),
    ("log_driver", "use logging"),
    ("log_opt", "use logging"),
    ("net", "use network_mode"),
    ("volume_driver", "give the volume a driver in the volumes section"),
];

/// Reads the service `name`.
pub fn service(name: &str, node: &Node, complaints: &mut Complaints) -> Service {
    let mut fields = Fields::new(node, format!("services.{name}"), complaints);
    let f = &mut fields;
    let mut service = Service {
        name: name.to_owned(),
        scale: f.int("scale"),
        pull_policy: f.text("pull_policy"),
        profiles: f.texts("profiles"),
        annotations: f.labels("annotations"),
        attach: f.flag("attach"),
        cap_add: f.texts("cap_add"),
        cap_drop: f.texts("cap_drop"),
        cgroup_parent: f.text("cgroup_parent"),
        cgroup: f.text("cgroup"),
        cpu_count: f.int_or_zero("cpu_count"),
        cpu_percent: f.cpus("cpu_percent"),
        cpu_period: f.int_or_zero("cpu_period"),
        cpu_quota: f.int_or_zero("cpu_quota"),
        cpu_rt_period: f.int_or_zero("cpu_rt_period"),
        cpu_rt_runtime: f.int_or_zero("cpu_rt_runtime"),
        cpus: f.cpus("cpus"),
        cpuset: f.text("cpuset"),
        cpu_shares: f.int_or_zero("cpu_shares"),
        command: command(f, "command"),
        configs: each(f, "configs", |node, path, complaints| file_mount(node, path, "", complaints)),
        container_name: f.text("container_name"),
        depends_on: by_name(f, "depends_on", dependency),
        deploy: below(f, "deploy", deploy::deploy),
        device_cgroup_rules: f.texts("device_cgroup_rules"),
        devices: each(f, "devices", device),
        dns: f.texts("dns"),
        dns_opt: f.texts("dns_opt"),
        dns_search: f.texts("dns_search"),
        domainname: f.text("domainname"),
        entrypoint: command(f, "entrypoint"),
        environment: f.pairs("environment"),
        expose: f.texts_or_numbers("expose"),
        extra_hosts: extra_hosts(f),
        group_add: f.texts_or_numbers("group_add"),
        hostname: f.text("hostname"),
        healthcheck: below(f, "healthcheck", health_check),
        image: f.text("image"),
        init: f.flag("init"),
        ipc: f.text("ipc"),
        labels: f.labels("labels"),
        logging: below(f, "logging", logging),
        mem_limit: f.bytes("mem_limit"),
        mem_reservation: f.bytes("mem_reservation"),
        memswap_limit: f.bytes("memswap_limit"),
        mem_swappiness: f.bytes("mem_swappiness"),
        mac_address: f.text("mac_address"),
        network_mode: f.text("network_mode"),
        networks: BTreeMap::new(),
        oom_kill_disable: f.flag("oom_kill_disable") == Some(true),
        oom_score_adj: f.int_or_zero("oom_score_adj"),
        pid: f.text("pid"),
        pids_limit: f.int_or_zero("pids_limit"),
        platform: f.text("platform"),
        ports: each(f, "ports", port),
        privileged: f.flag("privileged") == Some(true),
        read_only: f.flag("read_only") == Some(true),
        restart: f.text("restart"),
        runtime: f.text("runtime"),
        secrets: each(f, "secrets", |node, path, complaints| {
            file_mount(node, path, "/run/secrets/", complaints)
        }),
        security_opt: f.texts("security_opt"),
        shm_size: f.bytes("shm_size"),
        stdin_open: f.flag("stdin_open") == Some(true),
        stop_grace_period: f.duration("stop_grace_period"),
        stop_signal: f.text("stop_signal"),
        storage_opt: f.labels("storage_opt"),
        sysctls: f.labels("sysctls"),
        tmpfs: f.texts("tmpfs"),
        tty: f.flag("tty") == Some(true),
        ulimits: by_name(f, "ulimits", ulimit),
        user: f.text("user"),
        userns_mode: f.text("userns_mode"),
        uts: f.text("uts"),
        volumes: each(f, "volumes", mount),
        working_dir: f.text("working_dir"),
    };
    f.take("env_file");
    service.networks = networks(f);
    shared_namespaces(f, &service);
    restart_is_known(f, &service);
    if service.pull_policy == "if_not_present" {
        "missing".clone_into(&mut service.pull_policy);
    }
    if service.image.is_empty() && !f.says("build") {
        f.complain_here("has no image");
    }
    fields.finish(REFUSED);
    service
}

fn each<T>(fields: &mut Fields<'_, '_>, key: &'static str, read: Below<T>) -> Vec<T> {
    let path = fields.path_of(key);
    let items = fields.items(key).iter().enumerate();
    items.map(|(index, item)| read(item, &format!("{path}.{index}"), fields.complaints())).collect()
}

fn by_name<T>(fields: &mut Fields<'_, '_>, key: &'static str, read: Below<T>) -> BTreeMap<String, T> {
    let path = fields.path_of(key);
    let mut all = BTreeMap::new();
    let Some(node) = fields.take(key) else { return all };
    let Some(map) = node.as_map() else {
        fields.complain(node, key, format!("wants a mapping, not {}", node.kind()));
        return all;
    };
    for (name, node) in map.iter() {
        let value = read(node, &format!("{path}.{}", name.name), fields.complaints());
        all.insert(name.name.clone(), value);
    }
    all
}

fn command(fields: &mut Fields<'_, '_>, key: &'static str) -> Option<Vec<String>> {
    let node = fields.take(key)?;
    let Value::Str(line) = &node.value else { return Some(fields.texts(key)) };
    match words::split(line) {
        Some(words) => Some(words.words),
        None => {
            fields.complain(node, key, "a quote or bracket is not closed");
            None
        }
    }
}

/// What compose drops from a command that is one text: see [`words`].
pub(crate) fn cut_command(line: &str) -> Option<String> {
    words::split(line).and_then(|words| words.cut)
}

fn networks(fields: &mut Fields<'_, '_>) -> BTreeMap<String, Option<Attachment>> {
    let attachments = by_name(fields, "networks", |node, path, complaints| {
        (!node.is_null()).then(|| attachment(node, path, complaints))
    });
    if attachments.is_empty() && !fields.says("network_mode") {
        return BTreeMap::from([("default".to_owned(), None)]);
    }
    attachments
}

fn restart_is_known(fields: &mut Fields<'_, '_>, service: &Service) {
    let known = match service.restart.split_once(':') {
        None => ["", "no", "always", "unless-stopped", "on-failure"].contains(&service.restart.as_str()),
        Some((word, most)) => word == "on-failure" && most.parse::<u32>().is_ok(),
    };
    if !known && let Some(node) = fields.take("restart") {
        fields.complain(node, "restart", "wants no, always, unless-stopped, on-failure or on-failure:NUMBER");
    }
}

/// Another container's namespace is named by that container's id, which no file knows.
fn shared_namespaces(fields: &mut Fields<'_, '_>, service: &Service) {
    let shared = [("network_mode", &service.network_mode), ("ipc", &service.ipc), ("pid", &service.pid)];
    for (key, value) in shared {
        if (value.starts_with("service:") || value.starts_with("container:"))
            && let Some(node) = fields.take(key)
        {
            fields.complain(node, key, "not supported: sharing the namespace of another container");
        }
    }
}

/// `name=address`, sorted; the old `name:address` and mappings are taken too.
fn extra_hosts(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let mut hosts = Vec::new();
    let Some(node) = fields.take("extra_hosts") else { return hosts };
    let mut add = |name: &str, addresses: &str| {
        for address in addresses.split(',') {
            let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
            hosts.push(format!("{name}={bare}"));
        }
    };
    match &node.value {
        Value::Map(map) => {
            for (name, value) in map.iter() {
                match &value.value {
                    Value::Seq(items) => {
                        items.iter().filter_map(Node::as_str).for_each(|text| add(&name.name, text));
                    }
                    _ => add(&name.name, value.as_str().unwrap_or("")),
                }
            }
        }
        Value::Seq(items) => {
            for item in items {
                let text = item.as_str().unwrap_or("");
                match text.split_once('=').or_else(|| text.split_once(':')) {
                    Some((name, addresses)) if !name.is_empty() => add(name, addresses),
                    _ => fields.complain(item, "extra_hosts", "wants name=address"),
                }
            }
        }
        _ => fields.complain(node, "extra_hosts", "wants a list of name=address"),
    }
    hosts.sort();
    hosts
}
