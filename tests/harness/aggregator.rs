//! The real aggregator, in process, on free ports.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use usher_aggregator::config::{Config, SCHEMA};
use usher_aggregator::{Listeners, RunError, run};
use usher_common::rt::http_client::{ClientOptions, call, client};
use usher_common::rt::http_server::bind;
use usher_common::settings::{Sources, resolve};

use crate::eventually::eventually;
use crate::fake_agent::FakeAgent;

/// A running aggregator. Dropped, it ends.
#[derive(Debug)]
pub struct Aggregator {
    public: String,
    operator: String,
    stop: CancellationToken,
    running: JoinSet<Result<(), RunError>>,
    client: reqwest::Client,
}

/// A whole answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

/// Settings for tests on a busy machine: quick rounds, patient deadlines, and no slow start, so that a
/// node that is back is the best at once. Ends in `[scrape]`.
pub const QUICK: &str = "[placement]\nslow_start = \"0s\"\nconfirm_timeout = \"4s\"\nconfirm_total = \"4s\"\n[scrape]\ninterval = \"200ms\"\ntimeout = \"200ms\"\nretry_max = \"400ms\"\n";

impl Aggregator {
    /// Starts one with the settings of a TOML text.
    ///
    /// # Panics
    /// If the settings are wrong.
    pub fn start(toml: &str) -> Self {
        Self::start_on(free(), toml)
    }

    /// The same with a public listener that is bound already, so that others may know of it before.
    ///
    /// # Panics
    /// If the settings are wrong.
    pub fn start_on(public: TcpListener, toml: &str) -> Self {
        let sources = Sources::default().with_file(Path::new("test.toml"), toml);
        let settings = resolve(&SCHEMA, &sources).unwrap_or_else(|complaints| panic!("{complaints}"));
        let config = Config::build(&settings).unwrap_or_else(|complaints| panic!("{complaints}"));
        let listeners = Listeners { public, operator: free() };
        let (public, operator) = (url(&listeners.public), url(&listeners.operator));
        let stop = CancellationToken::new();
        let mut running = JoinSet::new();
        running.spawn(run(config, listeners, stop.clone()));
        let client =
            client(&ClientOptions { idle_per_host: 8, ..ClientOptions::default() }).expect("a client");
        Self { public, operator, stop, running, client }
    }

    /// Starts one that reads these agents, with `more` settings, and waits until it is ready.
    pub async fn over(agents: &[FakeAgent], more: &str) -> Self {
        let urls: Vec<String> = agents.iter().map(|agent| format!("{:?}", agent.url())).collect();
        let aggregator = Self::start(&format!("{more}\n[discovery]\ntargets = [{}]\n", urls.join(", ")));
        aggregator.ready().await;
        aggregator
    }

    /// Starts several that read these agents, each with settings of its own (by its number and the
    /// public addresses of all), and waits until they are ready.
    pub async fn replicas(
        agents: &[FakeAgent],
        count: usize,
        more: impl Fn(usize, &[String]) -> String,
    ) -> Vec<Self> {
        let listeners: Vec<TcpListener> = (0..count).map(|_| free()).collect();
        let urls: Vec<String> = listeners.iter().map(url).collect();
        let targets: Vec<String> = agents.iter().map(|agent| format!("{:?}", agent.url())).collect();
        let toml =
            |number| format!("{}\n[discovery]\ntargets = [{}]\n", more(number, &urls), targets.join(", "));
        let numbered = listeners.into_iter().enumerate();
        let replicas: Vec<Self> =
            numbered.map(|(number, public)| Self::start_on(public, &toml(number))).collect();
        for replica in &replicas {
            replica.ready().await;
        }
        replicas
    }

    /// Where operators are answered.
    #[must_use]
    pub fn operator_url(&self) -> &str {
        &self.operator
    }

    /// Waits for `/-/ready`.
    pub async fn ready(&self) {
        eventually("ready", async || {
            let answer = self.get("/-/ready").await;
            if answer.status == 200 { Ok(()) } else { Err(answer.text) }
        })
        .await;
    }

    /// `GET` of the public listener.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.public(Method::GET, path)).await
    }

    /// `GET` of the operator listener.
    pub async fn operator_get(&self, path: &str) -> Answer {
        self.send(self.operator(Method::GET, path)).await
    }

    /// `POST /api/v1/rooms` with a body.
    pub async fn post_room(&self, body: impl Into<String>) -> Answer {
        self.send(self.public(Method::POST, "/api/v1/rooms").body(body.into())).await
    }

    /// A request to the public listener, for [`Self::send`].
    pub fn public(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.public))
    }

    /// A request to the operator listener, for [`Self::send`].
    pub fn operator(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.operator))
    }

    /// Sends a request.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let answer = call(request, Duration::from_secs(20), 64 << 20).await.expect("the aggregator answers");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        Answer { status: answer.status, headers: answer.headers, text }
    }

    /// The name of the best server; `None` for 503.
    ///
    /// # Panics
    /// At any other answer.
    pub async fn best(&self) -> Option<String> {
        let answer = self.get("/api/v1/server").await;
        match answer.status.as_u16() {
            200 => Some(answer.json()["server"].as_str().expect("a name").to_owned()),
            503 => None,
            other => panic!("{other}: {}", answer.text),
        }
    }

    /// Where `/join` leads.
    ///
    /// # Panics
    /// If it does not redirect.
    pub async fn join(&self, room: &str) -> String {
        let answer = self.get(&format!("/join/{room}")).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.header("location").to_owned()
    }

    /// What operators see of a node; `Null` while it is unknown.
    pub async fn node(&self, name: &str) -> Value {
        let answer = self.operator_get(&format!("/api/v1/fleet/{name}")).await;
        if answer.status == 200 { answer.json() } else { Value::Null }
    }

    /// Waits until operators see a node so.
    pub async fn node_is(&self, name: &str, what: &str, holds: impl Fn(&Value) -> bool) {
        eventually(&format!("{name} {what}"), async || {
            let node = self.node(name).await;
            if holds(&node) { Ok(()) } else { Err(node.to_string()) }
        })
        .await;
    }

    /// The value of a metric's sample, as `name` or `name{labels}` stands in the text.
    pub async fn metric(&self, sample: &str) -> Option<f64> {
        let text = self.operator_get("/metrics").await.text;
        let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
        line.parse().ok()
    }

    /// Tells it to stop; it goes on answering for its drain.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// If it ended with an error.
    pub async fn ended(mut self) {
        while let Some(ended) = self.running.join_next().await {
            ended.expect("no panic").expect("a good end");
        }
    }
}

fn free() -> TcpListener {
    bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port")
}

fn url(listener: &TcpListener) -> String {
    format!("http://{}", listener.local_addr().expect("bound"))
}
