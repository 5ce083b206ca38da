//! A steady load of requests, each over a connection of its own, and what became of them.
//! Fails at nothing: the test judges the tally.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use http::Method;
use tokio::task::JoinSet;
use usher_common::rt::http_client::{ClientOptions, call, client};

/// A deadline that no healthy answer needs, and a restart must not either.
const DEADLINE: Duration = Duration::from_secs(15);
/// Refusals kept word for word.
const KEPT: usize = 10;

/// Loops of requests under way.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    loops: JoinSet<Tally>,
}

/// What became of the requests.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Answered with a success.
    pub good: u64,
    /// Not answered, or otherwise.
    pub bad: u64,
    /// The first of those, in words.
    pub why: Vec<String>,
}

/// A request that is sent again and again.
#[derive(Debug, Clone)]
pub struct Shot {
    /// How.
    pub method: Method,
    /// Where.
    pub url: String,
    /// The body, JSON.
    pub body: Option<String>,
}

impl Shot {
    /// A `GET`.
    pub fn get(url: impl Into<String>) -> Self {
        Self { method: Method::GET, url: url.into(), body: None }
    }

    /// A `POST` of JSON.
    pub fn post(url: impl Into<String>, body: &str) -> Self {
        Self { method: Method::POST, url: url.into(), body: Some(body.to_owned()) }
    }
}

impl Load {
    /// Begins; one loop per shot.
    #[must_use]
    pub fn begin(shots: Vec<Shot>) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut loops = JoinSet::new();
        for shot in shots {
            loops.spawn(fire(shot, Arc::clone(&stop), Arc::clone(&answered)));
        }
        Self { stop, answered, loops }
    }

    /// Waits until `more` further requests got their answers.
    pub async fn goes_on(&self, more: u64) {
        let from = self.answered.load(Ordering::Relaxed);
        crate::eventually::eventually("the load goes on", async || {
            let done = self.answered.load(Ordering::Relaxed) - from;
            crate::eventually::unless(done >= more, format!("{done} of {more}"))
        })
        .await;
    }

    /// Ends the loops and adds up.
    ///
    /// # Panics
    /// When a loop panicked.
    pub async fn end(mut self) -> Tally {
        self.stop.store(true, Ordering::Relaxed);
        let mut sum = Tally::default();
        while let Some(tally) = self.loops.join_next().await {
            let tally = tally.expect("a loop does not panic");
            sum.good += tally.good;
            sum.bad += tally.bad;
            sum.why.extend(tally.why);
        }
        sum.why.truncate(KEPT);
        sum
    }
}

async fn fire(shot: Shot, stop: Arc<AtomicBool>, answered: Arc<AtomicU64>) -> Tally {
    let client = client(&ClientOptions::default()).expect("a client");
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let mut request = client.request(shot.method.clone(), &shot.url).header("connection", "close");
        if let Some(body) = &shot.body {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        match call(request, DEADLINE, 1 << 20).await {
            Ok(answer) if answer.status.is_success() || answer.status.is_redirection() => tally.good += 1,
            refused => {
                tally.bad += 1;
                if tally.why.len() < KEPT {
                    let answer = refused
                        .map(|answer| format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)));
                    tally.why.push(answer.unwrap_or_else(|failure| failure.to_string()));
                }
            }
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
    tally
}
