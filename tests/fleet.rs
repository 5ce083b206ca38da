//! The aggregator over a fleet of fake agents: who is chosen, who is not, who comes back.
#![expect(clippy::unwrap_used, reason = "the lint's exception covers test functions, not what they share")]

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use usher_common::rt::http_server::{bind, serve};
use usher_common::wire::{OperatorMode, PublicUrl};
use usher_tests::aggregator::{Aggregator, QUICK};
use usher_tests::eventually::{eventually, unless};
use usher_tests::fake_agent::{FakeAgent, Manner};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Quick settings with the fleet's room secret from a file.
fn with_secret() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, SECRET).unwrap();
    let text = format!("{QUICK}[rooms]\nsecret_file = {path:?}\n");
    (dir, text)
}

fn three() -> Vec<FakeAgent> {
    vec![FakeAgent::start("vm1", 0.5), FakeAgent::start("vm2", 0.2), FakeAgent::start("vm3", 0.7)]
}

#[tokio::test]
async fn the_least_loaded_of_three_is_chosen() {
    let agents = three();
    let aggregator = Aggregator::over(&agents, QUICK).await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm2"));
    let answer = aggregator.get("/api/v1/server").await.json();
    assert_eq!(answer, json!({ "url": "https://vm2.example.org/", "server": "vm2", "region": null }));
}

#[tokio::test]
async fn a_load_step_moves_the_answer_within_two_reads() {
    let agents = three();
    let aggregator = Aggregator::over(&agents, QUICK).await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm2"));
    let before = agents[1].set_busy(0.9);
    // When the second read after the step has begun, the first is over.
    eventually("two reads", async || unless(agents[1].asked() >= before + 2, "not asked yet")).await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm1"));
}

#[tokio::test]
async fn a_burst_is_spread_although_the_measured_load_stands_still() {
    let agents: Vec<_> = (0..4).map(|n| FakeAgent::start(&format!("vm{n}"), 0.3)).collect();
    let aggregator = Aggregator::over(&agents, QUICK).await;
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..200 {
        *counts.entry(aggregator.best().await.expect("a server")).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 4, "{counts:?}");
    assert!(counts.values().all(|count| (40..=60).contains(count)), "{counts:?}");
}

#[tokio::test]
async fn a_killed_agent_is_never_handed_out_once_it_missed_its_reads_and_returns_when_it_is_back() {
    let mut agents = three();
    let aggregator = Aggregator::over(&agents, QUICK).await;
    agents[1].kill().await;
    aggregator.node_is("vm2", "down", |node| node["life"] == "down").await;
    assert_eq!(aggregator.node("vm2").await["trouble"]["reason"], "refused");
    for _ in 0..100 {
        let best = aggregator.best().await.expect("two are left");
        assert_ne!(best, "vm2");
    }
    agents[1].revive();
    aggregator.node_is("vm2", "up", |node| node["life"] == "up").await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm2"));
}

#[tokio::test]
async fn when_all_are_dead_the_answer_is_503_with_the_reasons_and_when_to_retry() {
    let mut agents = three();
    let aggregator = Aggregator::over(&agents, QUICK).await;
    for agent in &mut agents {
        agent.kill().await;
    }
    let answer = eventually("no server", async || {
        let answer = aggregator.get("/api/v1/server").await;
        let down = answer.status == 503 && answer.json()["nodes"] == json!({ "down": 3 });
        unless(down, answer.text.clone()).map(|()| answer)
    })
    .await;
    assert_eq!(answer.header("retry-after"), "5");
    let body = answer.json();
    assert_eq!(body["error"], "no_server");
    assert_eq!(aggregator.post_room("{}").await.status, 503);
    let page = aggregator.get("/join/x").await;
    assert_eq!((page.status.as_u16(), page.header("retry-after")), (503, "5"));
    assert!(page.text.contains("Please try again"), "{}", page.text);
    assert_eq!(aggregator.get("/-/ready").await.status, 200, "our 503 is the best answer there is");
}

