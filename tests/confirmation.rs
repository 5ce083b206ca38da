//! The chosen node is asked before anybody is sent there: what happens when it is dead, full,
//! hung, old, or asked by two aggregators.

use std::collections::BTreeSet;

use serde_json::json;
use usher_common::wire::Refusal;
use usher_tests::aggregator::{Aggregator, QUICK};
use usher_tests::eventually::{eventually, unless};
use usher_tests::fake_agent::{FakeAgent, Reserving};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// One read of each agent, and none for the rest of the test.
const READ_ONCE: &str = "[placement]\nconfirm_timeout = \"5s\"\nfresh = \"1h\"\n\
                         [scrape]\ninterval = \"1h\"\ntimeout = \"5s\"\nmax_age = \"2h\"\n";

/// The same, with little patience for agents that do not confirm.
const IMPATIENT: &str = "[placement]\nconfirm_timeout = \"300ms\"\nconfirm_total = \"600ms\"\nfresh = \"1h\"\n\
                         [scrape]\ninterval = \"1h\"\ntimeout = \"5s\"\nmax_age = \"2h\"\n";

fn three() -> Vec<FakeAgent> {
    vec![FakeAgent::start("vm1", 0.1), FakeAgent::start("vm2", 0.3), FakeAgent::start("vm3", 0.7)]
}

async fn outcomes(aggregator: &Aggregator, outcome: &str) -> f64 {
    let sample = format!("usher_aggregator_reservations_total{{outcome=\"{outcome}\"}}");
    aggregator.metric(&sample).await.expect("a series that is there from the start")
}

#[tokio::test]
async fn a_node_killed_between_a_read_and_a_placement_is_never_handed_out() {
    let mut agents = three();
    let aggregator = Aggregator::over(&agents, READ_ONCE).await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm1"));
    assert_eq!(outcomes(&aggregator, "confirmed").await, 1.0);
    agents[0].kill().await;
    assert_eq!(aggregator.node("vm1").await["life"], "up", "nobody has read it since");
    for _ in 0..20 {
        assert_eq!(aggregator.best().await.as_deref(), Some("vm2"));
    }
    assert_eq!(aggregator.node("vm1").await["life"], "suspect");
    assert_eq!(outcomes(&aggregator, "unreachable").await, 1.0, "a suspect is not asked while others are up");
}

#[tokio::test]
async fn a_node_that_refuses_is_passed_over_this_time_and_asked_again_the_next() {
    let agents = three();
    let aggregator = Aggregator::over(&agents, READ_ONCE).await;
    for refusal in [Refusal::Full, Refusal::Draining, Refusal::NotReady] {
        agents[0].set(|script| script.reserving = Reserving::Refuse(refusal));
        assert_eq!(aggregator.best().await.as_deref(), Some("vm2"), "{refusal:?}");
    }
    assert_eq!(outcomes(&aggregator, "refused").await, 3.0);
    let vm1 = aggregator.node("vm1").await;
    assert_eq!((&vm1["life"], &vm1["pledged"]), (&json!("up"), &json!(0.0)), "a refusal is no fault");
    agents[0].set(|script| script.reserving = Reserving::Well);
    assert_eq!(aggregator.best().await.as_deref(), Some("vm1"));
}

#[tokio::test]
async fn agents_that_hang_cost_a_bounded_wait_and_are_asked_to_give_up_what_they_may_have_promised() {
    let agents = three();
    let aggregator = Aggregator::over(&agents, IMPATIENT).await;
    agents[0].set(|script| script.reserving = Reserving::Hang);
    assert_eq!(aggregator.best().await.as_deref(), Some("vm2"));
    eventually("released", async || unless(agents[0].script().released.len() == 1, "not yet")).await;
    assert_eq!(aggregator.node("vm1").await["life"], "suspect");
    for agent in &agents {
        agent.set(|script| script.reserving = Reserving::Hang);
    }
    let answer = aggregator.get("/api/v1/server").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (503, "5"), "{}", answer.text);
    assert_eq!(
        answer.json()["nodes"],
        json!({ "unreachable": 2 }),
        "two were asked, for as long as the settings say"
    );
    assert_eq!(aggregator.node("vm2").await["pledged"].as_f64().map(|people| people > 7.0), Some(true));
}

