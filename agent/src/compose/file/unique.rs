//! Lists whose elements have a name: of two that share it the later one stays, in the earlier one's position.

use std::collections::HashMap;

use super::node::{Node, Value};
use super::short::volume;

/// What two elements of a list must share to be the same thing; `None`: it cannot be told, keep both.
type Name = fn(&Node) -> Option<String>;

fn rule(path: &[&str]) -> Option<Name> {
    Some(match path {
        [
            "services",
            _,
            "annotations" | "cap_add" | "cap_drop" | "dns" | "dns_opt" | "dns_search" | "environment"
            | "labels" | "profiles" | "sysctls" | "tmpfs",
        ]
        | ["services", _, "deploy", "labels"]
        | ["services", _, "networks", _, "aliases" | "link_local_ips"]
        | ["networks", _, "labels"] => before_equals,
        ["services", _, "volumes"] => volume_target,
        ["services", _, "devices"] => device_target,
        ["services", _, "expose"] => Node::printed,
        ["services", _, "secrets"] => |node| mounted(node, "/run/secrets"),
        ["services", _, "configs"] => |node| mounted(node, ""),
        ["services", _, "ports"] => published_port,
        ["services", _, "env_file"] => env_file_path,
        _ => return None,
    })
}

/// Drops what is said again later in the same list, everywhere in the tree.
pub(crate) fn enforce(node: &mut Node) {
    walk(node, &mut Vec::new());
}

fn walk(node: &mut Node, path: &mut Vec<String>) {
    match &mut node.value {
        Value::Map(map) => {
            for (key, value) in map.iter_mut() {
                path.push(key.name.clone());
                walk(value, path);
                path.pop();
            }
        }
        Value::Seq(items) => {
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            if let Some(name) = rule(&names) {
                *items = latest(std::mem::take(items), name);
            }
        }
        _ => {}
    }
}

fn latest(items: Vec<Node>, name: Name) -> Vec<Node> {
    let mut kept: Vec<Node> = Vec::with_capacity(items.len());
    let mut seen: HashMap<String, usize> = HashMap::new();
    for item in items {
        let Some(name) = name(&item) else {
            kept.push(item);
            continue;
        };
        match seen.get(&name) {
            Some(&index) => kept[index] = item,
            None => {
                seen.insert(name, kept.len());
                kept.push(item);
            }
        }
    }
    kept
}

fn field(node: &Node, name: &str) -> Option<String> {
    node.as_map()?.get(name)?.printed()
}

fn before_equals(node: &Node) -> Option<String> {
    let text = node.as_str()?;
    Some(text.split_once('=').map_or(text, |(name, _)| name).to_owned())
}

fn volume_target(node: &Node) -> Option<String> {
    match node.as_str() {
        Some(text) => volume::parse(text).ok().map(|parts| parts.target),
        None => field(node, "target"),
    }
}

fn device_target(node: &Node) -> Option<String> {
    match node.as_str() {
        Some(text) => {
            let mut parts = text.split(':');
            let source = parts.next()?;
            Some(parts.next().unwrap_or(source).to_owned())
        }
        None => field(node, "target"),
    }
}

fn mounted(node: &Node, folder: &str) -> Option<String> {
    match node.as_str() {
        Some(name) => Some(format!("{folder}/{name}")),
        None => field(node, "target").or_else(|| Some(format!("{folder}/{}", field(node, "source")?))),
    }
}

fn published_port(node: &Node) -> Option<String> {
    if node.as_map().is_none() {
        return node.printed();
    }
    let part = |name: &str, default: &str| field(node, name).unwrap_or_else(|| default.to_owned());
    let (host, published) = (part("host_ip", "0.0.0.0"), part("published", "<nil>"));
    Some(format!("{host}:{published}:{}/{}", field(node, "target")?, part("protocol", "tcp")))
}

fn env_file_path(node: &Node) -> Option<String> {
    node.as_str().map(str::to_owned).or_else(|| field(node, "path"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::file::{place::Complaints, yaml};

    fn check(list: &str, items: &str, expected: &[&str]) {
        let text = format!("services: {{a: {{{list}: {items}}}}}");
        let mut node = yaml::read("f.yml", &text, &mut Complaints::default()).remove(0);
        enforce(&mut node);
        let services = node.as_map().unwrap().get("services").unwrap().as_map().unwrap();
        let list = services.get("a").unwrap().as_map().unwrap().get(list).unwrap();
        let found: Vec<_> = list.as_seq().unwrap().iter().map(|node| node.printed().unwrap()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_later_element_takes_the_place_of_the_earlier() {
        check("environment", "[A=1, B=2, A=3]", &["A=3", "B=2"]);
        check("volumes", "[xx:/a, yy:/b, ./z:/a:ro]", &["./z:/a:ro", "yy:/b"]);
        check("devices", "[/dev/a, /dev/b:/dev/a]", &["/dev/b:/dev/a"]);
        check("ports", "['80:80', 443, '80:80']", &["80:80", "443"]);
        check("command", "[a, a]", &["a", "a"]);
    }
}