#[tokio::test]
async fn every_kind_of_bad_answer_takes_the_node_out_with_its_reason_and_a_good_one_brings_it_back() {
    let agents = [FakeAgent::start("vm1", 0.1), FakeAgent::start("vm2", 0.9)];
    let more = format!("{QUICK}max_bytes = 1000000\n");
    let aggregator = Aggregator::over(&agents, &more).await;
    for (manner, reason) in [
        (Manner::Slow(Duration::from_secs(60)), "timeout"),
        (Manner::Garbage, "malformed"),
        (Manner::Huge(10_000_000), "too_large"),
        (Manner::Status(500), "status"),
        (Manner::Status(401), "denied"),
    ] {
        agents[0].set(|script| script.manner = manner);
        aggregator
            .node_is("vm1", reason, |node| node["life"] == "down" && node["trouble"]["reason"] == reason)
            .await;
        assert_eq!(aggregator.best().await.as_deref(), Some("vm2"), "{manner:?}");
        agents[0].set(|script| script.manner = Manner::Well);
        aggregator.node_is("vm1", "up", |node| node["life"] == "up").await;
        assert_eq!(aggregator.best().await.as_deref(), Some("vm1"), "{manner:?}");
    }
}

#[tokio::test]
async fn a_frozen_agent_is_taken_out_however_promptly_it_answers() {
    let agents = [FakeAgent::start("vm1", 0.1), FakeAgent::start("vm2", 0.9)];
    let aggregator = Aggregator::over(&agents, QUICK).await;
    agents[0].set(|script| script.frozen = true);
    let frozen = |node: &serde_json::Value| node["life"] == "down" && node["trouble"]["reason"] == "frozen";
    aggregator.node_is("vm1", "frozen", frozen).await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm2"));
}

#[tokio::test]
async fn between_two_samples_nothing_is_sent_and_the_node_stays_up() {
    let agents = [FakeAgent::start("vm1", 0.1)];
    let aggregator = Aggregator::over(&agents, QUICK).await;
    agents[0].set(|script| script.resting = true);
    eventually("304s", async || unless(agents[0].script().not_modified >= 2, "none yet")).await;
    assert_eq!(aggregator.node("vm1").await["life"], "up");
    let unchanged = aggregator.metric("usher_aggregator_scrapes_total{outcome=\"unchanged\"}").await;
    assert!(unchanged.is_some_and(|count| count >= 1.0), "{unchanged:?}");
}

#[tokio::test]
async fn the_token_of_the_settings_is_shown() {
    let agents = [FakeAgent::start("vm1", 0.1)];
    agents[0].set(|script| script.token = Some(SECRET.to_owned()));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("token");
    std::fs::write(&path, SECRET).unwrap();
    let entry = format!("[[discovery.static]]\ntargets = [{:?}]\nregion = \"eu\"", agents[0].url());
    let denied = Aggregator::start(&format!("{QUICK}{entry}"));
    let host = agents[0].url().replace("http://", "");
    denied.node_is(&host, "denied", |node| node["trouble"]["reason"] == "denied").await;
    assert!(denied.get("/-/ready").await.text.contains("no target has given a report"));
    let admitted = Aggregator::start(&format!("{QUICK}{entry}\ntoken_file = {path:?}"));
    admitted.ready().await;
    let best = admitted.get("/api/v1/server?region=eu").await;
    assert_eq!(best.json()["region"], "eu");
    assert_eq!(admitted.get("/api/v1/server?region=us").await.json()["region"], "eu", "better than none");
    let walled = format!("[placement]\nregion_spill = false\n{}", QUICK.replace("[placement]\n", ""));
    let walled = Aggregator::start(&format!("{walled}{entry}\ntoken_file = {path:?}"));
    walled.ready().await;
    assert_eq!(walled.get("/api/v1/server?region=us").await.json()["nodes"], json!({ "wrong_region": 1 }));
    assert_eq!(walled.metric("usher_aggregator_refusals_total{reason=\"wrong_region\"}").await, Some(1.0));
}

