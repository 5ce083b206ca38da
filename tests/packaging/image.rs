//! The aggregator's image, and the compose file with two replicas behind HAProxy, on a real engine.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use usher_common::rt::http_client::{ClientOptions, client};
use usher_tests::eventually::{eventually, unless};
use usher_tests::images::Image;
use usher_tests::load::{Load, Shot};
use usher_tests::program::{free_port, path};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn run(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    assert!(output.status.success(), "{command:?}: {}\n{}", said(&output.stdout), said(&output.stderr));
    said(&output.stdout)
}

fn docker(args: &[&str]) -> String {
    run(Command::new("docker").args(args))
}

/// What must be undone whatever happens.
struct Undo(Vec<Command>);

impl Drop for Undo {
    fn drop(&mut self) {
        for command in &mut self.0 {
            // Nothing can be done about a failure here; all the names are the test's own.
            drop(command.output());
        }
    }
}

fn later(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// The image of the program that was built beside this test. That one is not static, so its four
/// libraries come along; the released one has none.
fn build(tag: &str) -> String {
    let script = root().join("packaging/image/build.sh");
    run(Command::new(script).args(["--tag", tag, "--from"]).arg(path("usher-aggregator")))
}

#[tokio::test]
async fn the_image_runs_without_rights_and_holds_nothing_but_the_program() {
    let name = format!("usher-test-image-{}", std::process::id());
    let _undo = Undo(vec![
        later("docker", &["rm", "--force", &name]),
        later("docker", &["image", "rm", "--force", &name]),
    ]);
    println!("{}", build(&name));
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

fn compose() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache =
        cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache"));
    let path = cache.join("usher/tools/docker-compose-2.40.3");
    assert!(path.exists(), "{} is not there: run tests/tools/fetch-compose.sh", path.display());
    path
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_compose_file_runs_two_replicas_of_which_either_may_die() {
    let name = format!("usher-test-compose-{}", std::process::id());
    let directory = tempfile::tempdir().expect("a directory");
    let write = |file: &str, text: &str| {
        let path = directory.path().join(file);
        std::fs::write(&path, text).expect("a writable directory");
        path.to_str().expect("UTF-8").to_owned()
    };
    write("agent.token", "0123456789abcdef0123456789abcdef\n");
    write("rooms.secret", "fedcba9876543210fedcba9876543210\n");
    // The agent of a fleet of one, in the same network.
    let vm = write(
        "vm.yaml",
        "services:\n  a1: &busy\n    environment: { USHER_AGGREGATOR_PLACEMENT_FULL: '2' }\n  a2: *busy\n  vm1:\n    image: ${AGENT_IMAGE}\n    command: [usher-agent, --listen, '0.0.0.0:9100', --node, vm1, \
         --engine-socket, /nonexistent, --auth-token-file, /agent.token, --state-dir, /tmp]\n    volumes: ['${USHER_SECRETS}/agent.token:/agent.token:ro']\n",
    );
    let image = format!("{name}-aggregator");
    let removed = later("docker", &["image", "rm", "--force", &image]);
    build(&image);
    let made = |tag: &str, program: &Path| {
        Image::build(&format!("{name}-{tag}"), &[program], &["true"]).expect("an image")
    };
    let haproxy = made("haproxy", Path::new("/usr/sbin/haproxy"));
    let redis = made("redis", Path::new("/usr/bin/redis-server"));
    let agent = made("agent", &path("usher-agent"));
    let port = free_port().to_string();
    let file = root().join("packaging/compose/compose.yaml");
    let file = file.to_str().expect("UTF-8");
    let compose = |args: &[&str]| {
        let mut command = Command::new(compose());
        command.args(["-p", &name, "-f", file, "-f", &vm]).args(args).envs([
            ("USHER_IMAGE", image.as_str()),
            ("HAPROXY_IMAGE", haproxy.tag()),
            ("VALKEY_IMAGE", redis.tag()),
            ("VALKEY_SERVER", "redis-server"),
            ("AGENT_IMAGE", agent.tag()),
            ("USHER_PUBLISH", &port),
            ("USHER_TARGETS", "http://vm1:9100"),
            ("USHER_SECRETS", directory.path().to_str().expect("UTF-8")),
        ]);
        command
    };
    let _undo = Undo(vec![compose(&["down", "--timeout", "1", "--volumes"]), removed]);
    run(&mut compose(&["up", "--detach", "--no-build", "--pull", "never"]));
    let url = format!("http://127.0.0.1:{port}");
    let client = client(&ClientOptions::default()).expect("a client");
    eventually("a server is handed out", async || {
        let answer =
            client.get(format!("{url}/api/v1/server")).send().await.map_err(|error| error.to_string())?;
        unless(answer.status().is_success(), answer.status())
    })
    .await;
    let load = Load::begin(vec![Shot::get(format!("{url}/")), Shot::get(format!("{url}/join/standup"))]);
    load.goes_on(50).await;
    run(&mut compose(&["kill", "--signal", "KILL", "a1"]));
    load.goes_on(100).await;
    let tally = load.end().await;
    println!("compose: {} answered, {} not {:?}", tally.good, tally.bad, tally.why);
    assert_eq!(tally.bad, 0, "{tally:?}");
}
