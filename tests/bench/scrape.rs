//! 200 fake agents, each read every second for a minute, by an aggregator with default
//! settings: how many reads there were, how many came late, what they cost. `make bench-scrape`.
//!
//! The agents are fakes in this same process, so they take processor time too.

use std::process::ExitCode;
use std::time::Duration;

use usher_tests::aggregator::Aggregator;
use usher_tests::fake_agent::FakeAgent;

const AGENTS: usize = 200;
const TIME: Duration = Duration::from_secs(60);

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the measure")]
async fn main() -> ExitCode {
    let agents: Vec<_> = (0..AGENTS).map(|n| FakeAgent::start(&format!("vm{n}"), 0.3)).collect();
    let aggregator = Aggregator::over(&agents, "").await;
    println!("{AGENTS} agents, every second, for {} s ...", TIME.as_secs());
    tokio::time::sleep(TIME).await;
    let text = aggregator.operator_get("/metrics").await.text;
    for name in [
        "usher_aggregator_scrapes_total",
        "usher_aggregator_scrapes_missed_total",
        "usher_aggregator_scrape_duration_seconds",
        "usher_aggregator_nodes",
    ] {
        text.lines().filter(|line| line.starts_with(name)).for_each(|line| println!("{line}"));
    }
    let least = agents.iter().map(FakeAgent::asked).min();
    println!("the agent that was read least often was read {least:?} times");
    let missed = aggregator.metric("usher_aggregator_scrapes_missed_total").await;
    if missed == Some(0.0) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
