//! A real agent beside a real Docker engine with a stand-in stack of four containers.
//!
//! Docker must run: without it these tests fail.

use std::path::PathBuf;
use std::time::Instant;

use usher_common::rt::process::random_id;
use usher_common::wire::{Container, ContainerState, NotReady, ProbeFailure, Report};
use usher_tests::agent::Agent;
use usher_tests::eventually::{eventually, unless};
use usher_tests::stack::Stack;

const ENGINE: &str = "/var/run/docker.sock";

/// A path of the engine's socket that the test can take away without harm to the engine.
struct Socket {
    directory: tempfile::TempDir,
}

impl Socket {
    fn new() -> Self {
        let socket = Self { directory: tempfile::tempdir().expect("a temporary directory") };
        socket.put_back();
        socket
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("docker.sock")
    }

    fn take_away(&self) {
        std::fs::remove_file(self.path()).expect("it is there");
    }

    fn put_back(&self) {
        std::os::unix::fs::symlink(ENGINE, self.path()).expect("a writable directory");
    }
}

async fn stack() -> Stack {
    Stack::start(&format!("usher-test-{}", random_id())).await.expect("a stand-in stack")
}

fn agent(socket: &Socket, project: &str) -> Agent {
    let path = socket.path();
    Agent::start(&["--engine-socket", path.to_str().expect("UTF-8"), "--stack-project", project])
}

fn container<'a>(report: &'a Report, service: &str) -> Option<&'a Container> {
    report.stack.as_ref()?.containers.as_ref()?.iter().find(|container| container.service == service)
}

async fn until(agent: &Agent, what: &str, holds: impl Fn(&Report) -> bool) -> Report {
    eventually(what, async || {
        let report = agent.report().await;
        let said = format!("{:?} {:?}", report.not_ready, report.stack);
        unless(holds(&report), said).map(|()| report)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn each_containers_state_is_shown_and_a_killed_one_makes_the_node_not_ready() {
    let stack = stack().await;
    let socket = Socket::new();
    let agent = agent(&socket, stack.project());
    let report = until(&agent, "a ready node with figures of all four", |report| {
        let measured = |service| {
            container(report, service).is_some_and(|c| c.cpu_cores.is_some() && c.memory_bytes.is_some())
        };
        report.ready && ["web", "prosody", "jicofo", "jvb"].into_iter().all(measured)
    })
    .await;
    assert_eq!(report.jitsi.expect("a bridge that answers").healthy, Some(true));
    let metrics = agent.metrics().await;
    for service in ["web", "prosody", "jicofo", "jvb"] {
        let name = stack.container(service);
        for sample in [
            format!("usher_container_state{{service=\"{service}\",name=\"{name}\",state=\"running\"}} 1"),
            format!("usher_container_cpu_seconds_total{{service=\"{service}\",name=\"{name}\"}} "),
            format!("usher_container_network_receive_bytes_total{{service=\"{service}\",name=\"{name}\"}} "),
        ] {
            assert!(metrics.contains(&sample), "{sample} is missing in:\n{metrics}");
        }
    }
    assert!(metrics.contains("jitsi_jvb_stress "), "the bridge's own series are passed on");

    let killed = Instant::now();
    stack.kill("jvb").await.expect("docker kill");
    let report = until(&agent, "the killed bridge", |report| {
        container(report, "jvb").is_some_and(|jvb| jvb.state == ContainerState::Exited)
    })
    .await;
    println!("a killed container showed {:?} after `docker kill` was called", killed.elapsed());
    assert_eq!(container(&report, "jvb").and_then(|jvb| jvb.exit_code), Some(137));
    assert!(report.not_ready.contains(&NotReady::ContainerDown), "{:?}", report.not_ready);
    assert_eq!(container(&report, "web").map(|web| web.state), Some(ContainerState::Running));

    stack.start_service("jvb").await.expect("docker start");
    until(&agent, "ready again", |report| report.ready).await;
    stack.pause("web").await.expect("docker pause");
    until(&agent, "a paused container", |report| {
        container(report, "web").is_some_and(|web| web.state == ContainerState::Paused) && !report.ready
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_socket_the_host_goes_on_and_the_reason_is_said_and_it_comes_back_by_itself() {
    let stack = stack().await;
    let socket = Socket::new();
    let agent = agent(&socket, stack.project());
    until(&agent, "containers", |report| container(report, "web").is_some()).await;

    socket.take_away();
    let report = until(&agent, "unknown containers", |report| {
        report.stack.as_ref().is_some_and(|stack| stack.containers.is_none())
    })
    .await;
    assert_eq!(report.stack.and_then(|stack| stack.engine_failure), Some(ProbeFailure::Missing));
    assert_eq!(report.probes["engine"].reason, Some(ProbeFailure::Missing));
    let before = report.seq;
    let later = until(&agent, "further samples of the host", |report| report.seq > before + 1).await;
    assert!(later.cpu.is_some_and(|cpu| cpu.busy.is_some()) && later.memory.is_some());
    let metrics = agent.metrics().await;
    assert!(metrics.contains("usher_engine_up 0") && metrics.contains("node_cpu_seconds_total{"));
    assert!(!metrics.contains("usher_container_state{"), "what is not known is not shown");

    socket.put_back();
    until(&agent, "containers again", |report| container(report, "web").is_some()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_settings_the_project_with_a_bridge_is_found() {
    let stack = stack().await;
    let agent = Agent::start(&[]);
    let report = until(&agent, "a project", |report| report.stack.is_some()).await;
    // Another test's stack may stand beside ours: either has a bridge.
    let project = report.stack.and_then(|stack| stack.project).expect("a name");
    assert!(project.starts_with("usher-test-"), "{project}, not {}", stack.project());
}
