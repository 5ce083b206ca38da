//! How a later compose file changes an earlier one, and how `extends` changes its base.
//!
//! Mappings merge key by key, lists append, scalars are replaced; the table in [`rule`] names the exceptions.
//! `!reset` and `!override` are applied to the earlier file first ([`take_marks`], [`forget`]).

use super::node::{Map, Mark, Node, Value};
use super::place::Complaints;

/// A path from the root of the file; services and networks may have dots in their names, so it is a list.
pub type Path = Vec<String>;

/// Takes `!reset` values out of a file and the `!override` tags off it; the answer is where they stood.
pub fn take_marks(node: &mut Node) -> Vec<Path> {
    let mut found = Vec::new();
    collect_marks(node, &mut Vec::new(), &mut found);
    found
}

fn collect_marks(node: &mut Node, path: &mut Path, found: &mut Vec<Path>) {
    match &mut node.value {
        Value::Map(map) => map.retain(|key, value| {
            path.push(key.name.clone());
            let stays = stays(value, path, found);
            path.pop();
            stays
        }),
        // Compose cannot reach into a list of an earlier file either: a tagged element only leaves its own list.
        Value::Seq(items) => items.retain_mut(|item| stays(item, path, &mut Vec::new())),
        _ => {}
    }
}

fn stays(value: &mut Node, path: &mut Path, found: &mut Vec<Path>) -> bool {
    match value.mark {
        Mark::Plain => collect_marks(value, path, found),
        Mark::Reset => {
            found.push(path.clone());
            return false;
        }
        Mark::Override => {
            found.push(path.clone());
            value.mark = Mark::Plain;
        }
    }
    true
}

/// Removes what stands at the given paths.
pub fn forget(base: &mut Node, paths: &[Path]) {
    for path in paths {
        let Some((last, parents)) = path.split_last() else { continue };
        let mut node = Some(&mut *base);
        for parent in parents {
            node = node.and_then(|node| node.as_map_mut()).and_then(|map| map.get_mut(parent));
        }
        if let Some(map) = node.and_then(|node| node.as_map_mut()) {
            map.remove(last);
        }
    }
}

/// What a path does when two files both say it.
enum Rule {
    Usual,
    /// The later one wins as a whole, even when it says nothing.
    Replace,
    /// Both become lists of `key=value`, the later one behind.
    KeyValues,
    /// Like [`Rule::KeyValues`], leaving out what is said word for word already.
    Hosts,
    /// A list of names becomes a mapping; `true`: with compose's default dependency as the value.
    Names(bool),
    Logging,
    Pools,
}

fn rule(path: &[String]) -> Rule {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["services", _, "command" | "entrypoint"]
        | ["services", _, "healthcheck", "test"]
        | ["services", _, "ulimits", _] => Rule::Replace,
        [
            "services",
            _,
            "annotations" | "dns" | "dns_opt" | "dns_search" | "env_file" | "environment" | "labels"
            | "sysctls" | "tmpfs",
        ]
        | ["services", _, "deploy", "labels"]
        | ["networks" | "volumes", _, "labels"] => Rule::KeyValues,
        ["services", _, "extra_hosts"] => Rule::Hosts,
        ["services", _, "depends_on"] => Rule::Names(true),
        ["services", _, "networks"] => Rule::Names(false),
        ["services", _, "logging"] => Rule::Logging,
        ["networks", _, "ipam", "config"] => Rule::Pools,
        _ => Rule::Usual,
    }
}

