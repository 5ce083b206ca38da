//! `kill -9` at every border between two steps of an upgrade, then once more: one version, and nothing left behind.

use std::os::unix::process::ExitStatusExt as _;

use usher_tests::compose_project::said;
use usher_tests::registry::Registry;

use super::{GOOD, assert_all_run, project};

/// SIGKILL.
const KILLED: i32 = 9;

#[tokio::test]
async fn wherever_an_upgrade_is_killed_the_next_run_ends_in_one_version() {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    registry.push(GOOD, &["double:2"]).unwrap();
    let project = project(&registry, "1");
    drop(project.stack_json(&["up"], 0));
    let (mut now, mut next) = ("1", "2");
    // The pull, and seven steps for each of three services; without the pull once both versions are here.
    let mut deaths = 0;
    for step in 1.. {
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
        assert_all_run(&project, now);
        let plan = project.stack_json(&["plan"], 0);
        assert!(super::actions(&plan).is_empty(), "killed before step {step}: {plan:#}");
        let notes = std::fs::read_to_string(project.folder().join(".usher-agent.json")).unwrap_or_default();
        assert!(
            !notes.contains("unless-stopped") && !notes.contains("UnlessStopped"),
            "step {step}: {notes}"
        );
    }
    assert!(deaths >= 21, "an upgrade of three services has 21 steps, and only {deaths} could be died at");
}
