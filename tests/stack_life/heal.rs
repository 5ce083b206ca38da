//! Up at boot, helped up again, left alone when a person wants it so.

use usher_common::wire::{Illness, StackHold};
use usher_tests::compose_project::ComposeProject;
use usher_tests::eventually::{eventually, unless};

use super::{all_run, docker, image, keeper, project, settled, unique, until};

#[tokio::test(flavor = "multi_thread")]
async fn the_stack_comes_up_at_boot_is_healed_and_what_a_person_stops_stays_stopped() {
    let (project, _, _good) = project();
    let agent = keeper(&project, &[]);
    settled(&agent).await;
    all_run(&project, "1").unwrap();
    let (back, front) = (format!("{}-back-1", project.name()), format!("{}-front-1", project.name()));
    let at_first = project.containers();

    // A restart of the agent is none of the containers' business.
    let agent = agent.killed_and_restarted().await;
    let upkeep = settled(&agent).await;
    assert_eq!((project.containers(), upkeep.heals), (at_first.clone(), 0));

    docker(&["kill", &front]);
    let upkeep = until(&agent, "the killed one runs", |_, upkeep| upkeep.heals == 1).await;
    assert_eq!(
        upkeep.last_heal.map(|heal| (heal.service, heal.reason)),
        Some(("front".into(), Illness::Killed))
    );
    eventually("it runs again", async || all_run(&project, "1")).await;
    let now = project.containers();
    assert_eq!((&now[&front].id, &now[&back]), (&at_first[&front].id, &at_first[&back]));
    assert_ne!(now[&front].started, at_first[&front].started);
    settled(&agent).await;

    docker(&["exec", &back, "/bin/sh", "-c", "rm /tmp/well"]);
    let ill = |service: &str, reason| {
        let service = service.to_owned();
        move |_: &_, upkeep: &usher_common::wire::Upkeep| {
            upkeep.last_heal.as_ref().is_some_and(|heal| heal.service == service && heal.reason == reason)
        }
    };
    until(&agent, "the unhealthy one is restarted", ill("back", Illness::Unhealthy)).await;
    settled(&agent).await;
    assert_eq!(project.containers()[&back].id, now[&back].id);

    docker(&["rm", "--force", &back]);
    until(&agent, "the removed one is made again", ill("back", Illness::Missing)).await;
    settled(&agent).await;
    all_run(&project, "1").unwrap();
    let metrics = agent.metrics().await;
    for sample in [
        "usher_stack_heals_total{service=\"front\",reason=\"killed\"} 1",
        "usher_stack_heals_total{service=\"back\",reason=\"unhealthy\"} 1",
        "usher_stack_heals_total{service=\"back\",reason=\"missing\"} 1",
        "usher_stack_settled 1",
    ] {
        assert!(metrics.contains(sample), "{sample} is missing in:\n{metrics}");
    }

    docker(&["stop", &front]);
    let is_left = |_: &_, upkeep: &usher_common::wire::Upkeep| {
        upkeep.holds.iter().any(|hold| hold.subject == "front" && hold.reason == StackHold::StoppedByOperator)
    };
    let before = until(&agent, "the stopped one is left", is_left).await.heals;
    let agent = agent.killed_and_restarted().await;
    until(&agent, "and still is after a restart", is_left).await;
    assert_eq!((project.containers()[&front].state.as_str(), before), ("exited", 3));
    docker(&["start", &front]);
    settled(&agent).await;
    all_run(&project, "1").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_crashes_again_and_again_is_given_up_and_told() {
    let name = unique();
    let tag = format!("usher-test/{name}:1");
    let _image = image(&tag, "sleep 1; exit 3");
    let file = format!(
        "services:\n  shaky: {{image: '{tag}', restart: 'no'}}\n  calm: {{image: '{tag}', command: [/bin/sleep, '600'], stop_grace_period: 1s}}\n"
    );
    let project = ComposeProject::new(&name, &file, "").unwrap();
    let agent = keeper(&project, &["--stack-heal-per-hour", "2"]);
    let upkeep = until(&agent, "giving up", |_, upkeep| {
        upkeep.holds.iter().any(|hold| hold.subject == "shaky" && hold.reason == StackHold::GaveUp)
    })
    .await;
    assert_eq!(upkeep.last_heal.map(|heal| heal.reason), Some(Illness::Crashed));
    let metrics = agent.metrics().await;
    assert!(metrics.contains("usher_stack_heals_total{service=\"shaky\",reason=\"crashed\"} 2"), "{metrics}");
    // An agent that crashes in between does not begin anew with it.
    let started = |project: &ComposeProject| project.containers()[&format!("{name}-shaky-1")].started.clone();
    let before = started(&project);
    let agent = agent.killed_and_restarted().await;
    until(&agent, "it is still given up", |_, upkeep| {
        upkeep.holds.iter().any(|hold| hold.subject == "shaky" && hold.reason == StackHold::GaveUp)
    })
    .await;
    assert_eq!(started(&project), before);
    let seen = project.containers();
    assert_eq!(seen[&format!("{name}-calm-1")].state, "running");
}

/// Until it is told to, it is well; then it takes all the memory there is.
const HUNGRY: &str = "while [ ! -e /tmp/eat ]; do sleep 0.1; done; a=xxxxxxxx; while :; do a=$a$a; done";

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_kernel_ends_for_want_of_memory_is_told_from_one_that_crashed() {
    let name = unique();
    let tag = format!("usher-test/{name}:1");
    let _image = image(&tag, HUNGRY);
    let file = format!(
        "services:\n  hungry: {{image: '{tag}', restart: 'no', mem_limit: 16m, memswap_limit: 16m}}\n  calm: {{image: '{tag}', stop_grace_period: 1s}}\n"
    );
    let project = ComposeProject::new(&name, &file, "").unwrap();
    let agent = keeper(&project, &[]);
    settled(&agent).await;
    docker(&["exec", &format!("{name}-hungry-1"), "/bin/sh", "-c", ": >/tmp/eat"]);
    // Its second life has the file as well, so it falls again and again.
    let upkeep = until(&agent, "it is helped up", |_, upkeep| upkeep.heals > 0).await;
    let heal = upkeep.last_heal.unwrap();
    assert_eq!((heal.service.as_str(), heal.reason), ("hungry", Illness::OutOfMemory));
    let metrics = agent.metrics().await;
    assert!(
        metrics.contains("usher_stack_heals_total{service=\"hungry\",reason=\"out_of_memory\"}"),
        "{metrics}"
    );
    assert!(!metrics.contains("reason=\"crashed\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_only_watches_and_a_hold_file_start_nothing() {
    let (project, _, _good) = project();
    let watching = keeper(&project, &["--stack-manage=false"]);
    eventually("the engine was seen, and nobody keeps anything", async || {
        let stack = watching.report().await.stack;
        unless(stack.as_ref().is_some_and(|stack| stack.upkeep.is_none()), format!("{stack:?}"))
    })
    .await;
    assert_eq!(watching.get("/v1/stack").await.status().as_u16(), 404);
    drop(watching);
    std::fs::write(project.folder().join("HOLD"), "moving house").unwrap();
    let agent = keeper(&project, &[]);
    until(&agent, "a look at it", |_, upkeep| !upkeep.holds.is_empty()).await;
    assert!(project.containers().is_empty());
    std::fs::remove_file(project.folder().join("HOLD")).unwrap();
    settled(&agent).await;
    // Files that change replace nothing by themselves.
    std::fs::write(project.folder().join(".env"), project.env() + "TAG=9\n").unwrap();
    until(&agent, "the difference is told", |_, upkeep| {
        upkeep.holds.iter().any(|hold| hold.reason == StackHold::AwaitsDeployment)
    })
    .await;
    eventually("and left", async || unless(all_run(&project, "1").is_ok(), "gone")).await;
}
