//! `GET /sd`: the agents, for Prometheus' `http_sd_configs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Serialize;

use super::App;
use super::respond::Failed;
use crate::target::Target;

#[derive(Debug, PartialEq, Serialize)]
struct Group {
    targets: [String; 1],
    labels: BTreeMap<String, String>,
}

/// One group per agent. An empty list would make Prometheus forget all agents, so while
/// there is none to tell the answer is 503, on which it keeps its last list.
pub(super) async fn targets(State(app): State<Arc<App>>) -> Response {
    let groups: Vec<Group> = app
        .fleet
        .targets()
        .iter()
        .map(|(target, node)| group(target, node.as_ref().map(usher_common::wire::NodeId::as_str)))
        .collect();
    if groups.is_empty() {
        return Failed::new(StatusCode::SERVICE_UNAVAILABLE, "no_targets", "discovery lists no target")
            .into_response();
    }
    Json(groups).into_response()
}

fn group(target: &Target, node: Option<&str>) -> Group {
    let own = target.labels.iter().map(|(name, value)| (label_name(name), value.clone()));
    let mut labels: BTreeMap<String, String> = own.collect();
    labels.extend(target.region.iter().map(|region| ("region".to_owned(), region.clone())));
    labels.extend(node.map(|node| ("node".to_owned(), node.to_owned())));
    if target.url.scheme() != "http" {
        labels.insert("__scheme__".to_owned(), target.url.scheme().to_owned());
    }
    if target.url.path() != "/" {
        labels.insert("__metrics_path__".to_owned(), target.at("metrics").path().to_owned());
    }
    Group { targets: [target.authority()], labels }
}

/// Prometheus refuses a whole list for one bad label name.
fn label_name(text: &str) -> String {
    let name: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_what_prometheus_takes() {
        let mut target = Target::parse("https://vm1/agent").unwrap();
        target.region = Some("eu".into());
        target.labels = BTreeMap::from([("my-rack".into(), "7".into()), ("1st".into(), "x".into())]);
        let group = group(&target, Some("vm1"));
        let labels: Vec<(&str, &str)> = group.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(group.targets, ["vm1:443"]);
        assert_eq!(
            labels,
            [
                ("_1st", "x"),
                ("__metrics_path__", "/agent/metrics"),
                ("__scheme__", "https"),
                ("my_rack", "7"),
                ("node", "vm1"),
                ("region", "eu")
            ]
        );
    }
}
