//! YAML text to [`Node`] trees: anchors and aliases are resolved, `<<` is merged, keys are checked to be unique
//! text, compose's `!reset` and `!override` tags are kept.
//!
//! The events come from the parser under serde-saphyr; serde itself would lose the raw scalars and the places.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle, Span, Tag};

use super::node::{Key, Map, Mark, Node, Value};
use super::place::{Complaints, Place};
use super::scalar;

/// Most values one file may hold once aliases are written out: far above any compose file, far below what a
/// handful of nested aliases can grow to.
const MOST_NODES: usize = 200_000;

/// Reads every document of a file; an empty document is left out.
///
/// What is wrong goes to `complaints`; what can be read is returned all the same.
pub fn read(file: &str, text: &str, complaints: &mut Complaints) -> Vec<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut composer = Composer {
        file: file.into(),
        parser: Parser::new_from_str_with_options(text, options()),
        anchors: HashMap::new(),
        left: MOST_NODES,
        complaints,
    };
    let mut documents = Vec::new();
    while let Some((event, span)) = composer.next() {
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
            Event::DocumentStart(..) => composer.anchors.clear(),
            event => match composer.node(event, span) {
                Some(node) => documents.push(node),
                None => break,
            },
        }
    }
    documents.retain(|node| !node.is_null());
    documents
}

/// Comments would be events in the company of a crate that turns the parser's feature of
/// that name on, and many of them in a row an error.
fn options() -> Options {
    let mut options = Options::default();
    options.emit_comments = false;
    options
}

struct Composer<'a, 'c> {
    file: Arc<str>,
    parser: Parser<'a, granit_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    left: usize,
    complaints: &'c mut Complaints,
}

