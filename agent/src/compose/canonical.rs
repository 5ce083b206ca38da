//! A project printed as `docker compose config --format json` prints it.
//!
//! Compose writes every dollar sign twice there, so that its output can be read as a compose file again.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::hash::go_json;
use super::model::{Project, Service};

/// The JSON of a project, dollars doubled.
#[must_use]
pub fn config_json(project: &Project) -> Value {
    let mut root = Map::new();
    let services: BTreeMap<&String, Value> =
        project.services.iter().map(|(name, service)| (name, service_json(service))).collect();
    root.insert("name".to_owned(), value(&project.name));
    root.insert("services".to_owned(), value(&services));
    for (key, section) in [
        ("networks", (!project.networks.is_empty()).then(|| value(&project.networks))),
        ("volumes", (!project.volumes.is_empty()).then(|| value(&project.volumes))),
        ("secrets", (!project.secrets.is_empty()).then(|| value(&project.secrets))),
        ("configs", (!project.configs.is_empty()).then(|| value(&project.configs))),
    ] {
        if let Some(section) = section {
            root.insert(key.to_owned(), section);
        }
    }
    for (key, extension) in &project.extensions {
        root.insert(key.clone(), extension.clone());
    }
    let mut root = Value::Object(root);
    double_dollars(&mut root);
    root
}

/// A service with the keys that are printed but not hashed.
fn service_json(service: &Service) -> Value {
    let mut printed = value(service);
    if let Value::Object(map) = &mut printed {
        if let Some(scale) = service.scale {
            map.insert("scale".to_owned(), Value::from(scale));
        }
        if !service.pull_policy.is_empty() {
            map.insert("pull_policy".to_owned(), Value::from(service.pull_policy.as_str()));
        }
    }
    printed
}

/// Through text, because a 32 bit float becomes another number when it is widened.
fn value<T: Serialize>(of: &T) -> Value {
    serde_json::from_str(&go_json(of)).expect("what was just written as JSON reads as JSON")
}

fn double_dollars(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('$') => *text = text.replace('$', "$$"),
        Value::Array(items) => items.iter_mut().for_each(double_dollars),
        Value::Object(map) => {
            let pairs = std::mem::take(map).into_iter();
            *map = pairs
                .map(|(key, mut value)| {
                    double_dollars(&mut value);
                    (key.replace('$', "$$"), value)
                })
                .collect();
        }
        _ => {}
    }
}
