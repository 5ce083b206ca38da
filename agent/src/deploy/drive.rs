//! Carries a deployment out, a phase at a time. What follows from what was found is [`course`]'s to say; every change
//! of phase is on disk before the next one begins.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use usher_common::rt::process::{random_id, unix_now_ms};
use usher_common::wire::{DeployPhase, DeployReason};

use super::course::{self, Found, Patience};
use super::job::{Goal, Job, Release};
use super::orders::{Order, Refused, What, check};
use super::phases;
use super::release;
use super::verify::Steady;
use crate::compose::plan::Policy;
use crate::stack::PlanView;
use crate::upkeep::heals::Heals;
use crate::upkeep::site::Site;

/// From one look at something that takes its time to the next.
const PAUSE: Duration = Duration::from_millis(500);
/// The same while people leave, which takes longer.
const LONG_PAUSE: Duration = Duration::from_secs(2);
/// Before going back is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// The deployment under way, if there is one.
#[derive(Debug)]
pub(crate) struct Drive {
    job: Option<Job>,
    wake: Instant,
    steady: Steady,
}

impl Drive {
    /// Takes up what a crash or a restart cut short: the phase on disk says how to go on.
    pub(crate) fn resume(site: &Site) -> Self {
        let newest = site.journal.all().into_iter().next();
        site.board.write(|status| status.deployment = newest.as_ref().map(Job::summary));
        let job = newest.filter(|job| !job.phase.is_final());
        if let Some(job) = &job {
            tracing::warn!(
                deployment = job.id,
                phase = job.phase.as_str(),
                "a deployment was cut short and goes on"
            );
        }
        Self { job, wake: Instant::now(), steady: Steady::default() }
    }

    /// The one under way.
    pub(crate) const fn job(&self) -> Option<&Job> {
        self.job.as_ref()
    }

    /// The phase of the one under way; `None`: there is none.
    pub(crate) fn phase(&self) -> Option<DeployPhase> {
        self.job.as_ref().map(|job| job.phase)
    }

    /// When the one under way is to be looked at next.
    pub(crate) fn wake(&self) -> Option<Instant> {
        self.job.as_ref().map(|_| self.wake)
    }

    /// Whether that is now.
    pub(crate) fn is_due(&self) -> bool {
        self.wake().is_some_and(|wake| wake <= Instant::now())
    }

    /// Answers an order.
    pub(crate) async fn take(&mut self, site: &mut Site, order: Order) {
        if order.answer.is_closed() {
            return;
        }
        let answer = self.begin(site, order.what).await;
        if let Err(refused) = &answer {
            tracing::info!(%refused, "a deployment was refused");
        }
        // Whoever asked may have gone meanwhile; the deployment is on the disk and goes on.
        drop(order.answer.send(answer));
    }

    /// Begins a deployment: on return it is on the disk.
    pub(crate) async fn begin(&mut self, site: &mut Site, what: What) -> Result<Box<Job>, Refused> {
        if let Some(job) = &self.job {
            return Err(Refused::Busy(job.id.clone()));
        }
        let (wanted, goal) = match what {
            What::Deploy(wanted) => {
                check(&wanted)?;
                (wanted, Goal::Set)
            }
            What::GoBack { id, interrupt, who } => {
                let undo = to_undo(&site.journal.all(), id.as_deref())?;
                (super::job::Wanted { interrupt, who, ..Default::default() }, Goal::Undo(undo))
            }
        };
        let now = unix_now_ms();
        let id = format!("{now}-{}", &random_id()[..4]);
        let before = before(site).await?;
        let job = Job::new(id, wanted, goal, before, now);
        site.journal.keep(&job).map_err(|error| Refused::NotNow(error.to_string()))?;
        site.journal.thin_out(site.options.history);
        site.hands.release_all();
        site.heals = Heals::default();
        site.keep_notes(None);
        tracing::info!(deployment = job.id, who = job.wanted.who, set = ?job.wanted.set.keys(), "a deployment begins");
        show(site, &job);
        self.wake = Instant::now();
        self.steady = Steady::default();
        self.job = Some(job.clone());
        Ok(Box::new(job))
    }

    /// Works on the phase it is in. Returns true when the deployment is over.
    pub(crate) async fn step(&mut self, site: &mut Site) -> bool {
        let Some(job) = &self.job else { return false };
        let patience = patience(site, job);
        let (found, images) = phases::work(site, job, &mut self.steady, patience).await;
        let waited = found != Found::Good;
        let next = course::after(job, found, images.as_ref(), patience, unix_now_ms());
        self.wake = Instant::now()
            + match next.phase {
                DeployPhase::Draining if waited => LONG_PAUSE,
                DeployPhase::RollingBack if waited && job.phase == next.phase => AGAIN,
                _ if waited => PAUSE,
                _ => Duration::ZERO,
            };
        self.turn_to(site, next)
    }

    /// Calls the one under way off; whether it is over by that.
    pub(crate) fn call_off(&mut self, site: &Site) -> bool {
        let Some(job) = &self.job else { return true };
        let next = course::called_off(job, unix_now_ms());
        self.wake = Instant::now();
        self.turn_to(site, next)
    }

