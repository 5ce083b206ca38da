//! What the commands print, where there is nothing to work on too.

use usher_tests::compose_project::{ComposeProject, said};
use usher_tests::registry::Registry;

use super::{FILE, GOOD, project, unique};

#[tokio::test]
async fn ps_logs_and_down_tell_of_the_stack() {
    let registry = Registry::start().await.unwrap();
    registry.push(&format!("echo hello; echo oops >&2; {GOOD}"), &["double:1"]).unwrap();
    let project = project(&registry, "1");
    drop(project.stack_json(&["up"], 0));
    let rows = project.stack_json(&["ps"], 0);
    assert_eq!(rows.as_array().unwrap().len(), 3, "{rows:#}");
    assert_eq!((&rows[1]["service"], &rows[1]["health"]), (&"db".into(), &"healthy".into()));
    assert!(rows[2]["ports"][0].as_str().unwrap().ends_with("->8000/tcp"), "{rows:#}");
    let table = said(&project.stack(&["ps"]));
    assert!(table.contains("running, healthy") && table.lines().count() == 4, "{table}");
    let logs = said(&project.stack(&["logs", "edge", "db", "--tail", "5"]));
    let line = |service: &str, text: &str| {
        let prefix = format!("{}-{service}-1", project.name());
        logs.lines().any(|line| line.starts_with(&prefix) && line.ends_with(&format!("| {text}")))
    };
    assert!(line("edge", "hello") && line("db", "oops") && !logs.contains("-app-1"), "{logs}");
    drop(project.stack_json(&["down"], 0));
    assert!(project.containers().is_empty());
    let volume = format!("{}_cache", project.name());
    let found = std::process::Command::new("docker").args(["volume", "inspect", &volume]).output().unwrap();
    assert!(found.status.success(), "a volume was removed: {}", said(&found));
}

#[test]
fn without_an_engine_or_with_bad_files_the_mend_is_told() {
    let project = ComposeProject::new(&unique(), FILE, "REPO=r.example\nTAG=1\n").unwrap();
    let gone = project.folder().join("docker.sock");
    let project = project.with_flags(&["--engine-socket", gone.to_str().unwrap()]);
    let read = project.stack_json(&["config"], 0);
    assert_eq!(read["services"]["edge"]["image"], "r.example/double:1");
    for command in ["plan", "ps", "up", "down", "logs"] {
        let output = project.stack(&[command]);
        let text = said(&output);
        assert_eq!(output.status.code(), Some(1), "{command}: {text}");
        assert!(
            text.contains("engine_missing") && text.contains("systemctl start docker"),
            "{command}: {text}"
        );
    }
    std::fs::write(project.folder().join("docker-compose.yml"), "services: {web: {imag: x}}").unwrap();
    let output = project.stack(&["up"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("docker-compose.yml:1:"), "{}", said(&output));
    assert_eq!(project.stack(&["up", "--set", "TAG"]).status.code(), Some(2));
}
