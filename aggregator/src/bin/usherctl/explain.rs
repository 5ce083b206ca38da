//! `usherctl explain`: why a room would go where it would go.

use console::Style;
use serde_json::Value;

use crate::api::Api;
use crate::cli::{Explain, Format};
use crate::table::{Rows, age, number, percent, print, print_json, text};

pub(crate) async fn explain(api: &Api, format: Format, explain: &Explain) -> anyhow::Result<()> {
    let mut query = Vec::new();
    query.extend(explain.room.clone().map(|room| ("room", room)));
    query.extend(explain.region.clone().map(|region| ("region", region)));
    query.extend(explain.expected_participants.map(|people| ("expected_participants", people.to_string())));
    let ranking = api.get(&["api", "v1", "explain"], &query).await?;
    match format {
        Format::Json => print_json(&ranking),
        Format::Table => print(&table(&ranking)),
    }
}

fn table(ranking: &Value) -> String {
    let mut out = match &ranking["known"] {
        Value::Null => String::new(),
        known => format!(
            "the room is on {} ({}); others are not looked at\n",
            text(&known["node"]),
            text(&known["how"])
        ),
    };
    if ranking["alarm"] == true {
        out += "most of the fleet looks dead: nodes that are only presumed dead are used too\n";
    }
    let mut rows = Rows::new(&[
        ">#",
        "node",
        "tier or filter",
        ">score",
        ">expected",
        ">measured",
        ">promised",
        ">arriving",
        ">room",
        ">age",
    ]);
    let list = |key: &str| ranking[key].as_array().cloned().into_iter().flatten();
    for (place, node) in (1..).zip(list("placed")) {
        rows.add(cells(&place.to_string(), &node, "tier"), Style::new());
    }
    for node in list("removed").chain(list("excluded")) {
        rows.add(cells("", &node, "by"), Style::new().dim());
    }
    out += &rows.render();
    out + &format!(
        "policy {}; score = (expected - comfortable) x capacity^exponent, the smallest of the first tier is taken\n",
        text(&ranking["policy"])
    )
}

fn cells(place: &str, node: &Value, why: &str) -> Vec<String> {
    let load = &node["load"];
    vec![
        place.to_owned(),
        text(&node["node"]),
        text(&node[why]),
        number(&load["score"], 3),
        percent(&load["expected"]),
        percent(&load["base"]),
        number(&load["promised_people"], 1),
        number(&load["arriving_people"], 1),
        number(&load["own_people"], 1),
        age(&load["reading_age_ms"]),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_node_has_its_place_or_the_filter_that_removed_it() {
        let ranking = json!({"known": null, "policy": "expected-load", "alarm": false,
            "placed": [{"node": "vm2", "tier": "wished", "load": {"score": -0.4, "expected": 0.45, "base": 0.4,
                "promised_people": 8.0, "arriving_people": null, "own_people": 8.0, "reading_age_ms": 900}}],
            "removed": [{"node": "vm1", "by": "full", "load": null}],
            "excluded": [{"node": "vm3", "by": "never_read"}]});
        let text = table(&ranking);
        let line =
            |node: &str| text.lines().find(|line| line.contains(node)).expect("it has a row").to_owned();
        assert!(
            line("vm2").contains("wished") && line("vm2").contains("-0.400") && line("vm2").contains("45 %")
        );
        assert!(line("vm1").contains("full") && line("vm3").contains("never_read"), "{text}");
    }
}
