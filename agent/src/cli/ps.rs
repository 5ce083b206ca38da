//! `stack ps`: the project's containers, running or not.

use std::collections::BTreeMap;

use clap::Command;
use serde::Serialize;

use super::{Exit, Ground, flags, show};
use usher_agent::compose::desired::labels;
use usher_agent::compose::observed::{Health, State};
use usher_agent::engine::Inspected;
use usher_agent::stack::Failure;

pub(super) fn command() -> Command {
    Command::new("ps").about("List the project's containers, running or not").arg(flags::format())
}

/// One container for programs.
#[derive(Serialize)]
struct Row {
    name: String,
    service: Option<String>,
    image: String,
    image_id: String,
    id: String,
    state: &'static str,
    exit_code: Option<i64>,
    health: Option<&'static str>,
    restarts: i64,
    started_at: Option<String>,
    ports: Vec<String>,
}

impl Row {
    fn of(found: Inspected) -> Self {
        let (state, exit_code) = match found.container.state {
            State::Created => ("created", None),
            State::Running => ("running", None),
            State::Restarting => ("restarting", found.exit_code),
            State::Paused => ("paused", None),
            State::Exited(code) => ("exited", Some(code)),
            State::Dead => ("dead", None),
        };
        Self {
            service: found.container.service().map(str::to_owned),
            name: found.container.name,
            image: found.image,
            image_id: found.container.image_id,
            id: found.container.id,
            state,
            exit_code,
            health: found.container.health.map(|health| match health {
                Health::Starting => "starting",
                Health::Healthy => "healthy",
                Health::Unhealthy => "unhealthy",
            }),
            restarts: found.restarts,
            started_at: found.started_at,
            ports: found.ports,
        }
    }
}

#[expect(clippy::print_stdout, reason = "this is the program's face")]
pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Exit> {
    let loaded = ground.stack.load(&BTreeMap::new())?;
    let label = format!("{}={}", labels::PROJECT, loaded.project.name);
    let found = ground.stack.engine()?.containers_labelled(&label).await;
    let found = found.map_err(|error| Failure::of_engine("the Docker engine", &error))?;
    let mut rows: Vec<Row> = found.into_iter().map(Row::of).collect();
    rows.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
    if flags::is_json(ground.matches) {
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(Exit::Good);
    }
    let mut table = show::table(&["NAME", "SERVICE", "IMAGE", "STATE", "RESTARTS", "PORTS"]);
    for row in &rows {
        let code = row.exit_code.map_or(String::new(), |code| format!(" ({code})"));
        let health = row.health.map_or(String::new(), |health| format!(", {health}"));
        let state = format!("{}{code}{health}", row.state);
        let service = row.service.as_deref().unwrap_or("");
        let restarts = row.restarts.to_string();
        table.add_row([row.name.as_str(), service, &row.image, &state, &restarts, &row.ports.join(", ")]);
    }
    println!("{table}");
    Ok(Exit::Good)
}
