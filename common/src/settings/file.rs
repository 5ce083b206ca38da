//! The file: TOML text to checked values, with every complaint.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::complaint::did_you_mean;
use super::{Complaints, Entry, Key, Origin, Schema, Table, Value};

/// What a file says: plain keys by path, and the entries of each repeatable table.
#[derive(Debug, Default)]
pub(super) struct FileValues {
    pub(super) plain: BTreeMap<&'static str, (Value, Origin)>,
    pub(super) tables: BTreeMap<&'static str, Vec<Entry>>,
}

/// Reads `text`, the contents of `path`.
pub(super) fn read(schema: &Schema, path: &Path, text: &str, complaints: &mut Complaints) -> FileValues {
    let place = Place { path, text };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        complaints.add(&place.origin(at), format!("not TOML: {}", error.message()));
    }
    let mut values = FileValues::default();
    walk(schema, &place, "", root.get_ref(), &mut values, complaints);
    values
}

struct Place<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    /// The line of a byte offset.
    fn origin(&self, at: usize) -> Origin {
        let before = self.text.get(..at).unwrap_or(self.text);
        Origin::File(self.path.to_owned(), 1 + before.matches('\n').count())
    }
}

fn walk(
    schema: &Schema,
    place: &Place<'_>,
    prefix: &str,
    table: &DeTable<'_>,
    values: &mut FileValues,
    complaints: &mut Complaints,
) {
    for (name, value) in table {
        let full = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        let origin = place.origin(name.span().start);
        if let Some(key) = schema.keys.iter().find(|key| key.path == full) {
            match Value::from_toml(key.kind, value.get_ref()) {
                Ok(value) => drop(values.plain.insert(key.path, (value, origin))),
                Err(what) => complaints.add(&origin, format!("{full} {what}")),
            }
        } else if let Some(repeated) = schema.tables.iter().find(|table| table.path == full) {
            let entries = read_entries(place, repeated, value, complaints);
            values.tables.insert(repeated.path, entries);
        } else if is_section(schema, &full) {
            match value.get_ref() {
                DeValue::Table(inner) => walk(schema, place, &full, inner, values, complaints),
                other => {
                    complaints.add(&origin, format!("{full} must be a table, but is a {}", other.type_str()));
                }
            }
        } else {
            complaints
                .add(&origin, format!("unknown key {full:?}{}", did_you_mean(&full, &all_paths(schema))));
        }
    }
}

fn read_entries(
    place: &Place<'_>,
    repeated: &Table,
    value: &Spanned<DeValue<'_>>,
    complaints: &mut Complaints,
) -> Vec<Entry> {
    let DeValue::Array(items) = value.get_ref() else {
        let what = format!("{} must be written [[{}]]", repeated.path, repeated.path);
        complaints.add(&place.origin(value.span().start), what);
        return Vec::new();
    };
    let mut entries = Vec::new();
    for item in items {
        let origin = place.origin(item.span().start);
        let DeValue::Table(table) = item.get_ref() else {
            complaints.add(&origin, format!("{} must hold tables", repeated.path));
            continue;
        };
        let mut entry = Entry::new(repeated, origin);
        for (name, value) in table {
            let origin = place.origin(name.span().start);
            let Some(key) = repeated.keys.iter().find(|key| key.path == name.get_ref()) else {
                let known: Vec<&str> = repeated.keys.iter().map(|key: &Key| key.path).collect();
                let hint = did_you_mean(name.get_ref(), &known);
                complaints
                    .add(&origin, format!("unknown key {:?} in [[{}]]{hint}", name.get_ref(), repeated.path));
                continue;
            };
            match Value::from_toml(key.kind, value.get_ref()) {
                Ok(value) => entry.set(key.path, value, origin),
                Err(what) => complaints.add(&origin, format!("{}.{} {what}", repeated.path, key.path)),
            }
        }
        entries.push(entry);
    }
    entries
}

fn is_section(schema: &Schema, full: &str) -> bool {
    all_paths(schema).iter().any(|path| path.strip_prefix(full).is_some_and(|rest| rest.starts_with('.')))
}

fn all_paths(schema: &Schema) -> Vec<&'static str> {
    schema.keys.iter().map(|key| key.path).chain(schema.tables.iter().map(|table| table.path)).collect()
}
