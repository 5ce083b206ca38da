//! One read of one agent: a GET, its answer to a report or a closed reason.

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, RequestBuilder};
use url::Url;
use usher_common::rt::http_client::{Answer, ClientOptions, Failure, call, client};
use usher_common::wire::{ProbeFailure, Report};

use crate::target::Target;

/// Reads agents over connections that are kept open.
#[derive(Debug, Clone)]
pub(super) struct Fetcher {
    client: Client,
    timeout: Duration,
    max_bytes: usize,
}

/// A good answer.
#[derive(Debug)]
pub(super) enum Fetched {
    /// A report, and its tag if it has one.
    Report(Box<Report>, Option<String>),
    /// Nothing changed since the report with the tag we showed.
    Unchanged,
}

impl Fetcher {
    /// A reader with its deadline and size cap.
    pub(super) fn new(timeout: Duration, max_bytes: usize) -> Result<Self, Failure> {
        let client = client(&ClientOptions { idle_per_host: 1, ..ClientOptions::default() })?;
        Ok(Self { client, timeout, max_bytes })
    }

    /// Reads an agent's report, unless it still is the one with `tag`.
    pub(super) async fn report(&self, target: &Target, tag: Option<&str>) -> Result<Fetched, Failure> {
        let mut request = self.get(target, target.at("v1/report")).header(header::ACCEPT, "application/json");
        if let Some(tag) = tag {
            request = request.header(header::IF_NONE_MATCH, tag);
        }
        let answer = call(request, self.timeout, self.max_bytes).await?;
        understand(&answer, tag)
    }

    /// Reads an exporter's text.
    pub(super) async fn metrics(&self, target: &Target) -> Result<String, Failure> {
        let request = self.get(target, target.at("metrics")).header(header::ACCEPT, "text/plain");
        let answer = call(request, self.timeout, self.max_bytes).await?;
        expect_ok(answer.status)?;
        let text = String::from_utf8(answer.body.to_vec());
        text.map_err(|_| Failure::new(ProbeFailure::Malformed, "the answer is not UTF-8 text"))
    }

    fn get(&self, target: &Target, url: Url) -> RequestBuilder {
        let request = self.client.get(url);
        match &target.token {
            Some(token) => request.bearer_auth(token.expose()),
            None => request,
        }
    }
}

fn understand(answer: &Answer, tag: Option<&str>) -> Result<Fetched, Failure> {
    if answer.status == StatusCode::NOT_MODIFIED && tag.is_some() {
        return Ok(Fetched::Unchanged);
    }
    expect_ok(answer.status)?;
    let malformed = |error| Failure::new(ProbeFailure::Malformed, format!("no report: {error}"));
    let report: Report = serde_json::from_slice(&answer.body).map_err(malformed)?;
    Ok(Fetched::Report(Box::new(report), etag(&answer.headers)))
}

fn expect_ok(status: StatusCode) -> Result<(), Failure> {
    match status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure::new(
            ProbeFailure::Denied,
            format!(
                "HTTP status {status}: the agent does not take our token (discovery.token_file, token_file)"
            ),
        )),
        _ => Err(Failure::new(ProbeFailure::Status, format!("HTTP status {status}"))),
    }
}

fn etag(headers: &HeaderMap) -> Option<String> {
    headers.get(header::ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer { status, headers: HeaderMap::new(), body: body.to_owned().into(), certificate: None }
    }

    #[test]
    fn a_report_of_a_newer_schema_is_taken_as_long_as_it_reads() {
        let body = r#"{"schema": 99, "node": "a", "public_url": "https://a", "agent_version": "9", "boot_id": "b",
            "seq": 1, "sample_age_ms": 0, "ready": false, "not_ready": ["on_fire"], "new_field": [1]}"#;
        assert!(
            matches!(understand(&answer(200, body), None), Ok(Fetched::Report(report, None)) if report.schema == 99)
        );
    }

    #[test]
    fn every_other_answer_has_its_reason() {
        let reason = |status, body, tag| understand(&answer(status, body), tag).unwrap_err().reason;
        assert_eq!(reason(401, "", None), ProbeFailure::Denied);
        assert_eq!(reason(404, "", None), ProbeFailure::Status);
        assert_eq!(reason(200, "{}", None), ProbeFailure::Malformed);
        assert_eq!(reason(200, "<html>", None), ProbeFailure::Malformed);
        assert_eq!(reason(304, "", None), ProbeFailure::Status, "we did not ask so");
        assert!(matches!(understand(&answer(304, ""), Some("\"t\"")), Ok(Fetched::Unchanged)));
    }
}
