//! `extends`: a service that starts from another one of the same file.

use super::merge::{self, Path};
use super::node::{Node, Value};
use super::place::Complaints;

/// Writes every `extends` of one file out. `marks` are the file's `!reset` and `!override` places, which act on
/// what a service takes over as they do on earlier files.
pub(super) fn apply(root: &mut Node, marks: &[Path], complaints: &mut Complaints) {
    let Some(services) = root.as_map_mut().and_then(|root| root.get_mut("services")) else { return };
    let Some(map) = services.as_map() else { return };
    let names: Vec<String> = map.iter().map(|(key, _)| key.name.clone()).collect();
    for name in names {
        let mut chain = vec![name.clone()];
        if let Some(whole) = resolved(services, &name, marks, &mut chain, complaints)
            && let Some(slot) = services.as_map_mut().and_then(|map| map.get_mut(&name))
        {
            *slot = whole;
        }
    }
}

/// The service with everything it takes over; `None` when it extends nothing or cannot.
fn resolved(
    services: &Node,
    name: &str,
    marks: &[Path],
    chain: &mut Vec<String>,
    complaints: &mut Complaints,
) -> Option<Node> {
    let path = format!("services.{name}.extends");
    let mut service = services.as_map()?.get(name)?.clone();
    let extends = service.as_map_mut()?.remove("extends")?;
    let base_name = match &extends.value {
        Value::Str(base) => base.clone(),
        Value::Map(map) => {
            if let Some(file) = map.get("file") {
                complaints.add(
                    &file.place,
                    path,
                    "not supported: only a service of the same file can be extended",
                );
                return None;
            }
            map.get("service").and_then(Node::as_str).unwrap_or("").to_owned()
        }
        _ => String::new(),
    };
    let Some(mut base) = services.as_map()?.get(&base_name).cloned() else {
        complaints.add(&extends.place, path, format!("there is no service {base_name:?} in this file"));
        return None;
    };
    if chain.contains(&base_name) {
        chain.push(base_name);
        complaints.add(
            &extends.place,
            path,
            format!("these services extend each other: {}", chain.join(" -> ")),
        );
        return None;
    }
    chain.push(base_name.clone());
    if let Some(whole) = resolved(services, &base_name, marks, chain, complaints) {
        base = whole;
    } else if base.as_map().is_some_and(|map| map.has("extends")) {
        return None;
    }
    let mine: Vec<Path> = marks
        .iter()
        .filter(|mark| mark.len() > 2 && mark[0] == "services" && mark[1] == name)
        .map(|mark| mark[2..].to_vec())
        .collect();
    merge::forget(&mut base, &mine);
    Some(merge::merge(base, service, &mut vec!["services".to_owned(), name.to_owned()], complaints))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::file::yaml;

    fn check(text: &str) -> Result<Node, String> {
        let mut complaints = Complaints::default();
        let mut root = yaml::read("f.yml", text, &mut complaints).remove(0);
        let marks = merge::take_marks(&mut root);
        apply(&mut root, &marks, &mut complaints);
        if complaints.is_empty() { Ok(root) } else { Err(complaints.to_string()) }
    }

    #[test]
    fn a_service_takes_over_what_it_does_not_say() {
        let root = check(
            "services:\n  base: {image: i, command: [x], ports: [1]}\n  a: {extends: base, ports: [2]}\n  \
             b: {extends: {service: a}, command: !reset null, image: j}\n",
        )
        .unwrap();
        let services = root.as_map().unwrap().get("services").unwrap().as_map().unwrap();
        let b = services.get("b").unwrap().as_map().unwrap();
        assert_eq!(b.get("image").unwrap().as_str(), Some("j"));
        assert_eq!(b.get("ports").unwrap().as_seq().unwrap().len(), 2);
        assert!(!b.has("command") && !b.has("extends"));
    }

    #[test]
    fn rings_and_missing_bases_are_refused() {
        assert!(check("services: {a: {extends: b}, b: {extends: a}}").unwrap_err().contains("a -> b -> a"));
        assert!(check("services: {a: {extends: b}}").unwrap_err().contains("there is no service \"b\""));
    }
}
