//! `usherctl decisions`: the newest placements. `--format json` gives the records themselves, one a
//! line, which `usherctl replay decisions` takes.

use console::Style;
use usher_aggregator::decision::Decision;

use crate::api::Api;
use crate::cli::{Decisions, Format};
use crate::table::{Rows, UNKNOWN, print};

pub(crate) async fn decisions(api: &Api, format: Format, wanted: &Decisions) -> anyhow::Result<()> {
    let mut query = vec![("limit", wanted.limit.to_string())];
    query.extend(wanted.after.map(|after| ("after", after.to_string())));
    let lines = api.text(&["api", "v1", "decisions"], &query).await?;
    if format == Format::Json {
        return print(&lines);
    }
    let mut rows = Rows::new(&[
        ">#",
        "node",
        ">people",
        ">expected load",
        ">candidates",
        ">tries",
        ">took ms",
        "answers",
    ]);
    for decision in read(&lines)? {
        let (cells, style) = row(&decision);
        rows.add(cells, style);
    }
    print(&rows.render())
}

/// Reads records, one a line.
pub(crate) fn read(lines: &str) -> anyhow::Result<Vec<Decision>> {
    use anyhow::Context as _;
    let records = (1..).zip(lines.lines()).filter(|(_, line)| !line.trim().is_empty());
    records
        .map(|(number, line)| serde_json::from_str(line).with_context(|| format!("line {number}")))
        .collect()
}

fn row(decision: &Decision) -> (Vec<String>, Style) {
    let last = decision.tries.last();
    let choice = last.and_then(|attempt| attempt.replay(&decision.request).ok());
    let unknown = || UNKNOWN.to_owned();
    let answers: Vec<&str> =
        decision.tries.iter().filter_map(|attempt| Some(attempt.answer?.as_str())).collect();
    let load = choice.as_ref().and_then(|choice| choice.load.as_ref());
    let cells = vec![
        decision.seq.to_string(),
        decision.node.as_ref().map_or_else(unknown, ToString::to_string),
        choice.as_ref().map_or_else(unknown, |choice| format!("{:.1}", choice.people)),
        load.map_or_else(unknown, |load| format!("{:.0} %", load.expected * 100.0)),
        last.map_or_else(unknown, |attempt| attempt.inputs.candidates.len().to_string()),
        decision.tries.len().to_string(),
        format!("{:.1}", decision.took_us as f64 / 1000.0),
        answers.join(", "),
    ];
    (cells, if decision.node.is_some() { Style::new() } else { Style::new().red() })
}
