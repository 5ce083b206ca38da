//! The merged tree as a typed project, and what of it takes part.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::node::{Map, Node, Value};
use super::place::Complaints;
use super::{Warning, path};
use crate::compose::bind::{self, Fields};
use crate::compose::model::service::MountKind;
use crate::compose::model::{Project, Service};

/// The tree as a typed project: every service, network and so on, used or not.
pub(super) fn bound(
    root: &Node,
    name: &str,
    complaints: &mut Complaints,
    warnings: &mut Vec<Warning>,
) -> Project {
    let mut fields = Fields::new(root, "", complaints);
    for key in ["name", "services", "networks", "volumes", "secrets", "configs"] {
        if let Some(node) = fields.take(key)
            && key != "name"
            && node.as_map().is_none()
        {
            fields.complain(node, key, format!("wants a mapping, not {}", node.kind()));
        }
    }
    if let Some(version) = fields.take("version") {
        warnings.push(Warning::Version { place: version.place.clone() });
    }
    fields.finish(&[
        ("include", "list the files in COMPOSE_FILE"),
        ("models", "services that are not containers"),
    ]);

    let mut project = Project {
        name: name.to_owned(),
        directory: String::new(),
        files: Vec::new(),
        services: BTreeMap::new(),
        disabled: BTreeMap::new(),
        networks: BTreeMap::new(),
        volumes: BTreeMap::new(),
        secrets: BTreeMap::new(),
        configs: BTreeMap::new(),
        extensions: BTreeMap::new(),
    };
    for (key, node) in section(root, "services") {
        for field in ["command", "entrypoint"] {
            let line = node.as_map().and_then(|map| map.get(field)).filter(|node| node.as_str().is_some());
            if let Some(line) = line
                && let Some(dropped) = line.as_str().and_then(bind::cut_command)
            {
                let path = format!("services.{key}.{field}");
                warnings.push(Warning::CommandCut { place: line.place.clone(), path, dropped });
            }
        }
        project.services.insert(key.to_owned(), bind::service(key, node, complaints));
    }
    for (key, node) in section(root, "networks") {
        project.networks.insert(key.to_owned(), bind::network(name, key, node, complaints));
    }
    let wants_default = |service: &Service| service.networks.contains_key("default");
    if project.services.values().any(wants_default) && !project.networks.contains_key("default") {
        let nothing = root.like(Value::Null);
        project.networks.insert("default".to_owned(), bind::network(name, "default", &nothing, complaints));
    }
    for (key, node) in section(root, "volumes") {
        project.volumes.insert(key.to_owned(), bind::volume(name, key, node, complaints));
    }
    for (list, target) in [("secrets", &mut project.secrets), ("configs", &mut project.configs)] {
        for (key, node) in section(root, list) {
            target.insert(key.to_owned(), bind::file_resource(name, list, key, node, complaints));
        }
    }
    let extensions =
        root.as_map().into_iter().flat_map(Map::iter).filter(|(key, _)| key.name.starts_with("x-"));
    project.extensions = extensions.map(|(key, node)| (key.name.clone(), json(node))).collect();
    for mount in project.services.values_mut().flat_map(|service| &mut service.volumes) {
        mount.target = path::clean(&mount.target);
    }
    project
}

fn json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(flag) => Json::Bool(*flag),
        Value::Int(int) => i64::try_from(*int)
            .map(Json::from)
            .or_else(|_| u64::try_from(*int).map(Json::from))
            .unwrap_or(Json::Null),
        Value::Float(float) => serde_json::Number::from_f64(*float).map_or(Json::Null, Json::Number),
        Value::Str(text) => Json::String(text.clone()),
        Value::Seq(items) => Json::Array(items.iter().map(json).collect()),
        Value::Map(map) => {
            Json::Object(map.iter().map(|(key, node)| (key.name.clone(), json(node))).collect())
        }
    }
}

/// Services without an active profile do not run.
pub(super) fn choose_profiles(project: &mut Project, profiles: &[String]) {
    let active = |service: &Service| {
        service.profiles.is_empty()
            || profiles.iter().any(|active| active == "*" || service.profiles.contains(active))
    };
    let all = std::mem::take(&mut project.services);
    (project.services, project.disabled) = all.into_iter().partition(|(_, service)| active(service));
}

/// What no running service names is not made, so it is not part of the project.
pub(super) fn drop_unused(project: &mut Project) {
    let services = || project.services.values();
    let networks: BTreeSet<&String> = services().flat_map(|service| service.networks.keys()).collect();
    project.networks.retain(|key, _| networks.contains(key));
    let mounts =
        services().flat_map(|service| &service.volumes).filter(|mount| mount.kind == MountKind::Volume);
    let volumes: BTreeSet<&String> = mounts.map(|mount| &mount.source).collect();
    project.volumes.retain(|key, _| volumes.contains(key));
    let secrets: BTreeSet<&String> = services().flat_map(|s| &s.secrets).map(|mount| &mount.source).collect();
    project.secrets.retain(|key, _| secrets.contains(key));
    let configs: BTreeSet<&String> = services().flat_map(|s| &s.configs).map(|mount| &mount.source).collect();
    project.configs.retain(|key, _| configs.contains(key));
}

/// The entries of a top-level section.
pub(super) fn section<'n>(root: &'n Node, name: &str) -> impl Iterator<Item = (&'n str, &'n Node)> {
    let map = root.as_map().and_then(|root| root.get(name)).and_then(Node::as_map);
    map.into_iter().flat_map(Map::iter).map(|(key, node)| (key.name.as_str(), node))
}
