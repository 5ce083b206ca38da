//! One value: from TOML or from text, checked against its kind.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::Kind;

/// A value that fits its kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of [`Kind::Text`] and [`Kind::Word`].
    Text(String),
    /// Of [`Kind::Path`].
    Path(PathBuf),
    /// Of [`Kind::Bool`].
    Bool(bool),
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Number`].
    Number(f64),
    /// Of [`Kind::Duration`].
    Duration(Duration),
    /// Of [`Kind::Address`].
    Address(SocketAddr),
    /// Of [`Kind::List`].
    List(Vec<String>),
    /// Of [`Kind::Map`].
    Map(BTreeMap<String, String>),
}

impl Value {
    /// Reads a value written as text, in a flag or a variable.
    pub(super) fn from_text(kind: Kind, text: &str) -> Result<Self, String> {
        let text = text.trim();
        match kind {
            Kind::Text | Kind::Path | Kind::Duration | Kind::Address | Kind::Word(_) => {
                from_string(kind, text)
            }
            Kind::Bool => {
                text.parse().map(Self::Bool).map_err(|_| format!("{text:?} is neither true nor false"))
            }
            Kind::Integer { .. } => {
                let number = text.parse().map_err(|_| format!("{text:?} is no whole number"))?;
                from_integer(kind, number)
            }
            Kind::Number { .. } => {
                let number = text.parse().map_err(|_| format!("{text:?} is no number"))?;
                from_float(kind, number)
            }
            Kind::List => Ok(Self::List(pieces(text).map(str::to_owned).collect())),
            Kind::Map => pieces(text)
                .map(|piece| {
                    let (name, value) =
                        piece.split_once('=').ok_or_else(|| format!("{piece:?} is not name=value"))?;
                    Ok((name.trim().to_owned(), value.trim().to_owned()))
                })
                .collect::<Result<_, String>>()
                .map(Self::Map),
        }
    }

    /// Reads a value of a TOML file.
    pub(super) fn from_toml(kind: Kind, value: &DeValue<'_>) -> Result<Self, String> {
        let wrong = || format!("must be {}, but is {} {}", describe(kind), article(value), value.type_str());
        match (kind, value) {
            (
                Kind::Text | Kind::Path | Kind::Duration | Kind::Address | Kind::Word(_),
                DeValue::String(text),
            ) => from_string(kind, text),
            (Kind::Bool, DeValue::Boolean(flag)) => Ok(Self::Bool(*flag)),
            (Kind::Integer { .. }, DeValue::Integer(number)) => {
                let digits = i64::from_str_radix(number.as_str(), number.radix());
                from_integer(
                    kind,
                    digits.map_err(|_| format!("{} does not fit into 64 bits", number.as_str()))?,
                )
            }
            (Kind::Number { .. }, DeValue::Float(number)) => {
                from_float(kind, number.as_str().parse().map_err(|_| wrong())?)
            }
            (Kind::Number { .. }, DeValue::Integer(number)) => {
                from_float(kind, number.as_str().parse().map_err(|_| wrong())?)
            }
            (Kind::List, DeValue::Array(items)) => items
                .iter()
                .map(|item| match item.get_ref() {
                    DeValue::String(text) => Ok(text.to_string()),
                    other => Err(format!(
                        "must be a list of strings, but holds {} {}",
                        article(other),
                        other.type_str()
                    )),
                })
                .collect::<Result<_, _>>()
                .map(Self::List),
            (Kind::Map, DeValue::Table(table)) => table
                .iter()
                .map(|(name, item)| match item.get_ref() {
                    DeValue::String(text) => Ok((name.get_ref().to_string(), text.to_string())),
                    other => Err(format!(
                        "{:?} must be a string, but is {} {}",
                        name.get_ref(),
                        article(other),
                        other.type_str()
                    )),
                })
                .collect::<Result<_, _>>()
                .map(Self::Map),
            _ => Err(wrong()),
        }
    }

    /// The value as one would write it in a flag.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Path(path) => path.display().to_string(),
            Self::Bool(flag) => flag.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Duration(duration) => humantime::format_duration(*duration).to_string(),
            Self::Address(address) => address.to_string(),
            Self::List(items) => items.join(","),
            Self::Map(map) => map.iter().map(|(n, v)| format!("{n}={v}")).collect::<Vec<_>>().join(","),
        }
    }
}

/// The kind in words, for complaints and the example file.
pub(super) fn describe(kind: Kind) -> String {
    match kind {
        Kind::Text => "a string".to_owned(),
        Kind::Path => "a string with a path".to_owned(),
        Kind::Bool => "true or false".to_owned(),
        Kind::Integer { min, max: i64::MAX } => format!("a whole number from {min}"),
        Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
        Kind::Number { min_milli, max_milli } => {
            format!("a number from {} to {}", milli(min_milli), milli(max_milli))
        }
        Kind::Duration => "a string with a length of time such as \"250ms\", \"1s\" or \"5m\"".to_owned(),
        Kind::Address => "a string with an address and a port such as \"127.0.0.1:9100\"".to_owned(),
        Kind::Word(words) => format!("one of {}", words.join(", ")),
        Kind::List => "a list of strings".to_owned(),
        Kind::Map => "a table of strings".to_owned(),
    }
}

fn from_string(kind: Kind, text: &str) -> Result<Value, String> {
    match kind {
        Kind::Path if text.is_empty() => Err("must not be empty".to_owned()),
        Kind::Path => Ok(Value::Path(PathBuf::from(text))),
        Kind::Duration => humantime::parse_duration(text).map(Value::Duration).map_err(|error| {
            format!("{text:?} is no length of time ({error}); write for example \"250ms\", \"1s\" or \"5m\"")
        }),
        Kind::Address => text.parse().map(Value::Address).map_err(|_| {
            format!(
                "{text:?} is no IP address with a port; write for example \"127.0.0.1:9100\" or \"[::]:9100\""
            )
        }),
        Kind::Word(words) if !words.contains(&text) => Err(format!(
            "{text:?} is not one of {}{}",
            words.join(", "),
            super::complaint::did_you_mean(text, words)
        )),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

fn from_integer(kind: Kind, number: i64) -> Result<Value, String> {
    match kind {
        Kind::Integer { min, max } if (min..=max).contains(&number) => Ok(Value::Integer(number)),
        _ => Err(format!("must be {}, but is {number}", describe(kind))),
    }
}

fn from_float(kind: Kind, number: f64) -> Result<Value, String> {
    match kind {
        Kind::Number { min_milli, max_milli } if (milli(min_milli)..=milli(max_milli)).contains(&number) => {
            Ok(Value::Number(number))
        }
        _ => Err(format!("must be {}, but is {number}", describe(kind))),
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds are small numbers of thousandths")]
fn milli(thousandths: i64) -> f64 {
    thousandths as f64 / 1000.0
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|piece| !piece.is_empty())
}

fn article(value: &DeValue<'_>) -> &'static str {
    if matches!(value, DeValue::Integer(_) | DeValue::Array(_)) { "an" } else { "a" }
}
