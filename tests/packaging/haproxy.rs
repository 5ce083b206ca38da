//! Our HAProxy configuration on Debian's real HAProxy, in front of two real aggregators.

use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use usher_common::rt::http_client::{ClientOptions, client};
use usher_tests::eventually::{eventually, unless};
use usher_tests::fake_agent::FakeAgent;
use usher_tests::load::{Load, Shot, Tally};
use usher_tests::program::{Program, free_port};

/// HAProxy with the product's configuration, but for the addresses.
struct Balancer {
    process: Child,
    url: String,
    directory: tempfile::TempDir,
}

impl Balancer {
    fn start(replicas: &[Replica; 2]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let config = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging/haproxy/haproxy.cfg");
        let variables = [
            ("USHER_BIND", format!("127.0.0.1:{port}")),
            ("USHER_A1", replicas[0].public.clone()),
            ("USHER_A2", replicas[1].public.clone()),
            ("USHER_HAPROXY_SOCKET", directory.path().join("admin.sock").display().to_string()),
        ];
        let haproxy = || {
            let mut command = Command::new("/usr/sbin/haproxy");
            command.envs(variables.clone());
            command
        };
        let checked = haproxy().args(["-c", "-f", config]).output();
        let checked = checked.expect("haproxy runs (apt-get install haproxy)");
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success() && !said.contains("WARNING"), "{said}");
        let process = haproxy().args(["-db", "-f", config]).stderr(Stdio::null()).spawn();
        Self {
            process: process.expect("it ran a moment ago"),
            url: format!("http://127.0.0.1:{port}"),
            directory,
        }
    }
}

impl Balancer {
    /// Waits until HAProxy counts on both replicas, as whoever restarts one after the other must.
    async fn counts_on_both(&self) {
        let socket = self.directory.path().join("admin.sock");
        eventually("HAProxy counts on both", async || {
            let said = stat(&socket).await.map_err(|error| error.to_string())?;
            let up = said.lines().filter(|line| {
                let fields: Vec<&str> = line.split(',').collect();
                fields.len() > 17 && ["a1", "a2"].contains(&fields[1]) && fields[17] == "UP"
            });
            unless(up.count() == 4, said.clone())
        })
        .await;
    }
}

/// HAProxy's `show stat`: a line of CSV per server.
async fn stat(socket: &std::path::Path) -> std::io::Result<String> {
    let mut stream = tokio::net::UnixStream::connect(socket).await?;
    stream.write_all(b"show stat\n").await?;
    let mut said = String::new();
    stream.read_to_string(&mut said).await?;
    Ok(said)
}

impl Drop for Balancer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// One aggregator, which can be killed and started again where it was.
struct Replica {
    public: String,
    args: Vec<String>,
    program: Program,
}

impl Replica {
    fn start(agents: &[FakeAgent]) -> Self {
        let address = || format!("127.0.0.1:{}", free_port());
        let (public, operator) = (address(), address());
        let targets: Vec<String> = agents.iter().map(FakeAgent::url).collect();
        let args = [
            ["--public-listen", &public],
            ["--operator-listen", &operator],
            ["--discovery-targets", &targets.join(",")],
            ["--scrape-interval", "500ms"],
            ["--scrape-timeout", "500ms"],
            ["--placement-confirm-timeout", "5s"],
            ["--drain", "4s"],
        ];
        let args: Vec<String> = args.iter().flatten().map(|text| (*text).to_owned()).collect();
        let program = launch(&args);
        Self { public, args, program }
    }

    fn again(&mut self) {
        self.program = launch(&self.args);
    }

    async fn ready(&self) {
        let client = client(&ClientOptions::default()).expect("a client");
        eventually("ready", async || {
            let answer = client.get(format!("http://{}/-/ready", self.public)).send().await;
            let answer = answer.map_err(|error| error.to_string())?;
            unless(answer.status().is_success(), answer.status())
        })
        .await;
    }
}

fn launch(args: &[String]) -> Program {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    Program::start("usher-aggregator", &args, &[("USHER_AGGREGATOR_LOG", "info")])
}

fn shots(url: &str) -> Vec<Shot> {
    let join = |room: &str| Shot::get(format!("{url}/join/{room}"));
    let post = |room: &str| Shot::post(format!("{url}/api/v1/rooms"), &format!("{{\"name\":\"{room}\"}}"));
    vec![Shot::get(format!("{url}/")), join("standup"), join("review"), post("standup"), post("review")]
}

async fn both_up() -> (Vec<FakeAgent>, [Replica; 2], Balancer, Load) {
    let agents = vec![FakeAgent::start("vm1", 0.1), FakeAgent::start("vm2", 0.3)];
    let replicas = [Replica::start(&agents), Replica::start(&agents)];
    for replica in &replicas {
        replica.ready().await;
    }
    let balancer = Balancer::start(&replicas);
    let client = client(&ClientOptions::default()).expect("a client");
    eventually("HAProxy answers", async || {
        let answer = client.get(&balancer.url).send().await.map_err(|error| error.to_string())?;
        unless(answer.status().is_success(), answer.status())
    })
    .await;
    balancer.counts_on_both().await;
    let load = Load::begin(shots(&balancer.url));
    load.goes_on(100).await;
    (agents, replicas, balancer, load)
}

fn nobody_missed_out(what: &str, tally: &Tally) {
    println!("{what}: {} requests answered, {} not {:?}", tally.good, tally.bad, tally.why);
    assert!(tally.good > 400 && tally.bad == 0, "{what}: {tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_either_replica_under_load_fails_no_request() {
    let (_agents, mut replicas, balancer, load) = both_up().await;
    for replica in &mut replicas {
        replica.program.signal("KILL");
        load.goes_on(150).await;
        replica.program.ended().await;
        replica.again();
        replica.ready().await;
        balancer.counts_on_both().await;
        load.goes_on(150).await;
    }
    nobody_missed_out("kill -9 of either", &load.end().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarting_one_replica_after_the_other_under_load_fails_no_request() {
    let (_agents, mut replicas, balancer, load) = both_up().await;
    for replica in &mut replicas {
        replica.program.signal("TERM");
        assert!(replica.program.ended().await.success(), "a drain is a good end");
        replica.again();
        replica.ready().await;
        balancer.counts_on_both().await;
        load.goes_on(100).await;
    }
    nobody_missed_out("rolling restart", &load.end().await);
}
