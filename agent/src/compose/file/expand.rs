//! Expands the variables of a whole tree, in values only, and notes where an empty one changes what is meant.

use std::collections::{BTreeMap, BTreeSet};

use super::interpolate::interpolate;
use super::node::{Node, Value};
use super::place::Complaints;
use super::short::port;
use super::warning::Warning;

/// What the expansion of a tree needs and tells.
#[derive(Debug)]
pub(super) struct Expansion<'v> {
    /// Every variable known.
    pub(super) variables: &'v BTreeMap<String, String>,
    /// Names that were not set and had no default.
    pub(super) unset: BTreeSet<String>,
    /// Ports and mounts that an empty variable changes.
    pub(super) warnings: Vec<Warning>,
}

impl Expansion<'_> {
    /// Expands every text below `node`.
    pub(super) fn tree(&mut self, node: &mut Node, path: &mut Vec<String>, complaints: &mut Complaints) {
        match &mut node.value {
            Value::Str(text) if text.contains('$') => {
                let written = std::mem::take(text);
                match self.text(&written) {
                    Ok(becomes) => {
                        self.watch(&written, &becomes, node, path);
                        node.value = Value::Str(becomes);
                    }
                    Err(error) => complaints.add(&node.place, path.join("."), error.to_string()),
                }
            }
            Value::Seq(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    path.push(index.to_string());
                    self.tree(item, path, complaints);
                    path.pop();
                }
            }
            Value::Map(map) => {
                for (key, value) in map.iter_mut() {
                    path.push(key.name.clone());
                    self.tree(value, path, complaints);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) -> Result<String, super::interpolate::InterpolateError> {
        interpolate(text, &|name| self.variables.get(name).cloned(), &mut self.unset)
    }

    /// `${HTTP_PORT}:8000` that becomes `:8000`, `${CONFIG}/web:/config` that becomes `/web:/config`.
    fn watch(&mut self, written: &str, becomes: &str, node: &Node, path: &[String]) {
        let emptied = match path {
            [services, _, list, _] if services == "services" && list == "ports" => {
                port::parse(becomes).is_ok_and(|ports| ports.iter().any(|port| port.published.is_none()))
                    && written.contains(':')
                    && becomes.contains(':')
            }
            [services, _, list, _] if services == "services" && list == "volumes" => {
                becomes.starts_with('/') && self.leading_variable_is_empty(written)
            }
            [services, _, list, _, key] if services == "services" && list == "volumes" && key == "source" => {
                becomes.starts_with('/') && self.leading_variable_is_empty(written)
            }
            _ => false,
        };
        if emptied {
            self.warnings.push(Warning::EmptyVariable {
                place: node.place.clone(),
                path: path.join("."),
                written: written.to_owned(),
                becomes: becomes.to_owned(),
            });
        }
    }

    fn leading_variable_is_empty(&self, written: &str) -> bool {
        let Some(slash) = written.find('/') else { return false };
        let look = |name: &str| self.variables.get(name).cloned();
        written.starts_with('$')
            && interpolate(&written[..slash], &look, &mut BTreeSet::new()).is_ok_and(|lead| lead.is_empty())
    }
}
