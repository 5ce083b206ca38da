//! Three replicas and one new room: with a store, with an owner, and with neither.
#![expect(clippy::unwrap_used, reason = "the lint's exception covers test functions, not what they share")]

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream::iter;
use serde_json::json;
use usher_common::wire::{OperatorMode, Room, RoomKey};
use usher_tests::aggregator::Aggregator;
use usher_tests::eventually::{eventually, unless};
use usher_tests::fake_agent::{FakeAgent, Reserving};
use usher_tests::redis::Redis;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Each replica has a policy of its own, so that by themselves they would send a room to three nodes.
const POLICIES: [&str; 3] = ["least-cpu", "least-participants", "expected-load"];

/// Patient with a machine that is busy with the crowd itself: nobody is taken for dead who is slow.
/// Ends in `[health]`.
const PATIENT: &str = "[placement]\nslow_start = \"0s\"\nconfirm_timeout = \"4s\"\nconfirm_total = \"4s\"\nfresh = \"1h\"\n\
                       [scrape]\ninterval = \"500ms\"\ntimeout = \"500ms\"\nretry_max = \"500ms\"\nmax_age = \"30s\"\n\
                       [health]\nfall = 6\n";

/// Joins of one room at once; as many connections as this machine's limits leave to a test.
const CROWD: usize = 1000;
const AT_ONCE: usize = 100;

/// The first is the least busy, the last has the fewest people, and one in the middle is the least
/// loaded by what its bridge says.
fn fleet(count: usize) -> Vec<FakeAgent> {
    let agent = |number: usize| {
        let agent = FakeAgent::start(&format!("vm{number}"), 0.2 + 0.001 * number as f64);
        agent.set(|script| {
            let jitsi = script.report.jitsi.as_mut().unwrap();
            jitsi.participants = Some(100 - number as u64);
            jitsi.stress = Some(if number == count / 2 { 0.0 } else { 0.5 });
        });
        agent
    };
    (0..count).map(agent).collect()
}

/// Settings of one replica with the fleet's secret, and `more` of `[rooms]`.
fn settings(number: usize, dir: &tempfile::TempDir, more: &str) -> String {
    let path = dir.path().join("secret");
    std::fs::write(&path, SECRET).unwrap();
    let policy = format!("[placement]\npolicy = {:?}\n", POLICIES[number]);
    let patient = PATIENT.replace("[placement]\n", &policy);
    format!("{patient}[rooms]\nsecret_file = {path:?}\nstore_timeout = \"2s\"\npeer_timeout = \"9s\"\n{more}")
}

async fn with_store(agents: &[FakeAgent], redis: &Redis, dir: &tempfile::TempDir) -> Vec<Aggregator> {
    let replicas =
        Aggregator::replicas(agents, 3, |number, _| settings(number, dir, &redis.settings())).await;
    for replica in &replicas {
        store_is(replica, true).await;
    }
    replicas
}

async fn with_peers(agents: &[FakeAgent], dir: &tempfile::TempDir) -> Vec<Aggregator> {
    let peers = |number: usize, urls: &[String]| {
        settings(number, dir, &format!("peers = {urls:?}\npeer_interval = \"500ms\"\n"))
    };
    let replicas = Aggregator::replicas(agents, 3, peers).await;
    for replica in &replicas {
        eventually("all three see each other", async || {
            let live = replica.operator_get("/api/v1/fleet").await.json()["replicas"]["live"].clone();
            unless(live == 3, live)
        })
        .await;
    }
    replicas
}

async fn store_is(replica: &Aggregator, up: bool) {
    eventually("the store", async || {
        let store = replica.operator_get("/api/v1/fleet").await.json()["store"].clone();
        unless(store["up"] == up, store)
    })
    .await;
}

/// Where a crowd is sent that joins one room through all replicas at once, with how many went there.
async fn crowd(replicas: &[Aggregator], room: &str) -> BTreeMap<String, usize> {
    let joins = iter(0..CROWD).map(|number| replicas[number % replicas.len()].join(room));
    let places: Vec<String> = joins.buffer_unordered(AT_ONCE).collect().await;
    let mut counts = BTreeMap::new();
    places.into_iter().for_each(|place| *counts.entry(place).or_insert(0) += 1);
    counts
}

/// Where each replica leads to, at once.
async fn places(replicas: &[Aggregator], room: &str) -> BTreeSet<String> {
    join_all(replicas.iter().map(|replica| replica.join(room))).await.into_iter().collect()
}

