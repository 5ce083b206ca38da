//! What the program's end says to a script.

use usher_agent::deploy::alone::AloneError;
use usher_agent::stack::{LockError, Outcome, ProjectError};

/// The exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or nothing to do.
    Good = 0,
    /// Something failed.
    Failed = 1,
    /// The settings, the compose files or the arguments cannot be used.
    BadInput = 2,
    /// Nothing failed, and something is left as it is that is not as it should be.
    Held = 3,
}

/// For the foot of the help.
pub(crate) const HELP: &str = "Exit codes: 0 done or nothing to do; 1 something failed; 2 the settings, files or \
arguments cannot be used; 3 nothing failed, and something was held back (a conference, a HOLD file, somebody else at \
work)";

pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    let bad_input = error.is::<ProjectError>()
        || error.is::<super::flags::NotAPair>()
        || error.is::<super::plan::NoService>()
        || error.is::<usher_common::settings::Complaints>();
    if bad_input {
        Exit::BadInput
    } else if matches!(error.downcast_ref(), Some(LockError::Busy { .. }))
        || matches!(error.downcast_ref(), Some(AloneError::Lock(LockError::Busy { .. })))
    {
        Exit::Held
    } else {
        Exit::Failed
    }
}

pub(crate) fn of_outcome(outcome: &Outcome) -> Exit {
    if !outcome.failures.is_empty() {
        Exit::Failed
    } else if outcome.settled() {
        Exit::Good
    } else {
        Exit::Held
    }
}
