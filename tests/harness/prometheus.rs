//! Debian's Prometheus as a process, with a data directory of its own.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::agent::client;
use crate::eventually::{eventually, unless};
use crate::program::free_port;

/// A running Prometheus. Killed when dropped.
#[derive(Debug)]
pub struct Prometheus {
    process: Child,
    url: String,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    /// One that scrapes each second; a job is its name and the lines that say where.
    #[must_use]
    pub fn scraping(jobs: &[(&str, String)]) -> Self {
        let scrapes: String = jobs
            .iter()
            .map(|(job, rest)| {
                format!("  - job_name: {job}\n    scrape_interval: 1s\n    scrape_timeout: 1s\n{rest}")
            })
            .collect();
        Self::start(&format!("scrape_configs:\n{scrapes}"))
    }

    /// One with a whole configuration.
    ///
    /// # Panics
    /// When Prometheus is not installed.
    #[must_use]
    pub fn start(config: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("prometheus.yml");
        std::fs::write(&file, config).expect("a writable directory");
        let port = free_port();
        let process = Command::new("/usr/bin/prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", directory.path().join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus runs (apt-get install prometheus)");
        Self { process, url: format!("http://127.0.0.1:{port}"), _directory: directory }
    }

    /// The `data` of an answer of its API.
    ///
    /// # Errors
    /// What it said, or why it said nothing.
    pub async fn api(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, String> {
        let request = client().get(format!("{}/api/v1/{path}", self.url)).query(query);
        let answer: Value = request
            .send()
            .await
            .map_err(|error| error.to_string())?
            .json()
            .await
            .map_err(|error| error.to_string())?;
        answer.get("data").cloned().ok_or_else(|| answer.to_string())
    }

    /// The samples of an instant query.
    ///
    /// # Errors
    /// What it said, or why it said nothing.
    pub async fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let data = self.api("query", &[("query", expression)]).await?;
        data["result"].as_array().cloned().ok_or_else(|| data.to_string())
    }

    /// Waits until a query has a sample, and returns its samples.
    ///
    /// # Panics
    /// When it never has.
    pub async fn has(&self, expression: &str) -> Vec<Value> {
        eventually(expression, async || {
            let found = self.query(expression).await?;
            unless(!found.is_empty(), "no sample").map(|()| found)
        })
        .await
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
