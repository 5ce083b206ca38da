//! Whether a new version has proven itself. Pure.

use std::time::Duration;

use usher_common::wire::{ContainerHealth, ContainerState, DeployReason};

use super::course::Found;
use crate::compose::desired::{Desired, runs_once};
use crate::engine::ObservedContainer;

/// Restarts by the engine since it was made that make a container one that does not stay up.
const RESTARTS: u64 = 2;

/// What is seen at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The project's containers.
    pub containers: &'a [&'a ObservedContainer],
    /// What Jitsi's probes say of the whole; `None`: they could not be asked.
    pub jitsi: Option<bool>,
    /// The deadline has passed.
    pub late: bool,
}

/// What a sight says of the new version; `Good` must be seen without a break for a while to count.
#[must_use]
pub fn judge(desired: &Desired, sight: Sight<'_>) -> Found {
    let mut waits = false;
    for service in &desired.services {
        for spec in &service.containers {
            let Some(one) = sight.containers.iter().find(|one| one.name == spec.name) else {
                waits = true;
                continue;
            };
            let done = one.exit_code == Some(0) && runs_once(spec, service.ready);
            match (one.state, one.health) {
                (ContainerState::Exited | ContainerState::Dead, _) if done => {}
                (ContainerState::Exited | ContainerState::Dead, _) => {
                    let code = one.exit_code.map_or(String::new(), |code| format!(" with exit code {code}"));
                    return Found::Bad(
                        DeployReason::Exited,
                        format!("{} ended{code}: see its log", one.name),
                    );
                }
                _ if one.restarts.is_some_and(|restarts| restarts >= RESTARTS) => {
                    let text = format!("{} ends again and again: see its log", one.name);
                    return Found::Bad(DeployReason::Exited, text);
                }
                (ContainerState::Running, Some(ContainerHealth::Unhealthy)) => {
                    let text = format!("the health check of {} fails", one.name);
                    return Found::Bad(DeployReason::Unhealthy, text);
                }
                (ContainerState::Running, None | Some(ContainerHealth::Healthy)) => {}
                _ => waits = true,
            }
        }
    }
    match (waits, sight.jitsi, sight.late) {
        (false, Some(false), true) => {
            Found::Bad(DeployReason::Unresponsive, "Jitsi's own health checks fail".to_owned())
        }
        (true, ..) | (_, Some(false), _) => Found::NotYet,
        (false, ..) => Found::Good,
    }
}

/// How long something has been good without a break.
#[derive(Debug, Clone, Copy, Default)]
pub struct Steady {
    since_ms: Option<u64>,
}

impl Steady {
    /// Turns a moment's `Good` into one that lasted for `needed`.
    pub fn after(&mut self, found: Found, now_ms: u64, needed: Duration) -> Found {
        if found != Found::Good {
            self.since_ms = None;
            return found;
        }
        let since = *self.since_ms.get_or_insert(now_ms);
        let lasted = u128::from(now_ms.saturating_sub(since)) >= needed.as_millis();
        if lasted { Found::Good } else { Found::NotYet }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_counts_when_it_lasts_and_a_break_begins_anew() {
        let mut steady = Steady::default();
        let needed = Duration::from_millis(100);
        assert_eq!(steady.after(Found::Good, 0, needed), Found::NotYet);
        assert_eq!(steady.after(Found::Good, 99, needed), Found::NotYet);
        assert_eq!(steady.after(Found::NotYet, 100, needed), Found::NotYet);
        assert_eq!(steady.after(Found::Good, 101, needed), Found::NotYet);
        assert_eq!(steady.after(Found::Good, 201, needed), Found::Good);
    }
}