/// Merges `over`, which comes later, into `base`.
pub fn merge(base: Node, over: Node, path: &mut Path, complaints: &mut Complaints) -> Node {
    match rule(path) {
        Rule::Usual => usual(base, over, path, complaints),
        Rule::Replace => over,
        Rule::KeyValues => append(key_values(base), key_values(over)),
        Rule::Hosts => {
            let (base, mut over) = (key_values(base), key_values(over));
            if let (Some(known), Value::Seq(items)) = (base.as_seq(), &mut over.value) {
                items.retain(|item| !known.iter().any(|old| old.value == item.value));
            }
            append(base, over)
        }
        Rule::Names(dependencies) => {
            let (base, over) = (names(base, dependencies), names(over, dependencies));
            usual(base, over, path, complaints)
        }
        Rule::Logging => {
            let driver =
                |node: &Node| node.as_map().and_then(|map| map.get("driver")).map(|node| node.value.clone());
            match (driver(&base), driver(&over)) {
                (Some(old), Some(new)) if old != new => over,
                _ => usual(base, over, path, complaints),
            }
        }
        Rule::Pools => pools(base, over, path, complaints),
    }
}

fn usual(base: Node, over: Node, path: &mut Path, complaints: &mut Complaints) -> Node {
    if over.is_null() {
        return base;
    }
    let refuse = |base: Node, over: Node, complaints: &mut Complaints| {
        let text = format!("cannot put {} where an earlier file has {}", over.kind(), base.kind());
        complaints.add(&over.place, path.join("."), text);
        base
    };
    let place = over.place.clone();
    match (base.value, over.value) {
        (Value::Map(mut map), Value::Map(later)) => {
            for (key, value) in later {
                match map.get_mut(&key.name) {
                    None => map.push(key, value),
                    Some(old) => {
                        path.push(key.name);
                        let before = std::mem::replace(old, Node::new(place.clone(), Value::Null));
                        *old = merge(before, value, path, complaints);
                        path.pop();
                    }
                }
            }
            Node { place: base.place, mark: Mark::Plain, value: Value::Map(map) }
        }
        (Value::Seq(mut items), Value::Seq(later)) => {
            items.extend(later);
            Node { place: base.place, mark: Mark::Plain, value: Value::Seq(items) }
        }
        (before @ (Value::Map(_) | Value::Seq(_)), after) => {
            refuse(Node::new(base.place, before), Node::new(place, after), complaints)
        }
        (_, after) => Node::new(place, after),
    }
}

/// A mapping as a sorted list of `key=value`, a list as it is, one text as a list of one.
fn key_values(node: Node) -> Node {
    let place = node.place;
    let items = match node.value {
        Value::Seq(items) => items,
        Value::Null => Vec::new(),
        Value::Map(map) => {
            let mut items: Vec<Node> =
                map.into_iter().flat_map(|(key, value)| key_value(&key.name, &value)).collect();
            items.sort_by(|a, b| a.as_str().cmp(&b.as_str()));
            items
        }
        value => vec![Node::new(place.clone(), value)],
    };
    Node::new(place, Value::Seq(items))
}

fn key_value(key: &str, value: &Node) -> Vec<Node> {
    match &value.value {
        Value::Null => vec![value.text(key)],
        Value::Seq(items) => items.iter().flat_map(|item| key_value(key, item)).collect(),
        _ => value.printed().map(|text| value.text(format!("{key}={text}"))).into_iter().collect(),
    }
}

fn append(mut base: Node, over: Node) -> Node {
    if let (Value::Seq(items), Value::Seq(later)) = (&mut base.value, over.value) {
        items.extend(later);
    }
    base
}

/// A list of names as a mapping, with the default dependency or null as the value.
fn names(node: Node, dependencies: bool) -> Node {
    let place = node.place.clone();
    let Value::Seq(items) = node.value else { return node };
    let mut map = Map::default();
    for item in items {
        let Some(name) = item.as_str() else { continue };
        let value = if dependencies {
            item.map_of([
                ("condition", item.text("service_started")),
                ("required", item.like(Value::Bool(true))),
            ])
        } else {
            item.like(Value::Null)
        };
        map.set(name, value);
    }
    Node::new(place, Value::Map(map))
}

