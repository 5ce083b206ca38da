//! Many agents at once. A binary of its own, so that no other test takes the processors.
//!
//! Whether no read came late on this machine is a measure, not a rule: the figure is
//! printed here, and `make bench-scrape` holds it to zero for a minute.

use usher_tests::aggregator::Aggregator;
use usher_tests::eventually::{eventually, unless};
use usher_tests::fake_agent::FakeAgent;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_agents_are_read_again_and_again_and_none_is_lost() {
    let agents: Vec<_> = (0..200).map(|n| FakeAgent::start(&format!("vm{n}"), 0.3)).collect();
    let aggregator = Aggregator::over(&agents, "").await;
    // Reads are counted, not time: each agent twenty times.
    eventually("twenty reads of each", async || {
        let least = agents.iter().map(FakeAgent::asked).min().unwrap_or(0);
        unless(least >= 20, format!("the least read was read {least} times"))
    })
    .await;
    assert_eq!(aggregator.metric("usher_aggregator_nodes{life=\"up\"}").await, Some(200.0));
    let text = aggregator.operator_get("/metrics").await.text;
    let of = |name: &str| text.lines().filter(|line| line.starts_with(name)).collect::<Vec<_>>().join("\n");
    println!("{}\n{}", of("usher_aggregator_scrapes_total"), of("usher_aggregator_scrapes_missed_total"));
}