#[tokio::test]
async fn a_draining_node_gets_no_new_rooms_and_keeps_its_own() {
    let agents = [FakeAgent::start("vm1", 0.1), FakeAgent::start("vm2", 0.9)];
    let (_dir, settings) = with_secret();
    let aggregator = Aggregator::over(&agents, &settings).await;
    assert_eq!(aggregator.join("standup").await, "https://vm1.example.org/standup");
    agents[0].set_mode(OperatorMode::Drain);
    aggregator.node_is("vm1", "draining", |node| node["unfit"] == "draining").await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm2"));
    assert_eq!(aggregator.join("standup").await, "https://vm1.example.org/standup");
    agents[0].set_mode(OperatorMode::Maint);
    aggregator.node_is("vm1", "in maintenance", |node| node["unfit"] == "maintenance").await;
    assert_eq!(aggregator.join("standup").await, "https://vm2.example.org/standup");
}

#[tokio::test]
async fn a_fresh_replica_finds_rooms_where_the_agents_say_they_are() {
    let mut agents = three();
    agents[2].set_room(SECRET.as_bytes(), "Weekly", 3);
    agents[0].set_promise(SECRET.as_bytes(), "soon", 1000);
    let (_dir, settings) = with_secret();
    let aggregator = Aggregator::over(&agents, &settings).await;
    assert_eq!(aggregator.join("weekly").await, "https://vm3.example.org/weekly");
    let live = aggregator.post_room(r#"{"name": "WEEKLY"}"#).await;
    assert_eq!((live.status.as_u16(), live.json()["server"].as_str()), (200, Some("vm3")));
    assert_eq!(aggregator.join("soon").await, "https://vm1.example.org/soon");
    agents[2].kill().await;
    aggregator.node_is("vm3", "down", |node| node["life"] == "down").await;
    assert_eq!(
        aggregator.join("weekly").await,
        "https://vm2.example.org/weekly",
        "a room on a dead node moves"
    );
    assert_eq!(aggregator.join("weekly").await, "https://vm2.example.org/weekly", "and stays there");
}

#[tokio::test]
async fn meetings_stay_on_a_node_whose_agent_died_as_long_as_its_page_is_served() {
    let listener = bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let page = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let web = Router::new().route("/", get(|| async { "meetings" }));
    let mut served = JoinSet::new();
    served.spawn(serve(listener, web, stop.clone(), Duration::ZERO));
    let mut agents = three();
    agents[1].set(|script| script.report.public_url = PublicUrl::parse(&page).unwrap());
    agents[1].set_room(SECRET.as_bytes(), "weekly", 3);
    let (_dir, settings) = with_secret();
    let aggregator = Aggregator::over(&agents, &settings).await;
    let place = aggregator.join("weekly").await;
    assert_eq!(place, format!("{page}/weekly"));
    agents[1].kill().await;
    aggregator
        .node_is("vm2", "down, its page served", |node| node["life"] == "down" && node["page_served"] == true)
        .await;
    assert_eq!(aggregator.join("weekly").await, place, "people are in it");
    assert_eq!(aggregator.best().await.as_deref(), Some("vm1"), "new rooms go elsewhere");
    stop.cancel();
    served.join_next().await.unwrap().unwrap().unwrap();
    aggregator.node_is("vm2", "dead", |node| node["page_served"] == false).await;
    assert_eq!(aggregator.join("weekly").await, "https://vm1.example.org/weekly");
}

#[tokio::test]
async fn files_add_and_remove_targets_and_a_broken_one_keeps_its_last_list() {
    let agents = [FakeAgent::start("vm1", 0.1), FakeAgent::start("vm2", 0.9)];
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fleet.yml");
    let write = |text: &str| {
        let new = dir.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &path).unwrap();
    };
    let (first, second) = (agents[0].url(), agents[1].url());
    write(&format!("- targets: [{first:?}]\n  labels: {{rack: '7'}}\n"));
    let aggregator = Aggregator::start(&format!("{QUICK}[discovery]\nfile = [{path:?}]\npoll = \"20ms\""));
    aggregator.ready().await;
    assert_eq!(aggregator.node("vm1").await["labels"]["rack"], "7");
    write(&format!("- targets: [{first:?}, {second:?}]\n"));
    aggregator.node_is("vm2", "up", |node| node["life"] == "up").await;
    write("- targets: [");
    eventually("the complaint", async || {
        let files = aggregator.operator_get("/api/v1/fleet").await.json()["discovery_files"][0].clone();
        unless(files["error"].is_string() && files["targets"] == 2, files.to_string())
    })
    .await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm1"));
    write(&format!("- targets: [{second:?}]\n"));
    aggregator.node_is("vm1", "gone", serde_json::Value::is_null).await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm2"));
}