    /// Takes the next state, once it is on the disk; whether the deployment is over.
    fn turn_to(&mut self, site: &Site, next: Job) -> bool {
        let Some(job) = &self.job else { return true };
        if next == *job {
            return false;
        }
        if let Err(error) = site.journal.keep(&next) {
            tracing::error!(%error, "the deployment waits");
            // The way back is gone all the same: the disk may be full because of the new version.
            if next.phase != DeployPhase::RollingBack && !next.phase.is_final() {
                return false;
            }
        }
        turned(site, job, &next);
        let over = next.phase.is_final();
        self.job = (!over).then_some(next);
        over
    }
}

/// Says where a deployment turned.
fn turned(site: &Site, before: &Job, job: &Job) {
    if before.phase != job.phase {
        let (phase, reason) = (job.phase.as_str(), job.reason.map(DeployReason::as_str));
        match job.reason {
            Some(_) => tracing::error!(
                deployment = job.id,
                phase,
                reason,
                detail = job.detail,
                "a deployment goes wrong"
            ),
            None => tracing::info!(deployment = job.id, phase, "a deployment goes on"),
        }
    }
    if job.phase.is_final() {
        site.board.write(|status| *status.deployments.entry((job.phase, job.reason)).or_insert(0) += 1);
    }
    show(site, job);
    site.stack.die_in(job.phase);
}

fn show(site: &Site, job: &Job) {
    site.board.write(|status| status.deployment = Some(job.summary()));
    site.board.tell(&job.id, &serde_json::json!({ "event": "phase", "deployment": job.view() }));
}

fn patience(site: &Site, job: &Job) -> Patience {
    let ms = |said: Option<u64>, usual: Duration| {
        said.map_or_else(
            || u64::try_from(usual.as_millis()).unwrap_or(u64::MAX),
            |seconds| seconds.saturating_mul(1000),
        )
    };
    Patience {
        drain_ms: ms(job.wanted.drain_s, site.options.drain_within),
        verify_ms: ms(job.wanted.deadline_s, site.options.verify_within),
    }
}

/// What to come back to: what last ran as its files said, else what is there.
async fn before(site: &Site) -> Result<Release, Refused> {
    let not_now =
        |error: &dyn std::fmt::Display| Refused::NotNow(format!("the stack cannot be looked at: {error}"));
    let settled = site.journal.settled();
    let loaded = match site.load(&BTreeMap::new()).await {
        Ok(loaded) => loaded,
        // The files are broken by now; those that were well are known.
        Err(error) => return settled.ok_or_else(|| not_now(&error)),
    };
    let same_place = |settled: &Release| settled.files.contains_key(&loaded.env_path.display().to_string());
    // Files that say what runs are what to come back to, whoever brought it up; others are not what ran before.
    let policy = Policy { enforce: true, interrupt: true, ..Policy::default() };
    let plan = site.stack.plan(&loaded, &policy).await.map_err(|failure| not_now(&failure))?;
    let plan = PlanView::of(&plan);
    let as_it_runs = plan.steps.is_empty() && plan.holds.iter().all(|hold| hold.reason == "orphan");
    if let Some(settled) = settled.filter(|settled| !as_it_runs && same_place(settled)) {
        return Ok(settled);
    }
    let observed = site.stack.observe(&loaded).await.map_err(|failure| not_now(&failure))?;
    let images = release::images(&loaded, &observed);
    let files = release::files(&loaded).map_err(|error| not_now(&error))?;
    let digests = release::digests(&site.stack, &images).await.map_err(|failure| not_now(&failure))?;
    Ok(Release { files, images, digests })
}

/// The deployment to go back from.
fn to_undo(history: &[Job], id: Option<&str>) -> Result<String, Refused> {
    let done = |job: &&Job| job.phase == DeployPhase::Done && job.goal == Goal::Set;
    let mut candidates = history.iter().filter(done).filter(|job| id.is_none_or(|id| job.id == id));
    let nothing = || Refused::NothingToUndo(id.map_or(String::new(), |id| format!(" called {id}")));
    candidates.next().map(|job| job.id.clone()).ok_or_else(nothing)
}

#[cfg(test)]
mod tests {
    use super::super::job::Wanted;
    use super::*;

    #[test]
    fn the_newest_deployment_that_went_well_is_undone_unless_another_is_named() {
        let job = |id: &str, phase, goal| Job {
            phase,
            ..Job::new(id.into(), Wanted::default(), goal, Release::default(), 0)
        };
        let history = [
            job("4", DeployPhase::RolledBack, Goal::Set),
            job("3", DeployPhase::Done, Goal::Undo("2".into())),
            job("2", DeployPhase::Done, Goal::Set),
            job("1", DeployPhase::Done, Goal::Set),
        ];
        assert_eq!(to_undo(&history, None).unwrap(), "2");
        assert_eq!(to_undo(&history, Some("1")).unwrap(), "1");
        assert!(to_undo(&history, Some("4")).is_err() && to_undo(&[], None).is_err());
    }
}
