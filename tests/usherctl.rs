//! usherctl as operators use it: the real program against a running aggregator and fake agents.

use std::process::Output;

use serde_json::Value;
use usher_tests::aggregator::{Aggregator, QUICK};
use usher_tests::fake_agent::FakeAgent;
use usher_tests::program::path;

async fn usherctl(aggregator: &Aggregator, args: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(path("usherctl"));
    command.args(["--server", aggregator.operator_url()]).args(args).env_clear();
    command.output().await.expect("the program starts")
}

/// What it printed, and that it went well.
fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn json(output: &Output) -> Value {
    let text = printed(output);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn people(agent: &FakeAgent, participants: u64) {
    agent.set(|script| {
        script.report.jitsi.as_mut().expect("it has a Jitsi").participants = Some(participants);
    });
}

#[tokio::test]
async fn the_fleet_and_a_ranking_are_told_as_tables_and_as_json() {
    let agents = [FakeAgent::start("vm1", 0.4), FakeAgent::start("vm2", 0.1)];
    let aggregator = Aggregator::over(&agents, QUICK).await;
    let table = printed(&usherctl(&aggregator, &["fleet"]).await);
    assert!(table.contains("vm1") && table.contains("40 %"), "{table}");
    assert!(table.ends_with("2 nodes, 2 take rooms\n"), "{table}");
    assert_eq!(json(&usherctl(&aggregator, &["fleet", "--format", "json"]).await)["eligible"], 2);
    let node = json(&usherctl(&aggregator, &["fleet", "vm2", "--format", "json"]).await);
    assert_eq!(node["figures"]["cpu_busy"], 0.1);
    let ranking = json(&usherctl(&aggregator, &["explain", "--room", "daily", "--format", "json"]).await);
    assert_eq!(ranking["placed"][0]["node"], "vm2");
    assert!(printed(&usherctl(&aggregator, &["explain"]).await).contains("vm2"));
}

#[tokio::test]
async fn a_drain_waits_until_nobody_is_left_and_ready_ends_it() {
    let agents = [FakeAgent::start("vm1", 0.1), FakeAgent::start("vm2", 0.4)];
    people(&agents[0], 3);
    let aggregator = Aggregator::over(&agents, QUICK).await;
    let gives_up = ["drain", "vm1", "--wait", "--deadline", "0s", "--why", "new kernel"];
    let output = usherctl(&aggregator, &gives_up).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not empty by the deadline"));
    aggregator.node_is("vm1", "drains", |node| node["operator"]["why"] == "new kernel").await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm2"), "the emptier one takes nothing new");

    let (waits, ()) = tokio::join!(usherctl(&aggregator, &["drain", "vm1", "--wait"]), async {
        aggregator.node_is("vm1", "still has people", |node| node["figures"]["participants"] == 3).await;
        people(&agents[0], 0);
    });
    assert!(printed(&waits).ends_with("vm1: empty\n"), "{waits:?}");
    printed(&usherctl(&aggregator, &["ready", "vm1"]).await);
    aggregator.node_is("vm1", "is ready", |node| node["operator"]["mode"] == "ready").await;
}

#[tokio::test]
async fn recorded_decisions_are_made_again_offline_and_by_another_policy() {
    let agents = [FakeAgent::start("vm1", 0.4), FakeAgent::start("vm2", 0.1)];
    let aggregator = Aggregator::over(&agents, QUICK).await;
    for room in ["a", "b", "c"] {
        assert!(aggregator.post_room(format!("{{\"name\": {room:?}}}")).await.status.is_success());
    }
    let table = printed(&usherctl(&aggregator, &["decisions"]).await);
    assert_eq!(table.matches("confirmed").count(), 3, "{table}");
    let records = printed(&usherctl(&aggregator, &["decisions", "--format", "json"]).await);
    let directory = tempfile::tempdir().expect("a folder");
    let file = directory.path().join("decisions.jsonl");
    std::fs::write(&file, &records).expect("it is written");
    let file = file.to_str().expect("a plain path");
    let again = json(&usherctl(&aggregator, &["--format", "json", "replay", "decisions", file]).await);
    assert_eq!(again["same"], 3, "{again}");
    let worst = ["--format", "json", "replay", "decisions", file, "--set", "policy=round-robin"];
    let other = json(&usherctl(&aggregator, &worst).await);
    assert_eq!(other["decisions"].as_array().map(Vec::len), Some(3));
    assert!(
        other["decisions"].as_array().into_iter().flatten().all(|one| one["reproduced"] == true),
        "{other}"
    );
}

#[tokio::test]
async fn what_cannot_be_done_is_an_exit_code_and_a_message_with_the_mend() {
    let agents = [FakeAgent::start("vm1", 0.4)];
    let aggregator = Aggregator::over(&agents, QUICK).await;
    let unknown = usherctl(&aggregator, &["fleet", "vm9"]).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no node \"vm9\""), "{unknown:?}");
    let nobody = tokio::process::Command::new(path("usherctl"))
        .args(["--server", "http://127.0.0.1:1", "fleet"])
        .env_clear()
        .output()
        .await
        .expect("the program starts");
    assert_eq!(nobody.status.code(), Some(1));
    let message = String::from_utf8_lossy(&nobody.stderr).into_owned();
    assert!(message.contains("http://127.0.0.1:1/") && message.contains("--server"), "{message}");
    assert_eq!(usherctl(&aggregator, &["dance"]).await.status.code(), Some(2));
}
