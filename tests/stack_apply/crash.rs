//! `kill -9` at every border between two steps of an upgrade, then once more: one version, and nothing left behind.

use std::os::unix::process::ExitStatusExt as _;

use usher_tests::compose_project::said;
use usher_tests::registry::Registry;

use usher_tests::compose_project::ComposeProject;

use super::{GOOD, unique};

/// Two services, one on the other's health and on two networks, and one that is restarted with the first.
const FILE: &str = "
services:
  db:
    image: ${REPO}/double:${TAG}
    restart: unless-stopped
    healthcheck: {test: [CMD, /bin/sh, -c, '[ -e /tmp/well ]'], interval: 200ms, retries: 3}
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

#[tokio::test]
async fn wherever_an_upgrade_is_killed_the_next_run_ends_in_one_version() {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    registry.push(GOOD, &["double:2"]).unwrap();
    let env = format!("REPO={}\nTAG=1\n", registry.address());
    let project = ComposeProject::new(&unique(), FILE, &env).unwrap().logged_in(registry.docker_config());
    drop(project.stack_json(&["up"], 0));
    let follower = format!("{}-follower-1", project.name());
    let (mut now, mut next) = ("1", "2");
    let mut deaths = 0;
    for step in 1.. {
        let before = project.containers();
        let set = format!("TAG={next}");
        let fault = format!("exit-before-step:{step}");
        let run = project.stack_with(&["up", "--set", &set], &[("USHER_FAULT", &fault)]);
        if run.status.success() {
            break;
        }
        assert_eq!(run.status.signal(), Some(KILLED), "step {step}: {}", said(&run));
        deaths += 1;
        // Two ways on: once more forward, or back to what the files still say.
        if step % 3 == 0 {
            drop(project.stack_json(&["up"], 0));
        } else {
            drop(project.stack_json(&["up", "--set", &set], 0));
            (now, next) = (next, now);
        }
        let after = project.containers();
        let killed = format!("killed before step {step}");
        for (service, tag, restart) in
            [("db", now, "unless-stopped"), ("edge", now, "always"), ("follower", "1", "always")]
        {
            let one = &after[&format!("{}-{service}-1", project.name())];
            assert!(
                one.image.ends_with(&format!("/double:{tag}")),
                "{killed}: {service}: {one:?}, wanted {tag}"
            );
            assert_eq!(
                (one.state.as_str(), one.restart.as_str()),
                ("running", restart),
                "{killed}: {service}"
            );
        }
        assert_eq!(after.len(), 3, "{killed}: {after:#?}");
        let db = format!("{}-db-1", project.name());
        if before[&db].id != after[&db].id {
            assert_eq!(before[&follower].id, after[&follower].id, "{killed}");
            assert_ne!(
                before[&follower].started, after[&follower].started,
                "{killed}: the follower was forgotten"
            );
        }
        let plan = project.stack_json(&["plan"], 0);
        assert!(super::actions(&plan).is_empty(), "{killed}: {plan:#}");
        let notes = std::fs::read_to_string(project.folder().join(".usher-agent.json")).unwrap_or_default();
        assert!(!notes.contains("UnlessStopped") && !notes.contains("\"db\""), "{killed}: {notes}");
    }
    // Seven steps for each of two services, and the follower's restart; the pull is done once.
    assert!(deaths >= 15, "an upgrade of two services has 15 steps, and only {deaths} could be died at");
}
