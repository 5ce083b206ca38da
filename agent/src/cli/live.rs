//! How many conferences are on this node, asked of the agent that runs here: it watches the bridge.

use std::collections::BTreeMap;

use usher_agent::compose::plan::Policy;
use usher_agent::stack::LoadedStack;
use usher_common::settings::Settings;
use usher_common::wire::Report;

use super::agent::Agent;

/// Whoever replaces one of these ends or breaks every meeting.
const MEETING: [&str; 4] = ["jvb", "jicofo", "prosody", "web"];

/// For [`Policy::live`]: conferences by service; a number that nobody knows is `None`.
pub(crate) async fn conferences(settings: &Settings, loaded: &LoadedStack) -> BTreeMap<String, Option<u64>> {
    // Without a bridge in it, it is no project that conferences are on.
    if !loaded.project.services.contains_key("jvb") {
        return BTreeMap::new();
    }
    let count = count(settings).await;
    MEETING.iter().map(|service| ((*service).to_owned(), count)).collect()
}

/// Conferences on this node; `None`: nobody knows, such as when no agent runs.
async fn count(settings: &Settings) -> Option<u64> {
    let answer = Agent::new(settings).ok()?.get("/v1/report").await.ok()?;
    let report: Report = serde_json::from_slice(&answer.body).ok()?;
    report.jitsi?.conferences
}

/// The first of `services` that people may be on, and how many conferences there are; `None` for the number: nobody
/// knows.
pub(crate) async fn people(
    settings: &Settings,
    loaded: &LoadedStack,
    services: &[&str],
) -> Option<(String, Option<u64>)> {
    let policy = Policy { live: conferences(settings, loaded).await, ..Policy::default() };
    let mut found = services.iter();
    found.find_map(|service| Some(((*service).to_owned(), policy.conferences_on(service)?)))
}
