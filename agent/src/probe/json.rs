//! JSON of services we do not control: a field of the wrong type is a field not known.

use serde_json::{Map, Value};

use super::reading::Failed;

/// The body as a JSON object. The error names line and column, never the text: it may hold
/// names of rooms.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Failed> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Failed::malformed("JSON, but no object")),
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            Err(Failed::malformed(format!("no JSON (line {line}, column {column})")))
        }
    }
}

/// A finite number.
pub(super) fn number(map: &Map<String, Value>, key: &str) -> Option<f64> {
    map.get(key)?.as_f64().filter(|number| number.is_finite())
}

/// A count: a number of at least 0, to the nearest whole.
pub(super) fn count(map: &Map<String, Value>, key: &str) -> Option<u64> {
    let value = map.get(key)?;
    value.as_u64().or_else(|| whole(value.as_f64()?))
}

/// A flag.
pub(super) fn flag(map: &Map<String, Value>, key: &str) -> Option<bool> {
    map.get(key)?.as_bool()
}

/// A short text.
pub(super) fn text(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key)?.as_str().and_then(short)
}

/// A text that can be shown: not empty, without control characters, cut at 100 characters.
pub(super) fn short(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(100).collect();
    Some(text).filter(|text| !text.is_empty())
}

/// The count that a number stands for; `None` for what cannot be one.
pub(super) fn whole(number: f64) -> Option<u64> {
    // 2^53: beyond it a double no longer tells neighbours apart.
    (number.is_finite() && (0.0..=9_007_199_254_740_992.0).contains(&number)).then(|| number.round() as u64)
}
