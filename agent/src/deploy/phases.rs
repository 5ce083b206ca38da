//! The work of each phase: does it, once, and says what was found. Each can be begun again after a crash.

use std::collections::{BTreeMap, BTreeSet};

use usher_common::rt::process::unix_now_ms;
use usher_common::wire::{DeployPhase, DeployReason};

use super::course::{Found, Patience};
use super::job::{Goal, Job};
use super::release::{self, ReleaseError};
use super::verify::{Sight, Steady, judge};
use crate::compose::plan::{Policy, Step};
use crate::engine::ObservedContainer;
use crate::stack::{Failure, LoadedStack, Outcome, PlanView, Progress, Reason, env_file, hold_file};
use crate::upkeep::site::Site;

/// Services whose replacement interrupts conferences: media, signalling, and the way to both.
const INTERRUPTS: [&str; 4] = ["jvb", "jicofo", "prosody", "web"];

type Images = Option<BTreeMap<String, String>>;

/// Works on the phase that a deployment is in.
pub(super) async fn work(
    site: &mut Site,
    job: &Job,
    steady: &mut Steady,
    patience: Patience,
) -> (Found, Images) {
    let found = match job.phase {
        DeployPhase::Requested => requested(site, job).await,
        DeployPhase::Pulling => pulling(site, job).await,
        DeployPhase::Draining => draining(site, job).await,
        DeployPhase::Replacing => {
            *steady = Steady::default();
            replacing(site, job).await
        }
        DeployPhase::Verifying => {
            let late = unix_now_ms().saturating_sub(job.since_unix_ms()) >= patience.verify_ms;
            return verifying(site, job, steady, late).await;
        }
        DeployPhase::RollingBack => rolling_back(site, job).await,
        _ => Found::NotYet,
    };
    (found, None)
}

/// The project for a deployment, with the time to stop that it asks for.
async fn load(site: &Site, job: &Job, overrides: &BTreeMap<String, String>) -> Result<LoadedStack, Found> {
    let loaded = site.load(overrides).await;
    let mut loaded = loaded.map_err(|error| Found::Bad(DeployReason::FilesInvalid, error.to_string()))?;
    if let Some(seconds) = job.wanted.stop_s {
        loaded.desired.stop_within(u64::from(seconds) * 1000);
    }
    Ok(loaded)
}

/// How far a deployment may go; people are its drain's business.
fn policy(job: &Job) -> Policy {
    let forward = job.phase != DeployPhase::RollingBack;
    Policy {
        enforce: !(forward && job.wanted.leave_drift),
        interrupt: true,
        force: if forward { job.wanted.force.clone() } else { BTreeSet::new() },
        remove_orphans: forward && job.wanted.remove_orphans,
        ..Policy::default()
    }
}

/// What `.env` does not say yet; nothing when the way leads back.
fn overrides(job: &Job) -> BTreeMap<String, String> {
    match job.goal {
        Goal::Set => job.wanted.set.clone(),
        Goal::Undo(_) => BTreeMap::new(),
    }
}

async fn requested(site: &Site, job: &Job) -> Found {
    match load(site, job, &overrides(job)).await {
        Ok(loaded) => match hold_file(loaded.directory()) {
            Some(said) => Found::Bad(DeployReason::Blocked, format!("there is a HOLD file: {said}")),
            None => Found::Good,
        },
        Err(found) => found,
    }
}

async fn pulling(site: &Site, job: &Job) -> Found {
    // The images of the version before are here, or are looked for when they are needed.
    if job.goal != Goal::Set {
        return Found::Good;
    }
    let loaded = match load(site, job, &overrides(job)).await {
        Ok(loaded) => loaded,
        Err(found) => return found,
    };
    let (board, id) = (site.board.clone(), job.id.clone());
    let sink = move |progress: Progress| board.tell(&id, &progress);
    match site.stack.fetch(&loaded, true, &sink).await {
        Ok(()) => Found::Good,
        Err(failure) => {
            // A reference that moved before another could not be had must not move what runs.
            if let Err(error) = release::restore_tags(&site.stack, &job.before).await {
                tracing::warn!(%error, "references of images could not be put back");
            }
            bad(&failure)
        }
    }
}

