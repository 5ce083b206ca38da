//! Asks the services, each probe in a loop of its own, and publishes what they say.
//!
//! ```text
//! targets (watch) ──► one loop a row: GET, deadline, cap ──► read (pure) ──► readings (watch)
//! ```
//!
//! A service that hangs, drips or floods costs its own probe's reading and nothing else: every
//! attempt ends within the deadline and holds at most the cap. What an answer means is decided
//! in the rows' functions, when to ask again in [`pace`](super::pace).

mod file;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use tokio::sync::watch;
use tokio::time::Instant;
use usher_common::rt::http_client::{self, ClientOptions, Failure};
use usher_common::rt::process::unix_now_ms;
use usher_common::rt::tasks::Tasks;
use usher_common::wire::ProbeFailure;

use super::pace::{Ended, Paces, judge};
use super::reading::{Answered, Failed, Outcome, Reading, ServiceProbe, ServiceReadings};
use super::rows::{Pace, ROWS, Row, Verb};
use super::targets::{Secret, ServiceTargets, Target};

/// How the services are asked.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Longest time for one attempt, from connecting to the last byte.
    pub deadline: Duration,
    /// Largest answer, bytes after decompression.
    pub cap: usize,
    /// The waits between attempts.
    pub paces: Paces,
}

impl Default for Options {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(2), cap: 1 << 20, paces: Paces::default() }
    }
}

/// Starts all probes. They follow `targets` as it changes: a service that appears, moves or
/// restarts is asked at once. Fails only when no HTTP client can be made.
pub fn spawn(
    tasks: &mut Tasks,
    targets: &watch::Receiver<ServiceTargets>,
    options: Options,
) -> Result<watch::Receiver<Arc<ServiceReadings>>, Failure> {
    let client = |idle_per_host| {
        let options =
            ClientOptions { accept_any_certificate: true, idle_per_host, ..ClientOptions::default() };
        http_client::client(&options)
    };
    let clients = Clients { kept: client(IDLE_PER_SERVICE)?, anew: client(0)? };
    let started = Instant::now();
    let (publish, readings) = watch::channel(Arc::new(ServiceReadings::default()));
    let publish = Arc::new(publish);
    for row in ROWS {
        let asker = Asker { clients: clients.clone(), options, started, publish: publish.clone() };
        tasks.spawn(format!("probe {}", row.probe), asker.follow(Job::Http(row), targets.clone()));
    }
    let asker = Asker { clients, options, started, publish };
    tasks.spawn("probe certificate_file", asker.follow(Job::File, targets.clone()));
    Ok(readings)
}

/// No service has more live probes than this; its other ones make a connection when they must.
const IDLE_PER_SERVICE: usize = 3;

/// Who makes the calls.
#[derive(Debug, Clone)]
struct Clients {
    /// Keeps connections from one attempt to the next.
    kept: Client,
    /// Keeps none.
    anew: Client,
}

/// What one loop does.
#[derive(Debug, Clone, Copy)]
enum Job {
    Http(&'static Row),
    File,
}

/// What one loop looks at; it starts anew when this changes.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Aim {
    Http(&'static Row, Target, Option<Secret>),
    File(PathBuf),
}

impl Job {
    const fn probe(self) -> ServiceProbe {
        match self {
            Self::Http(row) => row.probe,
            Self::File => ServiceProbe::CertificateFile,
        }
    }

    const fn pace(self) -> Pace {
        match self {
            Self::Http(row) => row.pace,
            Self::File => Pace::Slow,
        }
    }

    fn aim(self, targets: &ServiceTargets) -> Option<Aim> {
        match self {
            Self::Http(row) => {
                Some(Aim::Http(row, targets.of(row.service)?.clone(), targets.room_secret.clone()))
            }
            Self::File => Some(Aim::File(targets.certificate_file.clone()?)),
        }
    }
}

/// What every loop holds.
struct Asker {
    clients: Clients,
    options: Options,
    /// When all probes started: what their common beat is counted from.
    started: Instant,
    publish: Arc<watch::Sender<Arc<ServiceReadings>>>,
}

impl Asker {
    async fn follow(self, job: Job, mut targets: watch::Receiver<ServiceTargets>) {
        loop {
            let aim = job.aim(&targets.borrow_and_update());
            let moved = moved(job, aim.as_ref(), &mut targets);
            match &aim {
                Some(aim) => {
                    self.begin(job.probe());
                    tokio::select! {
                        () = moved => {}
                        () = self.repeat(job, aim) => {}
                    }
                }
                None => {
                    self.retire(job.probe());
                    moved.await;
                }
            }
        }
    }

