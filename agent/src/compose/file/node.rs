//! The tree of a compose file: what YAML says, with the place of every value and of every key.
//!
//! It is compose's own working form: files are interpolated, merged and brought to the long syntax in this
//! shape, and only then read into the typed model.

use super::place::Place;
use super::scalar;

/// One value of a compose file.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// Its merge tag.
    pub mark: Mark,
    /// What it says.
    pub value: Value,
}

/// Compose's own YAML tags, which act on what earlier files said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// No tag: merge as usual.
    Plain,
    /// `!reset`: forget what earlier files said.
    Reset,
    /// `!override`: replace what earlier files said.
    Override,
}

/// The shapes a value can have.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    Null,
    /// `true` or `false`, never `yes` or `on`, which are text.
    Bool(bool),
    /// Any integer notation; i128 so that both of Go's 64 bit kinds fit.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    Str(String),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping.
    Map(Map),
}

impl Node {
    /// An untagged value at a place.
    #[must_use]
    pub fn new(place: Place, value: Value) -> Node {
        Node { place, mark: Mark::Plain, value }
    }

    /// Text at the same place as this node: what a short syntax expands to.
    #[must_use]
    pub fn text(&self, text: impl Into<String>) -> Node {
        Node::new(self.place.clone(), Value::Str(text.into()))
    }

    /// Any value at the same place as this node.
    #[must_use]
    pub fn like(&self, value: Value) -> Node {
        Node::new(self.place.clone(), value)
    }

    /// A mapping at the same place as this node.
    #[must_use]
    pub fn map_of<const N: usize>(&self, pairs: [(&str, Node); N]) -> Node {
        let mut map = Map::default();
        for (key, node) in pairs {
            map.set(key, node);
        }
        self.like(Value::Map(map))
    }

    /// The mapping, when it is one.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match &self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The mapping, when it is one.
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        match &mut self.value {
            Value::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, when it is one.
    #[must_use]
    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Seq(seq) => Some(seq),
            _ => None,
        }
    }

    /// The text, when it is text (a number is not).
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Str(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// A scalar as compose prints it where text is wanted (`1.10` is `1.1`); `None` for lists and mappings.
    #[must_use]
    pub fn printed(&self) -> Option<String> {
        match &self.value {
            Value::Null => Some("<nil>".to_owned()),
            Value::Bool(flag) => Some(flag.to_string()),
            Value::Int(int) => Some(int.to_string()),
            Value::Float(float) => Some(scalar::print_float(*float)),
            Value::Str(text) => Some(text.clone()),
            Value::Seq(_) | Value::Map(_) => None,
        }
    }

    /// What it is, for an error text.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) | Value::Float(_) => "a number",
            Value::Str(_) => "text",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

/// A mapping in file order; keys are text and unique.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map(Vec<(Key, Node)>);

/// A key and where it stands; `None` for a key that a short syntax implies.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The text of the key.
    pub name: String,
    /// Where it stands.
    pub place: Option<Place>,
}

impl Map {
    /// The value of a key.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.0.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.0.iter_mut().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    /// Sets the value of a key, keeping the key's place when it is there already.
    pub fn set(&mut self, name: &str, node: Node) {
        match self.get_mut(name) {
            Some(old) => *old = node,
            None => self.0.push((Key { name: name.to_owned(), place: None }, node)),
        }
    }

    /// Adds a key that is known not to be there yet.
    pub fn push(&mut self, key: Key, node: Node) {
        self.0.push((key, node));
    }

    /// Takes a key out.
    pub fn remove(&mut self, name: &str) -> Option<Node> {
        let index = self.0.iter().position(|(key, _)| key.name == name)?;
        Some(self.0.remove(index).1)
    }

    /// Whether the key is there, be its value null or not.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Keys and values in file order.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Node)> {
        self.0.iter().map(|(key, node)| (key, node))
    }

    /// Keys and values, to change the values.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Key, &mut Node)> {
        self.0.iter_mut().map(|(key, node)| (&*key, node))
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Keeps the pairs that `keep` says.
    pub fn retain(&mut self, mut keep: impl FnMut(&Key, &mut Node) -> bool) {
        self.0.retain_mut(|(key, node)| keep(key, node));
    }
}

impl IntoIterator for Map {
    type Item = (Key, Node);
    type IntoIter = std::vec::IntoIter<(Key, Node)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
