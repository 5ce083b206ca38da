//! The schema file as values: what each resource takes, gives and refuses.
//!
//! Only what the file says; how Terraform wants to hear it is in `declare`, what it means for a
//! configuration in `check` and `plan`.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Arguments by name.
pub type Arguments = BTreeMap<String, Argument>;

/// The simple type under a list, set or map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    Text,
    Number,
    Flag,
    /// A record; its fields are the argument's `nested`.
    Object,
}

/// How many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    One,
    List,
    Set,
    Map,
}

/// One argument or computed attribute.
#[derive(Debug, Clone)]
pub struct Argument {
    pub scalar: Scalar,
    pub shape: Shape,
    pub required: bool,
    pub optional: bool,
    pub computed: bool,
    pub sensitive: bool,
    pub deprecated: bool,
    pub force_new: bool,
    /// Written as `name { … }`, not as `name = …`.
    pub block: bool,
    pub default: Option<Json>,
    pub max_items: Option<u64>,
    pub nested: Arguments,
    /// Dotted paths from the root of the resource.
    pub conflicts_with: Vec<String>,
    pub required_with: Vec<String>,
    pub exactly_one_of: Vec<String>,
    pub at_least_one_of: Vec<String>,
    pub rule: Json,
    pub element_rule: Json,
}

/// One resource or data source.
#[derive(Debug, Clone)]
pub struct Definition {
    pub arguments: Arguments,
    pub version: i64,
    pub timeouts: Vec<String>,
    /// Paths of ids that must lie in the resource's own zone or region.
    pub same_place: Vec<String>,
}

/// Declared as blocks by the provider, but nobody writes them: served as computed lists, because a
/// computed block cannot be told to Terraform without the legacy type system.
const ONLY_READ: &[&str] = &["filesystems", "private_ip", "private_ips", "public_ips"];

/// Reads one definition.
pub fn definition(json: &Json) -> Definition {
    Definition {
        arguments: arguments(&json["args"]),
        version: json["schema_version"].as_i64().unwrap_or(0),
        timeouts: texts(&json["timeouts"]),
        same_place: texts(&json["locality_check"]),
    }
}

/// Reads a table of arguments.
pub fn arguments(json: &Json) -> Arguments {
    let pairs = json.as_object().into_iter().flatten();
    pairs.map(|(name, one)| (name.clone(), argument(name, one))).collect()
}

fn argument(name: &str, json: &Json) -> Argument {
    let flag = |key: &str| json[key].as_bool().unwrap_or(false);
    let (shape, scalar) = kind(json["type"].as_str().expect("every argument has a type"));
    let computed = flag("computed");
    Argument {
        scalar,
        shape,
        required: flag("required"),
        optional: flag("optional"),
        computed,
        sensitive: flag("sensitive"),
        deprecated: flag("deprecated"),
        force_new: flag("force_new"),
        block: flag("block") && !(computed && ONLY_READ.contains(&name)),
        default: json.get("default").filter(|it| !it.is_null()).cloned(),
        max_items: json["max_items"].as_u64(),
        nested: arguments(&json["nested"]),
        conflicts_with: texts(&json["conflicts_with"]),
        required_with: texts(&json["required_with"]),
        exactly_one_of: texts(&json["exactly_one_of"]),
        at_least_one_of: texts(&json["at_least_one_of"]),
        rule: json["validate"].clone(),
        element_rule: json["validate_elem"].clone(),
    }
}

/// `list(object)` and the like.
fn kind(text: &str) -> (Shape, Scalar) {
    let scalar = |word: &str| match word {
        "string" => Scalar::Text,
        "int" | "float" => Scalar::Number,
        "bool" => Scalar::Flag,
        "object" => Scalar::Object,
        other => panic!("the schema has a type {other} that is not known here"),
    };
    let Some((shape, inner)) = text.trim_end_matches(')').split_once('(') else {
        return (Shape::One, scalar(text));
    };
    let shape = match shape {
        "list" => Shape::List,
        "set" => Shape::Set,
        "map" => Shape::Map,
        other => panic!("the schema has a shape {other} that is not known here"),
    };
    (shape, scalar(inner))
}

fn texts(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().filter_map(|it| it.as_str().map(str::to_owned)).collect()
}
