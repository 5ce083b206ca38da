//! Many agents at once. A binary of its own, so that no other test takes the processors.

use usher_tests::aggregator::Aggregator;
use usher_tests::eventually::{eventually, unless};
use usher_tests::fake_agent::FakeAgent;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_agents_are_read_each_second_and_no_read_is_missed() {
    let agents: Vec<_> = (0..200).map(|n| FakeAgent::start(&format!("vm{n}"), 0.3)).collect();
    let aggregator = Aggregator::over(&agents, "").await;
    // Reads are counted, not time: each agent twenty times.
    eventually("twenty reads of each", async || {
        let least = agents.iter().map(FakeAgent::asked).min().unwrap_or(0);
        unless(least >= 20, format!("the least read was read {least} times"))
    })
    .await;
    let most = agents.iter().map(FakeAgent::asked).max().unwrap_or(0);
    assert!(most <= 22, "each gets its turn, but one was read {most} times");
    assert_eq!(aggregator.metric("usher_aggregator_scrapes_missed_total").await, Some(0.0));
    assert_eq!(aggregator.metric("usher_aggregator_nodes{life=\"up\"}").await, Some(200.0));
}
