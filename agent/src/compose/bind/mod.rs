//! From the merged tree to the typed model: every key is read, checked and converted here, and one that nobody
//! reads is complained of.
//!
//! A [`Fields`] walks one mapping. Each reader names its key; [`Fields::finish`] then knows which keys of the file
//! were not asked for, so the list of supported keys is the code that supports them and cannot drift from it.

mod deploy;
mod network;
mod parts;
mod quantity;
mod service;
mod words;

pub use network::{file_resource, network, volume};
pub(super) use service::cut_command;
pub use service::service;

use std::collections::BTreeMap;

use super::file::node::{Map, Node, Value};
use super::file::place::{Complaints, Place, nearest};
use super::model::print::{Bytes, Cpus, Duration};

/// One mapping being read.
#[derive(Debug)]
pub struct Fields<'n, 'c> {
    map: Option<&'n Map>,
    path: String,
    place: Place,
    asked: Vec<&'static str>,
    complaints: &'c mut Complaints,
}

impl<'n, 'c> Fields<'n, 'c> {
    /// Starts to read the mapping at `path`; null counts as an empty one.
    pub fn new(node: &'n Node, path: impl Into<String>, complaints: &'c mut Complaints) -> Self {
        let path = path.into();
        if node.as_map().is_none() && !node.is_null() {
            complaints.add(&node.place, path.as_str(), format!("wants a mapping, not {}", node.kind()));
        }
        Fields { map: node.as_map(), path, place: node.place.clone(), asked: Vec::new(), complaints }
    }

    /// The value of a key; null counts as not said.
    pub fn take(&mut self, key: &'static str) -> Option<&'n Node> {
        self.asked.push(key);
        self.map?.get(key).filter(|node| !node.is_null())
    }

    /// Whether the key is there with a value.
    pub fn says(&self, key: &str) -> bool {
        self.map.and_then(|map| map.get(key)).is_some_and(|node| !node.is_null())
    }

    /// The path of a key below this mapping.
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Complains of the value of a key.
    pub fn complain(&mut self, node: &Node, key: &str, text: impl Into<String>) {
        let path = self.path_of(key);
        self.complaints.add(&node.place, path, text);
    }

    /// Complains of the mapping itself.
    pub fn complain_here(&mut self, text: impl Into<String>) {
        self.complaints.add(&self.place, self.path.as_str(), text);
    }

    /// The shared list of complaints, for readers of what is below.
    pub fn complaints(&mut self) -> &mut Complaints {
        self.complaints
    }

    /// Converts the value of a key, or complains that it is not `wanted`.
    fn convert<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        convert: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<T> {
        let node = self.take(key)?;
        let converted = convert(&node.value);
        if converted.is_none() {
            let said = node.printed().map_or_else(|| node.kind().to_owned(), |text| format!("{text:?}"));
            self.complain(node, key, format!("wants {wanted}, not {said}"));
        }
        converted
    }

    /// A text; a number is refused, as compose does.
    pub fn text(&mut self, key: &'static str) -> String {
        let text = self.convert(key, "text", |value| match value {
            Value::Str(text) => Some(text.clone()),
            _ => None,
        });
        text.unwrap_or_default()
    }

    /// A text, or a number taken as text.
    pub fn text_or_number(&mut self, key: &'static str) -> String {
        let text = self.convert(key, "text or a number", |value| match value {
            Value::Str(text) => Some(text.clone()),
            Value::Int(int) => Some(int.to_string()),
            _ => None,
        });
        text.unwrap_or_default()
    }

    /// True or false, also as one of the words of older YAML (a variable is always text).
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.convert(key, "true or false", |value| match value {
            Value::Bool(flag) => Some(*flag),
            Value::Str(text) => quantity::flag(text),
            _ => None,
        })
    }

    /// An integer, also as text.
    pub fn int(&mut self, key: &'static str) -> Option<i64> {
        self.convert(key, "a whole number", |value| match value {
            Value::Int(int) => i64::try_from(*int).ok(),
            Value::Str(text) => text.parse().ok(),
            _ => None,
        })
    }

    /// An integer where nothing said means zero.
    pub fn int_or_zero(&mut self, key: &'static str) -> i64 {
        self.int(key).unwrap_or(0)
    }

    /// A number of CPUs.
    pub fn cpus(&mut self, key: &'static str) -> Cpus {
        let cpus = self.convert(key, "a number", |value| match value {
            Value::Int(int) => Some(Cpus(*int as f32)),
            Value::Float(float) => Some(Cpus(*float as f32)),
            Value::Str(text) => text.parse().ok().map(Cpus),
            _ => None,
        });
        cpus.unwrap_or_default()
    }

