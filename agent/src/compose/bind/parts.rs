//! The parts of a service that are mappings of their own: mounts, ports, health checks and so on.

use super::{Fields, below};
use crate::compose::file::node::{Node, Value};
use crate::compose::file::place::Complaints;
use crate::compose::model::print::Mode;
use crate::compose::model::service::{
    Attachment, BindOptions, Condition, Dependency, Device, FileMount, HealthCheck, Logging, Mount,
    MountKind, Port, TmpfsOptions, Ulimit, VolumeOptions,
};

pub(super) fn attachment(node: &Node, path: &str, complaints: &mut Complaints) -> Attachment {
    let mut f = Fields::new(node, path, complaints);
    let attachment = Attachment {
        aliases: f.texts("aliases"),
        driver_opts: f.labels("driver_opts"),
        gw_priority: f.int_or_zero("gw_priority"),
        interface_name: f.text("interface_name"),
        ipv4_address: f.text("ipv4_address"),
        ipv6_address: f.text("ipv6_address"),
        link_local_ips: f.texts("link_local_ips"),
        mac_address: f.text("mac_address"),
        priority: f.int_or_zero("priority"),
    };
    f.finish(&[]);
    attachment
}

pub(super) fn file_mount(node: &Node, path: &str, folder: &str, complaints: &mut Complaints) -> FileMount {
    let mut f = Fields::new(node, path, complaints);
    let mut mount = FileMount {
        source: f.text("source"),
        target: f.text("target"),
        uid: f.text("uid"),
        gid: f.text("gid"),
        mode: None,
    };
    if let Some(node) = f.take("mode") {
        mount.mode = match &node.value {
            Value::Int(int) => i64::try_from(*int).ok().map(Mode),
            Value::Str(text) => i64::from_str_radix(text, 8).ok().map(Mode),
            _ => None,
        };
        if mount.mode.is_none() {
            f.complain(node, "mode", "wants an octal number such as 0440");
        }
    }
    if mount.target.is_empty() && !folder.is_empty() {
        mount.target = format!("{folder}{}", mount.source);
    }
    f.finish(&[]);
    mount
}

pub(super) fn dependency(node: &Node, path: &str, complaints: &mut Complaints) -> Dependency {
    let mut f = Fields::new(node, path, complaints);
    let condition = match f.text("condition").as_str() {
        "service_healthy" => Condition::Healthy,
        "service_completed_successfully" => Condition::Completed,
        "service_started" => Condition::Started,
        other => {
            f.complain_here(format!(
                "{other:?} is no condition: service_started, service_healthy or service_completed_successfully"
            ));
            Condition::Started
        }
    };
    let dependency = Dependency {
        condition,
        restart: f.flag("restart") == Some(true),
        required: f.flag("required") != Some(false),
    };
    f.finish(&[]);
    dependency
}

pub(super) fn device(node: &Node, path: &str, complaints: &mut Complaints) -> Device {
    let mut f = Fields::new(node, path, complaints);
    let device =
        Device { source: f.text("source"), target: f.text("target"), permissions: f.text("permissions") };
    f.finish(&[]);
    device
}

pub(super) fn health_check(node: &Node, path: &str, complaints: &mut Complaints) -> HealthCheck {
    let mut f = Fields::new(node, path, complaints);
    let test = match f.take("test").map(|node| &node.value) {
        Some(Value::Str(line)) => vec!["CMD-SHELL".to_owned(), line.clone()],
        _ => f.texts("test"),
    };
    let check = HealthCheck {
        test,
        timeout: f.duration("timeout"),
        interval: f.duration("interval"),
        retries: f.int("retries"),
        start_period: f.duration("start_period"),
        start_interval: f.duration("start_interval"),
        disable: f.flag("disable") == Some(true),
    };
    if check.test.first().is_some_and(|first| !["CMD", "CMD-SHELL", "NONE"].contains(&first.as_str())) {
        f.complain_here("test has to begin with CMD, CMD-SHELL or NONE");
    }
    f.finish(&[]);
    check
}