/// Address pools merge by their subnet.
fn pools(base: Node, over: Node, path: &mut Path, complaints: &mut Complaints) -> Node {
    let (Some(originals), Some(overrides)) = (base.as_seq(), over.as_seq()) else {
        return usual(base, over, path, complaints);
    };
    let subnet = |node: &Node| node.as_map().and_then(|map| map.get("subnet")).map(|node| node.value.clone());
    let mut merged: Vec<Node> = Vec::new();
    for original in originals {
        for replacement in overrides {
            if subnet(original) != subnet(replacement)
                && !merged.iter().any(|pool| subnet(pool) == subnet(replacement))
            {
                merged.push(replacement.clone());
                continue;
            }
            let both = usual(original.clone(), replacement.clone(), path, complaints);
            match merged.iter_mut().find(|pool| subnet(pool) == subnet(&both)) {
                Some(pool) => *pool = both,
                None => merged.push(both),
            }
        }
    }
    base.like(Value::Seq(merged))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::file::yaml;

    fn tree(text: &str) -> Node {
        yaml::read("f.yml", text, &mut Complaints::default()).remove(0)
    }

    fn check(base: &str, over: &str, expected: &str) {
        let (mut base, mut over) = (tree(base), tree(over));
        forget(&mut base, &take_marks(&mut over));
        let mut complaints = Complaints::default();
        let merged = merge(base, over, &mut Vec::new(), &mut complaints);
        assert_eq!(complaints.to_string(), "");
        assert_eq!(show(&merged), show(&tree(expected)));
    }

    fn show(node: &Node) -> String {
        match &node.value {
            Value::Map(map) => {
                let mut pairs: Vec<_> =
                    map.iter().map(|(key, node)| format!("{}:{}", key.name, show(node))).collect();
                pairs.sort();
                format!("{{{}}}", pairs.join(","))
            }
            Value::Seq(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(",")),
            _ => node.printed().unwrap(),
        }
    }

    #[test]
    fn mappings_merge_lists_append_scalars_are_replaced() {
        check(
            "{a: {x: 1, y: 1}, l: [1], s: 1}",
            "{a: {y: 2}, l: [2], s: 2}",
            "{a: {x: 1, y: 2}, l: [1, 2], s: 2}",
        );
    }

    #[test]
    fn saying_nothing_keeps_what_was_said_except_for_the_command() {
        check(
            "services: {a: {image: x, command: [y]}}",
            "services: {a: {image: , command: }}",
            "services: {a: {image: x, command: }}",
        );
    }

    #[test]
    fn environments_become_lists_and_dependencies_mappings() {
        check(
            "services: {a: {environment: {B: 1, A: }, depends_on: [x], networks: [n]}}",
            "services: {a: {environment: [C=3], depends_on: {x: {restart: true}}, networks: {n: {priority: 1}}}}",
            "services: {a: {environment: [A, B=1, C=3], \
             depends_on: {x: {condition: service_started, required: true, restart: true}}, \
             networks: {n: {priority: 1}}}}",
        );
    }

    #[test]
    fn another_log_driver_drops_the_options_of_the_first() {
        let base = "services: {a: {logging: {driver: x, options: {o: 1}}}}";
        check(base, "services: {a: {logging: {driver: y}}}", "services: {a: {logging: {driver: y}}}");
        check(
            base,
            "services: {a: {logging: {options: {p: 2}}}}",
            "services: {a: {logging: {driver: x, options: {o: 1, p: 2}}}}",
        );
    }

    #[test]
    fn reset_forgets_and_override_replaces() {
        check(
            "services: {a: {ports: [1], environment: {A: 1}, image: i}}",
            "services: {a: {ports: !override [2], environment: !reset null}}",
            "services: {a: {ports: [2], image: i}}",
        );
    }

    #[test]
    fn a_mapping_cannot_become_text() {
        let mut complaints = Complaints::default();
        let (base, over) = (tree("{a: {b: 1}}"), tree("{a: text}"));
        merge(base, over, &mut Vec::new(), &mut complaints);
        assert_eq!(
            complaints.to_string(),
            "f.yml:1:5: a: cannot put text where an earlier file has a mapping"
        );
    }
}