#[tokio::test]
async fn with_a_store_a_thousand_joins_of_a_new_room_through_three_replicas_lead_to_one_server() {
    let (agents, redis, dir) = (fleet(5), Redis::start().await, tempfile::tempdir().unwrap());
    let replicas = with_store(&agents, &redis, &dir).await;
    for room in ["standup", "assembly"] {
        let places = crowd(&replicas, room).await;
        assert_eq!(places.values().collect::<Vec<_>>(), [&CROWD], "{places:?}");
    }
    eventually("only one promise is left of each room", async || {
        let held: usize = agents.iter().map(|agent| agent.script().held.len()).sum();
        unless(held == 2, held)
    })
    .await;
}

#[tokio::test]
async fn with_owners_a_thousand_joins_of_a_new_room_through_three_replicas_lead_to_one_server() {
    let (agents, dir) = (fleet(5), tempfile::tempdir().unwrap());
    let replicas = with_peers(&agents, &dir).await;
    for room in ["standup", "assembly", "retro"] {
        let places = crowd(&replicas, room).await;
        assert_eq!(places.values().collect::<Vec<_>>(), [&CROWD], "{places:?}");
    }
    let held: usize = agents.iter().map(|agent| agent.script().held.len()).sum();
    assert_eq!(held, 3, "one room, one promise");
}

#[tokio::test]
async fn when_the_owner_is_gone_the_others_decide_and_strangers_are_not_let_in() {
    let (agents, dir) = (fleet(5), tempfile::tempdir().unwrap());
    let mut replicas = with_peers(&agents, &dir).await;
    let stranger = replicas[0].get("/api/v1/peer").await;
    assert_eq!(stranger.status, 401, "{}", stranger.text);
    let gone = replicas.pop().unwrap();
    gone.stop();
    gone.ended().await;
    for number in 0..20 {
        let room = format!("room{number}");
        assert_eq!(places(&replicas, &room).await.len(), 1, "{room}");
    }
    eventually("the dead replica is noticed", async || {
        let live = replicas[0].operator_get("/api/v1/fleet").await.json()["replicas"]["live"].clone();
        unless(live == 2, live)
    })
    .await;
}

#[tokio::test]
async fn with_neither_what_went_apart_is_healed_by_the_next_reads_and_counted() {
    let (agents, dir) = (fleet(5), tempfile::tempdir().unwrap());
    let replicas = Aggregator::replicas(&agents, 3, |number, _| settings(number, &dir, "")).await;
    let rooms: Vec<String> = (0..10).map(|number| format!("room{number}")).collect();
    let mut torn = 0;
    for room in &rooms {
        torn += usize::from(places(&replicas, room).await.len() > 1);
    }
    assert!(torn > 0, "replicas with such different views part");
    for room in &rooms {
        eventually("all replicas lead to one server", async || {
            let places = places(&replicas, room).await;
            unless(places.len() == 1, format!("{places:?}"))
        })
        .await;
    }
    // People came into both halves of a room before anybody could know.
    let half =
        |age_s| Room { key: RoomKey::of(SECRET.as_bytes(), "", "torn"), participants: 3, age_s: Some(age_s) };
    agents[1].set(|script| script.report.rooms = Some(vec![half(60)]));
    agents[3].set(|script| script.report.rooms = Some(vec![half(90)]));
    eventually("every split is counted", async || {
        let counted = replicas[0].metric("usher_aggregator_room_splits_total{state=\"promised\"}").await;
        unless(counted.is_some_and(|splits| splits >= torn as f64), format!("{counted:?} of {torn}"))
    })
    .await;
    for replica in &replicas {
        eventually("the earlier half wins, and the split is counted", async || {
            let place = replica.join("torn").await;
            let counted = replica.metric("usher_aggregator_room_splits_total{state=\"live\"}").await;
            let lasting = replica.metric("usher_aggregator_split_rooms{state=\"live\"}").await;
            let holds =
                place == "https://vm3.example.org/torn" && (counted, lasting) == (Some(1.0), Some(1.0));
            unless(holds, format!("{place} {counted:?} {lasting:?}"))
        })
        .await;
    }
}

