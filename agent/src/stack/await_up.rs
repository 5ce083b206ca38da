//! Whether a started container is far enough: asked again and again, judged by a pure function.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::failure::{Failure, Reason};
use crate::compose::desired::Restart;
use crate::compose::model::service::Condition;
use crate::compose::observed::{Health, State};
use crate::engine::{Engine, Inspected};

/// From one look to the next: an inspection costs the engine under a millisecond.
const PAUSE: Duration = Duration::from_millis(100);

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Until it is far enough.
    pub(super) within: Duration,
    /// For which a container without a health check must stay up.
    pub(super) settle: Duration,
}

/// What a look says.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Verdict {
    FarEnough,
    NotYet,
    Failed(Reason, String),
}

/// Waits until `container` is far enough.
pub(super) async fn far_enough(
    engine: &Engine,
    container: &str,
    until: Condition,
    patience: Patience,
) -> Result<(), Failure> {
    let deadline = Instant::now() + patience.within;
    let mut first: Option<(Inspected, Instant)> = None;
    loop {
        let found = engine.inspect(container).await.map_err(|error| Failure::of_engine(container, &error))?;
        let Some(now) = found else {
            return Err(Failure::new(Reason::Gone, container, "somebody removed it"));
        };
        let (began, since) = first.get_or_insert_with(|| (now.clone(), Instant::now()));
        match judge(began, &now, until, since.elapsed() >= patience.settle) {
            Verdict::FarEnough => return Ok(()),
            Verdict::Failed(reason, detail) => {
                let exit_code = now.exit_code.filter(|_| reason != Reason::Unhealthy);
                return Err(Failure { exit_code, ..Failure::new(reason, container, detail) });
            }
            Verdict::NotYet if Instant::now() >= deadline => {
                let health =
                    now.container.health.map_or(String::new(), |health| format!(", health {health:?}"));
                let detail = format!("after {:?} it is {:?}{health}", patience.within, now.container.state);
                return Err(Failure::new(Reason::Timeout, container, detail));
            }
            Verdict::NotYet => sleep(PAUSE).await,
        }
    }
}

/// `began`: the first look at it; `settled`: that was long enough ago.
fn judge(began: &Inspected, now: &Inspected, until: Condition, settled: bool) -> Verdict {
    let runs_once = matches!(now.restart, Restart::No | Restart::OnFailure(_));
    // A life that ended between two looks shows only in the count and the start.
    let again = now.restarts > began.restarts || now.started_at != began.started_at;
    match now.container.state {
        State::Exited(0) if until == Condition::Completed || (until == Condition::Started && runs_once) => {
            Verdict::FarEnough
        }
        State::Created => {
            Verdict::Failed(Reason::EngineRefused, format!("it was not started: {}", now.error))
        }
        State::Dead => Verdict::Failed(Reason::Gone, "the engine is removing it".to_owned()),
        State::Exited(_) | State::Restarting => ended(now),
        State::Running | State::Paused if until == Condition::Completed => Verdict::NotYet,
        State::Running | State::Paused if again => ended(now),
        State::Running | State::Paused => match (now.container.health, until) {
            (Some(Health::Healthy), _) => Verdict::FarEnough,
            (Some(Health::Starting), _) => Verdict::NotYet,
            (Some(Health::Unhealthy), _) => {
                Verdict::Failed(Reason::Unhealthy, "its health check fails: see docker inspect".to_owned())
            }
            (None, Condition::Healthy) => Verdict::Failed(
                Reason::Unhealthy,
                "others wait for its health and it has no health check".to_owned(),
            ),
            (None, _) if settled => Verdict::FarEnough,
            (None, _) => Verdict::NotYet,
        },
    }
}

fn ended(now: &Inspected) -> Verdict {
    if now.oom_killed {
        return Verdict::Failed(Reason::OutOfMemory, "it was ended for want of memory".to_owned());
    }
    let code = now.exit_code.map_or(String::new(), |code| format!(" with exit code {code}"));
    let error = if now.error.is_empty() { String::new() } else { format!(": {}", now.error) };
    Verdict::Failed(Reason::ExitedAtOnce, format!("it ended{code}{error}: see its log"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::observed::Container;

    fn running() -> Inspected {
        Inspected {
            container: Container {
                id: "a".into(),
                name: "p-web-1".into(),
                state: State::Running,
                health: None,
                image_id: "i".into(),
                labels: Default::default(),
                networks: Default::default(),
                restart_before: None,
                owes_restart_with: None,
            },
            restart: Restart::UnlessStopped,
            restarts: 0,
            started_at: Some("t0".into()),
            exit_code: None,
            oom_killed: false,
            error: String::new(),
            image: "web".into(),
            volumes: Vec::new(),
            ports: Vec::new(),
            tty: false,
        }
    }

    fn in_state(state: State) -> Inspected {
        let mut found = running();
        found.container.state = state;
        if let State::Exited(code) = state {
            found.exit_code = Some(code);
        }
        found
    }

    fn reason(verdict: &Verdict) -> Option<Reason> {
        match verdict {
            Verdict::Failed(reason, _) => Some(*reason),
            _ => None,
        }
    }

    #[test]
    fn without_a_health_check_it_must_stay_up_for_a_while() {
        let up = running();
        assert_eq!(judge(&up, &up, Condition::Started, false), Verdict::NotYet);
        assert_eq!(judge(&up, &up, Condition::Started, true), Verdict::FarEnough);
        let mut again = running();
        again.restarts = 1;
        assert_eq!(reason(&judge(&up, &again, Condition::Started, true)), Some(Reason::ExitedAtOnce));
        let restarting = in_state(State::Restarting);
        assert_eq!(reason(&judge(&up, &restarting, Condition::Started, true)), Some(Reason::ExitedAtOnce));
    }

    #[test]
    fn with_a_health_check_its_word_counts_whatever_is_asked() {
        for until in [Condition::Started, Condition::Healthy] {
            let mut now = running();
            for (health, want) in [(Health::Starting, Verdict::NotYet), (Health::Healthy, Verdict::FarEnough)]
            {
                now.container.health = Some(health);
                assert_eq!(judge(&running(), &now, until, true), want);
            }
            now.container.health = Some(Health::Unhealthy);
            assert_eq!(reason(&judge(&running(), &now, until, true)), Some(Reason::Unhealthy));
        }
        assert_eq!(reason(&judge(&running(), &running(), Condition::Healthy, true)), Some(Reason::Unhealthy));
    }

    #[test]
    fn an_end_is_good_only_where_one_was_wanted() {
        let up = running();
        let mut ended = in_state(State::Exited(0));
        assert_eq!(judge(&up, &ended, Condition::Completed, false), Verdict::FarEnough);
        assert_eq!(reason(&judge(&up, &ended, Condition::Started, false)), Some(Reason::ExitedAtOnce));
        ended.restart = Restart::No;
        assert_eq!(judge(&up, &ended, Condition::Started, false), Verdict::FarEnough);
        assert_eq!(judge(&up, &up, Condition::Completed, true), Verdict::NotYet);
        let failed = in_state(State::Exited(3));
        assert_eq!(reason(&judge(&up, &failed, Condition::Completed, false)), Some(Reason::ExitedAtOnce));
        let mut killed = in_state(State::Exited(137));
        killed.oom_killed = true;
        assert_eq!(reason(&judge(&up, &killed, Condition::Started, false)), Some(Reason::OutOfMemory));
    }
}
