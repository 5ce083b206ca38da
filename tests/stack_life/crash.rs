//! `kill -9` of the agent at every border of a deployment: it goes on when the agent is back, to one version or the
//! other, and nothing is left behind.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::{Value, json};
use usher_tests::agent::Agent;
use usher_tests::compose_project::ComposeProject;
use usher_tests::eventually::eventually;

use super::{BRIEF, GOOD, ONE, all_run, ended, image, keeper, project_of, settled};

/// SIGKILL.
const KILLED: i32 = 9;

/// Restarts the agent with a fault, orders a deployment and waits for the agent's death; whether it died.
async fn die(agent: Agent, fault: &str, tag: &str) -> (Agent, bool) {
    agent.program.signal("KILL");
    let mut agent = agent.restarted_with(&[("USHER_FAULT", fault)]).await;
    settled(&agent).await;
    let order = agent.request(reqwest::Method::POST, "/v1/stack/deploy");
    // It may die before its answer is out.
    drop(order.json(&json!({ "set": { "TAG": tag } })).send().await);
    let died = eventually("its death, or the end of the deployment", async || {
        let Ok(answer) = agent.request(reqwest::Method::GET, "/v1/stack").send().await else {
            return Ok(true);
        };
        let Ok(overview) = answer.json::<Value>().await else { return Ok(true) };
        let newest = &overview["deployments"][0];
        if newest["finished"] == true { Ok(false) } else { Err(newest.to_string()) }
    })
    .await;
    if died {
        assert_eq!(agent.program.ended().await.signal(), Some(KILLED), "{fault}");
    } else {
        agent.program.signal("KILL");
    }
    (agent, died)
}

/// What must hold after every death: the deployment ended, one version runs, the files say so.
async fn goes_on(project: &ComposeProject, agent: Agent, tags: [&str; 2], fault: &str) -> Agent {
    let agent = agent.restarted_with(&[]).await;
    let overview: Value = agent.get("/v1/stack").await.json().await.unwrap();
    let job = ended(&agent, overview["deployments"][0]["id"].as_str().unwrap()).await;
    let tag = if job["phase"] == "done" { tags[1] } else { tags[0] };
    let runs = async || all_run(project, tag).map_err(|why| format!("{fault}: {why} {job:#}"));
    eventually("one version", runs).await;
    assert!(project.env().contains(&format!("TAG={tag}")), "{fault}: {}", project.env());
    settled(&agent).await;
    agent
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_survives_a_death_in_every_phase_and_at_every_step() {
    let (project, repository, _one) = project_of(ONE);
    let _two = image(&format!("{repository}:2"), GOOD);
    let mut agent = keeper(&project, &[]);
    settled(&agent).await;
    let phases =
        ["pulling", "draining", "replacing", "verifying"].map(|phase| format!("exit-in-phase:{phase}"));
    // Of rename, create, take the restart policy, stop, start, await, remove; all of them are died at elsewhere.
    let steps = [3, 5].map(|step| format!("exit-before-step:{step}"));
    let (mut now, mut next) = ("1", "2");
    for fault in phases.into_iter().chain(steps).chain(["exit-after-step:7".to_owned()]) {
        let (dead, died) = die(agent, &fault, next).await;
        assert!(died, "{fault}: nobody died");
        agent = goes_on(&project, dead, [now, next], &fault).await;
        if all_run(&project, next).is_ok() {
            (now, next) = (next, now);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_on_the_way_back_ends_in_the_version_before() {
    let (project, repository, _one) = project_of(ONE);
    let _bad = image(&format!("{repository}:bad"), BRIEF);
    let mut agent = keeper(&project, &[]);
    settled(&agent).await;
    for fault in
        ["exit-in-phase:rolling_back", "exit-before-step:7", "exit-before-step:8", "exit-after-step:9"]
    {
        let (dead, _) = die(agent, fault, "bad").await;
        agent = goes_on(&project, dead, ["1", "bad"], fault).await;
        all_run(&project, "1").unwrap();
    }
}
