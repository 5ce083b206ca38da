//! `usherctl fleet`: what the aggregator knows of the nodes.

use console::Style;
use serde_json::Value;

use crate::api::Api;
use crate::cli::Format;
use crate::table::{Rows, UNKNOWN, age, number, percent, print, print_json, text};

/// Load from which a node is shown as crowded, and as overloaded.
const CROWDED: f64 = 0.7;
const OVERLOADED: f64 = 0.85;

/// All nodes.
pub(crate) async fn fleet(api: &Api, format: Format) -> anyhow::Result<()> {
    let fleet = api.get(&["api", "v1", "fleet"], &[]).await?;
    match format {
        Format::Json => print_json(&fleet),
        Format::Table => print(&overview(&fleet)),
    }
}

/// All of one node.
pub(crate) async fn node(api: &Api, format: Format, name: &str) -> anyhow::Result<()> {
    let node = api.get(&["api", "v1", "fleet", name], &[]).await?;
    match format {
        Format::Json => print_json(&node),
        Format::Table => {
            let mut lines = Vec::new();
            flatten("", &node, &mut lines);
            let width = lines.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
            print(&lines.iter().map(|(key, value)| format!("{key:<width$}  {value}\n")).collect::<String>())
        }
    }
}

/// The table, and what holds for the fleet as a whole.
pub(crate) fn overview(fleet: &Value) -> String {
    let mut rows = Rows::new(&[
        "node",
        "state",
        "region",
        ">cpu",
        ">stress",
        ">people",
        ">rooms",
        ">promised",
        ">age",
        "what is wrong",
    ]);
    let nodes = fleet["nodes"].as_array().map_or(&[][..], Vec::as_slice);
    for node in nodes {
        let figures = &node["figures"];
        let cpu = match &figures["cpu_busy_smooth"] {
            Value::Null => &figures["cpu_busy"],
            smooth => smooth,
        };
        let promised = figures["reserved"].as_f64().zip(node["pledged"].as_f64()).map(|(a, b)| a + b);
        rows.add(
            vec![
                node["node"].as_str().map_or_else(|| text(&node["target"]), str::to_owned),
                standing(node),
                text(&node["region"]),
                percent(cpu),
                number(&figures["stress"], 2),
                number(&figures["participants"], 0),
                number(&figures["conferences"], 0),
                promised.map_or_else(|| UNKNOWN.to_owned(), |people| format!("{people:.0}")),
                age(&figures["age_ms"]),
                wrong(node),
            ],
            style(node, cpu),
        );
    }
    let alarm = if fleet["panic"] == true { ", most of the fleet was lost at once" } else { "" };
    format!("{}{} nodes, {} take rooms{alarm}\n", rows.render(), nodes.len(), number(&fleet["eligible"], 0))
}

/// One word for where a node stands.
fn standing(node: &Value) -> String {
    match (node["eligible"] == true, node["unfit"].as_str(), node["operator"]["mode"].as_str()) {
        (_, _, Some(mode @ ("drain" | "maint"))) => mode.to_owned(),
        (true, _, _) => text(&node["life"]),
        (false, unfit, _) => unfit.unwrap_or(UNKNOWN).to_owned(),
    }
}

fn wrong(node: &Value) -> String {
    let list = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let mut all = list(&node["errors"]);
    all.extend(node["trouble"]["detail"].as_str().map(str::to_owned));
    all.extend(list(&node["not_ready"]));
    all.extend(node["operator"]["why"].as_str().map(str::to_owned));
    all.join("; ")
}

fn style(node: &Value, cpu: &Value) -> Style {
    if node["eligible"] != true {
        return if node["operator"]["mode"] == "ready" || node["operator"].is_null() {
            Style::new().red()
        } else {
            Style::new().dim()
        };
    }
    match cpu.as_f64() {
        Some(load) if load > OVERLOADED => Style::new().red(),
        Some(load) if load > CROWDED => Style::new().yellow(),
        _ => Style::new(),
    }
}

/// `{"a": {"b": 1}}` as `a.b  1`.
fn flatten(path: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                flatten(&path, value, lines);
            }
        }
        Value::Null => lines.push((path.to_owned(), UNKNOWN.to_owned())),
        Value::String(text) => lines.push((path.to_owned(), text.clone())),
        other => lines.push((path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_never_read_shows_no_zeros() {
        let fleet = json!({"panic": false, "eligible": 0, "nodes": [{
            "node": null, "target": "http://a:9100/", "eligible": false, "unfit": "never_read", "life": "new",
            "figures": null, "operator": null, "pledged": 0.0, "errors": [], "not_ready": []}]});
        let text = overview(&fleet);
        let line = text.lines().nth(1).expect("a row");
        assert!(
            line.contains("http://a:9100/") && line.contains("never_read") && !line.contains('%'),
            "{text}"
        );
        assert!(text.ends_with("1 nodes, 0 take rooms\n"), "{text}");
    }

    #[test]
    fn what_the_operator_wants_is_the_nodes_state_and_its_why_is_told() {
        let node = json!({"eligible": false, "unfit": "draining", "life": "up",
            "operator": {"mode": "drain", "why": "new kernel"}, "not_ready": ["draining"], "errors": []});
        assert_eq!((standing(&node).as_str(), wrong(&node).as_str()), ("drain", "draining; new kernel"));
    }
}
