//! What a resource will be, and what it is once "made": defaults, unknowns, made-up values.

use std::sync::atomic::{AtomicU64, Ordering};

use rmpv::Value;

use crate::argument::{Argument, Arguments, Scalar, Shape};
use crate::value::{field, from_json, is_unknown, put, unknown};

/// Fills defaults; what the service will say is not known yet.
pub fn fill(all: &Arguments, record: &mut Value) {
    for (name, argument) in all {
        let mut value = field(record, name).clone();
        if argument.block {
            if let Value::Array(items) = &mut value {
                items.iter_mut().for_each(|item| fill(&argument.nested, item));
            }
        } else if value.is_nil() {
            value = match &argument.default {
                Some(default) => from_json(default),
                None if argument.computed => unknown(),
                None => continue,
            };
        }
        put(record, name, value);
    }
}

/// Makes up what is not known.
pub fn resolve(all: &Arguments, record: &mut Value) {
    for (name, argument) in all {
        let mut value = field(record, name).clone();
        if argument.block {
            if let Value::Array(items) = &mut value {
                items.iter_mut().for_each(|item| resolve(&argument.nested, item));
            }
        } else if is_unknown(&value) {
            value = made_up(name, argument);
        }
        put(record, name, value);
    }
}

/// A number that was not given yet in this process; processes begin apart, because Terraform starts one
/// for each command and its state outlives them.
pub fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let start = || {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs() % 4096 * 4096)
    };
    NEXT.compare_exchange(0, start(), Ordering::Relaxed, Ordering::Relaxed).ok();
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn made_up(name: &str, argument: &Argument) -> Value {
    let one = || match argument.scalar {
        Scalar::Text => text(name).into(),
        Scalar::Number => 0.into(),
        Scalar::Flag => false.into(),
        Scalar::Object => {
            let fields =
                argument.nested.iter().map(|(name, field)| (name.as_str().into(), made_up(name, field)));
            Value::Map(fields.collect())
        }
    };
    match argument.shape {
        Shape::One => one(),
        Shape::Map => Value::Map(Vec::new()),
        // A server with a network has one address in it.
        _ if argument.scalar == Scalar::Object => Value::Array(vec![one()]),
        _ => Value::Array(Vec::new()),
    }
}

fn text(name: &str) -> String {
    let number = next();
    match name {
        "region" => "fr-par".to_owned(),
        "zone" => "fr-par-1".to_owned(),
        name if name.contains("address") || name == "ip" || name == "ipv4" => {
            // TEST-NET is too small for a fleet; 10/8 is nobody's.
            format!("10.{}.{}.{}", number >> 16 & 255, number >> 8 & 255, number & 255)
        }
        name => format!("{name}-{number}"),
    }
}
