//! What must hold between the parts of a project: everything a service names exists, nothing is said twice.

use std::collections::BTreeMap;

use super::place::{Complaints, Place};
use crate::compose::model::service::MountKind;
use crate::compose::model::{Project, Service};
use crate::compose::order;

/// Checks a project whose unused parts are still in it; `places` are the services' own.
pub(super) fn check(project: &Project, places: &BTreeMap<String, Place>, complaints: &mut Complaints) {
    let mut container_names: BTreeMap<&str, &str> = BTreeMap::new();
    for (section, name) in names(project) {
        if !well_formed(name) {
            let text = format!("{name:?} is no name: letters, digits, ., _ and - only");
            match places.get(name).filter(|_| section == "services") {
                Some(place) => complaints.add(place, section, text),
                None => complaints.general(section, text),
            }
        }
    }
    for (name, service) in &project.services {
        let mut complain = |text: String| match places.get(name) {
            Some(place) => complaints.add(place, format!("services.{name}"), text),
            None => complaints.general(format!("services.{name}"), text),
        };
        references(project, service, &mut complain);
        limits(service, &mut complain);
        if !service.network_mode.is_empty() && !service.networks.is_empty() {
            complain("network_mode and networks exclude each other".to_owned());
        }
        if u32::try_from(service.count()).is_err() {
            complain("cannot have fewer than no containers".to_owned());
        }
        if !service.container_name.is_empty() {
            if service.count() > 1 {
                complain("container_name allows one container only".to_owned());
            }
            if let Some(other) = container_names.insert(&service.container_name, name) {
                complain(format!("the service {other} has the same container_name"));
            }
        }
    }
    if let Err(cycle) = order::order(&project.services) {
        complaints.general("services", cycle.to_string());
    }
}

/// Every name that a section gives, with its section; compose lets the names of networks be anything.
fn names(project: &Project) -> impl Iterator<Item = (&'static str, &String)> {
    let services = project.services.keys().chain(project.disabled.keys()).map(|name| ("services", name));
    let volumes = project.volumes.keys().map(|name| ("volumes", name));
    let secrets = project.secrets.keys().map(|name| ("secrets", name));
    let configs = project.configs.keys().map(|name| ("configs", name));
    services.chain(volumes).chain(secrets).chain(configs)
}

/// The pattern that the Compose specification's schema has for the keys of its sections.
fn well_formed(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn references(project: &Project, service: &Service, complain: &mut impl FnMut(String)) {
    for name in service.networks.keys().filter(|name| !project.networks.contains_key(*name)) {
        complain(format!("there is no network {name:?} in the networks section"));
    }
    let named =
        service.volumes.iter().filter(|mount| mount.kind == MountKind::Volume && !mount.source.is_empty());
    for mount in named.filter(|mount| !project.volumes.contains_key(&mount.source)) {
        complain(format!(
            "there is no volume {:?} in the volumes section; a folder is written ./{0}",
            mount.source
        ));
    }
    for (list, known, section) in
        [(&service.secrets, &project.secrets, "secrets"), (&service.configs, &project.configs, "configs")]
    {
        for mount in list.iter().filter(|mount| !known.contains_key(&mount.source)) {
            complain(format!("there is no {:?} in the {section} section", mount.source));
        }
    }
    for (name, dependency) in &service.depends_on {
        if project.services.contains_key(name)
            || (project.disabled.contains_key(name) && !dependency.required)
        {
            continue;
        }
        match project.disabled.get(name) {
            Some(off) => complain(format!(
                "waits for {name}, which runs only with the profile {}",
                off.profiles.join(" or ")
            )),
            None => complain(format!("waits for {name}, which is no service")),
        }
    }
}

/// The old and the new way to set one limit must not differ.
fn limits(service: &Service, complain: &mut impl FnMut(String)) {
    let Some(deploy) = &service.deploy else { return };
    let mut differ = |old: &str, new: &str| complain(format!("{old} and deploy.{new} differ: keep one"));
    if service.scale.is_some() && deploy.replicas.is_some() && service.scale != deploy.replicas {
        differ("scale", "replicas");
    }
    if let Some(limits) = &deploy.resources.limits {
        if !service.cpus.is_zero() && service.cpus != limits.cpus {
            differ("cpus", "resources.limits.cpus");
        }
        if !service.mem_limit.is_zero() && service.mem_limit != limits.memory {
            differ("mem_limit", "resources.limits.memory");
        }
        if service.pids_limit != 0 && service.pids_limit != limits.pids {
            differ("pids_limit", "resources.limits.pids");
        }
    }
    if let Some(reserved) = &deploy.resources.reservations
        && !service.mem_reservation.is_zero()
        && service.mem_reservation != reserved.memory
    {
        differ("mem_reservation", "resources.reservations.memory");
    }
}
