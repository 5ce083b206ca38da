//! Four sources to one set of values.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::complaint::did_you_mean;
use super::{Complaints, Key, Origin, Schema, Table, Value, file};

/// What the outside said.
#[derive(Debug, Default)]
pub struct Sources {
    /// The file's path and text, when there is one.
    pub file: Option<(PathBuf, String)>,
    /// The environment, whole: variables that do not bear the prefix are passed over.
    pub environment: BTreeMap<String, String>,
    /// The flags that were given, by key path.
    pub flags: BTreeMap<String, String>,
}

/// Checked values of all keys.
#[derive(Debug, Clone)]
pub struct Settings {
    keys: &'static [Key],
    values: BTreeMap<&'static str, (Value, Origin)>,
    tables: BTreeMap<&'static str, Vec<Entry>>,
}

/// One entry of a repeatable table.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where the entry begins.
    pub origin: Origin,
    settings: Settings,
}

/// Merges the sources; either everything fits or every complaint is returned.
pub fn resolve(schema: &Schema, sources: &Sources) -> Result<Settings, Complaints> {
    let mut complaints = Complaints::default();
    let said = match &sources.file {
        Some((path, text)) => file::read(schema, path, text, &mut complaints),
        None => file::FileValues::default(),
    };
    let mut values = said.plain;
    let mut settings_default = defaults(schema.keys);
    for key in schema.keys {
        let variable = key.variable(schema);
        // An empty variable counts as unset: compose and systemd files cannot unset one.
        let text = sources.environment.get(&variable).filter(|text| !text.is_empty());
        let from_variable = text.map(|text| (text, Origin::Variable(variable)));
        let from_flag = sources.flags.get(key.path).map(|text| (text, Origin::Flag(key.flag())));
        for (text, origin) in from_variable.into_iter().chain(from_flag) {
            match Value::from_text(key.kind, text) {
                Ok(value) => drop(values.insert(key.path, (value, origin))),
                Err(what) => complaints.add(&origin, format!("{} {what}", key.path)),
            }
        }
    }
    complain_of_unknown_variables(schema, &sources.environment, &mut complaints);
    settings_default.append(&mut values);
    complaints.or(Settings { keys: schema.keys, values: settings_default, tables: said.tables })
}

fn defaults(keys: &'static [Key]) -> BTreeMap<&'static str, (Value, Origin)> {
    keys.iter()
        .filter_map(|key| {
            let value = Value::from_text(key.kind, key.default?).expect("a row's default fits its own kind");
            Some((key.path, (value, Origin::Default)))
        })
        .collect()
}

/// A misspelt variable would be silence; whoever uses our prefix means us.
fn complain_of_unknown_variables(
    schema: &Schema,
    environment: &BTreeMap<String, String>,
    to: &mut Complaints,
) {
    let mut known: Vec<String> = schema.keys.iter().map(|key| key.variable(schema)).collect();
    known.extend(["CONFIG", "LOG", "LOG_FORMAT"].map(|name| format!("{}_{name}", schema.env_prefix)));
    let words: Vec<&str> = known.iter().map(String::as_str).collect();
    let prefix = format!("{}_", schema.env_prefix);
    for name in environment.keys().filter(|name| name.starts_with(&prefix) && !words.contains(&name.as_str()))
    {
        to.add(&Origin::Variable(name.clone()), format!("unknown variable{}", did_you_mean(name, &words)));
    }
}

/// A typed reader of one kind; asking for a key that has no row, or as another kind, is a bug.
macro_rules! readers {
    ($($name:ident -> $type:ty: $variant:ident, $doc:literal;)+) => {
        impl Settings {
            $(
                #[doc = $doc]
                #[doc = "`None` when it is not set and has no default."]
                #[must_use]
                pub fn $name(&self, path: &str) -> Option<$type> {
                    match self.value(path)? {
                        Value::$variant(value) => Some(value.clone()),
                        other => unreachable!("{path} is read as another kind than its row's: {other:?}"),
                    }
                }
            )+
        }
        impl Entry {
            $(
                #[doc = $doc]
                #[doc = "`None` when it is not set and has no default."]
                #[must_use]
                pub fn $name(&self, path: &str) -> Option<$type> {
                    self.settings.$name(path)
                }
            )+
        }
    };
}

readers! {
    text -> String: Text, "A text or word.";
    path -> PathBuf: Path, "A path.";
    bool -> bool: Bool, "A flag.";
    integer -> i64: Integer, "A whole number.";
    number -> f64: Number, "A number.";
    duration -> Duration: Duration, "A length of time.";
    address -> SocketAddr: Address, "An address with a port.";
    list -> Vec<String>: List, "A list of texts.";
    map -> BTreeMap<String, String>: Map, "A table of texts.";
}

impl Settings {
    /// Where the value of a key came from.
    #[must_use]
    pub fn origin(&self, path: &str) -> Origin {
        self.values.get(path).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// The entries of a repeatable table.
    #[must_use]
    pub fn entries(&self, path: &str) -> &[Entry] {
        self.tables.get(path).map_or(&[], Vec::as_slice)
    }

    /// Every key with its value, where set, and where that came from.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, Option<&Value>, Origin)> {
        self.keys
            .iter()
            .map(|key| (key, self.values.get(key.path).map(|(value, _)| value), self.origin(key.path)))
    }

    /// The keys that hold another value in `after`.
    #[must_use]
    pub fn differing_keys(&self, after: &Self) -> Vec<&'static str> {
        let value = |settings: &Self, path: &str| settings.values.get(path).map(|(value, _)| value.clone());
        self.keys.iter().map(|key| key.path).filter(|path| value(self, path) != value(after, path)).collect()
    }

    fn value(&self, path: &str) -> Option<&Value> {
        assert!(self.keys.iter().any(|key| key.path == path), "{path} has no row");
        self.values.get(path).map(|(value, _)| value)
    }
}

impl Entry {
    pub(super) fn new(table: &Table, origin: Origin) -> Self {
        let settings = Settings { keys: table.keys, values: defaults(table.keys), tables: BTreeMap::new() };
        Self { origin, settings }
    }

    pub(super) fn set(&mut self, path: &'static str, value: Value, origin: Origin) {
        self.settings.values.insert(path, (value, origin));
    }

    /// Where the value of a key came from; the entry itself when it is not set.
    #[must_use]
    pub fn origin_of(&self, path: &str) -> Origin {
        match self.settings.origin(path) {
            Origin::Default => self.origin.clone(),
            origin => origin,
        }
    }
}

impl Sources {
    /// Sets the file.
    #[must_use]
    pub fn with_file(mut self, path: &Path, text: &str) -> Self {
        self.file = Some((path.to_owned(), text.to_owned()));
        self
    }
}

#[cfg(test)]
mod tests;
