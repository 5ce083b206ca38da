//! What is the matter with a service, from what the engine, the kernel and our probes say of it. Pure.

use usher_common::wire::{ContainerHealth, ContainerState, Illness};

/// What is known of a service's container.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signs {
    /// The engine's word; `None`: there is no container.
    pub state: Option<ContainerState>,
    /// The verdict of its health check; `None`: it has none.
    pub health: Option<ContainerHealth>,
    /// Exit code of its last life; `None` while it runs.
    pub exit_code: Option<i64>,
    /// It is meant to end: with exit code 0 it is done.
    pub runs_once: bool,
    /// It started so short a time ago that our probes prove nothing yet.
    pub young: bool,
    /// The kernel killed in it for want of memory during its last life.
    pub starved: bool,
    /// Somebody killed it, and it was not us.
    pub killed: bool,
    /// Failures in a row of that of our probes that fails longest.
    pub failing: u32,
}

/// Exit codes of a process that SIGKILL and SIGTERM ended.
const SIGKILL: i64 = 137;
const SIGTERM: i64 = 143;

/// What is the matter; `None`: nothing that we should do something about. `patience`: so many failed probes in a row
/// make a running service ill.
///
/// A container that the engine is restarting is in better hands already, and one that is paused is so on purpose.
#[must_use]
pub fn illness(signs: &Signs, patience: u32) -> Option<Illness> {
    match signs.state {
        None => Some(Illness::Missing),
        Some(ContainerState::Created) => Some(Illness::NotStarted),
        Some(ContainerState::Running) => match signs.health {
            Some(ContainerHealth::Unhealthy) => Some(Illness::Unhealthy),
            Some(ContainerHealth::Starting) => None,
            _ => (!signs.young && signs.failing >= patience).then_some(Illness::Unresponsive),
        },
        Some(ContainerState::Exited | ContainerState::Dead) => match signs.exit_code {
            Some(0) if signs.runs_once => None,
            _ if signs.starved => Some(Illness::OutOfMemory),
            _ if signs.killed => Some(Illness::Killed),
            Some(SIGKILL | SIGTERM) => Some(Illness::Killed),
            Some(0) => Some(Illness::Ended),
            _ => Some(Illness::Crashed),
        },
        Some(_) => None,
    }
}

/// Whether it runs all the same, so that helping it interrupts whoever is on it.
#[must_use]
pub fn is_up(illness: Illness) -> bool {
    matches!(illness, Illness::Unhealthy | Illness::Unresponsive)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn exited(code: i64) -> Signs {
        Signs { state: Some(ContainerState::Exited), exit_code: Some(code), ..Signs::default() }
    }

    fn running() -> Signs {
        Signs { state: Some(ContainerState::Running), ..Signs::default() }
    }

    #[test]
    fn an_end_for_want_of_memory_is_told_from_a_kill_and_a_crash() {
        assert_eq!(illness(&Signs { starved: true, ..exited(137) }, 3), Some(Illness::OutOfMemory));
        assert_eq!(illness(&Signs { killed: true, ..exited(137) }, 3), Some(Illness::Killed));
        assert_eq!(illness(&exited(137), 3), Some(Illness::Killed));
        assert_eq!(illness(&exited(1), 3), Some(Illness::Crashed));
        assert_eq!(illness(&exited(0), 3), Some(Illness::Ended));
        assert_eq!(illness(&Signs { runs_once: true, ..exited(0) }, 3), None);
        assert_eq!(illness(&Signs { runs_once: true, ..exited(2) }, 3), Some(Illness::Crashed));
        assert_eq!(illness(&Signs::default(), 3), Some(Illness::Missing));
    }

    #[test]
    fn a_running_one_is_ill_by_its_own_word_or_after_many_failed_probes_but_not_when_young() {
        let sick = Signs { health: Some(ContainerHealth::Unhealthy), ..running() };
        assert_eq!(illness(&sick, 3), Some(Illness::Unhealthy));
        assert_eq!(illness(&Signs { failing: 2, ..running() }, 3), None);
        assert_eq!(illness(&Signs { failing: 3, ..running() }, 3), Some(Illness::Unresponsive));
        assert_eq!(illness(&Signs { failing: 9, young: true, ..running() }, 3), None);
        let starting = Signs { failing: 9, health: Some(ContainerHealth::Starting), ..running() };
        assert_eq!(illness(&starting, 3), None);
        let paused = Signs { state: Some(ContainerState::Paused), failing: 9, ..Signs::default() };
        assert_eq!(illness(&paused, 3), None);
    }

    proptest! {
        #[test]
        fn what_runs_is_never_called_fallen_and_what_fell_never_called_running(
            at in 0..ContainerState::ALL.len(), failing: u32, starved: bool, killed: bool, code in proptest::option::of(0_i64..256)
        ) {
            let state = ContainerState::ALL[at];
            let signs = Signs { state: Some(state), failing, starved, killed, exit_code: code, ..Signs::default() };
            if let Some(found) = illness(&signs, 3) {
                prop_assert_eq!(is_up(found), state == ContainerState::Running);
            }
        }
    }
}