async fn draining(site: &Site, job: &Job) -> Found {
    let free = job.wanted.interrupt || site.calls.count() == Some(0);
    // What going back replaces is known only when its files are in place, so it waits for everybody.
    if job.goal != Goal::Set {
        return if free { Found::Good } else { wait(site, job) };
    }
    let loaded = match load(site, job, &overrides(job)).await {
        Ok(loaded) => loaded,
        Err(found) => return found,
    };
    let plan = match site.stack.plan(&loaded, &policy(job)).await {
        Ok(plan) => plan,
        Err(failure) => return bad(&failure),
    };
    // What stands in the way is said before anything is touched.
    let blocks: Vec<String> = PlanView::of(&plan)
        .holds
        .into_iter()
        .filter(|hold| hold.reason != "orphan")
        .map(|hold| format!("{}: {}", hold.subject, hold.text))
        .collect();
    if !blocks.is_empty() {
        return Found::Bad(DeployReason::Blocked, blocks.join("; "));
    }
    // Where nothing that people are on is replaced, there is nothing to wait for.
    let interrupts = plan.steps.iter().any(|planned| match &planned.step {
        Step::Create { spec, replaces: Some(_) } => INTERRUPTS.contains(&spec.service.name.as_str()),
        Step::Restart { .. } => true,
        _ => false,
    });
    if free || !interrupts { Found::Good } else { wait(site, job) }
}

/// Not yet, and those who follow are told for whom it waits.
fn wait(site: &Site, job: &Job) -> Found {
    site.board.tell(&job.id, &Progress::People { conferences: site.calls.count() });
    Found::NotYet
}

async fn replacing(site: &mut Site, job: &Job) -> Found {
    let placed = match &job.goal {
        Goal::Set => set_variables(site, job).await,
        Goal::Undo(id) => put_back_other(site, id).await,
    };
    match placed {
        Ok(()) => converge(site, job).await,
        Err(found) => found,
    }
}

async fn set_variables(site: &Site, job: &Job) -> Result<(), Found> {
    if job.wanted.set.is_empty() {
        return Ok(());
    }
    let loaded = load(site, job, &overrides(job)).await?;
    env_file::persist(&loaded.env_path, &job.wanted.set)
        .map_err(|error| Found::Bad(DeployReason::StepFailed, error.to_string()))
}

async fn put_back_other(site: &Site, id: &str) -> Result<(), Found> {
    let other = site.journal.all().into_iter().find(|other| other.id == id);
    let other = other.ok_or_else(|| {
        Found::Bad(DeployReason::FilesInvalid, format!("the record of deployment {id} is gone"))
    })?;
    put_back(site, &other).await
}

/// Puts files and image references back to what they were before `job`.
async fn put_back(site: &Site, job: &Job) -> Result<(), Found> {
    let failed = |error| match error {
        ReleaseError::Engine(failure) => bad(&failure),
        error => Found::Bad(DeployReason::StepFailed, error.to_string()),
    };
    release::restore_files(&job.before).map_err(failed)?;
    // With the old files back, whatever else is read came with the new version.
    let now = load(site, job, &BTreeMap::new()).await?;
    release::set_aside(&now.project.files, &job.before).map_err(failed)?;
    let gone = release::restore_tags(&site.stack, &job.before).await.map_err(|failure| bad(&failure))?;
    if !gone.is_empty() {
        tracing::warn!(images = ?gone, "images of the version before are gone from this host and fetched again");
    }
    Ok(())
}

async fn rolling_back(site: &mut Site, job: &Job) -> Found {
    match put_back(site, job).await {
        Ok(()) => converge(site, job).await,
        Err(found) => found,
    }
}

