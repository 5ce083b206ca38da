//! The one who works on the stack: looks at every sample, helps up what fell, and carries deployments out.
//!
//! ```text
//!  samples ─┐
//!  events ──┼─► Worker ──► reconcile (helps) ─┐
//!  orders ──┘     └─────► deploy::drive ──────┴─► stack, engine
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio::time::Instant;
use usher_common::rt::process::unix_now_ms;
use usher_common::wire::DeployPhase;

use super::feed::Heard;
use super::reconcile::{reconcile, treatment};
use super::site::Site;
use crate::deploy::drive::Drive;
use crate::deploy::orders::Order;
use crate::stack::{LoadedStack, Lock, LockError};

/// The first look waits so long for what the engine has to tell of the time we were away.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// From one look at the whole stack to the next, at least.
const BREATH: Duration = Duration::from_secs(1);
/// The same when somebody is ill and must not be helped.
const LULL: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) site: Site,
    pub(crate) heard: Receiver<Heard>,
    pub(crate) orders: Receiver<Order>,
}

/// What the worker remembers from one turn to the next.
#[derive(Debug)]
struct Turn {
    /// When the whole stack is looked at although nothing happened.
    due: Instant,
    /// Not sooner than this.
    rest: Instant,
    /// The project as the newest look found it.
    loaded: Option<LoadedStack>,
    /// Nothing was looked at yet.
    first: bool,
    /// The engine answered at the newest sample.
    engine: bool,
}

impl Worker {
    /// Works until it is dropped.
    pub(crate) async fn run(mut self) {
        let now = Instant::now();
        let mut turn = Turn { due: now + FIRST_WAIT, rest: now, loaded: None, first: true, engine: false };
        let _claim = claim(&self.site).await;
        let mut drive = Drive::resume(&self.site);
        let mut samples = self.site.node.snapshot.clone();
        loop {
            let wake = match (drive.wake(), drive.phase()) {
                (Some(wake), Some(DeployPhase::Draining)) => wake.min(turn.due),
                (Some(wake), _) => wake,
                (None, _) => turn.due,
            };
            let wake = wake.max(turn.rest);
            tokio::select! {
                biased;
                heard = self.heard.recv() => match heard {
                    Some(heard) => {
                        self.site.hear(&heard);
                        if heard == Heard::Went {
                            turn.engine = false;
                        }
                        // All that is known before anything is decided.
                        continue;
                    }
                    None => return,
                },
                order = self.orders.recv(), if turn.engine => match order {
                    Some(order) => {
                        drive.take(&mut self.site, order).await;
                        // The answer goes out before the work begins.
                        tokio::task::yield_now().await;
                        continue;
                    }
                    None => return,
                },
                changed = samples.changed() => if changed.is_err() { return },
                () = tokio::time::sleep_until(wake) => {}
            }
            let snapshot = samples.borrow_and_update().clone();
            let Some(snapshot) = snapshot else {
                turn.rest = Instant::now() + BREATH;
                continue;
            };
            self.site.look(&snapshot);
            let back = snapshot.containers.is_ok() && !turn.engine;
            turn.engine = snapshot.containers.is_ok();
            if !turn.engine {
                self.site.miss(&snapshot);
                turn.rest = Instant::now() + BREATH;
                continue;
            }
            if back {
                self.site.hands.engine_back(unix_now_ms());
                turn.due = turn.due.min(Instant::now() + FIRST_WAIT);
            }
            if drive.is_due() && drive.step(&mut self.site).await {
                // The new release is to be remembered soon, or the old one looked after again.
                turn.due = Instant::now();
            }
            // The old version is kept up while a deployment waits for people to leave.
            if drive.phase().is_none_or(|phase| phase == DeployPhase::Draining) {
                self.keep_up(&mut turn, &snapshot).await;
            }
        }
    }

    async fn keep_up(&mut self, turn: &mut Turn, snapshot: &crate::snapshot::Snapshot) {
        let now = Instant::now();
        if now < turn.rest {
            return;
        }
        let quiet_ms = u64::try_from(self.site.options.quiet.as_millis()).unwrap_or(u64::MAX);
        if self.site.hands.is_foreign(unix_now_ms(), quiet_ms) {
            self.site.board.write(|status| {
                status.holds = vec![usher_common::wire::HeldService {
                    subject: "stack".to_owned(),
                    reason: usher_common::wire::StackHold::ForeignActivity,
                }];
            });
            turn.due = turn.due.min(now + BREATH);
            turn.rest = now + BREATH / 4;
            return;
        }
        let treated = turn.loaded.as_ref().and_then(|loaded| treatment(&self.site, loaded, snapshot));
        let helps = treated.as_ref().is_some_and(|treated| !treated.help.is_empty());
        if now < turn.due && !helps {
            return;
        }
        // The files may have changed since they were read last.
        turn.loaded = self.site.load(&BTreeMap::new()).await.ok();
        let treated = turn.loaded.as_ref().and_then(|loaded| treatment(&self.site, loaded, snapshot));
        // Without a project nobody can be treated; the look says why there is none.
        let treated = treated.unwrap_or_default();
        let did = reconcile(&mut self.site, &treated, turn.first).await;
        turn.first = false;
        let now = Instant::now();
        turn.due = now + self.site.options.resync;
        // Whom the plan does not let be helped, it will not in a second either.
        turn.rest = now + if helps && !did { LULL } else { BREATH };
    }
}

/// Waits until nobody else works on deployments, such as a person whose `stack up --set` began while no agent ran.
/// Where that cannot be known the stack is kept up all the same: a deployment would be refused then.
async fn claim(site: &Site) -> Option<Lock> {
    let mut told = false;
    loop {
        match site.journal.claim("the agent") {
            Ok(lock) => return Some(lock),
            Err(LockError::Busy { holder, .. }) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(holder, "somebody else is at a deployment: the agent waits");
                }
                tokio::time::sleep(BREATH).await;
            }
            Err(error) => {
                tracing::error!(%error, "deployments cannot be recorded");
                return None;
            }
        }
    }
}
