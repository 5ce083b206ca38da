//! The engine is restarted or dies: what runs is left alone, what fell with it is brought back once.

use std::collections::BTreeMap;

use usher_tests::agent::Agent;
use usher_tests::compose_project::{ComposeProject, Seen};
use usher_tests::engine::{Kind, OwnEngine};
use usher_tests::eventually::{eventually, unless};
use usher_tests::registry::Registry;

use super::{FILE, GOOD, all_run, keeper, settled, unique, until};

struct Rig {
    agent: Agent,
    project: ComposeProject,
    engine: OwnEngine,
    _registry: Registry,
}

async fn rig(live_restore: bool) -> Rig {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    let engine = OwnEngine::start(Kind { live_restore, disk_mib: None }, &registry).await.unwrap();
    let env = format!("IMAGE={}/double\nTAG=1\n", registry.address());
    let project = ComposeProject::new(&unique(), FILE, &env).unwrap().on(&engine);
    let logins = registry.docker_config().join("config.json");
    let socket = engine.socket();
    let flags =
        ["--engine-socket", socket.to_str().unwrap(), "--stack-registry-auth-file", logins.to_str().unwrap()];
    let agent = keeper(&project, &flags);
    settled(&agent).await;
    all_run(&project, "1").unwrap();
    Rig { agent, project, engine, _registry: registry }
}

/// Waits until the agent saw that the engine went.
async fn engine_missed(agent: &Agent) {
    eventually("the engine is missed", async || {
        let stack = agent.report().await.stack;
        let known = stack.as_ref().is_some_and(|stack| stack.containers.is_some());
        unless(!known, format!("{stack:?}"))
    })
    .await;
}

fn ids(seen: &BTreeMap<String, Seen>) -> Vec<&str> {
    seen.values().map(|one| one.id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_live_restore_a_restart_of_engine_or_agent_changes_nothing_that_runs() {
    let Rig { agent, project, mut engine, _registry } = rig(true).await;
    let before = project.containers();
    for deadly in [false, true] {
        if deadly {
            engine.kill().await;
        } else {
            engine.stop().await;
        }
        engine_missed(&agent).await;
        engine.start_again().await.unwrap();
        let upkeep = settled(&agent).await;
        assert_eq!(project.containers(), before, "the very processes, killed: {deadly}");
        assert_eq!(upkeep.heals, 0);
    }
    let agent = agent.killed_and_restarted().await;
    settled(&agent).await;
    assert_eq!(project.containers(), before);
    drop((agent, project, engine));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_it_what_fell_with_the_engine_is_brought_back_once_and_nothing_is_made_anew() {
    let Rig { agent, project, mut engine, _registry } = rig(false).await;
    let before = project.containers();
    // The engine starts what it stopped in order, and what fell with it when it was killed it does not.
    for deadly in [false, true] {
        if deadly {
            engine.kill().await;
        } else {
            engine.stop().await;
        }
        engine_missed(&agent).await;
        engine.start_again().await.unwrap();
        eventually("all run again", async || match all_run(&project, "1") {
            Ok(()) => Ok(()),
            Err(why) => Err(format!("killed: {deadly}: {why} {:?}", agent.report().await.stack)),
        })
        .await;
        until(&agent, "a settled stack", |report, upkeep| {
            let seen = report.stack.as_ref().and_then(|stack| stack.containers.as_ref());
            upkeep.settled == Some(true) && upkeep.holds.is_empty() && seen.is_some()
        })
        .await;
        let after = project.containers();
        assert_eq!(ids(&after), ids(&before), "killed: {deadly}");
        // All that this life of the engine remembers.
        let filter = ["--filter", "type=container", "--filter", "event=start", "--filter", "event=create"];
        let args =
            [&["events", "--since", "1", "--until", "0s", "--format", "{{.Action}} {{.ID}}"][..], &filter];
        let told = project.docker(&args.concat());
        for id in ids(&after) {
            let starts = told.lines().filter(|line| *line == format!("start {id}")).count();
            assert!(starts <= 1, "killed: {deadly}: started {starts} times\n{told}");
        }
        assert!(!told.contains("create"), "{told}");
    }
    drop((agent, project, engine));
}