    /// Attempts for ever.
    async fn repeat(&self, job: Job, aim: &Aim) {
        let mut failures = 0;
        let mut answered = false;
        let mut reader = file::Reader::default();
        let aimed = Instant::now();
        loop {
            if !self.is_due(job) {
                self.retire(job.probe());
                tokio::time::sleep(self.options.paces.live).await;
                continue;
            }
            let began = Instant::now();
            let mut result = match aim {
                Aim::Http(row, target, secret) => self.ask(row, target, secret.as_ref()).await,
                Aim::File(path) => reader.read(path, self.options.deadline, self.options.cap as u64).await,
            };
            answered |= reason(&result).is_none_or(has_answered);
            if let (Err(failed), Aim::Http(Row { may_be_off: true, .. }, target, _)) = (&mut result, aim) {
                failed.reason = judge(failed.reason, target.running, answered);
            }
            let reason = reason(&result);
            failures = if reason.is_some() { failures + 1 } else { 0 };
            self.put(job.probe(), result, began.elapsed());
            let paces = &self.options.paces;
            let wait =
                paces.wait(job.pace(), Ended { reason, failures, age: aimed.elapsed() }, rand::random());
            // Spread waits stay spread.
            let wait = if reason.is_none() { paces.in_step(self.started.elapsed(), wait) } else { wait };
            tokio::time::sleep(wait).await;
        }
    }

    /// A stand-in is due only while its primary answers without giving a reading.
    fn is_due(&self, job: Job) -> bool {
        let Job::Http(Row { stands_in_for: Some(primary), .. }) = job else { return true };
        let readings = self.publish.borrow();
        readings.failure(*primary).is_some_and(|failed| has_answered(failed.reason))
    }

    async fn ask(&self, row: &Row, target: &Target, secret: Option<&Secret>) -> Result<Reading, Failed> {
        let client = if row.anew { &self.clients.anew } else { &self.clients.kept };
        let request = request(client, row, target)?;
        let answer = http_client::call(request, self.options.deadline, self.options.cap)
            .await
            .map_err(|failure| Failed::new(failure.reason, failure.detail))?;
        (row.read)(&Answered {
            status: answer.status.as_u16(),
            body: &answer.body,
            certificate: answer.certificate.as_deref(),
            room_secret: secret.map(Secret::bytes),
            now_unix_s: unix_now_ms() / 1000,
        })
    }

    /// Shows a probe that runs and was not made yet.
    fn begin(&self, probe: ServiceProbe) {
        let pending = || Outcome {
            result: Err(Failed::new(ProbeFailure::Pending, "not asked yet")),
            at: Instant::now().into_std(),
            took: Duration::ZERO,
        };
        self.publish.send_if_modified(|readings| {
            let is_new = readings.outcome(probe).is_none();
            if is_new {
                *readings = Arc::new(readings.with(probe, pending()));
            }
            is_new
        });
    }

    fn retire(&self, probe: ServiceProbe) {
        self.publish.send_if_modified(|readings| {
            let runs = readings.outcome(probe).is_some();
            if runs {
                *readings = Arc::new(readings.without(probe));
            }
            runs
        });
    }

    /// Publishes an outcome, and logs when it is of another kind than the one before.
    fn put(&self, probe: ServiceProbe, result: Result<Reading, Failed>, took: Duration) {
        let before = self.publish.borrow().outcome(probe).map(|outcome| reason(&outcome.result));
        if before != Some(reason(&result)) {
            match &result {
                Ok(_) => tracing::info!(%probe, "the probe has a reading"),
                Err(Failed { reason, detail, .. }) => match reason {
                    ProbeFailure::Disabled | ProbeFailure::Denied => {
                        tracing::info!(%probe, %reason, detail, "the probe is not let in");
                    }
                    _ => tracing::warn!(%probe, %reason, detail, "the probe fails"),
                },
            }
        }
        let outcome = Outcome { result, at: Instant::now().into_std(), took };
        self.publish.send_modify(|readings| *readings = Arc::new(readings.with(probe, outcome)));
    }
}

/// Returns when the aim of `job` is no longer `aim`; never when nobody can change it any more.
async fn moved(job: Job, aim: Option<&Aim>, targets: &mut watch::Receiver<ServiceTargets>) {
    let elsewhere = |targets: &ServiceTargets| job.aim(targets).as_ref() != aim;
    if targets.wait_for(elsewhere).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn reason(result: &Result<Reading, Failed>) -> Option<ProbeFailure> {
    result.as_ref().err().map(|failed| failed.reason)
}

/// Whether a service that failed for this reason did answer. Asked before [`judge`]: until then
/// `Disabled` is an answer of 404.
const fn has_answered(reason: ProbeFailure) -> bool {
    matches!(
        reason,
        ProbeFailure::Disabled
            | ProbeFailure::Denied
            | ProbeFailure::Status
            | ProbeFailure::TooLarge
            | ProbeFailure::Malformed
            | ProbeFailure::Unhealthy
    )
}

fn request(client: &Client, row: &Row, target: &Target) -> Result<RequestBuilder, Failed> {
    let url = target.url(row.path);
    let mut request = match row.verb {
        Verb::Get => client.get(url),
        Verb::Head => client.head(url),
    };
    request = request.header(http::header::ACCEPT, row.accept);
    if let Some(host) = &target.host {
        request = request.header(http::header::HOST, host);
    }
    if let Some(bearer) = &target.bearer {
        let token = std::str::from_utf8(bearer.bytes())
            .map_err(|_| Failed::malformed("the bearer token is not text"))?;
        request = request.bearer_auth(token);
    }
    Ok(request)
}
