//! Prometheus' `file_sd` format to targets: a list of groups, each with targets and labels.
//!
//! The labels `region`, `__scheme__` and `__usher_kind__` (`agent`, `node_exporter`) and
//! `__usher_public_url__` mean something here; other labels that begin with `__` are
//! Prometheus' own business and are dropped, the rest become labels of the node.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::target::{BadTarget, Target, TargetKind, Token};

/// Which of the two spellings a file uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Json,
    Yaml,
}

#[derive(Debug, Deserialize)]
struct Group {
    targets: Vec<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// Why a text is no list of targets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadList {
    /// Neither JSON nor YAML, or of another shape.
    #[error("no list of {{targets, labels}}: {0}")]
    Shape(String),
    /// A target that is none.
    #[error(transparent)]
    Target(#[from] BadTarget),
    /// An unknown kind.
    #[error("__usher_kind__ {0:?} is neither agent nor node_exporter")]
    Kind(String),
}

/// Reads a list. All or nothing: half a list would look like dead nodes.
pub(super) fn parse(text: &str, syntax: Syntax, token: Option<&Token>) -> Result<Vec<Target>, BadList> {
    let groups: Vec<Group> = match syntax {
        Syntax::Json => serde_json::from_str(text).map_err(|error| BadList::Shape(error.to_string()))?,
        Syntax::Yaml => serde_saphyr::from_str(text).map_err(|error| BadList::Shape(first_line(&error)))?,
    };
    let mut targets: Vec<Target> = Vec::new();
    for group in groups {
        for text in &group.targets {
            let target = one(text, &group.labels, token)?;
            // The same target in two groups is a slip that harms nobody.
            if !targets.iter().any(|other| other.id == target.id) {
                targets.push(target);
            }
        }
    }
    Ok(targets)
}

fn one(text: &str, labels: &BTreeMap<String, String>, token: Option<&Token>) -> Result<Target, BadList> {
    let label = |name: &str| labels.get(name).filter(|value| !value.is_empty());
    let mut target = match label("__scheme__") {
        Some(scheme) if !text.contains("://") => Target::parse(&format!("{scheme}://{text}"))?,
        _ => Target::parse(text)?,
    };
    if let Some(word) = label("__usher_kind__") {
        target.kind = TargetKind::parse(word).ok_or_else(|| BadList::Kind(word.clone()))?;
    }
    if let Some(url) = label("__usher_public_url__") {
        target.public_url.clone_from(url);
    }
    target.token = token.cloned();
    target.region = label("region").cloned();
    let own = labels.iter().filter(|(name, _)| !name.starts_with("__") && name.as_str() != "region");
    target.labels = own.map(|(name, value)| (name.clone(), value.clone())).collect();
    Ok(target)
}

/// The parser's message goes on with an excerpt of the file; the first line says where and what.
fn first_line(error: &serde_saphyr::Error) -> String {
    error.to_string().lines().next().unwrap_or("not YAML").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_yaml_say_the_same() {
        let json = r#"[{"targets": ["vm1:9100", "vm2:9100"], "labels": {"region": "eu", "rack": "7", "__meta_x": "y"}},
                       {"targets": ["vm1:9100"]}, {"targets": ["vm3"], "labels": {"__scheme__": "https", "__usher_kind__": "node_exporter"}}]"#;
        let yaml = "- targets: ['vm1:9100', vm2:9100]\n  labels: {region: eu, rack: '7', __meta_x: y}\n\
                    - targets: [vm1:9100]\n- targets: [vm3]\n  labels:\n    __scheme__: https\n    __usher_kind__: node_exporter\n";
        let token = Token::new("0123456789abcdef");
        let targets = parse(json, Syntax::Json, Some(&token)).unwrap();
        assert_eq!(targets, parse(yaml, Syntax::Yaml, Some(&token)).unwrap());
        assert_eq!(
            targets.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(),
            ["http://vm1:9100/", "http://vm2:9100/", "https://vm3/"]
        );
        assert_eq!(targets[0].region.as_deref(), Some("eu"));
        assert_eq!(targets[0].labels, BTreeMap::from([("rack".to_owned(), "7".to_owned())]));
        assert_eq!(targets[2].kind, TargetKind::NodeExporter);
    }

    #[test]
    fn one_bad_target_refuses_the_whole_list() {
        let error = parse(r#"[{"targets": ["vm1", "ftp://vm2"]}]"#, Syntax::Json, None).unwrap_err();
        assert!(error.to_string().contains("ftp://vm2"), "{error}");
        for broken in ["{", "{}", "[1]", r#"[{"targets": "vm1"}]"#] {
            assert!(matches!(parse(broken, Syntax::Json, None), Err(BadList::Shape(_))), "{broken}");
            assert!(parse(broken, Syntax::Yaml, None).is_err(), "{broken}");
        }
        assert_eq!(parse("[]", Syntax::Json, None).unwrap(), []);
    }
}
