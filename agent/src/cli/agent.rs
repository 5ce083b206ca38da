//! The agent that runs on this node, asked over its own address: what it keeps, and deployments.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use http::StatusCode;
use serde_json::Value;
use usher_common::rt::files::read_tokens;
use usher_common::rt::http_client::{self, Answer, ClientOptions, Failure};
use usher_common::settings::Settings;
use usher_common::wire::ProbeFailure;

/// It answers from memory.
const DEADLINE: Duration = Duration::from_secs(2);
/// An order waits until it is taken; the agent itself gives up sooner.
const ORDER_DEADLINE: Duration = Duration::from_secs(20);
/// A report of a node with a thousand rooms is a tenth of that.
const ANSWER_MAX: usize = 4 * 1024 * 1024;
/// An agent that is being restarted is back within this.
const BACK: Duration = Duration::from_secs(60);
/// From one try to the next.
const PAUSE: Duration = Duration::from_millis(500);

/// Where it is and what opens it.
pub(crate) struct Agent {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

impl Agent {
    pub(crate) fn new(settings: &Settings) -> anyhow::Result<Self> {
        http_client::use_ring();
        let mut address = settings.address("listen").context("listen is not set")?;
        if address.ip().is_unspecified() {
            let loopback: IpAddr =
                if address.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
            address = SocketAddr::new(loopback, address.port());
        }
        let token = match settings.path("auth.token_file") {
            Some(path) => read_tokens(&path)?.into_iter().next(),
            None => None,
        };
        let client = http_client::client(&ClientOptions::default())?;
        Ok(Self { client, base: format!("http://{address}"), token })
    }

    /// Its address.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        http_client::call(self.request(reqwest::Method::GET, path), DEADLINE, ANSWER_MAX).await
    }

    /// Whether an agent runs and keeps the project in `directory`; an error where that cannot be known.
    pub(crate) async fn keeps(&self, directory: &Path) -> anyhow::Result<bool> {
        let answer = match self.get("/v1/stack").await {
            Ok(answer) => answer,
            Err(failure) if failure.reason == ProbeFailure::Refused => return Ok(false),
            Err(failure) => {
                return Err(failure).with_context(|| format!("asking the agent at {}", self.base));
            }
        };
        match answer.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(false),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                bail!(
                    "the agent at {} wants a token: set auth.token_file, or run as one who may read it",
                    self.base
                )
            }
            status => bail!("the agent at {} answers {status}", self.base),
        }
        let overview: Value = serde_json::from_slice(&answer.body)
            .with_context(|| format!("what answers at {} is no agent", self.base))?;
        let theirs = overview["directory"].as_str().map(Path::new);
        Ok(theirs.is_some_and(|theirs| same(theirs, directory)))
    }

    /// Orders a deployment or a way back; its id.
    pub(crate) async fn order(&self, path: &str, body: &Value) -> anyhow::Result<String> {
        let request = self.request(reqwest::Method::POST, path).json(body);
        let answer = http_client::call(request, ORDER_DEADLINE, ANSWER_MAX).await?;
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        if answer.status != StatusCode::ACCEPTED {
            let why = said["error"].as_str().map_or_else(|| answer.status.to_string(), str::to_owned);
            bail!("the agent does not take it: {why}");
        }
        said["id"].as_str().map(str::to_owned).context("the agent took it and gave it no id")
    }

    /// Follows a deployment to its end, which is returned; `told` gets every line. An agent that is restarted
    /// meanwhile goes on with it, and so do we.
    pub(crate) async fn follow(
        &self,
        id: &str,
        told: &(dyn Fn(&str) + Send + Sync),
    ) -> anyhow::Result<Value> {
        let path = format!("/v1/stack/deploy/{id}");
        let mut heard = tokio::time::Instant::now();
        loop {
            match self.listen(&path, told).await {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => heard = tokio::time::Instant::now(),
                Err(error) if heard.elapsed() > BACK => {
                    return Err(error).context("the agent went in the middle of the deployment; it goes on with it when it is started again (see stack history)");
                }
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One connection; `None`: it ended before the deployment did.
    async fn listen(&self, path: &str, told: &(dyn Fn(&str) + Send + Sync)) -> anyhow::Result<Option<Value>> {
        let request = self.request(reqwest::Method::GET, path).header("accept", "text/event-stream");
        let mut response = request.send().await?.error_for_status()?;
        let mut text = Vec::new();
        // A connection that breaks is taken up again.
        while let Ok(Some(chunk)) = response.chunk().await {
            text.extend_from_slice(&chunk);
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                let Some(data) = line.strip_prefix(b"data: ") else { continue };
                let data = String::from_utf8_lossy(data.trim_ascii_end());
                told(&data);
                if let Some(job) = ended(&data) {
                    return Ok(Some(job));
                }
            }
            anyhow::ensure!(text.len() < ANSWER_MAX, "a line without end");
        }
        Ok(None)
    }
}

/// The record of a deployment, if this line tells of its end.
fn ended(line: &str) -> Option<Value> {
    let mut line: Value = serde_json::from_str(line).ok()?;
    (line["deployment"]["finished"] == true).then(|| line["deployment"].take())
}

/// Links lead to the same place.
fn same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(one) == real(other)
}
