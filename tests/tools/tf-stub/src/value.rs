//! Terraform's values: MessagePack, with an extension for "not known yet".

use rmpv::Value;
use serde_json::Value as Json;

/// Known after apply.
pub fn unknown() -> Value {
    Value::Ext(0, Vec::new())
}

pub fn is_unknown(value: &Value) -> bool {
    matches!(value, Value::Ext(..))
}

/// A field of a record; nil when it has none.
pub fn field<'a>(record: &'a Value, name: &str) -> &'a Value {
    static NIL: Value = Value::Nil;
    let found = record.as_map().and_then(|pairs| pairs.iter().find(|(key, _)| key.as_str() == Some(name)));
    found.map_or(&NIL, |(_, value)| value)
}

/// Sets a field of a record.
pub fn put(record: &mut Value, name: &str, value: Value) {
    let Value::Map(pairs) = record else { return };
    match pairs.iter_mut().find(|(key, _)| key.as_str() == Some(name)) {
        Some((_, old)) => *old = value,
        None => pairs.push((name.into(), value)),
    }
}

/// Everything that a dotted path names; `#` stands for each element.
pub fn at_path<'a>(record: &'a Value, path: &str) -> Vec<&'a Value> {
    path.split('.').fold(vec![record], |found, step| match step {
        "#" => found.iter().flat_map(|value| value.as_array().into_iter().flatten()).collect(),
        step => found
            .iter()
            .map(|value| match (step.parse::<usize>(), value.as_array()) {
                (Ok(index), Some(list)) => list.get(index).unwrap_or(&Value::Nil),
                _ => field(value, step),
            })
            .collect(),
    })
}

/// Whether an argument is written: `None` while that is not known.
pub fn is_set(value: &Value) -> Option<bool> {
    if is_unknown(value) {
        return None;
    }
    Some(!value.is_nil() && !value.as_array().is_some_and(Vec::is_empty))
}

/// A default of the schema.
pub fn from_json(json: &Json) -> Value {
    match json {
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => whole.into(),
            None => number.as_f64().expect("a number is one").into(),
        },
        Json::String(text) => text.as_str().into(),
        _ => Value::Nil,
    }
}
