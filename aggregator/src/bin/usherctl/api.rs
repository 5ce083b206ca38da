//! Calls of the operator listener: whole answers, or an error that names the URL and the mend.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use http::StatusCode;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use url::Url;
use usher_common::rt::files::read_tokens;
use usher_common::rt::http_client::{Answer, ClientOptions, call, client};
use usher_common::wire::ProbeFailure;

/// Longer than the aggregator waits for an agent.
const DEADLINE: Duration = Duration::from_secs(15);
/// Largest answer, bytes: decisions of large fleets are long.
const ANSWER_MAX: usize = 256 << 20;

/// The operator listener of one aggregator.
#[derive(Debug)]
pub(crate) struct Api {
    base: Url,
    token: Option<String>,
    client: Client,
}

impl Api {
    /// Reads the token; calls nobody yet.
    pub(crate) fn new(server: &str, token_file: Option<&Path>) -> anyhow::Result<Self> {
        let base = Url::parse(server)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .with_context(|| format!("--server {server:?} is no URL like http://127.0.0.1:7081"))?;
        let tokens =
            token_file.map(|path| read_tokens(path).map_err(|error| anyhow!("--token-file: {error}")));
        let token = tokens.transpose()?.and_then(|tokens| tokens.into_iter().next());
        let client = client(&ClientOptions { idle_per_host: 1, ..ClientOptions::default() })?;
        Ok(Self { base, token, client })
    }

    /// The server's address, for messages.
    pub(crate) fn server(&self) -> &Url {
        &self.base
    }

    /// `GET` of JSON.
    pub(crate) async fn get(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<Value> {
        let text = self.text(path, query).await?;
        serde_json::from_str(&text)
            .with_context(|| format!("the answer of {} is no JSON: is that an aggregator?", self.base))
    }

    /// `GET` of a text.
    pub(crate) async fn text(&self, path: &[&str], query: &[(&str, String)]) -> anyhow::Result<String> {
        let mut url = self.url(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(self.client.get(url.clone()), &url).await
    }

    /// `PUT` of JSON; the answer.
    pub(crate) async fn put(&self, path: &[&str], body: &Value) -> anyhow::Result<Value> {
        let url = self.url(path)?;
        let text = self.send(self.client.put(url.clone()).json(body), &url).await?;
        serde_json::from_str(&text).with_context(|| format!("the answer of {url} is no JSON"))
    }

    fn url(&self, path: &[&str]) -> anyhow::Result<Url> {
        let mut url = self.base.clone();
        let mut segments = url.path_segments_mut().map_err(|()| anyhow!("{} has no path", self.base))?;
        segments.pop_if_empty().extend(path);
        drop(segments);
        Ok(url)
    }

    async fn send(&self, request: RequestBuilder, url: &Url) -> anyhow::Result<String> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = call(request, DEADLINE, ANSWER_MAX).await.map_err(|failure| {
            let mend = match failure.reason {
                ProbeFailure::Refused | ProbeFailure::Dns | ProbeFailure::Timeout => {
                    ": is an aggregator's operator listener there (--server, USHERCTL_SERVER)?"
                }
                _ => "",
            };
            anyhow!("{url} did not answer: {failure}{mend}")
        })?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        if answer.status.is_success() {
            return Ok(text);
        }
        bail!("{url}: {}", self.reason(&answer, &text))
    }

    fn reason(&self, answer: &Answer, text: &str) -> String {
        let given = serde_json::from_str::<Value>(text).ok();
        let given = given.as_ref().and_then(|body| body["reason"].as_str()).map(str::to_owned);
        let reason = given.unwrap_or_else(|| format!("HTTP status {}", answer.status));
        match (answer.status, &self.token) {
            (StatusCode::UNAUTHORIZED, None) => format!("{reason} (--token-file, USHERCTL_TOKEN_FILE)"),
            (StatusCode::UNAUTHORIZED, Some(_)) => format!("{reason} (ours is not taken: --token-file)"),
            _ => reason,
        }
    }
}