pub(super) fn logging(node: &Node, path: &str, complaints: &mut Complaints) -> Logging {
    let mut f = Fields::new(node, path, complaints);
    let logging = Logging { driver: f.text("driver"), options: f.labels("options") };
    f.finish(&[]);
    logging
}

pub(super) fn port(node: &Node, path: &str, complaints: &mut Complaints) -> Port {
    let mut f = Fields::new(node, path, complaints);
    let or = |text: String, default: &str| if text.is_empty() { default.to_owned() } else { text };
    let target = f.int("target").and_then(|target| u16::try_from(target).ok());
    if target.is_none() {
        f.complain_here("wants a target port from 1 to 65535");
    }
    let port = Port {
        name: f.text("name"),
        mode: or(f.text("mode"), "ingress"),
        host_ip: f.text("host_ip"),
        target: target.unwrap_or(0),
        published: f.text_or_number("published"),
        protocol: or(f.text("protocol"), "tcp"),
        app_protocol: f.text("app_protocol"),
    };
    f.finish(&[]);
    port
}

pub(super) fn ulimit(node: &Node, path: &str, complaints: &mut Complaints) -> Ulimit {
    match &node.value {
        Value::Int(int) if i64::try_from(*int).is_ok_and(|int| int != 0) => {
            Ulimit::Single(i64::try_from(*int).expect("checked in the guard"))
        }
        Value::Str(text) if text.parse::<i64>().is_ok_and(|int| int != 0) => {
            Ulimit::Single(text.parse().expect("checked in the guard"))
        }
        Value::Map(_) => {
            let mut f = Fields::new(node, path, complaints);
            let pair = Ulimit::Pair { soft: f.int_or_zero("soft"), hard: f.int_or_zero("hard") };
            f.finish(&[]);
            pair
        }
        _ => {
            complaints.add(
                &node.place,
                path,
                format!("wants a number or soft and hard, not {}", node.kind()),
            );
            Ulimit::Single(0)
        }
    }
}

pub(super) fn mount(node: &Node, path: &str, complaints: &mut Complaints) -> Mount {
    let mut f = Fields::new(node, path, complaints);
    let kind = match f.text("type").as_str() {
        "bind" => MountKind::Bind,
        "volume" => MountKind::Volume,
        "tmpfs" => MountKind::Tmpfs,
        other => {
            f.complain_here(format!("the mount type {other:?} is not supported: bind, volume or tmpfs"));
            MountKind::Volume
        }
    };
    let mount = Mount {
        kind,
        source: f.text("source"),
        target: f.text("target"),
        read_only: f.flag("read_only") == Some(true),
        consistency: f.text("consistency"),
        bind: below(&mut f, "bind", |node, path, complaints| {
            let mut f = Fields::new(node, path, complaints);
            let options = BindOptions {
                selinux: f.text("selinux"),
                propagation: f.text("propagation"),
                create_host_path: f.flag("create_host_path").filter(|create| *create),
                recursive: f.text("recursive"),
            };
            f.finish(&[]);
            options
        }),
        volume: below(&mut f, "volume", |node, path, complaints| {
            let mut f = Fields::new(node, path, complaints);
            let options = VolumeOptions {
                labels: f.labels("labels"),
                nocopy: f.flag("nocopy") == Some(true),
                subpath: f.text("subpath"),
            };
            f.finish(&[]);
            options
        }),
        tmpfs: below(&mut f, "tmpfs", |node, path, complaints| {
            let mut f = Fields::new(node, path, complaints);
            let options = TmpfsOptions { size: f.bytes("size"), mode: f.int_or_zero("mode") };
            f.finish(&[]);
            options
        }),
    };
    if mount.target.is_empty() {
        f.complain_here("wants a target: the path inside the container");
    }
    f.finish(&[("image", "mounts of images")]);
    mount
}
