//! The aggregators of a run: real processes of the real program, each with its own settings file.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use usher_common::rt::http_client::{Answer, call};

/// Deadline of the bench's own questions.
const DEADLINE: Duration = Duration::from_secs(5);
/// How long a replica may take until it has read its whole fleet.
const READY: Duration = Duration::from_secs(60);

/// A running aggregator. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Replica {
    child: Child,
    /// Where people ask.
    pub(crate) public: String,
    operator: String,
}

impl Replica {
    /// Starts the program beside this one with these settings; what it says goes to `log`.
    pub(crate) fn start(settings: &str, file: &Path, ports: (u16, u16)) -> anyhow::Result<Self> {
        std::fs::write(file, settings)?;
        let program = program()?;
        let log = std::fs::File::create(file.with_extension("log"))?;
        let mut command = Command::new(&program);
        command.arg("--config").arg(file).args(["--log", "warn"]).env_clear();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", program.display()))?;
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        Ok(Self { child, public: url(ports.0), operator: url(ports.1) })
    }

    /// Waits until it has read every agent once.
    pub(crate) async fn ready(&mut self, client: &reqwest::Client) -> anyhow::Result<()> {
        let since = std::time::Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("an aggregator ended with {status}: see its log");
            }
            let answer = call(client.get(format!("{}/-/ready", self.public)), DEADLINE, 1 << 20).await;
            match answer {
                Ok(Answer { status, .. }) if status == 200 => return Ok(()),
                _ if since.elapsed() > READY => bail!("an aggregator was not ready after {READY:?}"),
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// The sum of the samples of its own metrics that begin so.
    pub(crate) async fn metric(&self, client: &reqwest::Client, start: &str) -> anyhow::Result<f64> {
        let answer = call(client.get(format!("{}/metrics", self.operator)), DEADLINE, 64 << 20).await?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let values = text.lines().filter(|line| line.starts_with(start));
        Ok(values.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
    }

    /// CPU it has used so far, s.
    pub(crate) fn cpu_s(&self) -> anyhow::Result<f64> {
        cpu_of(&self.child.id().to_string())
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // Both fail only for a process that is gone.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// CPU a process has used so far, s; `self` for this one.
pub(crate) fn cpu_of(process: &str) -> anyhow::Result<f64> {
    const TICKS_PER_S: f64 = 100.0;
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after_name = text.rsplit_once(')').context("stat has a name in parentheses")?.1;
    let field = |at: usize| after_name.split_whitespace().nth(at).and_then(|word| word.parse::<f64>().ok());
    let (user, system) = field(11).zip(field(12)).context("stat has times")?;
    Ok((user + system) / TICKS_PER_S)
}

fn program() -> anyhow::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name("usher-aggregator");
    if !path.is_file() {
        bail!(
            "{} is not there: run `cargo build --release -p usher-aggregator` (make bench-placement does)",
            path.display()
        );
    }
    Ok(path)
}