    /// A size in bytes, `1.5g` or a number.
    pub fn bytes(&mut self, key: &'static str) -> Bytes {
        let bytes = self.convert(key, "a size such as 512m", |value| match value {
            Value::Int(int) => i64::try_from(*int).ok().map(Bytes),
            Value::Str(text) => quantity::bytes(text).map(Bytes),
            _ => None,
        });
        bytes.unwrap_or_default()
    }

    /// A duration, `1m30s`.
    pub fn duration(&mut self, key: &'static str) -> Option<Duration> {
        self.convert(key, "a duration such as 1m30s", |value| match value {
            Value::Str(text) => quantity::duration(text).map(Duration),
            _ => None,
        })
    }

    /// A list of texts.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        self.list(key, |value| match value {
            Value::Str(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// A list of texts and numbers.
    pub fn texts_or_numbers(&mut self, key: &'static str) -> Vec<String> {
        self.list(key, |value| match value {
            Value::Str(text) => Some(text.clone()),
            Value::Int(int) => Some(int.to_string()),
            _ => None,
        })
    }

    fn list(&mut self, key: &'static str, convert: impl Fn(&Value) -> Option<String>) -> Vec<String> {
        let mut texts = Vec::new();
        for item in self.items(key) {
            match convert(&item.value) {
                Some(text) => texts.push(text),
                None => self.complain(item, key, format!("wants texts in the list, not {}", item.kind())),
            }
        }
        texts
    }

    /// The elements of a list.
    pub fn items(&mut self, key: &'static str) -> &'n [Node] {
        let Some(node) = self.take(key) else { return &[] };
        match node.as_seq() {
            Some(items) => items,
            None => {
                self.complain(node, key, format!("wants a list, not {}", node.kind()));
                &[]
            }
        }
    }

    /// `key=value` pairs, from a mapping or a list; a bare key has no value.
    pub fn pairs(&mut self, key: &'static str) -> BTreeMap<String, Option<String>> {
        let mut pairs = BTreeMap::new();
        let Some(node) = self.take(key) else { return pairs };
        match &node.value {
            Value::Map(map) => {
                for (name, value) in map.iter() {
                    match value.printed() {
                        Some(text) => {
                            pairs.insert(name.name.clone(), (!value.is_null()).then_some(text));
                        }
                        None => self.complain(
                            value,
                            key,
                            format!("{}: wants one value, not {}", name.name, value.kind()),
                        ),
                    }
                }
            }
            Value::Seq(items) => {
                for item in items {
                    let Some(text) = item.as_str() else {
                        self.complain(item, key, format!("wants NAME=value, not {}", item.kind()));
                        continue;
                    };
                    match text.split_once('=') {
                        Some((name, value)) => pairs.insert(name.to_owned(), Some(value.to_owned())),
                        None => pairs.insert(text.to_owned(), None),
                    };
                }
            }
            _ => self.complain(node, key, format!("wants a mapping or a list, not {}", node.kind())),
        }
        pairs
    }

    /// Like [`Fields::pairs`], where a bare key means the empty text.
    pub fn labels(&mut self, key: &'static str) -> BTreeMap<String, String> {
        let empty = |(name, value): (String, Option<String>)| (name, value.unwrap_or_else(String::new));
        self.pairs(key).into_iter().map(empty).collect()
    }

    /// Complains of every key that was not asked for; `refused` tells why a known one is not supported.
    pub fn finish(self, refused: &[(&str, &str)]) {
        let Some(map) = self.map else { return };
        for (key, node) in map.iter() {
            let name = key.name.as_str();
            if self.asked.contains(&name) || name.starts_with("x-") {
                continue;
            }
            let text = match refused.iter().find(|(known, _)| *known == name) {
                Some((_, why)) => format!("not supported: {why}"),
                None => match nearest(name, self.asked.iter().copied()) {
                    Some(hint) => format!("compose has no such key; did you mean {hint}?"),
                    None => "compose has no such key".to_owned(),
                },
            };
            let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
            self.complaints.add(key.place.as_ref().unwrap_or(&node.place), path, text);
        }
    }
}

/// Reads what is below one key.
type Below<T> = fn(&Node, &str, &mut Complaints) -> T;

fn below<T>(fields: &mut Fields<'_, '_>, key: &'static str, read: Below<T>) -> Option<T> {
    let path = fields.path_of(key);
    let node = fields.take(key)?;
    Some(read(node, &path, fields.complaints()))
}
