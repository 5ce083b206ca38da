//! The compose file under the real `docker compose`: two replicas of the image, HAProxy and the store,
//! of which any may die.

use std::path::{Path, PathBuf};
use std::process::Command;

use usher_common::rt::http_client::{ClientOptions, client};
use usher_tests::eventually::{eventually, unless};
use usher_tests::images::Image;
use usher_tests::load::{Load, Shot};
use usher_tests::proc_tree::ProcTree;
use usher_tests::program::{free_port, path};

use crate::engine::{Undo, build_image, later, root, run};

/// The agent of a fleet of one, in the same network. Nothing here is about how quickly it confirms on a
/// machine that is busy with tests.
const BESIDE: &str = r"
x-patient: &patient
  environment: {USHER_AGGREGATOR_PLACEMENT_CONFIRM_TIMEOUT: 5s, USHER_AGGREGATOR_PLACEMENT_CONFIRM_TOTAL: 9s}
services:
  a1: *patient
  a2: *patient
  vm1:
    image: ${AGENT_IMAGE}
    command: [usher-agent, --listen, '0.0.0.0:9100', --node, vm1, --engine-socket, /nonexistent, --host-proc, /idle,
      --auth-token-file, /run/secrets/agent.token, --state-dir, /tmp]
    secrets: [agent.token]
    volumes: ['${IDLE}:/idle:ro']
";

fn compose() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache =
        cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache"));
    let path = cache.join("usher/tools/docker-compose-2.40.3");
    assert!(path.exists(), "{} is not there: run tests/tools/fetch-compose.sh", path.display());
    path
}

// Threads of their own for the load: what is run meanwhile blocks the test's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_behind_haproxy_either_may_die_and_the_store_too() {
    let name = format!("usher-test-compose-{}", std::process::id());
    let directory = tempfile::tempdir().expect("a directory");
    let write = |file: &str, text: &str| {
        let path = directory.path().join(file);
        std::fs::write(&path, text).expect("a writable directory");
        path.to_str().expect("UTF-8").to_owned()
    };
    for secret in ["agent.token", "operator.token", "rooms.secret"] {
        write(secret, &format!("0123456789abcdef0123456789abcdef{secret}\n"));
    }
    let beside = write("beside.yaml", BESIDE);
    let idle = ProcTree::new(0.1);
    std::fs::set_permissions(idle.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("it is ours");
    let image = format!("{name}-aggregator");
    let removed = later("docker", &["image", "rm", "--force", &image]);
    build_image(&image);
    let made = |tag: &str, program: &Path| {
        Image::build(&format!("{name}-{tag}"), &[program], &["true"]).expect("one")
    };
    let haproxy = made("haproxy", Path::new("/usr/sbin/haproxy"));
    let redis = made("redis", Path::new("/usr/bin/redis-server"));
    // Without certificate authorities: who talks in the clear needs none.
    let agent = made("agent", &path("usher-agent"));
    let [port, a1, a2] = [(); 3].map(|()| free_port().to_string());
    let file = root().join("packaging/compose/compose.yaml");
    let file = file.to_str().expect("UTF-8");
    let compose = |args: &[&str]| {
        let mut command = Command::new(compose());
        command.args(["-p", &name, "-f", file, "-f", &beside]).args(args).envs([
            ("USHER_IMAGE", image.as_str()),
            ("HAPROXY_IMAGE", haproxy.tag()),
            ("VALKEY_IMAGE", redis.tag()),
            ("VALKEY_SERVER", "redis-server"),
            ("AGENT_IMAGE", agent.tag()),
            ("IDLE", idle.path()),
            ("USHER_PUBLISH", &port),
            ("USHER_OPERATE_A1", &a1),
            ("USHER_OPERATE_A2", &a2),
            ("USHER_TARGETS", "http://vm1:9100"),
            ("USHER_SECRETS", directory.path().to_str().expect("UTF-8")),
        ]);
        command
    };
    let _undo = Undo(vec![compose(&["down", "--timeout", "1", "--volumes"]), removed]);
    run(&mut compose(&["up", "--detach", "--no-build", "--pull", "never"]));
    let url = format!("http://127.0.0.1:{port}");
    let client = client(&ClientOptions::default()).expect("a client");
    let answers = async |url: String, token: &str| {
        let answer = client.get(url).bearer_auth(token).send().await.map_err(|error| error.to_string())?;
        unless(answer.status().is_success(), answer.status())
    };
    eventually("a server is handed out", async || answers(format!("{url}/api/v1/server"), "").await).await;
    // What HAProxy said of a replica last, in both of its lists.
    let counts_on = async |replica: &str| {
        eventually(&format!("HAProxy counts on {replica}"), async || {
            let log = run(&mut compose(&["logs", "--no-log-prefix", "haproxy"]));
            let up = ["any", "rooms"].iter().all(|list| {
                let server = format!("Server {list}/{replica} is ");
                let last = log.lines().rev().find_map(|line| line.split_once(&server));
                last.is_none_or(|(_, state)| state.starts_with("UP"))
            });
            unless(up, log)
        })
        .await;
    };
    counts_on("a1").await;
    counts_on("a2").await;
    let shots = ["", "join/standup", "join/review"].map(|path| Shot::get(format!("{url}/{path}")));
    let load = Load::begin(shots.into());
    load.goes_on(100).await;
    for (replica, port) in [("a1", &a1), ("a2", &a2)] {
        run(&mut compose(&["kill", "--signal", "KILL", replica]));
        load.goes_on(200).await;
        run(&mut compose(&["start", replica]));
        let ready = format!("http://127.0.0.1:{port}/-/ready");
        eventually(&format!("{replica} is ready"), async || answers(ready.clone(), "").await).await;
        counts_on(replica).await;
    }
    run(&mut compose(&["kill", "--signal", "KILL", "valkey"]));
    load.goes_on(200).await;
    let tally = load.end().await;
    println!("compose: {} answered, {} not {:?}", tally.good, tally.bad, tally.why);
    assert_eq!(tally.bad, 0, "{tally:?}");
    // Operators have a door of their own, and a key to it.
    let fleet = format!("http://127.0.0.1:{a1}/api/v1/fleet");
    assert_eq!(answers(fleet.clone(), "0123456789abcdef0123456789abcdefoperator.token").await, Ok(()));
    assert!(answers(fleet, "none").await.is_err_and(|why| why.contains("401")));
}
