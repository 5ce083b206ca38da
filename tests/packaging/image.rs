//! The aggregator's image on a real engine.

use std::process::Command;

use usher_tests::eventually::{eventually, unless};

use crate::engine::{Undo, build_image, docker, later, run};

#[tokio::test]
async fn the_image_runs_without_rights_and_holds_nothing_but_the_program() {
    let name = format!("usher-test-image-{}", std::process::id());
    let _undo = Undo(vec![
        later("docker", &["rm", "--force", &name]),
        later("docker", &["image", "rm", "--force", &name]),
    ]);
    println!("{}", build_image(&name));
    let secured = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--pids-limit=64"];
    let run = [&["run", "--detach", "--name", &name][..], &secured, &[&name]].concat();
    docker(&run);
    eventually("healthy by its own check", async || {
        let health = docker(&["inspect", "--format", "{{.State.Status}} {{.State.Health.Status}}", &name]);
        unless(health == "running healthy", health)
    })
    .await;
    assert_eq!(docker(&["inspect", "--format", "{{.Config.User}}", &name]), "65532:65532");
    let pid = docker(&["inspect", "--format", "{{.State.Pid}}", &name]);
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    for want in
        ["Uid:\t65532\t65532", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1"]
    {
        assert!(status.contains(want), "{want} is not in\n{status}");
    }
    let archive = run_piped(&name);
    let strangers: Vec<&str> = archive
        .lines()
        .filter(|file| !file.ends_with('/') && !file.ends_with("usher-aggregator") && !file.contains("lib"))
        // What the engine itself lays into every container.
        .filter(|file| {
            !["dev/", "etc/", "proc/", "sys/", ".dockerenv"].iter().any(|its| file.starts_with(its))
        })
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    docker(&["stop", "--time", "20", &name]);
    assert_eq!(docker(&["inspect", "--format", "{{.State.ExitCode}}", &name]), "0", "a stop is a good end");
}

/// The files of a container.
fn run_piped(name: &str) -> String {
    run(Command::new("sh").args(["-ec", r#"docker export "$0" | tar -t"#, name]))
}
