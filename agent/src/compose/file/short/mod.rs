//! The short syntaxes of compose written out, in place, on the tree of a merged file.
//!
//! `80:8000` becomes a mapping with a target and a published port, `a:/b:ro` a mount, a list of names a mapping.
//! What cannot be written out is complained of and left as it is.

pub(crate) mod port;
pub(crate) mod volume;

use super::node::{Map, Node, Value};
use super::place::Complaints;

/// Brings every service, network and volume of a tree to the long syntax.
pub(crate) fn expand(root: &mut Node, complaints: &mut Complaints) {
    let Some(root) = root.as_map_mut() else { return };
    for section in ["networks", "volumes", "secrets", "configs"] {
        let Some(resources) = root.get_mut(section).and_then(Node::as_map_mut) else { continue };
        for (key, resource) in resources.iter_mut() {
            external(resource, &format!("{section}.{}", key.name), complaints);
        }
    }
    let Some(services) = root.get_mut("services").and_then(Node::as_map_mut) else { return };
    for (key, service) in services.iter_mut() {
        let path = format!("services.{}", key.name);
        if let Some(service) = service.as_map_mut() {
            expand_service(service, &path, complaints);
        }
    }
}

fn expand_service(service: &mut Map, path: &str, complaints: &mut Complaints) {
    for (key, node) in service.iter_mut() {
        let path = format!("{path}.{}", key.name);
        match key.name.as_str() {
            "depends_on" => depends_on(node),
            "networks" => names(node),
            "dns" | "dns_search" | "tmpfs" => one_or_list(node),
            "env_file" => {
                one_or_list(node);
                each(node, env_file);
            }
            "secrets" | "configs" => each(node, |node| {
                if let Some(name) = node.as_str() {
                    *node = node.map_of([("source", node.text(name))]);
                }
            }),
            "devices" => each(node, |node| device(node, &path, complaints)),
            "volumes" => each(node, |node| volume::expand(node, &path, complaints)),
            "ports" => port::expand(node, &path, complaints),
            _ => {}
        }
        // Compose drops empty texts from this list only.
        if key.name == "dns"
            && let Value::Seq(items) = &mut node.value
        {
            items.retain(|item| !item.is_null() && item.as_str() != Some(""));
        }
    }
}

fn each(node: &mut Node, change: impl FnMut(&mut Node)) {
    if let Value::Seq(items) = &mut node.value {
        items.iter_mut().for_each(change);
    }
}

fn one_or_list(node: &mut Node) {
    if node.as_str().is_some() {
        *node = node.like(Value::Seq(vec![node.clone()]));
    }
}

fn names(node: &mut Node) {
    if let Some(items) = node.as_seq() {
        let mut map = Map::default();
        for item in items {
            if let Some(name) = item.as_str() {
                map.set(name, item.like(Value::Null));
            }
        }
        *node = node.like(Value::Map(map));
    }
}

fn depends_on(node: &mut Node) {
    names(node);
    let place = node.clone();
    let Some(map) = node.as_map_mut() else { return };
    for (_, dependency) in map.iter_mut() {
        if dependency.is_null() {
            dependency.value = Value::Map(Map::default());
        }
        let Some(fields) = dependency.as_map_mut() else { continue };
        if !fields.has("condition") {
            fields.set("condition", place.text("service_started"));
        }
        if !fields.has("required") {
            fields.set("required", place.like(Value::Bool(true)));
        }
    }
}

fn env_file(node: &mut Node) {
    if let Some(path) = node.as_str() {
        *node = node.map_of([("path", node.text(path)), ("required", node.like(Value::Bool(true)))]);
    } else {
        let required = node.like(Value::Bool(true));
        if let Some(map) = node.as_map_mut()
            && !map.has("required")
        {
            map.set("required", required);
        }
    }
}

fn device(node: &mut Node, path: &str, complaints: &mut Complaints) {
    let Some(text) = node.as_str() else { return };
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, permissions) = match parts.as_slice() {
        [source] => (*source, *source, "rwm"),
        [source, target] => (*source, *target, "rwm"),
        [source, target, permissions] => (*source, *target, *permissions),
        _ => return complaints.add(&node.place, path, format!("{text:?} has too many colons for a device")),
    };
    *node = node.map_of([
        ("source", node.text(source)),
        ("target", node.text(target)),
        ("permissions", node.text(permissions)),
    ]);
}

/// `external: {name: x}`, the old way to say `external: true` and `name: x`.
fn external(resource: &mut Node, path: &str, complaints: &mut Complaints) {
    let Some(map) = resource.as_map_mut() else { return };
    let Some(external) = map.get("external") else { return };
    let Some(inner) = external.as_map() else { return };
    let (inner_name, yes) = (inner.get("name").cloned(), external.like(Value::Bool(true)));
    if let Some(inner_name) = inner_name {
        match map.get("name") {
            Some(name) if name.value != inner_name.value => {
                complaints.add(&inner_name.place, path, "external.name and name differ: keep only name");
            }
            _ => map.set("name", inner_name),
        }
    }
    map.set("external", yes);
}
