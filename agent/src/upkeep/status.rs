//! What upkeep is about, as a whole value: for metrics, the report and `GET /v1/stack`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::{broadcast, watch};
use usher_common::wire::{DeployPhase, DeployReason, Deployment, Heal, HeldService, Illness, Upkeep};

/// The state of upkeep.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Status {
    /// Whether everything is as its files say; `None`: not looked yet.
    pub settled: Option<bool>,
    /// What is left as it is, and why.
    pub holds: Vec<HeldService>,
    /// Helps since the agent started.
    pub heals: BTreeMap<(String, Illness), u64>,
    /// The newest help.
    pub last_heal: Option<Heal>,
    /// The newest deployment.
    pub deployment: Option<Deployment>,
    /// Deployments that ended since the agent started, by how and why.
    pub deployments: BTreeMap<(DeployPhase, Option<DeployReason>), u64>,
    /// Looks at the whole stack since the agent started.
    pub reconciles: u64,
    /// How long the newest took, seconds.
    pub reconcile_s: Option<f64>,
    /// What failed at the newest, by its closed reason.
    pub failures: Vec<(&'static str, String)>,
    /// The certificate in place.
    pub certificate: Certificate,
}

/// The certificate that the web container serves, as far as we put it there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Certificate {
    /// When it ends, seconds since the Unix epoch.
    pub not_after_unix_s: Option<i64>,
    /// Why the newest one in the folder was not taken; `None`: it was, or there is none.
    pub refused: Option<(&'static str, String)>,
    /// Certificates put in place since the agent started.
    pub installed: u64,
}

impl Status {
    /// The same for the report.
    #[must_use]
    pub fn report(&self) -> Upkeep {
        Upkeep {
            settled: self.settled,
            holds: self.holds.clone(),
            heals: self.heals.values().sum(),
            last_heal: self.last_heal.clone(),
            deployment: self.deployment.clone(),
        }
    }

    /// Whether a deployment waits for people to leave, or replaces what they would be on.
    #[must_use]
    pub fn interrupts(&self) -> bool {
        let harmless = [DeployPhase::Requested, DeployPhase::Pulling];
        let phase = self.deployment.as_ref().map(|deployment| deployment.phase);
        phase.is_some_and(|phase| !phase.is_final() && !harmless.contains(&phase))
    }
}

/// One line for those who follow a deployment.
#[derive(Debug, Clone)]
pub struct News {
    /// The deployment.
    pub id: String,
    /// JSON.
    pub line: Arc<str>,
}

/// Lines kept for a follower who is slow; further ones are lost to it, the phases are told again by polling.
const NEWS: usize = 256;

/// Where upkeep writes what it is about.
#[derive(Debug, Clone)]
pub struct Board {
    status: watch::Sender<Status>,
    news: broadcast::Sender<News>,
}

impl Default for Board {
    fn default() -> Self {
        Self { status: watch::channel(Status::default()).0, news: broadcast::channel(NEWS).0 }
    }
}

impl Board {
    /// Changes the state.
    pub fn write(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_modify(change);
    }

    /// The state now.
    #[must_use]
    pub fn read(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Tells those who follow a deployment; nobody need listen.
    pub fn tell(&self, id: &str, news: &impl Serialize) {
        if self.news.receiver_count() == 0 {
            return;
        }
        let line = serde_json::to_string(news).expect("news are plain data");
        drop(self.news.send(News { id: id.to_owned(), line: line.into() }));
    }

    /// Follows the news.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }
}