/// Brings the stack to what the files say now, whoever made what runs.
async fn converge(site: &mut Site, job: &Job) -> Found {
    let loaded = match load(site, job, &BTreeMap::new()).await {
        Ok(loaded) => loaded,
        Err(found) => return found,
    };
    let policy = policy(job);
    let (board, id) = (site.board.clone(), job.id.clone());
    let sink = move |progress: Progress| board.tell(&id, &progress);
    match site.converge(&loaded, policy, &sink).await {
        Ok(outcome) => of_outcome(&outcome),
        Err(error) => {
            tracing::info!(%error, "the deployment waits");
            Found::NotYet
        }
    }
}

fn of_outcome(outcome: &Outcome) -> Found {
    if let Some(failure) = outcome.failures.first() {
        return bad(failure);
    }
    // Somebody wants hands off in the middle of it: it goes on when that is over.
    if outcome.hold_file.is_some() {
        return Found::NotYet;
    }
    if outcome.settled() {
        return Found::Good;
    }
    if let Some(wait) = outcome.waits.first() {
        let text = format!("{} waits for {} to be {}, which it is not", wait.service, wait.on, wait.until);
        return Found::Bad(DeployReason::Unhealthy, text);
    }
    let said: Vec<String> =
        outcome.holds.iter().map(|hold| format!("{}: {}", hold.subject, hold.text)).collect();
    Found::Bad(DeployReason::Blocked, said.join("; "))
}

async fn verifying(site: &Site, job: &Job, steady: &mut Steady, late: bool) -> (Found, Images) {
    let loaded = match load(site, job, &BTreeMap::new()).await {
        Ok(loaded) => loaded,
        Err(found) => return (found, None),
    };
    let now = unix_now_ms();
    let Some(snapshot) = site.sample() else { return (Found::NotYet, None) };
    // A sample from before the phase shows the version before.
    let is_before = |at: std::time::Instant| {
        let age = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        now.saturating_sub(age) < job.since_unix_ms()
    };
    let Ok(containers) = &snapshot.containers else { return (Found::NotYet, None) };
    if is_before(snapshot.taken) {
        return (Found::NotYet, None);
    }
    let seen: Vec<&ObservedContainer> = containers.iter().map(|one| &one.observed).collect();
    let jitsi = snapshot.jitsi.as_ref().and_then(|jitsi| jitsi.healthy);
    let found = match judge(&loaded.desired, Sight { containers: &seen, jitsi, late }) {
        // What the engine said before the phase may be of a container that was just being replaced.
        Found::Bad(..) if is_before(snapshot.engine_at) && !late => Found::NotYet,
        found => found,
    };
    let found = steady.after(found, now, site.options.verify_steady);
    if found != Found::Good {
        return (found, None);
    }
    match site.stack.observe(&loaded).await {
        Ok(observed) => (Found::Good, Some(release::images(&loaded, &observed))),
        Err(_) => (Found::NotYet, None),
    }
}

/// What a failed step means for the deployment. An engine that went comes back, and then it goes on.
fn bad(failure: &Failure) -> Found {
    let reason = match failure.reason {
        Reason::EngineMissing | Reason::EngineDenied | Reason::EngineLost => return Found::NotYet,
        Reason::Unauthorized | Reason::Denied | Reason::Credentials => DeployReason::PullUnauthorized,
        Reason::ManifestUnknown => DeployReason::PullMissing,
        Reason::TooManyRequests => DeployReason::PullRateLimited,
        Reason::RegistryUnreachable | Reason::RegistryError | Reason::Stalled => DeployReason::PullFailed,
        Reason::DiskFull => DeployReason::DiskFull,
        Reason::Unhealthy => DeployReason::Unhealthy,
        Reason::ExitedAtOnce | Reason::OutOfMemory => DeployReason::Exited,
        Reason::Timeout => DeployReason::Deadline,
        Reason::PortInUse | Reason::NameInUse => DeployReason::Blocked,
        _ => DeployReason::StepFailed,
    };
    Found::Bad(reason, failure.to_string())
}
