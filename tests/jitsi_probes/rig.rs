//! The probes under test, running.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use usher_agent::probe::families::{pass_through, self_metrics};
use usher_agent::probe::pace::Paces;
use usher_agent::probe::reading::ServiceReadings;
use usher_agent::probe::service::{Options, spawn};
use usher_agent::probe::targets::ServiceTargets;
use usher_common::metric::{Families, Format, encode};
use usher_common::rt::http_client::{ClientOptions, call, client};
use usher_common::rt::tasks::Tasks;
use usher_tests::eventually::eventually;
use usher_tests::jitsi_double::Fault;

/// How long any state may take to come on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Probes, their targets and what they say. Ends with the value.
pub(crate) struct Rig {
    targets: watch::Sender<ServiceTargets>,
    readings: watch::Receiver<Arc<ServiceReadings>>,
    _tasks: Tasks,
}

impl Rig {
    /// Probes that ask often.
    pub(crate) fn start(targets: ServiceTargets) -> Self {
        Self::at(targets, Duration::from_millis(40), Duration::from_millis(120))
    }

    /// Probes that ask once, unless something happens.
    pub(crate) fn patient(targets: ServiceTargets) -> Self {
        let hour = Duration::from_secs(3600);
        Self::at(targets, hour, hour)
    }

    fn at(targets: ServiceTargets, live: Duration, slow: Duration) -> Self {
        // None is ever young: the fast retries then would hide what the others do.
        let paces = Paces { live, calm: live, slow, settling: live, young_for: Duration::ZERO };
        let targets = watch::Sender::new(targets);
        let mut tasks = Tasks::new(CancellationToken::new());
        let options = Options { deadline: Duration::from_millis(700), paces, ..Options::default() };
        let readings = spawn(&mut tasks, &targets.subscribe(), options).unwrap();
        Self { targets, readings, _tasks: tasks }
    }

    pub(crate) fn aim(&self, change: impl FnOnce(&mut ServiceTargets)) {
        self.targets.send_modify(change);
    }

    pub(crate) fn now(&self) -> Arc<ServiceReadings> {
        self.readings.borrow().clone()
    }

    /// Waits until the readings are as `look` wants them.
    pub(crate) async fn until(&self, what: &str, look: impl Fn(&ServiceReadings) -> Result<(), String>) {
        eventually(what, || {
            let result = look(&self.now());
            async move { result }
        })
        .await;
    }

    /// Waits until `/metrics` would show all of `lines`; gives the whole text.
    pub(crate) async fn until_shown(&self, lines: &[&str]) -> String {
        eventually("the exposition", || {
            let text = self.exposition();
            let missing = lines.iter().find(|line| !text.contains(**line));
            let result =
                missing.map_or_else(|| Ok(text.clone()), |line| Err(format!("no {line:?} in {text}")));
            async move { result }
        })
        .await
    }

    /// What `/metrics` would show of the services.
    fn exposition(&self) -> String {
        let mut families = Families::new();
        pass_through(&self.now(), &mut families);
        self_metrics(&self.now(), &mut families);
        encode(Format::Text, [&families])
    }
}

/// `Err` with the words when `holds` is not so.
pub(crate) fn check(holds: bool, words: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(words()) }
}

/// Whether a fault spoils also answers that are no 200.
pub(crate) const fn breaks_every_answer(fault: Fault) -> bool {
    !matches!(fault, Fault::Nan | Fault::MissingFields | Fault::WrongTypes)
}

/// Whether `url` answers.
pub(crate) async fn get(url: url::Url) -> Result<(), String> {
    let client = client(&ClientOptions::default()).map_err(|failure| failure.to_string())?;
    let answer = call(client.get(url), PATIENCE, 1 << 20).await.map_err(|failure| failure.to_string())?;
    check(answer.status.is_success(), || answer.status.to_string())
}

/// Sends `text` and reads to the end.
pub(crate) async fn speak(address: SocketAddr, text: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}