#[tokio::test]
async fn all_who_ask_at_once_for_a_new_room_are_sent_to_one_node_although_the_best_refuses() {
    let agents = three();
    agents[0].set(|script| script.reserving = Reserving::Hang);
    let aggregator = Aggregator::over(&agents, IMPATIENT).await;
    let joins = (0..8).map(|_| aggregator.join("standup"));
    let places: BTreeSet<String> = futures_util::future::join_all(joins).await.into_iter().collect();
    assert_eq!(places, BTreeSet::from(["https://vm2.example.org/standup".to_owned()]));
    assert_eq!(agents[1].script().held.len(), 1, "one room, one promise");
}

#[tokio::test]
async fn another_aggregator_sees_the_promise_at_its_next_read_and_follows_it() {
    let agents = three();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    std::fs::write(&path, SECRET).unwrap();
    let settings = format!("{QUICK}[rooms]\nsecret_file = {path:?}\n");
    let first = Aggregator::over(&agents, &settings).await;
    let second = Aggregator::over(&agents, &settings).await;
    assert_eq!(first.join("standup").await, "https://vm1.example.org/standup");
    let held = agents[0].script().held;
    assert_eq!((held.len(), held[0].1.expected), (1, 8.0));
    assert!(held[0].1.room_key.is_some() && held[0].1.seen_seq.is_some());
    agents[0].set_busy(0.9);
    let seen = |node: &serde_json::Value| {
        node["figures"]["reserved"] == json!(8.0) && node["figures"]["cpu_busy"] == json!(0.9)
    };
    second.node_is("vm1", "busy and promised", seen).await;
    assert_eq!(second.best().await.as_deref(), Some("vm2"), "the best for others");
    assert_eq!(second.join("standup").await, "https://vm1.example.org/standup");
    first.node_is("vm1", "no longer counted twice", |node| node["pledged"] == json!(0.0)).await;
}

#[tokio::test]
async fn who_cannot_be_asked_is_taken_at_its_word() {
    let agents = [FakeAgent::start("vm1", 0.1), FakeAgent::start("vm2", 0.9)];
    agents[0].set(|script| script.reserving = Reserving::Unknown);
    let aggregator = Aggregator::over(&agents, READ_ONCE).await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm1"));
    assert_eq!(outcomes(&aggregator, "unconfirmed").await, 1.0);
}

#[tokio::test]
async fn explain_shows_the_order_the_parts_of_each_score_and_who_was_removed_and_places_nothing() {
    let agents = three();
    let aggregator = Aggregator::over(&agents, READ_ONCE).await;
    assert_eq!(aggregator.join("standup").await, "https://vm1.example.org/standup");
    let explain = async |query: &str| aggregator.operator_get(&format!("/api/v1/explain{query}")).await;
    let told = explain("").await.json();
    let order: Vec<&str> =
        told["placed"].as_array().unwrap().iter().map(|node| node["node"].as_str().unwrap()).collect();
    assert_eq!(order, ["vm1", "vm2", "vm3"]);
    let load = &told["placed"][0]["load"];
    assert_eq!((&load["base"], &load["promised_people"]), (&json!(0.1), &json!(8.0)), "{told}");
    assert_eq!((&told["policy"], &told["known"]), (&json!("expected-load"), &json!(null)));
    let known = explain("?room=Standup").await.json();
    assert_eq!(known["known"], json!({ "node": "vm1", "how": "remembered" }));
    let elsewhere = explain("?region=nowhere").await.json();
    assert_eq!(elsewhere["placed"][0]["tier"], "spill_over", "{elsewhere}");
    assert_eq!(explain("?rom=x").await.status, 400);
    assert_eq!(explain("?room=a%3Fb").await.status, 422);
    assert_eq!(agents[0].script().held.len(), 1, "only the join was a placement");
}
