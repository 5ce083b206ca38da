//! A program under measurement: started on a port of its own, ended with the value.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use usher_tests::jitsi_double::{Room, World};
use usher_tests::program::free_port;
use usher_tests::stack::Stack;

use super::pause;

/// The unit that the agent is installed with.
const UNIT: &str = include_str!("../../../systemd/usher-agent.service");

/// Where the engine of this machine listens.
const ENGINE: &str = "/var/run/docker.sock";

/// Why there are no containers.
pub(crate) const NO_ENGINE: &str = "no Docker engine answers at /var/run/docker.sock";

/// How long a program may take until it listens.
const START: Duration = Duration::from_secs(20);

/// The running program.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Where it listens on loopback.
    pub(crate) port: u16,
    process: Child,
    /// CPU time of each thread there ever was, nanoseconds. (The sums of `/proc/<pid>/stat`
    /// come in ticks of 10 ms, too coarse for a minute of a program that does little.)
    threads: BTreeMap<String, u64>,
    state: TempDir,
}

/// Memory of a program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Resident now.
    pub(crate) rss_mib: f64,
    /// The most that ever was resident.
    pub(crate) peak_mib: f64,
}

impl Subject {
    /// The agent with further flags, in its unit's environment; without an engine.
    pub(crate) fn agent(path: &Path, flags: &[&str]) -> Result<Self> {
        let state = tempfile::tempdir()?;
        let port = free_port();
        let mut command = Command::new(path);
        command.arg(format!("--listen=127.0.0.1:{port}")).arg("--state-dir").arg(state.path());
        if !flags.contains(&"--engine-socket") {
            command.args(["--engine-socket", "/nonexistent/docker.sock"]);
        }
        command.args(["--log", "error"]).args(flags);
        command.env_clear().envs(unit_environment());
        Self::start(command, port, state)
    }

    /// The agent in its unit's environment, beside a compose project.
    pub(crate) fn beside(path: &Path, stack: &Containers) -> Result<Self> {
        let flags = ["--engine-socket", ENGINE, "--stack-project", stack.project.as_str()];
        Self::agent(path, &flags)
    }

    /// Debian's node_exporter with its own defaults.
    pub(crate) fn node_exporter() -> Result<Self> {
        let port = free_port();
        let mut command = Command::new("/usr/bin/prometheus-node-exporter");
        command.env_clear().arg(format!("--web.listen-address=127.0.0.1:{port}"));
        Self::start(command, port, tempfile::tempdir()?)
    }

    fn start(mut command: Command, port: u16, state: TempDir) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().with_context(|| {
            format!("cannot start {command:?} (apt-get install prometheus-node-exporter; make bench-agent)")
        })?;
        let subject = Self { port, process, threads: BTreeMap::new(), state };
        let deadline = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(Instant::now() < deadline, "{command:?} does not listen");
            pause(Duration::from_millis(20));
        }
        Ok(subject)
    }

    /// CPU time since it started, all threads, also those that ended since the last call.
    pub(crate) fn cpu(&mut self) -> Result<Duration> {
        let tasks = format!("/proc/{}/task", self.process.id());
        for task in std::fs::read_dir(&tasks).with_context(|| tasks.clone())? {
            let task = task?;
            // A thread may end between the listing and the reading.
            let Ok(text) = std::fs::read_to_string(task.path().join("schedstat")) else { continue };
            let spent = text.split(' ').next().and_then(|word| word.parse().ok());
            let spent = spent.with_context(|| format!("{}: {text:?}", task.path().display()))?;
            self.threads.insert(task.file_name().to_string_lossy().into_owned(), spent);
        }
        Ok(Duration::from_nanos(self.threads.values().sum()))
    }

    /// Its memory.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let mib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            kib.map(|kib| kib / 1024.0).with_context(|| format!("no {name} in the status"))
        };
        Ok(Memory { rss_mib: mib("VmRSS:")?, peak_mib: mib("VmHWM:")? })
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // Both fail only for a process that is gone.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Four stand-in containers of a compose project, removed with the value.
pub(crate) struct Containers {
    project: String,
    // Declared before the runtime: it ends while that is there.
    _stack: Stack,
    _runtime: tokio::runtime::Runtime,
}

/// The containers; `None` where no engine runs.
pub(crate) fn stand_in_containers() -> Result<Option<Containers>> {
    if std::os::unix::net::UnixStream::connect(ENGINE).is_err() {
        return Ok(None);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let project = format!("usher-bench-{}", std::process::id());
    let stack = runtime.block_on(Stack::start(&project))?;
    Ok(Some(Containers { project, _stack: stack, _runtime: runtime }))
}

/// The stand-in for Jitsi's services with 50 rooms, and the agent's flags that lead to it.
pub(crate) fn stand_in_jitsi() -> Result<(Subject, Vec<String>)> {
    let room = |n: u64| Room {
        address: format!("room{n}@muc.meet.jitsi"),
        people: 7,
        created_unix_ms: 1_790_000_000_000 + n,
        leaked: false,
    };
    let rooms = (0..50).map(room).collect();
    let world = World { rooms, census: true, jicofo_rest: true, ..World::default() };
    let state = tempfile::tempdir()?;
    let services = [("jvb", free_port()), ("jicofo", free_port()), ("prosody", free_port())];
    let mut command = Command::new(std::env::current_exe()?.with_file_name("jitsi-double"));
    command.env_clear().arg(format!("--world={}", serde_json::to_string(&world)?));
    command.args(services.map(|(name, port)| format!("--{name}=127.0.0.1:{port}")));
    let double = Subject::start(command, services[2].1, state)?;
    let mut flags: Vec<String> =
        services.iter().map(|(name, port)| format!("--jitsi-{name}-url=http://127.0.0.1:{port}")).collect();
    let secret = double.state.path().join("secret");
    std::fs::write(&secret, "0123456789abcdef0123456789abcdef")?;
    flags.push(format!("--rooms-secret-file={}", secret.display()));
    Ok((double, flags))
}

/// What the unit's `Environment=` lines set.
fn unit_environment() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = UNIT.lines().filter_map(|line| line.strip_prefix("Environment="));
    lines.flat_map(str::split_whitespace).filter_map(|assignment| assignment.split_once('='))
}
