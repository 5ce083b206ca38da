//! Up from nothing, up again, another version, and hand in hand with the real compose.

use usher_tests::registry::Registry;

use super::{GOOD, actions, assert_all_run, project};

#[tokio::test]
async fn what_we_bring_up_compose_keeps_and_the_next_plan_is_empty() {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    let project = project(&registry, "1");
    let came = project.stack_json(&["up"], 0);
    let digest = &came["outcome"]["images"][format!("{}/double:1", registry.address())]["digests"][0];
    assert!(digest.as_str().unwrap().contains("/double@sha256:"), "no digest is recorded: {came:#}");
    assert_all_run(&project, "1");
    let before = project.containers();
    assert!(actions(&project.stack_json(&["plan"], 0)).is_empty());
    let listed = project.compose(&["ps", "--format", "{{.Service}}"]);
    assert_eq!(listed.lines().count(), 3, "{listed}");
    let up = project.compose(&["up", "-d"]);
    assert_eq!(up.matches("Running").count() + up.matches("Healthy").count() / 2, 3, "{up}");
    assert!(!up.contains("Recreat"), "{up}");
    assert_eq!(project.containers(), before, "compose changed something");
    let again = project.stack_json(&["up"], 0);
    assert_eq!(again["outcome"]["done"].as_array().unwrap().len(), 0, "{again:#}");
}

#[tokio::test]
async fn what_compose_brought_up_is_adopted_without_a_restart() {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    registry.push(GOOD, &["double:2"]).unwrap();
    let project = project(&registry, "1");
    drop(project.compose(&["up", "-d", "--quiet-pull"]));
    let before = project.containers();
    assert!(actions(&project.stack_json(&["plan"], 0)).is_empty());
    drop(project.stack_json(&["up"], 0));
    assert_eq!(project.containers(), before, "adopting changed something");
    let held = project.stack_json(&["up", "--leave-drift", "--set", "TAG=2"], 3);
    assert_eq!(held["deployment"]["reason"], "blocked", "{held:#}");
    assert_eq!(project.containers(), before);
    drop(project.stack_json(&["up", "--set", "TAG=2"], 0));
    assert_all_run(&project, "2");
}

#[tokio::test]
async fn an_upgrade_is_said_in_the_env_file_only_when_it_is_up() {
    let registry = Registry::start().await.unwrap();
    registry.push(GOOD, &["double:1"]).unwrap();
    registry.push(GOOD, &["double:2"]).unwrap();
    let project = project(&registry, "1");
    drop(project.stack_json(&["up"], 0));
    let plan = project.stack_json(&["plan", "--set", "TAG=2"], 0);
    let one = ["rename", "create", "set-restart", "stop", "start", "await", "remove"];
    assert_eq!(actions(&plan), [&["pull"][..], &one, &one, &one].concat());
    let before = project.env();
    drop(project.stack_json(&["up", "--set", "TAG=2"], 0));
    assert_all_run(&project, "2");
    assert_eq!(project.env(), before.replace("TAG=1 # now", "TAG=2"));
    assert!(actions(&project.stack_json(&["plan"], 0)).is_empty());
    let up = project.compose(&["up", "-d"]);
    assert!(!up.contains("Recreat"), "{up}");
    let held = project.folder().join("HOLD");
    std::fs::write(&held, "moving house").unwrap();
    let said = project.stack_json(&["up", "--set", "TAG=1"], 3);
    assert!(said["deployment"]["detail"].as_str().unwrap().contains("moving house"), "{said:#}");
    assert_all_run(&project, "2");
    let history = project.stack_json(&["history"], 0);
    let phases: Vec<&str> =
        history.as_array().unwrap().iter().map(|job| job["phase"].as_str().unwrap()).collect();
    assert_eq!(phases, ["failed", "done"], "{history:#}");
    std::fs::remove_file(held).unwrap();
    let back = project.stack_json(&["rollback"], 0);
    assert_eq!(back["deployment"]["goal"]["undo"], history[1]["id"], "{back:#}");
    assert_all_run(&project, "1");
    assert_eq!(project.env(), before);
}
