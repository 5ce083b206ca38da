//! Running a program in a container that runs.

use std::time::Duration;

use bollard::exec::StartExecResults;
use bollard::models::ExecConfig;
use futures_util::StreamExt as _;
use usher_common::wire::ProbeFailure;

use super::{Engine, EngineFailure};

/// What a program in a container came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed {
    /// Its exit code; `None`: the engine does not say.
    pub exit_code: Option<i64>,
    /// What it said, cut.
    pub output: String,
}

/// Of what a program says so much is kept, bytes.
const OUTPUT_MAX: usize = 4 << 10;

impl Engine {
    /// Runs `command` in a container and waits for its end, `within` a time.
    pub async fn execute(
        &self,
        container: &str,
        command: &[&str],
        within: Duration,
    ) -> Result<Executed, EngineFailure> {
        let late = |_| {
            EngineFailure::new(ProbeFailure::Timeout, format!("{command:?} did not end within {within:?}"))
        };
        tokio::time::timeout(within, self.execute_unhurried(container, command)).await.map_err(late)?
    }

    async fn execute_unhurried(&self, container: &str, command: &[&str]) -> Result<Executed, EngineFailure> {
        let config = ExecConfig {
            cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let made = self.docker.create_exec(container, config).await?;
        let mut text = String::new();
        if let StartExecResults::Attached { mut output, .. } = self.docker.start_exec(&made.id, None).await? {
            while let Some(piece) = output.next().await {
                let piece = piece?.to_string();
                let room = OUTPUT_MAX.saturating_sub(text.len());
                text.extend(piece.chars().take(room));
            }
        }
        let ended = self.docker.inspect_exec(&made.id).await?;
        Ok(Executed { exit_code: ended.exit_code, output: text.trim().to_owned() })
    }
}
