//! One look at the whole stack, and what it leads to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use usher_common::rt::process::unix_now_ms;
use usher_common::wire::{Heal, HeldService, Illness, StackHold};

use super::site::{Site, SiteError};
use super::triage::{Treatment, Ward, treat};
use crate::compose::plan::Policy;
use crate::deploy::release;
use crate::snapshot::Snapshot;
use crate::stack::{Failure, HoldView, LoadedStack, Outcome, PlanView, StepView, hold_file};

/// With less room than this on any disk that matters nothing can be started, bytes.
const LEAST_ROOM: u64 = 64 << 20;
/// Actions of a plan that help a service up.
const HELPS: [&str; 3] = ["create", "start", "restart"];

/// Who of the services is helped now and who waits; `None` while that cannot be known.
pub(super) fn treatment(site: &Site, loaded: &LoadedStack, snapshot: &Snapshot) -> Option<Treatment> {
    let beds = site.beds(loaded, snapshot)?;
    let room = snapshot.host.disk.as_ref().map(|disk| disk.available_bytes);
    let stopped = site.stopped();
    let ward = Ward {
        disk_full: room.is_some_and(|room| room < LEAST_ROOM),
        stopped: &stopped,
        recovery: site.options.recovery,
    };
    let now = unix_now_ms();
    let mut found = treat(&beds, ward, &site.heals, now, &site.options.limits);
    // What falls between the sample and the plan waits until it was looked at: somebody may be stopping it.
    for bed in beds.into_iter().filter(|bed| !found.help.contains_key(&bed.service)) {
        found.resting.entry(bed.service).or_insert(StackHold::Backoff);
    }
    Some(found)
}

/// Looks at the whole stack and does what is due; whether anything was. `first`: nothing of what is missing fell
/// before our eyes.
pub(super) async fn reconcile(site: &mut Site, treatment: &Treatment, first: bool) -> bool {
    let began = Instant::now();
    let found = work(site, treatment, first).await;
    let seconds = began.elapsed().as_secs_f64();
    let (settled, holds, failures, did) = match found {
        Ok(found) => found,
        Err(SiteError::Project(error)) => {
            (Some(false), Vec::new(), vec![("files", error.to_string())], false)
        }
        Err(SiteError::Lock(error)) => {
            let busy = HeldService { subject: "stack".to_owned(), reason: StackHold::ForeignActivity };
            (None, vec![busy], vec![("lock", error.to_string())], false)
        }
    };
    let before = site.board.read();
    if before.failures != failures {
        match failures.first() {
            Some((reason, detail)) => tracing::error!(reason, detail, "the stack is not as it should be"),
            None => tracing::info!("the work on the stack goes well again"),
        }
    }
    if before.holds != holds && !holds.is_empty() {
        let said: Vec<String> =
            holds.iter().map(|hold| format!("{} ({})", hold.subject, hold.reason)).collect();
        tracing::warn!(held = said.join(", "), "parts of the stack are left as they are");
    }
    site.board.write(|status| {
        status.settled = settled;
        status.holds = holds;
        status.failures = failures;
        status.reconciles += 1;
        status.reconcile_s = Some(seconds);
    });
    site.keep_notes(None);
    did
}

/// Whether all is as it should be, what is held, what failed, and whether anything was done.
type Found = (Option<bool>, Vec<HeldService>, Vec<(&'static str, String)>, bool);

async fn work(site: &mut Site, treatment: &Treatment, first: bool) -> Result<Found, SiteError> {
    let loaded = site.load(&BTreeMap::new()).await?;
    if hold_file(loaded.directory()).is_some() {
        let held =
            HeldService { subject: loaded.desired.project.clone(), reason: StackHold::StoppedByOperator };
        return Ok((None, vec![held], Vec::new(), false));
    }
    let policy = Policy {
        live: site.live(&["jvb"]),
        interrupt: site.may_interrupt(),
        stopped: site.stopped(),
        resting: treatment.resting.clone(),
        restart: treatment.restart(),
        keep_versions: true,
        ..Policy::default()
    };
    let told = |failure: &Failure| (failure.reason.as_str(), failure.to_string());
    let plan = match site.stack.plan(&loaded, &policy).await {
        Ok(plan) => PlanView::of(&plan),
        Err(failure) => return Ok((None, Vec::new(), vec![told(&failure)], false)),
    };
    if plan.steps.is_empty() {
        let settled = plan.waits.is_empty() && plan.holds.iter().all(|hold| hold.reason == "orphan");
        if settled {
            release::remember(&site.stack, &site.journal, &loaded).await;
        }
        return Ok((Some(settled), held(&plan.holds), Vec::new(), false));
    }
    site.board.write(|status| status.settled = Some(false));
    note_heals(site, &loaded, &plan.steps, treatment, first);
    let outcome: Outcome = site.converge(&loaded, policy, &|_| ()).await?;
    if outcome.settled() {
        release::remember(&site.stack, &site.journal, &loaded).await;
    }
    let failures = outcome.failures.iter().map(told).collect();
    Ok((Some(outcome.settled()), held(&outcome.holds), failures, true))
}

/// Notes, before it is done, whom the plan helps up: a help that fails was one too.
fn note_heals(site: &mut Site, loaded: &LoadedStack, steps: &[StepView], treatment: &Treatment, first: bool) {
    let names = |service: &crate::compose::desired::ServiceSpec, step: &StepView| {
        service.containers.iter().any(|spec| spec.name == step.subject)
    };
    let helped: BTreeSet<String> = loaded
        .desired
        .services
        .iter()
        .filter(|service| steps.iter().any(|step| HELPS.contains(&&*step.action) && names(service, step)))
        .map(|service| service.name.clone())
        .collect();
    let now = unix_now_ms();
    for service in helped {
        let reason = treatment.help.get(&service).copied().unwrap_or(Illness::Missing);
        if first && matches!(reason, Illness::Missing | Illness::NotStarted) {
            continue;
        }
        site.heals.note(&service, now);
        tracing::warn!(service, reason = reason.as_str(), "a service is helped up");
        site.board.write(|status| {
            *status.heals.entry((service.clone(), reason)).or_insert(0) += 1;
            status.last_heal = Some(Heal { service, reason, at_unix_ms: now });
        });
    }
}

fn held(holds: &[HoldView]) -> Vec<HeldService> {
    let word = |text: &str| match StackHold::ALL.iter().find(|hold| hold.as_str() == text) {
        Some(hold) => *hold,
        None => StackHold::Blocked,
    };
    holds
        .iter()
        .map(|hold| HeldService { subject: hold.subject.clone(), reason: word(&hold.reason) })
        .collect()
}
