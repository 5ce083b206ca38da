//! Makes the paths of a merged tree absolute: mounts, secrets, configs, env files and volumes that are binds.

use super::node::{Node, Value};
use super::path;
use super::place::Complaints;

/// Where paths start from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base<'a> {
    pub(super) directory: &'a str,
    pub(super) home: Option<&'a str>,
}

impl Base<'_> {
    /// Resolves every path below `root`.
    pub(super) fn tree(self, root: &mut Node, complaints: &mut Complaints) {
        let Some(root) = root.as_map_mut() else { return };
        for section in ["secrets", "configs"] {
            let Some(resources) = root.get_mut(section).and_then(Node::as_map_mut) else { continue };
            for (key, resource) in resources.iter_mut() {
                if let Some(file) = resource.as_map_mut().and_then(|map| map.get_mut("file")) {
                    self.resolve(file, &format!("{section}.{}.file", key.name), complaints);
                }
            }
        }
        if let Some(volumes) = root.get_mut("volumes").and_then(Node::as_map_mut) {
            for (key, volume) in volumes.iter_mut() {
                let options =
                    volume.as_map_mut().and_then(|map| map.get_mut("driver_opts")).and_then(Node::as_map_mut);
                let Some(options) = options else { continue };
                if options.get("o").and_then(Node::as_str) == Some("bind")
                    && let Some(device) = options.get_mut("device")
                {
                    self.resolve(device, &format!("volumes.{}.driver_opts.device", key.name), complaints);
                }
            }
        }
        let Some(services) = root.get_mut("services").and_then(Node::as_map_mut) else { return };
        for (key, service) in services.iter_mut() {
            let path = format!("services.{}", key.name);
            let Some(service) = service.as_map_mut() else { continue };
            for mount in list(service.get_mut("volumes")) {
                let Some(fields) = mount.as_map_mut() else { continue };
                if fields.get("type").and_then(Node::as_str) != Some("bind") {
                    continue;
                }
                match fields.get_mut("source") {
                    Some(source) => self.resolve(source, &format!("{path}.volumes"), complaints),
                    None => complaints.add(&mount.place, format!("{path}.volumes"), "a bind wants a source"),
                }
            }
            for file in list(service.get_mut("env_file")) {
                if let Some(file) = file.as_map_mut().and_then(|map| map.get_mut("path")) {
                    self.resolve(file, &format!("{path}.env_file"), complaints);
                }
            }
        }
    }

    fn resolve(self, node: &mut Node, path: &str, complaints: &mut Complaints) {
        let Some(text) = node.as_str() else { return };
        match path::absolute(text, self.directory, self.home) {
            Ok(absolute) => node.value = Value::Str(absolute),
            Err(error) => complaints.add(&node.place, path, format!("{text:?} {error}")),
        }
    }
}

fn list(node: Option<&mut Node>) -> impl Iterator<Item = &mut Node> {
    node.and_then(|node| match &mut node.value {
        Value::Seq(items) => Some(items),
        _ => None,
    })
    .into_iter()
    .flatten()
}
