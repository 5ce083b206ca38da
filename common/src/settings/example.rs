//! The example file: every key with its default, its unit and its help.

use super::value::describe;
use super::{Key, Kind, Schema, Value};

/// A TOML file that says what holds anyway. Keys without a default and repeatable
/// tables are commented out with `#: `.
#[must_use]
pub fn example(schema: &Schema, title: &str) -> String {
    let mut text = format!(
        "# {title}\n# Every key may also be given as a flag or as a variable ({}_...).\n",
        schema.env_prefix
    );
    let mut section = "";
    // TOML wants the keys outside any table first.
    let (top, inner): (Vec<&Key>, Vec<&Key>) = schema.keys.iter().partition(|key| !key.path.contains('.'));
    for key in top.into_iter().chain(inner) {
        let (table, name) = key.path.rsplit_once('.').unwrap_or(("", key.path));
        if table != section {
            text += &format!("\n[{table}]\n");
            section = table;
        } else {
            text += "\n";
        }
        text += &entry(key, name);
    }
    for table in schema.tables {
        text += &format!("\n# {}\n#: [[{}]]\n", table.help, table.path);
        for key in table.keys {
            text += &format!("# {} ({})\n#: {} = {}\n", key.help, describe(key.kind), key.path, sample(key));
        }
    }
    text
}

fn entry(key: &Key, name: &str) -> String {
    let mark = if key.default.is_some() { "" } else { "#: " };
    format!("# {} ({})\n{mark}{name} = {}\n", key.help, describe(key.kind), sample(key))
}

/// The default as TOML, or something of the right kind.
fn sample(key: &Key) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let Some(value) = key.default.and_then(|text| Value::from_text(key.kind, text).ok()) else {
        return match key.kind {
            Kind::Bool => "false".to_owned(),
            Kind::Integer { min, .. } => min.to_string(),
            Kind::Number { min_milli, .. } => format!("{}.0", min_milli / 1000),
            Kind::Duration => "\"1s\"".to_owned(),
            Kind::Address => "\"127.0.0.1:0\"".to_owned(),
            Kind::Word(words) => quoted(words.first().copied().unwrap_or("")),
            Kind::List => "[]".to_owned(),
            Kind::Map => "{}".to_owned(),
            Kind::Text => "\"\"".to_owned(),
            Kind::Path => "\"/path\"".to_owned(),
        };
    };
    match value {
        Value::Bool(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Number(number) => toml::Value::Float(number).to_string(),
        Value::List(items) => {
            format!("[{}]", items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(", "))
        }
        Value::Map(map) => {
            format!(
                "{{ {} }}",
                map.iter()
                    .map(|(n, v)| format!("{} = {}", quoted(n), quoted(v)))
                    .collect::<Vec<_>>()
                    .join(", ")
            )
        }
        other => quoted(&other.to_text()),
    }
}
