//! A real agent as a process, with a state directory of its own.

use std::path::Path;

use tempfile::TempDir;
use usher_common::wire::Report;

use crate::program::Program;

/// A running agent.
#[derive(Debug)]
pub struct Agent {
    /// The process.
    pub program: Program,
    /// Where it listens: `http://127.0.0.1:port`.
    pub url: String,
    state: TempDir,
    args: Vec<String>,
    http: reqwest::Client,
}

impl Agent {
    /// Starts an agent on a free port of loopback, with further `args`.
    #[must_use]
    pub fn start(args: &[&str]) -> Self {
        let state = tempfile::tempdir().expect("a temporary directory");
        Self::start_in(state, args, "127.0.0.1:0", &[])
    }

    /// The same on another address; its `url` is on loopback all the same.
    #[must_use]
    pub fn start_listening(listen: &str, args: &[&str]) -> Self {
        let state = tempfile::tempdir().expect("a temporary directory");
        Self::start_in(state, args, listen, &[])
    }

    fn start_in(state: TempDir, args: &[&str], listen: &str, variables: &[(&str, &str)]) -> Self {
        let state_dir = state.path().to_str().expect("it is UTF-8").to_owned();
        let mut all = vec!["--listen", listen, "--state-dir", &state_dir];
        all.extend(args);
        let mut program = Program::start("usher-agent", &all, variables);
        let line = program.logged(&["address", "public_url"]);
        let address = line["address"].as_str().expect("it is text");
        Self {
            url: format!("http://{}", address.replace("0.0.0.0", "127.0.0.1")),
            program,
            state,
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            http: client(),
        }
    }

    /// Kills it without warning and starts it again on the same port and state.
    #[must_use]
    pub async fn killed_and_restarted(self) -> Self {
        self.program.signal("KILL");
        self.restarted_with(&[]).await
    }

    /// Waits for its end and starts it again on the same port and state, with `variables` in its environment.
    #[must_use]
    pub async fn restarted_with(mut self, variables: &[(&str, &str)]) -> Self {
        self.program.ended().await;
        let listen = self.url.trim_start_matches("http://").to_owned();
        let args: Vec<&str> = self.args.iter().map(String::as_str).collect();
        Self::start_in(self.state, &args, &listen, variables)
    }

    /// Its state directory.
    #[must_use]
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// GET of a path.
    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(format!("{}{path}", self.url)).send().await.expect("the agent answers")
    }

    /// A request to be adorned.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// Its report.
    pub async fn report(&self) -> Report {
        self.get("/v1/report").await.json().await.expect("a report")
    }

    /// Its metrics as text.
    pub async fn metrics(&self) -> String {
        self.get("/metrics").await.text().await.expect("text")
    }
}

/// A client that takes answers as they are sent: no redirects, no decompression.
#[must_use]
pub fn client() -> reqwest::Client {
    usher_common::rt::http_client::use_ring();
    reqwest::Client::builder()
        .no_proxy()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}
