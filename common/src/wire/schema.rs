//! The report's JSON Schema, as published: for those who read reports with other tools.
//!
//! It is generated from the types and kept as a file, so that every change of the format
//! shows in a diff. The tests beside it hold the promise of [`super`]: what an old agent
//! wrote is read today, and what is written today can be read by an old reader.

use schemars::Schema;
use serde_json::{Value, json};

/// JSON Schema (draft 2020-12) of [`Report`](super::Report): the file `common/schema/report.v1.json`.
pub const REPORT_SCHEMA: &str = include_str!("../../schema/report.v1.json");

/// Says of a set of words that newer versions may know more of them. A schema that listed
/// ours alone would call a report wrong that every reader survives.
pub(super) fn open_words(schema: &mut Schema) {
    let object = schema.ensure_object();
    let Some(Value::Array(known)) = object.remove("oneOf") else { return };
    // `unknown` is what a reader makes of a word it does not know, and no word of its own.
    let mut words: Vec<Value> = known.into_iter().filter(|word| word["const"] != "unknown").collect();
    words.push(json!({ "type": "string", "description": "A word of a newer version." }));
    object.insert("anyOf".to_owned(), Value::Array(words));
}

#[cfg(test)]
mod tests;
