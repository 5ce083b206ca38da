//! The way to nothing: containers stopped and removed, those first that others do not wait for; then the networks.

use super::step::{Because, Held, Hold, Plan, Planned, Step, Target};
use crate::compose::desired::{Desired, labels};
use crate::compose::observed::{Container, Observed};

/// Docker's own time to stop, for containers whose service is gone.
const GRACE_MS: u64 = 10_000;

/// Plans to take everything down that belongs to the project. `grace_ms` beats what services say.
#[must_use]
pub fn down(desired: &Desired, observed: &Observed, remove_orphans: bool, grace_ms: Option<u64>) -> Plan {
    let mut plan = Plan::default();
    let of = |name: &str| desired.services.iter().position(|service| service.name == name);
    let mut ours: Vec<(Option<usize>, &Container)> = observed
        .containers
        .iter()
        .filter(|container| container.belongs_to(&desired.project))
        .map(|container| (container.service().and_then(of), container))
        .collect();
    // Orphans first: nothing that is known waits for them.
    ours.sort_by_key(|(place, container)| {
        (place.is_some(), std::cmp::Reverse(*place), container.name.clone())
    });
    let mut all_go = true;
    for (place, container) in ours {
        if place.is_none() && !remove_orphans {
            all_go = false;
            plan.holds.push(Hold { subject: container.name.clone(), reason: Held::Orphan });
            continue;
        }
        let target = Target { id: Some(container.id.clone()), name: container.name.clone() };
        let service = place.map(|place| &desired.services[place]);
        let grace_ms = grace_ms.or(service.map(|service| service.grace_ms)).unwrap_or(GRACE_MS);
        let because = if place.is_some() { Because::TakenDown } else { Because::Orphan };
        if container.is_up() {
            let step = Step::Stop { target: target.clone(), grace_ms };
            plan.steps.push(Planned { step, because: because.clone() });
        }
        plan.steps.push(Planned { step: Step::Remove { target }, because });
    }
    if all_go {
        let ours = desired.networks.iter().map(|spec| &spec.network).filter(|network| {
            let labels = observed.networks.get(&network.name).map(|found| &found.labels);
            !network.external
                && labels.and_then(|labels| labels.get(labels::PROJECT)) == Some(&desired.project)
        });
        plan.steps.extend(ours.map(|network| Planned {
            step: Step::RemoveNetwork { name: network.name.clone() },
            because: Because::TakenDown,
        }));
    }
    plan
}
