//! The environment a service ends up with: its own settings over its env files, bare names looked up.

use std::collections::{BTreeMap, BTreeSet};

use super::dotenv;
use super::node::{Node, Value};
use super::place::Complaints;
use super::select::Reading;

/// Resolves the `environment` of one service, which is at `node` with its paths already absolute.
pub(super) fn resolve(
    node: &Node,
    path: &str,
    own: BTreeMap<String, Option<String>>,
    variables: &BTreeMap<String, String>,
    reading: &mut Reading<'_>,
    unset: &mut BTreeSet<String>,
    complaints: &mut Complaints,
) -> BTreeMap<String, Option<String>> {
    let own: BTreeMap<String, Option<String>> = own
        .into_iter()
        .map(|(name, value)| (name.clone(), value.or_else(|| variables.get(&name).cloned())))
        .collect();
    let mut vars: BTreeMap<String, String> =
        own.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?))).collect();
    for file in files(node) {
        let Some((place, name)) = file.path else { continue };
        let known = reading.unread();
        let Some(text) = reading.get(name) else {
            if file.required && reading.unread() == known {
                complaints.add(&place, format!("{path}.env_file"), format!("there is no file {name}"));
            }
            continue;
        };
        if let Some(format) = file.format {
            complaints.add(
                &place,
                format!("{path}.env_file"),
                format!("not supported: the format {format:?}"),
            );
        }
        let outer = |name: &str| variables.get(name).cloned().or_else(|| own.get(name).cloned().flatten());
        if let Err(error) = dotenv::read(text, &outer, &mut vars, unset) {
            complaints.add(&place, format!("{path}.env_file"), format!("{name}: {error}"));
        }
    }
    let mut all: BTreeMap<String, Option<String>> =
        vars.into_iter().map(|(name, value)| (name, Some(value))).collect();
    all.extend(own);
    all
}

struct EnvFile<'n> {
    path: Option<(super::place::Place, &'n str)>,
    required: bool,
    format: Option<&'n str>,
}

fn files(service: &Node) -> Vec<EnvFile<'_>> {
    let list = service.as_map().and_then(|map| map.get("env_file")).and_then(Node::as_seq).unwrap_or(&[]);
    list.iter()
        .filter_map(Node::as_map)
        .map(|map| EnvFile {
            path: map.get("path").and_then(|node| Some((node.place.clone(), node.as_str()?))),
            required: map.get("required").is_none_or(|node| node.value != Value::Bool(false)),
            format: map.get("format").and_then(Node::as_str),
        })
        .collect()
}
