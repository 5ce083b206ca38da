//! A deployment where no agent runs: the same eyes, the same course, for as long as it takes.
//!
//! ```text
//!  eyes ──► sample ──► Site ──► drive ──► stack
//!                                 └─► lines for whoever watches, as those who follow at the agent get them
//! ```
//!
//! What was cut short before goes on first. Not here: keeping the stack up, and anything that listens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use usher_common::rt::http_client::Failure;
use usher_common::rt::process::random_id;
use usher_common::rt::tasks::{TaskEnded, Tasks};
use usher_common::wire::DeployPhase;

use super::drive::Drive;
use super::job::Job;
use super::orders::{Refused, What};
use super::release;
use crate::config::Config;
use crate::eyes;
use crate::node::{Identity, Node};
use crate::operator::Operator;
use crate::probe::systemd;
use crate::public_url::public_url;
use crate::reservations::{Limits, Reservations};
use crate::stack::{LoadedStack, LockError, Stack};
use crate::upkeep::site::Site;
use crate::upkeep::{UpkeepOptions, Works};

/// An engine that says nothing for so long is not there.
const BLIND: Duration = Duration::from_secs(30);
/// From one look to the next while there is nothing to see.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the eyes may take to close.
const CLOSE: Duration = Duration::from_secs(1);

/// Why there is no deployment.
#[derive(Debug, thiserror::Error)]
pub enum AloneError {
    /// Somebody else works on deployments of this project.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// It was not taken.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The probes could not start.
    #[error("no HTTP client for the probes: {0}")]
    Client(#[from] Failure),
    /// A part of the watching ended.
    #[error(transparent)]
    Task(#[from] TaskEnded),
    /// The engine did not answer from the beginning.
    #[error("the Docker engine did not answer for {} s", BLIND.as_secs())]
    Blind,
}

/// Where deployments of a project are recorded: the state directory itself for the one that the settings name, a
/// folder of its own in it for any other. `own`: the directory that the settings name.
#[must_use]
pub fn state_dir(state_dir: &Path, own: Option<&Path>, stack: &LoadedStack) -> PathBuf {
    if own == Some(stack.directory()) {
        return state_dir.to_owned();
    }
    state_dir.join("projects").join(&stack.project.name)
}

/// Carries out what was cut short, then `what`, and returns how the last of them ended; `None`: there was nothing to
/// carry out. `told` gets a line of JSON for everything that happens. When `stop` is cancelled, the one under way is
/// called off.
pub async fn deploy(
    config: &Config,
    options: UpkeepOptions,
    stack: &LoadedStack,
    mut what: Option<What>,
    stop: CancellationToken,
    told: &(dyn Fn(&str) + Send + Sync),
) -> Result<Option<Job>, AloneError> {
    let mut config = config.clone();
    config.state_dir = state_dir(&config.state_dir, config.stack.directory.as_deref(), stack);
    config.stack.project = Some(stack.project.name.clone());
    config.stack.directory = Some(stack.directory().to_owned());
    let (works, _orders) = Works::new(&options, &config.state_dir);
    let _claim = works.journal.claim("usher-agent stack")?;
    let closed = CancellationToken::new();
    let mut tasks = Tasks::new(closed.clone());
    let snapshot = eyes::open(&mut tasks, &config)?;
    let mut news = works.board.follow();
    let node = Arc::new(node(&config, snapshot));
    let site = site(&config, options, &works, node);
    let work = async {
        let ended = carry_out(site, &mut what, &stop).await;
        closed.cancel();
        ended
    };
    let telling = async {
        loop {
            match news.recv().await {
                Ok(news) => told(&news.line),
                // What was missed is missed; the next phase tells everything.
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    };
    let (ended, closing) = tokio::select! {
        both = async { tokio::join!(work, tasks.run(CLOSE)) } => both,
        () = telling => unreachable!("it tells for ever"),
    };
    while let Ok(line) = news.try_recv() {
        told(&line.line);
    }
    closing?;
    ended
}

/// Looks at every sample and goes on with the deployment until it is over.
async fn carry_out(
    mut site: Site,
    what: &mut Option<What>,
    stop: &CancellationToken,
) -> Result<Option<Job>, AloneError> {
    let mut drive = Drive::resume(&site);
    let mut last = None;
    let (mut seen, mut off) = (Instant::now(), false);
    let mut samples = site.node.snapshot.clone();
    loop {
        let snapshot = samples.borrow_and_update().clone();
        let sees = snapshot.as_ref().is_some_and(|snapshot| snapshot.containers.is_ok());
        if let Some(snapshot) = snapshot.as_ref().filter(|_| sees) {
            seen = Instant::now();
            site.look(snapshot);
        }
        if sees && drive.job().is_none() {
            let Some(what) = what.take().filter(|_| !off) else { return Ok(last) };
            drive.begin(&mut site, what).await?;
        }
        if !sees && last.is_none() && drive.job().is_none() && seen.elapsed() > BLIND {
            return Err(AloneError::Blind);
        }
        let id = drive.job().map(|job| job.id.clone());
        if stop.is_cancelled() && !std::mem::replace(&mut off, true) {
            drive.call_off(&site);
        }
        if sees && drive.is_due() {
            // Cut short as by a crash, which every phase can be begun again after.
            tokio::select! {
                _over = drive.step(&mut site) => {}
                () = stop.cancelled(), if !off => continue,
            }
        }
        if drive.job().is_none()
            && let Some(id) = id
        {
            last = site.journal.all().into_iter().find(|job| job.id == id);
            if let Ok(loaded) = site.load(&BTreeMap::new()).await
                && last.as_ref().is_some_and(|job| job.phase == DeployPhase::Done)
            {
                release::remember(&site.stack, &site.journal, &loaded).await;
            }
        }
        if off && drive.job().is_none() {
            return Ok(last);
        }
        let wake = drive.wake().unwrap_or_else(Instant::now).min(Instant::now() + PAUSE);
        tokio::select! {
            changed = samples.changed() => if changed.is_err() { return Ok(last) },
            () = tokio::time::sleep_until(wake) => tokio::task::yield_now().await,
        }
    }
}

fn site(config: &Config, options: UpkeepOptions, works: &Works, node: Arc<Node>) -> Site {
    let (journal, board): (_, _) = (works.journal.clone(), works.board.clone());
    let places: (&Path, &Path) = (&config.state_dir, &config.host.proc);
    Site::new(options, Stack::clone(&works.stack), node, journal, board, places)
}

/// Whoever looks, and on what.
fn node(
    config: &Config,
    snapshot: tokio::sync::watch::Receiver<Option<Arc<crate::snapshot::Snapshot>>>,
) -> Node {
    let (url, url_source) = public_url(config, config.listen, None);
    let (_, units): (_, tokio::sync::watch::Receiver<systemd::Outcome>) = tokio::sync::watch::channel(None);
    Node {
        identity: Identity {
            node: config.node.clone(),
            public_url: url,
            url_source,
            region: config.region.clone(),
            labels: config.labels.clone(),
            boot_id: random_id(),
        },
        stack: config.stack.clone(),
        works: None,
        operator: Operator::load(&config.state_dir),
        reservations: Reservations::load(&config.state_dir, Limits::default()),
        snapshot,
        systemd: units,
        sample_interval: config.sample_interval,
        stopping: CancellationToken::new(),
    }
}
