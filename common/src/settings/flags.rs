//! The flags: rows to clap arguments, and what was given back to text by key.

use std::collections::BTreeMap;

use clap::{Arg, ArgMatches};

use super::{Kind, Schema};

/// One argument per key, under the heading `Settings`.
#[must_use]
pub fn flag_args(schema: &Schema) -> Vec<Arg> {
    schema
        .keys
        .iter()
        .map(|key| {
            let default = key.default.map_or(String::new(), |default| format!(" [default: {default}]"));
            let arg = Arg::new(key.path)
                .long(key.flag())
                .value_name(value_name(key.kind))
                .help(format!("{}{default} [env: {}]", key.help, key.variable(schema)))
                .help_heading("Settings")
                .global(true)
                .allow_hyphen_values(true);
            // `--flag` alone means true; `--flag=false` is possible too.
            if key.kind == Kind::Bool {
                arg.num_args(0..=1).require_equals(true).default_missing_value("true")
            } else {
                arg.num_args(1)
            }
        })
        .collect()
}

/// What was given, by key path.
#[must_use]
pub fn flag_values(schema: &Schema, matches: &ArgMatches) -> BTreeMap<String, String> {
    schema
        .keys
        .iter()
        .filter_map(|key| {
            let text = matches.try_get_one::<String>(key.path).ok()??;
            Some((key.path.to_owned(), text.clone()))
        })
        .collect()
}

fn value_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "TEXT",
        Kind::Path => "PATH",
        Kind::Bool => "BOOL",
        Kind::Integer { .. } | Kind::Number { .. } => "N",
        Kind::Duration => "DURATION",
        Kind::Address => "ADDRESS:PORT",
        Kind::Word(_) => "WORD",
        Kind::List => "A,B,...",
        Kind::Map => "NAME=VALUE,...",
    }
}
