//! `usherctl drain`, `ready`, `maint`: what is wanted of a node. The agent keeps it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::api::Api;
use crate::cli::{Drain, Format, Wish};
use crate::table::{print, print_json};

/// How often a node that is waited for is looked at.
const POLL: Duration = Duration::from_secs(1);

/// Sets a mode.
pub(crate) async fn set(api: &Api, format: Format, mode: &str, wish: &Wish) -> anyhow::Result<()> {
    let state = put(api, mode, wish, None).await?;
    match format {
        Format::Json => print_json(&state),
        Format::Table => print(&format!("{}: {mode}\n", wish.node)),
    }
}

/// Drains a node, and waits until it is empty where that is asked for.
pub(crate) async fn drain(api: &Api, format: Format, drain: &Drain) -> anyhow::Result<()> {
    let deadline = drain.deadline.map(|deadline| SystemTime::now() + deadline);
    let state = put(api, "drain", &drain.wish, deadline).await?;
    let node = &drain.wish.node;
    if format == Format::Table {
        print(&format!("{node}: drain\n"))?;
    }
    if drain.wait {
        wait(api, format, node, deadline).await?;
    }
    match format {
        Format::Json => print_json(&state),
        Format::Table => Ok(()),
    }
}

async fn put(api: &Api, mode: &str, wish: &Wish, deadline: Option<SystemTime>) -> anyhow::Result<Value> {
    let mut state = json!({ "mode": mode });
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            state[key] = value;
        }
    };
    add("who", wish.who.clone().map(Value::from));
    add("why", wish.why.clone().map(Value::from));
    let unix_ms = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).context("this machine's clock is before 1970")?;
        u64::try_from(since.as_millis()).context("this machine's clock is beyond reason")
    };
    add("deadline_unix_ms", deadline.map(unix_ms).transpose()?.map(Value::from));
    api.put(&["api", "v1", "fleet", &wish.node, "state"], &state).await
}

/// Waits until the aggregator has seen that nobody is there. Not knowing is not being empty.
async fn wait(api: &Api, format: Format, name: &str, deadline: Option<SystemTime>) -> anyhow::Result<()> {
    let mut last = None;
    loop {
        let node = api.get(&["api", "v1", "fleet", name], &[]).await?;
        let drains = node["operator"]["mode"] == "drain";
        let people = node["figures"]["participants"].as_u64();
        if drains && people == Some(0) {
            return if format == Format::Table { print(&format!("{name}: empty\n")) } else { Ok(()) };
        }
        let mode = node["operator"]["mode"].as_str();
        if !drains && last.is_some() && mode == Some("ready") {
            bail!("{name} was made ready again by somebody else while we waited");
        }
        if drains && last != Some(people) {
            if format == Format::Table {
                let people = people.map_or_else(|| "an unknown number of".to_owned(), |n| n.to_string());
                print(&format!("{name}: {people} people in meetings\n"))?;
            }
            last = Some(people);
        }
        if deadline.is_some_and(|deadline| SystemTime::now() >= deadline) {
            bail!(
                "{name} is not empty by the deadline; it goes on draining (usherctl ready {name} ends that)"
            );
        }
        tokio::time::sleep(POLL).await;
    }
}
