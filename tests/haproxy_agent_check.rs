//! A real HAProxy whose servers' weights and states follow real agents.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::Method;
use serde_json::json;
use usher_tests::agent::Agent;
use usher_tests::eventually::{eventually, unless};
use usher_tests::proc_tree::ProcTree;
use usher_tests::program::free_port;

/// A running HAProxy with one server per agent-check port.
struct HaProxy {
    process: Child,
    directory: tempfile::TempDir,
}

impl HaProxy {
    fn start(ports: &[u16]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let servers: String = ports
            .iter()
            .enumerate()
            .map(|(n, port)| {
                format!("  server vm{n} 127.0.0.1:9 weight 100 agent-check agent-addr 127.0.0.1 agent-port {port} agent-inter 200ms\n")
            })
            .collect();
        let text = format!(
            "global\n  stats socket {}/stats level admin\n  maxconn 100\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 1s\n  timeout server 1s\nbackend jitsi\n{servers}",
            directory.path().display()
        );
        let config = directory.path().join("haproxy.cfg");
        std::fs::write(&config, text).expect("a writable directory");
        let process = Command::new("/usr/sbin/haproxy")
            .args(["-db", "-f"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("haproxy runs (apt-get install haproxy)");
        Self { process, directory }
    }

    /// (status, weight) of server `n`, as `show stat` has them.
    fn server(&self, n: usize) -> Result<(String, u32), String> {
        let text =
            ask(&self.directory.path().join("stats"), "show stat\n").map_err(|error| error.to_string())?;
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or("").trim_start_matches("# ").split(',').collect();
        let column = |name: &str| header.iter().position(|field| *field == name).ok_or("no such column");
        let row = lines.map(|line| line.split(',').collect::<Vec<_>>());
        let name = format!("vm{n}");
        let row = row.into_iter().find(|row| row.get(1) == Some(&name.as_str())).ok_or("no such server")?;
        let weight = row[column("weight")?].parse().map_err(|_| "no weight")?;
        Ok((row[column("status")?].to_owned(), weight))
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn ask(socket: &Path, command: &str) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.write_all(command.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    Ok(text)
}

/// A server without a check of HAProxy's own that the agent calls up.
fn up(status: &str) -> bool {
    ["UP", "no check"].contains(&status)
}

#[tokio::test]
async fn weights_fall_with_load_and_states_follow_the_operator_and_the_stack() {
    let trees = [ProcTree::new(0.1), ProcTree::new(0.6)];
    let ports = [free_port(), free_port()];
    let agents: Vec<Agent> = trees
        .iter()
        .zip(ports)
        .map(|(tree, port)| {
            let listen = format!("127.0.0.1:{port}");
            Agent::start(&[
                "--engine-socket",
                "/nonexistent",
                "--host-proc",
                tree.path(),
                "--sample-interval",
                "200ms",
                "--agent-check-listen",
                &listen,
            ])
        })
        .collect();
    let haproxy = HaProxy::start(&ports);
    let shows = async |n: usize, what: &str, holds: &dyn Fn(&str, u32) -> bool| {
        eventually(what, async || {
            let (status, weight) = haproxy.server(n)?;
            unless(holds(&status, weight), format!("{status} {weight}"))
        })
        .await;
    };
    // 0.1 and 0.6 of the 0.9 at which a bridge is full leave 89 % and 33 %.
    shows(0, "the idle one's weight", &|status, weight| up(status) && (84..=94).contains(&weight)).await;
    shows(1, "the busy one's weight", &|status, weight| up(status) && (25..=41).contains(&weight)).await;
    trees[0].set_busy(0.9);
    shows(0, "a weight that fell with the load", &|status, weight| up(status) && weight <= 10).await;

    let set = async |mode: &str| {
        let wish = agents[1].request(Method::PUT, "/v1/state").json(&json!({ "mode": mode }));
        assert!(wish.send().await.expect("an answer").status().is_success());
    };
    set("drain").await;
    shows(1, "drain", &|status, _| status == "DRAIN (agent)" || status == "DRAIN").await;
    set("maint").await;
    shows(1, "maint", &|status, _| status.starts_with("MAINT")).await;
    set("ready").await;
    shows(1, "ready again", &|status, weight| up(status) && weight > 20).await;
}

#[tokio::test]
async fn a_node_whose_stack_is_gone_is_down_with_the_reason() {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let _agent = Agent::start(&[
        "--engine-socket",
        "/nonexistent",
        "--stack-project",
        "jitsi",
        "--agent-check-listen",
        &listen,
    ]);
    let haproxy = HaProxy::start(&[port]);
    eventually("down", async || {
        let (status, _) = haproxy.server(0)?;
        unless(status.starts_with("DOWN"), status)
    })
    .await;
}
