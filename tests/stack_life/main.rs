//! A real agent that keeps a real compose project up: brought up at boot, healed, upgraded, rolled back, given
//! certificates, and killed in between. The containers are stand-ins.
//!
//! Docker must run: without it these tests fail.

#![expect(clippy::unwrap_used, reason = "in a test's own functions a panic is the answer")]

mod certificates;
mod crash;
mod deploy;
mod engine;
mod heal;
mod people;

use std::process::Command;

use serde_json::Value;
use usher_common::rt::process::random_id;
use usher_common::wire::{Report, Upkeep};
use usher_tests::agent::Agent;
use usher_tests::compose_project::{COMPOSE, ComposeProject, said};
use usher_tests::eventually::{eventually, unless};
use usher_tests::images::Image;

/// Says that it is well, serves, and ends when told to.
const GOOD: &str = "trap 'exit 0' TERM; : >/tmp/well; while :; do sleep 1 & wait $!; done";
/// Serves, and never says that it is well.
const SICK: &str = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";
/// Ends as soon as it is started.
const BRIEF: &str = "exit 7";

/// Two services of one image, one after the other.
const FILE: &str = "
services:
  back:
    image: ${IMAGE}:${TAG}
    restart: unless-stopped
    stop_grace_period: 2s
    healthcheck: {test: [CMD, /bin/sh, -c, '[ -e /tmp/well ]'], interval: 300ms, retries: 2}
  front:
    image: ${IMAGE}:${TAG}
    restart: unless-stopped
    stop_grace_period: 2s
    depends_on: [back]
    healthcheck: {test: [CMD, /bin/sh, -c, '[ -e /tmp/well ]'], interval: 300ms, retries: 2}
";

/// The first of them alone.
const ONE: &str = "
services:
  back:
    image: ${IMAGE}:${TAG}
    restart: unless-stopped
    stop_grace_period: 2s
    healthcheck: {test: [CMD, /bin/sh, -c, '[ -e /tmp/well ]'], interval: 300ms, retries: 2}
";

/// Everything that takes minutes for people takes moments here.
const QUICK: &[&str] = &[
    "--stack-quiet",
    "300ms",
    "--stack-recovery",
    "1s",
    "--stack-heal-first",
    "100ms",
    "--stack-resync",
    "2s",
    "--stack-settle",
    "300ms",
    "--stack-ready-within",
    "10s",
    "--stack-verify-steady",
    "500ms",
    "--stack-verify-within",
    "10s",
    "--stack-disk-reserve-mib",
    "1",
    "--stack-compose-version",
    COMPOSE,
    "--sample-interval",
    "200ms",
];

/// A name that nobody else on this engine has.
fn unique() -> String {
    format!("usher-life-{}", random_id())
}

/// A local image that runs `script`.
fn image(tag: &str, script: &str) -> Image {
    Image::build(tag, &[], &["/bin/sh", "-c", script]).unwrap()
}

/// The two services at tag `1` of a name of their own, and an image of that tag which is good.
fn project() -> (ComposeProject, String, Image) {
    project_of(FILE)
}

fn project_of(file: &str) -> (ComposeProject, String, Image) {
    let name = unique();
    let repository = format!("usher-test/{name}");
    let good = image(&format!("{repository}:1"), GOOD);
    let env = format!("# ours\nIMAGE={repository}\nTAG=1 # now\n");
    (ComposeProject::new(&name, file, &env).unwrap(), repository, good)
}

/// An agent that keeps the project.
fn keeper(project: &ComposeProject, more: &[&str]) -> Agent {
    let folder = project.folder().to_str().unwrap();
    let helps = ["--stack-heal-per-hour", "20"];
    let helps = if more.contains(&helps[0]) { &[][..] } else { &helps };
    Agent::start(&[&["--stack-directory", folder], QUICK, helps, more].concat())
}

async fn until(agent: &Agent, what: &str, holds: impl Fn(&Report, &Upkeep) -> bool) -> Upkeep {
    eventually(what, async || {
        let report = agent.report().await;
        let upkeep = report.stack.as_ref().and_then(|stack| stack.upkeep.clone()).ok_or("no upkeep")?;
        unless(holds(&report, &upkeep), format!("{upkeep:?} {:?}", report.stack)).map(|()| upkeep)
    })
    .await
}

/// Waits until everything runs as the files say.
async fn settled(agent: &Agent) -> Upkeep {
    until(agent, "a settled stack", |_, upkeep| upkeep.settled == Some(true) && upkeep.holds.is_empty()).await
}

/// Whether each service has exactly one running container of this tag, under its final name, and nothing else is
/// there.
fn all_run(project: &ComposeProject, tag: &str) -> Result<(), String> {
    let seen = project.containers();
    let names: Vec<String> = seen.keys().cloned().collect();
    let file = std::fs::read_to_string(project.folder().join("docker-compose.yml")).unwrap();
    let services = ["back", "front"].into_iter().filter(|name| file.contains(&format!("  {name}:\n")));
    let wanted: Vec<String> = services.map(|service| format!("{}-{service}-1", project.name())).collect();
    let fine = seen.values().all(|one| {
        one.image.ends_with(&format!(":{tag}")) && one.state == "running" && one.restart == "unless-stopped"
    });
    unless(names == wanted && fine, format!("wanted {tag}, found {seen:#?}"))
}

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().unwrap();
    assert!(output.status.success(), "docker {args:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Orders a deployment, which must be taken; its id.
async fn order(agent: &Agent, path: &str, body: &Value) -> String {
    let answer = agent.request(reqwest::Method::POST, path).json(body).send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(status.as_u16(), 202, "{body:#}");
    body["id"].as_str().unwrap().to_owned()
}

/// Waits for the end of a deployment; its record.
async fn ended(agent: &Agent, id: &str) -> Value {
    eventually("the end of the deployment", async || {
        let job: Value = agent.get(&format!("/v1/stack/deploy/{id}")).await.json().await.unwrap();
        unless(job["finished"] == true, format!("{job:#}")).map(|()| job)
    })
    .await
}
