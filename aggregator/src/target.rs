//! Whom to ask: one agent's address, and what the operator says about it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use url::Url;

/// Port of an agent that is named without one.
const AGENT_PORT: u16 = 9100;

/// What identifies a target: its normalised URL.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId(Arc<str>);

impl Serialize for TargetId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl TargetId {
    /// The URL as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A bearer token to show; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

impl Token {
    /// A token.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The secret itself, for the one header it goes into.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

/// What answers at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// An usher-agent: `/v1/report`.
    #[default]
    Agent,
    /// A plain node_exporter: the processors' load from `/metrics`, nothing else.
    NodeExporter,
}

impl TargetKind {
    /// The words of the settings, in the order of the variants.
    pub const WORDS: &'static [&'static str] = &["agent", "node_exporter"];

    /// Reads a word of the settings.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "agent" => Some(Self::Agent),
            "node_exporter" => Some(Self::NodeExporter),
            _ => None,
        }
    }
}

/// One address to scrape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// See [`TargetId`].
    pub id: TargetId,
    /// Where it answers; ends in `/`.
    pub url: Url,
    /// What to show it; `None` for an agent that asks for nothing (loopback).
    pub token: Option<Token>,
    /// Region for nodes whose report names none.
    pub region: Option<String>,
    /// Labels added to those of the report; the report's win.
    pub labels: BTreeMap<String, String>,
    /// What answers there.
    pub kind: TargetKind,
    /// For [`TargetKind::NodeExporter`], who cannot say it: where people are sent, with
    /// `{host}` for the target's host.
    pub public_url: String,
}

/// Where people are sent when an exporter's settings say nothing.
pub const PUBLIC_URL_TEMPLATE: &str = "https://{host}";

/// Why a text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no target: {why}; write for example http://vm1.example.org:9100")]
pub struct BadTarget {
    text: String,
    why: String,
}

impl Target {
    /// An agent at `text`: a URL, or a host with or without port (then `http`, port 9100).
    pub fn parse(text: &str) -> Result<Self, BadTarget> {
        let bad = |why: &str| BadTarget { text: text.chars().take(200).collect(), why: why.to_owned() };
        let bare = !text.contains("://");
        let full = if bare { format!("http://{text}") } else { text.to_owned() };
        let mut url = Url::parse(full.trim()).map_err(|error| bad(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad("the scheme must be http or https"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(bad("it has no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad("it must not hold credentials: use token_file"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(bad("it must not have a query or a fragment"));
        }
        // `host:80` written out means port 80, although the parser drops the scheme's default.
        if bare && url.port().is_none() && !text.trim_end_matches('/').ends_with(":80") {
            url.set_port(Some(AGENT_PORT)).map_err(|()| bad("it cannot have a port"))?;
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self {
            id: TargetId(url.as_str().into()),
            url,
            token: None,
            region: None,
            labels: BTreeMap::new(),
            kind: TargetKind::Agent,
            public_url: PUBLIC_URL_TEMPLATE.to_owned(),
        })
    }

    /// `host:port`, as Prometheus writes it.
    #[must_use]
    pub fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        format!("{host}:{}", self.url.port_or_known_default().unwrap_or(AGENT_PORT))
    }

    /// The URL of a path below the target; `path` has no leading slash.
    #[must_use]
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        url.set_path(&format!("{}{path}", self.url.path()));
        url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_urls_and_ports_are_understood() {
        let id = |text: &str| Target::parse(text).unwrap().id.to_string();
        assert_eq!(id("vm1"), "http://vm1:9100/");
        assert_eq!(id("vm1:9200"), "http://vm1:9200/");
        assert_eq!(id("vm1:80"), "http://vm1/");
        assert_eq!(id("http://VM1:9100"), "http://vm1:9100/");
        assert_eq!(id("https://vm1/agent"), "https://vm1/agent/");
        assert_eq!(id("[::1]:9100"), "http://[::1]:9100/");
        let target = Target::parse("https://vm1/agent").unwrap();
        assert_eq!(target.authority(), "vm1:443");
        assert_eq!(target.at("v1/report").as_str(), "https://vm1/agent/v1/report");
    }

    #[test]
    fn what_is_no_target_is_named_with_a_mend() {
        for bad in ["", "ftp://vm1", "http://", "http://u:p@vm1", "http://vm1/?x", "vm1:99999", "http://a b"]
        {
            let error = Target::parse(bad).expect_err(bad).to_string();
            assert!(error.contains("write for example"), "{error}");
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let mut target = Target::parse("vm1").unwrap();
        target.token = Some(Token::new("0123456789abcdef"));
        assert!(!format!("{target:?}").contains("0123"));
    }
}
