//! `usher_stack_*` of upkeep, deployments and certificates.

use usher_common::metric::Families;
use usher_common::wire::{DeployPhase, StackHold};

use super::containers::whole;
use crate::certificates::Refusal;
use crate::upkeep::Status;

/// Adds what is known of the work on the stack.
pub(super) fn add(status: &Status, families: &mut Families) {
    let bit = |flag: bool| f64::from(u8::from(flag));
    families.gauge_if(
        "usher_stack_settled",
        "Whether everything is as its files say; absent until that was looked at.",
        &[],
        status.settled.map(bit),
    );
    for hold in StackHold::ALL {
        let count = status.holds.iter().filter(|held| held.reason == *hold).count();
        families.gauge(
            "usher_stack_holds",
            "Services, containers and networks that are left as they are although they are not as they should be, by reason.",
            &[("reason", hold.as_str())],
            whole(count as u64),
        );
    }
    for ((service, reason), count) in &status.heals {
        families.counter(
            "usher_stack_heals_total",
            "Times a service was helped up since the agent started, by what was the matter.",
            &[("service", service), ("reason", reason.as_str())],
            whole(*count),
        );
    }
    families.gauge_if(
        "usher_stack_last_heal_timestamp_seconds",
        "When a service was last helped up.",
        &[],
        status.last_heal.as_ref().map(|heal| whole(heal.at_unix_ms) / 1000.0),
    );
    families.counter(
        "usher_stack_reconciles_total",
        "Looks at the whole stack since the agent started.",
        &[],
        whole(status.reconciles),
    );
    families.gauge_if(
        "usher_stack_reconcile_duration_seconds",
        "How long the newest look at the whole stack took, with what it led to.",
        &[],
        status.reconcile_s,
    );
    for (reason, _) in &status.failures {
        families.gauge(
            "usher_stack_failure",
            "1 for each reason why the newest work on the stack failed; absent when it did not.",
            &[("reason", reason)],
            1.0,
        );
    }
    deployments(status, families);
    certificate(status, families);
}

fn deployments(status: &Status, families: &mut Families) {
    if let Some(deployment) = &status.deployment {
        for phase in DeployPhase::ALL {
            families.gauge(
                "usher_stack_deploy_phase",
                "1 for the phase that the newest deployment is in, 0 for the others; absent without any.",
                &[("phase", phase.as_str())],
                f64::from(u8::from(deployment.phase == *phase)),
            );
        }
        families.gauge(
            "usher_stack_deploy_phase_since_timestamp_seconds",
            "Since when the newest deployment is in its phase.",
            &[],
            whole(deployment.since_unix_ms) / 1000.0,
        );
    }
    for ((phase, reason), count) in &status.deployments {
        families.counter(
            "usher_stack_deploys_total",
            "Deployments that ended since the agent started, by how and why.",
            &[("outcome", phase.as_str()), ("reason", reason.map_or("", |reason| reason.as_str()))],
            whole(*count),
        );
    }
}

fn certificate(status: &Status, families: &mut Families) {
    let certificate = &status.certificate;
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
    let end = certificate.not_after_unix_s.map(|end| end as f64);
    families.gauge_if(
        "usher_stack_certificate_not_after_timestamp_seconds",
        "When the certificate ends that was put in place from certificates.folder.",
        &[],
        end,
    );
    if end.is_none() && certificate.refused.is_none() {
        return;
    }
    families.counter(
        "usher_stack_certificates_installed_total",
        "Certificates put in place since the agent started.",
        &[],
        whole(certificate.installed),
    );
    for word in Refusal::WORDS {
        families.gauge(
            "usher_stack_certificate_refused",
            "1 for the reason why the newest certificate in certificates.folder was not taken, 0 for the others.",
            &[("reason", word)],
            f64::from(u8::from(certificate.refused.as_ref().is_some_and(|(why, _)| *why == word))),
        );
    }
}
