//! `kill -9` before and after every step of an upgrade, then once more: one version, and nothing left behind.

use std::os::unix::process::ExitStatusExt as _;

use usher_tests::compose_project::{ComposeProject, said};
use usher_tests::registry::Registry;

use super::{GOOD, unique};

/// Two services, one on the other's health and on two networks, and one that is restarted with the first.
const FILE: &str = "
services:
  db:
    image: ${REPO}/double:${TAG}
    restart: unless-stopped
    healthcheck: {test: [CMD, /bin/sh, -c, '[ -e /tmp/well ]'], interval: 200ms, retries: 50}
  edge:
    image: ${REPO}/double:${TAG}
    restart: always
    depends_on: {db: {condition: service_healthy}}
    ports: ['127.0.0.1::8000']
    networks: [default, front]
  follower:
    image: ${REPO}/double:1
    restart: always
    depends_on: {db: {condition: service_started, restart: true}}
networks: {front: }
";

/// SIGKILL.
const KILLED: i32 = 9;
/// Seven steps for each of two services, and the follower's restart; the images are there before the first.
const STEPS: usize = 15;

#[tokio::test]
async fn an_upgrade_that_is_killed_before_any_of_its_steps_ends_in_one_version() {
    killed_at_every_step("exit-before-step").await;
}

#[tokio::test]
async fn an_upgrade_that_is_killed_after_any_of_its_steps_ends_in_one_version() {
    killed_at_every_step("exit-after-step").await;
}

async fn killed_at_every_step(fault: &str) {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    registry.push(GOOD, &["double:2"]).unwrap();
    let env = format!("REPO={}\nTAG=1\n", registry.address());
    let project = ComposeProject::new(&unique(), FILE, &env).unwrap().logged_in(registry.docker_config());
    drop(project.stack_json(&["up"], 0));
    let (mut now, mut next) = ("1", "2");
    let mut deaths = 0;
    for step in 1.. {
        let before = project.containers();
        let set = format!("TAG={next}");
        let run = project.stack_with(&["up", "--set", &set], &[("USHER_FAULT", &format!("{fault}:{step}"))]);
        if run.status.success() {
            break;
        }
        assert_eq!(run.status.signal(), Some(KILLED), "step {step}: {}", said(&run));
        deaths += 1;
        // Whoever comes next ends it first, whatever they came for.
        drop(project.stack_json(&["up"], 0));
        let history = project.stack_json(&["history"], 0);
        let newest = &history[0];
        assert_eq!(newest["phase"], "done", "{fault}:{step}: {newest:#}");
        (now, next) = (next, now);
        one_version(&project, now, &before, &format!("{fault}:{step}"));
    }
    assert!(
        deaths >= STEPS,
        "an upgrade of two services has {STEPS} steps, and only {deaths} could be died at"
    );
    let history = project.stack_json(&["history"], 0);
    let all = history.as_array().unwrap();
    assert!(all.len() == deaths + 1 && all.iter().all(|job| job["phase"] == "done"), "{history:#}");
}

/// Whether everything runs at `tag` as it should and nothing else is there.
fn one_version(
    project: &ComposeProject,
    tag: &str,
    before: &std::collections::BTreeMap<String, usher_tests::compose_project::Seen>,
    fault: &str,
) {
    let after = project.containers();
    let name = |service: &str| format!("{}-{service}-1", project.name());
    for (service, tag, restart) in
        [("db", tag, "unless-stopped"), ("edge", tag, "always"), ("follower", "1", "always")]
    {
        let one = &after[&name(service)];
        assert!(one.image.ends_with(&format!("/double:{tag}")), "{fault}: {service}: {one:?}, wanted {tag}");
        assert_eq!((one.state.as_str(), one.restart.as_str()), ("running", restart), "{fault}: {service}");
    }
    assert_eq!(after.len(), 3, "{fault}: {after:#?}");
    assert!(project.env().contains(&format!("TAG={tag}\n")), "{fault}: {}", project.env());
    let follower = name("follower");
    assert_eq!(before[&follower].id, after[&follower].id, "{fault}");
    assert_ne!(before[&follower].started, after[&follower].started, "{fault}: the follower was forgotten");
    let plan = project.stack_json(&["plan"], 0);
    assert!(super::actions(&plan).is_empty(), "{fault}: {plan:#}");
    let notes = std::fs::read_to_string(project.folder().join(".usher-agent.json")).unwrap_or_default();
    assert!(!notes.contains("UnlessStopped") && !notes.contains("\"db\""), "{fault}: {notes}");
}
