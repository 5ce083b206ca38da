//! `usher-agent stack` on a real engine, with images from a private registry, beside the real `docker compose`.
//!
//! Docker, Debian's docker-registry and the compose of `tools/fetch-compose.sh` must be there: without them these
//! tests fail.

#![expect(clippy::unwrap_used, reason = "in a test's own functions a panic is the answer")]

mod bad_images;
mod commands;
mod crash;
mod disk;
mod jitsi;
mod up;

use usher_common::rt::process::random_id;
use usher_tests::compose_project::ComposeProject;
use usher_tests::registry::Registry;

/// Says that it is well, serves, and ends when told to.
const GOOD: &str = "trap 'exit 0' TERM; : >/tmp/well; while :; do sleep 1 & wait $!; done";
/// Serves, and never says that it is well.
const SICK: &str = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done";
/// Ends as soon as it is started.
const BRIEF: &str = "exit 7";

/// Three services in a row on two networks, with a folder, a volume and a published port.
const FILE: &str = "
services:
  db:
    image: ${REPO}/double:${TAG}
    restart: unless-stopped
    stop_grace_period: 2s
    volumes: ['./data/db:/data', 'cache:/cache']
    healthcheck: {test: [CMD, /bin/sh, -c, '[ -e /tmp/well ]'], interval: 200ms, retries: 3}
    networks: [back]
  app:
    image: ${REPO}/double:${TAG}
    restart: unless-stopped
    stop_grace_period: 2s
    depends_on: {db: {condition: service_healthy}}
    networks: {back: {aliases: [app.example]}, front: }
  edge:
    image: ${REPO}/double:${TAG}
    restart: always
    stop_grace_period: 2s
    depends_on: [app]
    ports: ['127.0.0.1::8000']
    networks: [front]
volumes: {cache: }
networks: {back: , front: }
";

/// A name that nobody else on this engine has.
fn unique() -> String {
    format!("usher-apply-{}", random_id())
}

/// The three services, with `tag` in their `.env` and everybody logged in.
fn project(registry: &Registry, tag: &str) -> ComposeProject {
    let env = format!("# ours\nREPO={}\nTAG={tag} # now\n", registry.address());
    ComposeProject::new(&unique(), FILE, &env).unwrap().logged_in(registry.docker_config())
}

/// Whether every one of the three runs this tag, under its final name, with its own restart policy, and nothing else
/// is there.
fn assert_all_run(project: &ComposeProject, tag: &str) {
    let services = [("app", "unless-stopped"), ("db", "unless-stopped"), ("edge", "always")];
    let seen = project.containers();
    let name = |service: &str| format!("{}-{service}-1", project.name());
    let names: Vec<String> = services.iter().map(|(service, _)| name(service)).collect();
    assert_eq!(seen.keys().cloned().collect::<Vec<_>>(), names, "{seen:#?}");
    for (service, restart) in services {
        let one = &seen[&name(service)];
        assert!(one.image.ends_with(&format!("/double:{tag}")), "{service}: {one:?}, wanted tag {tag}");
        assert_eq!((one.state.as_str(), one.restart.as_str()), ("running", restart), "{service}");
    }
}

fn actions(plan: &serde_json::Value) -> Vec<String> {
    plan["steps"].as_array().unwrap().iter().map(|step| step["action"].as_str().unwrap().to_owned()).collect()
}
