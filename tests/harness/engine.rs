//! A Docker engine of a test's own, beside the machine's: to be restarted, killed, or given a small disk.
//!
//! It lives in a network and mount namespace of its own, so that neither its bridges nor its containerd meet those of
//! the machine. Its socket and its folder are seen from outside; what its containers publish is not.
//!
//! ```text
//! unshare (net, mount) ── holder ◄─ nsenter ── dockerd ── containers
//!                            ▲
//!                            └──── nsenter ── docker-registry, with a test registry's images on the same address
//! ```

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::eventually::{eventually, unless};
use crate::registry::Registry;

/// Prepares the namespaces, says so, and stays. With `/run/containerd` out of sight, dockerd starts its own.
const HOLD: &str = "ip link set lo up && mkdir -p /run/containerd && mount -t tmpfs tmpfs /run/containerd && \
                    echo ready && exec sleep infinity";

/// What kind of engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kind {
    /// Containers outlive it.
    pub live_restore: bool,
    /// Size of its disk, MiB; `None`: that of the machine's temporary folder.
    pub disk_mib: Option<u32>,
}

/// The engine. Gone with the value, and its containers with it.
#[derive(Debug)]
pub struct OwnEngine {
    kind: Kind,
    holder: Child,
    registry: Option<Child>,
    dockerd: Option<Child>,
    folder: tempfile::TempDir,
}

impl OwnEngine {
    /// Starts an engine that can pull from `registry`.
    pub async fn start(kind: Kind, registry: &Registry) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        for name in ["data", "exec"] {
            std::fs::create_dir(folder.path().join(name))?;
        }
        if let Some(size) = kind.disk_mib {
            let data = folder.path().join("data").display().to_string();
            run(Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}m"), "usher", &data]))?;
        }
        let mut holder = Command::new("unshare")
            .args(["--net", "--mount", "--propagation", "private", "sh", "-c", HOLD])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("unshare")?;
        let mut said = String::new();
        let out = holder.stdout.take().context("it is piped")?;
        BufReader::new(out).read_line(&mut said)?;
        let mut engine = Self { kind, holder, registry: None, dockerd: None, folder };
        ensure!(said.trim() == "ready", "no namespaces of our own: these tests run as root");
        engine.registry =
            Some(engine.inside(crate::registry::PROGRAM).args(["serve", &registry.settings()]).spawn()?);
        engine.start_again().await?;
        Ok(engine)
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// The same as `DOCKER_HOST` has it.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Starts it on what the last one left.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        self.spawn()?;
        eventually("the engine answers", async || {
            let fine = self.docker(&["version"]).is_ok_and(|output| output.status.success());
            unless(fine, std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default())
        })
        .await;
        Ok(())
    }

    fn spawn(&mut self) -> anyhow::Result<()> {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let log = std::fs::File::create(path("log"))?;
        let mut command = self.inside("dockerd");
        command.args(["--data-root", &path("data"), "--exec-root", &path("exec"), "--pidfile", &path("pid")]);
        command.args(["--host", &self.host(), "--bridge=none", "--iptables=false"]);
        command.args(self.kind.live_restore.then_some("--live-restore")).stderr(log);
        self.dockerd = Some(command.spawn().context("dockerd")?);
        Ok(())
    }

    /// Ends it as `systemctl stop` would, and waits for its end.
    pub async fn stop(&mut self) {
        self.end("TERM").await;
    }

    /// Ends it as the kernel would, and its containerd with it.
    pub async fn kill(&mut self) {
        self.end("KILL").await;
        // Where nobody buries the orphan, the next engine would wait for it.
        let pid = self.folder.path().join("exec/containerd/containerd.pid");
        drop(std::fs::remove_file(pid));
    }

    async fn end(&mut self, signal: &str) {
        let Some(mut dockerd) = self.dockerd.take() else { return };
        let pid = dockerd.id().to_string();
        drop(Command::new("kill").args(["-s", signal, &pid]).output());
        eventually("the engine's end", async || {
            dockerd.try_wait().expect("it is ours").map(drop).ok_or("it still runs")
        })
        .await;
    }

    /// A program in its namespaces; nsenter becomes the program.
    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.holder.id().to_string(), "--net", "--mount", program]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn docker(&self, args: &[&str]) -> std::io::Result<std::process::Output> {
        Command::new("docker").args(["--host", &self.host()]).args(args).output()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for OwnEngine {
    fn drop(&mut self) {
        // Whatever fails here is gone already.
        if self.dockerd.is_none() && self.spawn().is_ok() {
            // A test that failed left its containers without an engine that could remove them.
            let answers = || self.docker(&["version"]).is_ok_and(|output| output.status.success());
            (0..100).take_while(|_| !answers()).for_each(|_| breathe());
        }
        if let Ok(listed) = self.docker(&["ps", "-aq"]) {
            for id in String::from_utf8_lossy(&listed.stdout).lines() {
                drop(self.docker(&["rm", "--force", id]));
            }
        }
        if let Some(mut dockerd) = self.dockerd.take() {
            drop(Command::new("kill").arg(dockerd.id().to_string()).output());
            drop(dockerd.wait());
        }
        for child in self.registry.iter_mut().chain([&mut self.holder]) {
            drop(child.kill());
            drop(child.wait());
        }
        if self.kind.disk_mib.is_some() {
            drop(Command::new("umount").arg(self.data()).output());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "nothing can be awaited while a value is dropped")]
fn breathe() {
    std::thread::sleep(std::time::Duration::from_millis(100));
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}