#[tokio::test]
async fn two_targets_with_one_name_are_an_error_that_operators_see() {
    let agents = [FakeAgent::start("vm1", 0.5), FakeAgent::start("vm1", 0.1)];
    let aggregator = Aggregator::over(&agents, QUICK).await;
    let fleet = aggregator.operator_get("/api/v1/fleet").await.json();
    let nodes = fleet["nodes"].as_array().unwrap();
    let blamed: Vec<_> = nodes.iter().filter(|node| node["unfit"] == "name_taken").collect();
    assert_eq!((nodes.len(), blamed.len(), &fleet["eligible"]), (2, 1, &json!(1)), "{fleet}");
    assert!(blamed[0]["errors"][0].as_str().unwrap().contains("its name belongs to"), "{fleet}");
}

#[tokio::test]
async fn an_operators_wish_is_kept_by_the_agent_and_seen_again_at_the_next_read() {
    let agents = [FakeAgent::start("vm1", 0.1)];
    let aggregator = Aggregator::over(&agents, QUICK).await;
    let put = |node: &str, body: &str| {
        let path = format!("/api/v1/fleet/{node}/state");
        aggregator.send(aggregator.operator(http::Method::PUT, &path).body(body.to_owned()))
    };
    let answer = put("vm1", r#"{"mode": "drain", "who": "ann", "why": "kernel"}"#).await;
    assert_eq!((answer.status.as_u16(), answer.json()["mode"].as_str()), (200, Some("drain")));
    aggregator.node_is("vm1", "drained by ann", |node| node["operator"]["who"] == "ann").await;
    assert_eq!(aggregator.best().await, None);
    assert_eq!(put("vm1", r#"{"mode": "asleep"}"#).await.status, 400);
    assert_eq!(put("vm9", r#"{"mode": "drain"}"#).await.status, 404);
}

#[tokio::test]
async fn plain_exporters_take_part_with_their_cpu_alone() {
    let agents = [FakeAgent::start("vm1", 0.83), FakeAgent::start("exporter", 0.25)];
    let aggregator = Aggregator::start(&format!(
        "{QUICK}[discovery]\ntargets = [{:?}]\n[[discovery.static]]\ntargets = [{:?}]\nkind = \"node_exporter\"\n\
         public_url = \"https://meet-{{host}}.example.org\"\n",
        agents[0].url(),
        agents[1].url()
    ));
    aggregator.ready().await;
    let load = |node: &serde_json::Value| node["figures"]["cpu_busy"].as_f64() == Some(0.25);
    aggregator.node_is("127.0.0.1", "known to be a quarter busy", load).await;
    let best = aggregator.get("/api/v1/server").await.json();
    assert_eq!(best["url"], "https://meet-127.0.0.1.example.org/");
    agents[1].set_busy(0.75);
    eventually("the other", async || {
        let best = aggregator.best().await;
        unless(best.as_deref() == Some("vm1"), format!("{best:?}"))
    })
    .await;
}
