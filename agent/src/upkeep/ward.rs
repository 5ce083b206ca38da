//! From what was sampled to who is ill. Pure.

use std::collections::BTreeSet;

use usher_common::wire::ContainerState;

use super::hands::Hands;
use super::illness::{Signs, illness};
use super::starved::Starved;
use super::streaks::Streaks;
use super::triage::Bed;
use crate::compose::desired::{Desired, runs_once};
use crate::probe::containers::MeasuredContainer;

/// What is known beside the containers.
#[derive(Debug, Clone, Copy)]
pub struct Knowledge<'a> {
    /// Who did what.
    pub hands: &'a Hands,
    /// Where memory ran out.
    pub starved: &'a Starved,
    /// Which probes fail.
    pub streaks: &'a Streaks,
    /// So many failures in a row make one ill.
    pub patience: u32,
    /// A container is young for so long, milliseconds.
    pub young_ms: i64,
}

/// All services that should have containers, dependencies first.
#[must_use]
pub fn beds(
    desired: &Desired,
    containers: &[MeasuredContainer],
    known: Knowledge<'_>,
    now_unix_ms: i64,
) -> Vec<Bed> {
    let services = desired.services.iter().filter(|service| !service.containers.is_empty());
    services
        .map(|service| {
            let of_each = service.containers.iter().map(|spec| {
                let found = containers.iter().find(|one| one.observed.name == spec.name);
                let once = runs_once(spec, service.ready);
                illness(&signs(&service.name, found, once, known, now_unix_ms), known.patience)
            });
            let mut needs: BTreeSet<String> = service.depends_on.keys().cloned().collect();
            // Jicofo calls itself ill when it has no bridge, which the files do not know.
            if service.name == "jicofo" {
                needs.insert("jvb".to_owned());
            }
            Bed { service: service.name.clone(), illness: of_each.flatten().next(), needs }
        })
        .collect()
}

fn signs(
    service: &str,
    found: Option<&MeasuredContainer>,
    runs_once: bool,
    known: Knowledge<'_>,
    now_unix_ms: i64,
) -> Signs {
    let Some(measured) = found else { return Signs::default() };
    let one = &measured.observed;
    Signs {
        state: Some(one.state),
        health: one.health,
        exit_code: one.exit_code,
        runs_once,
        // Of one whose age nobody knows, probes prove nothing either.
        young: one.started_unix_ms.is_none_or(|at| now_unix_ms.saturating_sub(at) < known.young_ms),
        starved: known.hands.was_starved(&one.id) || known.starved.was(&one.id, one.exit_code),
        killed: known.hands.was_killed(&one.id),
        failing: if one.state == ContainerState::Running { known.streaks.of(service) } else { 0 },
    }
}