impl<'a> Composer<'a, '_> {
    fn place(&self, span: Span) -> Place {
        Place { file: self.file.clone(), line: span.start.line(), column: span.start.col() + 1 }
    }

    /// The next event; a syntax error is noted and ends the file.
    fn next(&mut self) -> Option<(Event<'a>, Span)> {
        match self.parser.next()? {
            Ok(found) => Some(found),
            Err(error) => {
                let at = error.marker();
                let place = Place { file: self.file.clone(), line: at.line(), column: at.col() + 1 };
                self.complaints.add(&place, "", format!("not YAML: {}", error.info()));
                None
            }
        }
    }

    /// The node that starts with `event`; `None` when the file ends or overflows inside it.
    fn node(&mut self, event: Event<'a>, span: Span) -> Option<Node> {
        let place = self.place(span);
        self.spend(1, &place)?;
        let (value, anchor, mark) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let mark = self.mark(tag.as_deref(), &place);
                (self.scalar(&text, style, tag.as_deref(), &place), anchor, mark)
            }
            Event::SequenceStart(_, anchor, tag) => {
                let mark = self.mark(tag.as_deref(), &place);
                (Value::Seq(self.sequence()?), anchor, mark)
            }
            Event::MappingStart(_, anchor, tag) => {
                let mark = self.mark(tag.as_deref(), &place);
                (Value::Map(self.mapping()?), anchor, mark)
            }
            Event::Alias(id) => {
                let target = self.anchors.get(&id)?.clone();
                self.spend(count(&target), &place)?;
                return Some(target);
            }
            _ => return None,
        };
        let node = Node { place, mark, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Some(node)
    }

    fn spend(&mut self, nodes: usize, place: &Place) -> Option<()> {
        let Some(left) = self.left.checked_sub(nodes) else {
            self.complaints.add(
                place,
                "",
                format!("more than {MOST_NODES} values once aliases are resolved"),
            );
            return None;
        };
        self.left = left;
        Some(())
    }

    fn mark(&mut self, tag: Option<&Tag>, place: &Place) -> Mark {
        let Some(tag) = tag else { return Mark::Plain };
        match (tag.handle(), tag.suffix()) {
            ("!", "reset") => Mark::Reset,
            ("!", "override") => Mark::Override,
            ("!", "") => Mark::Plain,
            _ if tag.is_yaml_core_schema() => Mark::Plain,
            (handle, suffix) => {
                let text =
                    format!("the tag {handle}{suffix} means nothing here; compose has !reset and !override");
                self.complaints.add(place, "", text);
                Mark::Plain
            }
        }
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, tag: Option<&Tag>, place: &Place) -> Value {
        let forced_text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
        if style != ScalarStyle::Plain || forced_text {
            return Value::Str(text.to_owned());
        }
        match scalar::resolve(text) {
            Ok(value) => value,
            Err(scalar::Refused::Date) => {
                self.complaints.add(place, "", format!("{text} reads as a date: put it in quotes"));
                Value::Str(text.to_owned())
            }
        }
    }

    fn sequence(&mut self) -> Option<Vec<Node>> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Some(items),
                (event, span) => items.push(self.node(event, span)?),
            }
        }
    }

    fn mapping(&mut self) -> Option<Map> {
        let mut map = Map::default();
        let mut inherited = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let plain = matches!(event, Event::Scalar(_, ScalarStyle::Plain, ..));
            let key = self.node(event, span)?;
            let (event, span) = self.next()?;
            let value = self.node(event, span)?;
            match &key.value {
                Value::Str(name) if plain && name == "<<" => inherited.push(value),
                Value::Str(name) if map.has(name) => {
                    self.complaints.add(&key.place, name.as_str(), "this key is here twice: remove one");
                }
                Value::Str(name) => map.push(Key { name: name.clone(), place: Some(key.place) }, value),
                _ => {
                    let text = key.printed().unwrap_or_else(|| key.kind().to_owned());
                    self.complaints.add(
                        &key.place,
                        "",
                        format!("the key {text} is not text: put it in quotes"),
                    );
                }
            }
        }
        for source in inherited {
            self.inherit(&mut map, source);
        }
        Some(map)
    }

    /// `<<`: takes over the keys that the mapping does not say itself; of several sources the first wins.
    fn inherit(&mut self, map: &mut Map, source: Node) {
        match source.value {
            Value::Map(pairs) => {
                for (key, value) in pairs {
                    if !map.has(&key.name) {
                        map.push(key, value);
                    }
                }
            }
            Value::Seq(sources) => sources.into_iter().for_each(|source| self.inherit(map, source)),
            _ => {
                self.complaints.add(&source.place, "<<", "a merge key wants a mapping or a list of mappings");
            }
        }
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::Seq(items) => items.iter().map(count).sum(),
        Value::Map(map) => map.iter().map(|(_, node)| count(node)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Node {
        let mut complaints = Complaints::default();
        let mut documents = read("f.yml", text, &mut complaints);
        assert_eq!(complaints.to_string(), "");
        documents.remove(0)
    }

    fn refused(text: &str) -> String {
        let mut complaints = Complaints::default();
        read("f.yml", text, &mut complaints);
        complaints.to_string()
    }

    #[test]
    fn a_mapping_wins_over_what_it_merges_wherever_the_merge_stands() {
        let node = check("a: &a {x: 1, y: 1}\nb: {y: 2, <<: *a, z: 3}\n");
        let b = node.as_map().unwrap().get("b").unwrap().as_map().unwrap();
        let texts: Vec<_> = b.iter().map(|(k, n)| (k.name.as_str(), n.printed().unwrap())).collect();
        assert_eq!(texts, [("y", "2".into()), ("z", "3".into()), ("x", "1".into())]);
    }

    #[test]
    fn keys_and_values_know_their_place() {
        let node = check("services:\n  web:\n    image: a\n");
        let web = node.as_map().unwrap().get("services").unwrap().as_map().unwrap().get("web").unwrap();
        let (key, value) = web.as_map().unwrap().iter().next().unwrap();
        assert_eq!(key.place.as_ref().unwrap().to_string(), "f.yml:3:5");
        assert_eq!(value.place.to_string(), "f.yml:3:12");
    }

    #[test]
    fn tags_of_compose_are_kept_and_others_refused() {
        let node = check("a: !reset null\nb: !override [1]\nc: !!str 5\n");
        let map = node.as_map().unwrap();
        assert_eq!(map.get("a").unwrap().mark, Mark::Reset);
        assert_eq!(map.get("b").unwrap().mark, Mark::Override);
        assert_eq!(map.get("c").unwrap().as_str(), Some("5"));
        assert!(refused("a: !vault x").contains("!vault"));
    }

    #[test]
    fn a_key_said_twice_and_a_key_that_is_a_number_are_refused() {
        assert_eq!(refused("a: 1\na: 2\n"), "f.yml:2:1: a: this key is here twice: remove one");
        assert!(refused("a: {80: x}\n").contains("the key 80 is not text"));
    }

    #[test]
    fn aliases_that_explode_are_refused() {
        let mut text = String::from("a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n");
        for level in 1..9 {
            let prior = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", [prior.as_str(); 10].join(","));
        }
        assert!(refused(&text).contains("more than 200000 values"));
    }

    #[test]
    fn comments_are_nowhere_part_of_what_is_said() {
        let node =
            check("# head\na: # to the right\n  # above\n  - 1 # behind\n# foot\nb: {x: 1} # end\n# last\n");
        let map = node.as_map().unwrap();
        assert_eq!(map.get("a").unwrap().as_seq().unwrap().len(), 1);
        assert!(map.get("b").unwrap().as_map().unwrap().get("x").is_some());
        check(&format!("a: 1\n{}b: 2\n", "# many\n".repeat(500)));
    }

    #[test]
    fn broken_yaml_names_the_line() {
        assert!(refused("a: [1\nb: 2\n").starts_with("f.yml:2:"), "{}", refused("a: [1\nb: 2\n"));
    }
}
