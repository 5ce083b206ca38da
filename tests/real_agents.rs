//! Real agents with driven loads under a real aggregator: the whole path, nothing faked
//! but the kernel's counters.

use serde_json::json;
use usher_tests::agent::Agent;
use usher_tests::aggregator::Aggregator;
use usher_tests::eventually::{eventually, unless};
use usher_tests::proc_tree::ProcTree;

/// An agent whose machine is as busy as its tree says.
fn agent(name: &str, tree: &ProcTree) -> Agent {
    Agent::start(&["--node", name, "--engine-socket", "/nonexistent", "--host-proc", tree.path()])
}

fn over(agents: &[Agent]) -> Aggregator {
    let urls: Vec<String> = agents.iter().map(|agent| format!("{:?}", agent.url)).collect();
    // One read a second, as by default; a busy test machine may be slow to answer.
    Aggregator::start(&format!(
        "[placement]\nslow_start = \"0s\"\nconfirm_timeout = \"5s\"\n[scrape]\ntimeout = \"1s\"\n[discovery]\ntargets = [{}]\n",
        urls.join(", ")
    ))
}

async fn best_is(aggregator: &Aggregator, name: &str) {
    eventually(&format!("{name} is the best"), async || {
        let best = aggregator.best().await;
        unless(best.as_deref() == Some(name), format!("{best:?}"))
    })
    .await;
}

#[tokio::test]
async fn the_least_loaded_is_handed_out_through_steps_kills_and_returns() {
    let trees = [ProcTree::new(0.3), ProcTree::new(0.1), ProcTree::new(0.6)];
    let names = ["vm1", "vm2", "vm3"];
    let mut agents: Vec<Agent> = names.iter().zip(&trees).map(|(name, tree)| agent(name, tree)).collect();
    let aggregator = over(&agents);
    aggregator.ready().await;
    best_is(&aggregator, "vm2").await;

    // A load step: once two whole samples after it (the first is mixed, and the tree may lag by one)
    // were read, the answer has moved.
    let before = agents[1].report().await.seq;
    trees[1].set_busy(1.0);
    aggregator
        .node_is("vm2", "was read twice since the step", |node| {
            node["figures"]["seq"].as_u64().is_some_and(|seq| seq >= before + 4)
        })
        .await;
    // (Not asserted at once: on a busy machine a read of vm1 may just have been missed.)
    best_is(&aggregator, "vm1").await;

    // A killed agent is not handed out once its reads failed, and comes back with itself.
    agents[0].program.signal("KILL");
    aggregator.node_is("vm1", "is down", |node| node["life"] == "down").await;
    for _ in 0..20 {
        assert_ne!(aggregator.best().await.as_deref(), Some("vm1"));
    }
    let back = agents.remove(0).killed_and_restarted().await;
    best_is(&aggregator, "vm1").await;

    // With all dead: 503, when to ask again, and why.
    drop(back);
    drop(agents);
    let answer = eventually("no server", async || {
        let answer = aggregator.get("/api/v1/server").await;
        // Before the reads fail, the confirmations do: 503 too, but nobody is known to be down yet.
        let all_down = answer.status == 503 && answer.json()["nodes"] == json!({ "down": 3 });
        unless(all_down, answer.text.clone()).map(|()| answer)
    })
    .await;
    assert!(answer.header("retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
}
