//! What the provider refuses in a configuration, before it asks anybody.

use std::net::{IpAddr, Ipv4Addr};

use regex::Regex;
use rmpv::Value;
use serde_json::Value as Json;
use tf_provider::{AttributePath, Diagnostics};

use crate::argument::{Argument, Arguments, Definition};
use crate::value::{at_path, field, is_set, is_unknown};

/// Checks a record against its arguments; `root` is the whole resource, to which paths refer.
pub fn arguments(to: &mut Diagnostics, all: &Arguments, root: &Value, record: &Value, path: &AttributePath) {
    for (name, argument) in all {
        let value = field(record, name);
        let here = path.clone().attribute(name.clone());
        if argument.block {
            blocks(to, name, argument, root, value, &here);
        }
        if let Some(said) = broken(&argument.rule, name, value) {
            tell(to, &argument.rule, said, here.clone());
        }
        for element in value.as_array().into_iter().flatten() {
            if let Some(said) = broken(&argument.element_rule, name, element) {
                tell(to, &argument.element_rule, said, here.clone());
            }
        }
        for said in company(name, argument, root, value) {
            to.error("Invalid combination of arguments", said, here.clone());
        }
    }
}

/// Ids carry their zone or region; those of another place cannot be used.
pub fn places(to: &mut Diagnostics, definition: &Definition, record: &Value) {
    let Some(here) = ["zone", "region"].iter().find_map(|name| field(record, name).as_str()) else { return };
    for path in &definition.same_place {
        for id in at_path(record, path).iter().filter_map(|value| value.as_str()) {
            if let Some((there, _)) = id.split_once('/')
                && !here.starts_with(there)
            {
                let first = path.split('.').next().unwrap_or(path);
                let said = format!("{path} {id} lies in another place than the resource, which is in {here}");
                to.error("Locality mismatch", said, AttributePath::new(first.to_owned()));
            }
        }
    }
}

fn blocks(
    to: &mut Diagnostics,
    name: &str,
    argument: &Argument,
    root: &Value,
    value: &Value,
    path: &AttributePath,
) {
    let Some(items) = value.as_array() else { return };
    if argument.max_items.is_some_and(|most| items.len() as u64 > most) {
        to.error("Too many blocks", format!("too many {name:?} blocks: {}", items.len()), path.clone());
    }
    if argument.required && items.is_empty() {
        to.error("Missing block", format!("a {name:?} block is required"), path.clone());
    }
    for (index, item) in items.iter().enumerate() {
        let index = i64::try_from(index).expect("a list is not that long");
        arguments(to, &argument.nested, root, item, &path.clone().index(index));
    }
}

/// An unknown value is neither there nor missing: only what is certain is told.
fn company(name: &str, argument: &Argument, root: &Value, value: &Value) -> Vec<String> {
    let at = |path: &String| at_path(root, path).first().map_or(Some(false), |value| is_set(value));
    let mut said = Vec::new();
    if is_set(value) == Some(true) {
        let against = argument.conflicts_with.iter().filter(|other| at(other) == Some(true));
        said.extend(against.map(|other| format!("{name:?} conflicts with {other}")));
        let missing = argument.required_with.iter().filter(|other| at(other) == Some(false));
        said.extend(missing.map(|other| format!("{name:?} needs {other}")));
    }
    for (group, only_one) in [(&argument.exactly_one_of, true), (&argument.at_least_one_of, false)] {
        if group.is_empty() {
            continue;
        }
        let is_self = |other: &&String| *other == name || other.ends_with(&format!(".{name}"));
        let others = group.iter().filter(|other| !is_self(other)).map(at);
        let states: Vec<Option<bool>> = others.chain([is_set(value)]).collect();
        let count = states.iter().filter(|state| **state == Some(true)).count();
        if count == 0 && !states.contains(&None) {
            said.push(format!("one of {name}, {} must be given", group.join(", ")));
        }
        if only_one && count > 1 {
            said.push(format!("only one of {name}, {} may be given", group.join(", ")));
        }
    }
    said
}

fn tell(to: &mut Diagnostics, rule: &Json, said: String, path: AttributePath) {
    // The real provider only warns of zones and regions that its release does not know yet.
    if rule["validator"] == "enum_warn" {
        to.warning("Unusual value", said, path);
    } else {
        to.error("Invalid value", said, path);
    }
}

/// What is wrong with a value under a rule of the schema.
fn broken(rule: &Json, name: &str, value: &Value) -> Option<String> {
    if value.is_nil() || is_unknown(value) {
        return None;
    }
    let text = value.as_str().unwrap_or("");
    let holds = match rule["validator"].as_str()? {
        "enum" | "enum_warn" => rule["values"]
            .as_array()?
            .iter()
            .filter_map(Json::as_str)
            .any(|one| one == text || rule["ignore_case"] == true && one.eq_ignore_ascii_case(text)),
        "int_between" => within(value.as_i64()?, rule),
        "len_between" => within(i64::try_from(text.len()).ok()?, rule),
        "match" => matches(rule["re"].as_str()?, text),
        "IsUUID" => matches(UUID, text),
        "IsUUIDOrEmpty" => text.is_empty() || matches(UUID, text),
        "IsUUIDWithLocality" => {
            text.split_once('/').is_some_and(|(at, id)| matches(PLACE, at) && matches(UUID, id))
        }
        "IsUUIDorUUIDWithLocality" => match text.split_once('/') {
            Some((at, id)) => matches(PLACE, at) && matches(UUID, id),
            None => matches(UUID, text),
        },
        "IsDuration" => matches(r"^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$", text),
        "IsIPv4CIDR" => network(text).is_some_and(|(address, _)| address.is_ipv4()),
        "IsCIDRNetwork" => network(text).is_some(),
        "IsStandaloneIPorCIDR" => text.parse::<IpAddr>().is_ok() || network(text).is_some(),
        "IsIPAddress" => text.parse::<IpAddr>().is_ok(),
        "IsIPv4Address" => text.parse::<Ipv4Addr>().is_ok(),
        "all" => return rule["of"].as_array()?.iter().find_map(|one| broken(one, name, value)),
        _ => true, // dates and the like, which these modules do not use
    };
    (!holds).then(|| format!("{name} must not be {value} (rule: {rule})"))
}

const UUID: &str = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
const PLACE: &str = r"^[a-z]{2}-[a-z]{3}(-\d)?$";

fn within(number: i64, rule: &Json) -> bool {
    rule["min"].as_i64().is_none_or(|least| number >= least)
        && rule["max"].as_i64().is_none_or(|most| number <= most)
}

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).expect("the schema's patterns are good").is_match(text)
}

fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    Some((address.parse().ok()?, bits.parse().ok()?))
}