#[tokio::test]
async fn a_store_that_is_killed_is_done_without_and_told_of_and_filled_again_when_it_is_back() {
    let (agents, mut redis, dir) = (fleet(5), Redis::start().await, tempfile::tempdir().unwrap());
    let replicas = with_store(&agents, &redis, &dir).await;
    let before = places(&replicas, "before").await;
    assert_eq!(before.len(), 1);
    redis.kill();
    for number in 0..20 {
        for replica in &replicas {
            replica.join(&format!("during{number}")).await;
        }
    }
    for replica in &replicas {
        store_is(replica, false).await;
        assert_eq!(replica.get("/-/ready").await.status, 200, "it serves without");
        assert_eq!(replica.metric("usher_aggregator_store_up").await, Some(0.0));
        assert!(replica.operator_get("/").await.text.contains("The store of claims is away"));
    }
    assert_eq!(places(&replicas, "before").await, before);
    redis.revive().await;
    for replica in &replicas {
        store_is(replica, true).await;
    }
    for room in ["before", "during0", "during19"] {
        eventually("all replicas lead to one server", async || {
            let places = places(&replicas, room).await;
            unless(places.len() == 1, format!("{places:?}"))
        })
        .await;
    }
    let places = crowd(&replicas, "after").await;
    assert_eq!(places.len(), 1, "{places:?}");
    let claims = replicas[0].metric("usher_aggregator_claims_total{outcome=\"found\"}").await;
    assert!(claims.is_some_and(|claims| claims > 0.0), "{claims:?}");
}

#[tokio::test]
async fn a_claimed_room_moves_from_a_dead_server_once_and_stays_on_a_draining_one() {
    let (mut agents, redis, dir) = (fleet(3), Redis::start().await, tempfile::tempdir().unwrap());
    let replicas = with_store(&agents, &redis, &dir).await;
    let place = replicas[0].join("weekly").await;
    let home = agents.iter().position(|agent| place.contains(agent.script().report.node.as_str())).unwrap();
    let name = format!("vm{home}");
    agents[home].set_mode(OperatorMode::Drain);
    for replica in &replicas {
        replica.node_is(&name, "draining", |node| node["unfit"] == "draining").await;
    }
    assert_eq!(places(&replicas, "weekly").await, BTreeSet::from([place.clone()]), "it stays");
    agents[home].kill().await;
    for replica in &replicas {
        replica.node_is(&name, "down", |node| node["life"] == "down").await;
    }
    let moved = crowd(&replicas, "weekly").await;
    assert_eq!(moved.len(), 1, "{moved:?}");
    assert!(!moved.contains_key(&place), "nobody is sent to a dead server");
    let moves = join_all(replicas.iter().map(async |replica| {
        replica.metric("usher_aggregator_claims_total{outcome=\"moved\"}").await.unwrap()
    }));
    assert!(moves.await.iter().sum::<f64>() >= 1.0);
}

#[tokio::test]
async fn two_hundred_rooms_in_a_moment_through_three_replicas_are_shared_fairly() {
    let agents: Vec<_> = (0..20).map(|number| FakeAgent::start(&format!("vm{number}"), 0.2)).collect();
    let replicas = Aggregator::replicas(&agents, 3, |_, _| PATIENT.to_owned()).await;
    let joins = iter(0..200).map(|number| {
        let replica = &replicas[number % 3];
        async move { replica.join(&format!("room{number}")).await }
    });
    let places: Vec<String> = joins.buffer_unordered(AT_ONCE).collect().await;
    assert_eq!(places.len(), 200);
    let got: Vec<usize> = agents.iter().map(|agent| agent.script().held.len()).collect();
    assert_eq!(got.iter().sum::<usize>(), 200);
    // The mean is 10; what a flash crowd may put on one node is 20.
    assert!(got.iter().all(|rooms| *rooms <= 20), "{got:?}");
}

#[tokio::test]
async fn as_many_nodes_are_asked_as_there_is_time_for_until_one_takes_the_room() {
    let agents = fleet(12);
    for agent in &agents[..11] {
        agent.set(|script| script.reserving = Reserving::Refuse(usher_common::wire::Refusal::Full));
    }
    agents[11].set_busy(0.7);
    let patient = "[placement]\nconfirm_timeout = \"5s\"\nconfirm_total = \"10s\"\nfresh = \"1h\"\n\
                   [scrape]\ninterval = \"1h\"\ntimeout = \"5s\"\nmax_age = \"2h\"\n";
    let aggregator = Aggregator::over(&agents, patient).await;
    assert_eq!(aggregator.best().await.as_deref(), Some("vm11"));
    let refused = aggregator.metric("usher_aggregator_reservations_total{outcome=\"refused\"}").await;
    assert_eq!(refused, Some(11.0));
    let answers = aggregator.metric("usher_aggregator_placement_duration_seconds_count").await;
    assert_eq!(answers, Some(1.0));
    let explained = aggregator.operator_get("/api/v1/explain").await.json();
    assert_eq!(explained["expected"], json!({ "given": null, "learned": null }));
}
