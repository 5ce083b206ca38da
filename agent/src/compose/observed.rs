//! What is on the engine, as far as a plan cares; filled in by whoever reads the engine.

use std::collections::{BTreeMap, BTreeSet};

use super::desired::{Restart, labels};

/// What is on the engine and on the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// Every container with the project's label, and every one that has a name the project wants.
    pub containers: Vec<Container>,
    /// Networks by their engine name.
    pub networks: BTreeMap<String, Labelled>,
    /// Volumes by their engine name.
    pub volumes: BTreeMap<String, Labelled>,
    /// Ids of the local images, by the reference that services use.
    pub images: BTreeMap<String, String>,
    /// Host folders of mounts that are not there.
    pub missing_folders: BTreeSet<String>,
}

/// A network or volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labelled {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// The engine's id.
    pub id: String,
    /// Its name, without the slash.
    pub name: String,
    /// What it does.
    pub state: State,
    /// What its health check says; `None`: it has none.
    pub health: Option<Health>,
    /// The id of the image it was made from.
    pub image_id: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Engine names of its networks.
    pub networks: BTreeSet<String>,
    /// What its restart policy was before we took it away to replace it; `None`: we did not, or nobody knows.
    pub restart_before: Option<Restart>,
    /// The service whose replacement it was to be restarted with, when we were cut short before that.
    pub owes_restart_with: Option<String>,
}

/// What a container does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Made, never started.
    Created,
    /// Runs.
    Running,
    /// Ended and is being started again by the engine.
    Restarting,
    /// Stopped in mid-flight by somebody.
    Paused,
    /// Ended, with its exit code.
    Exited(i64),
    /// The engine could not remove it or is about to.
    Dead,
}

/// What a health check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Not known yet.
    Starting,
    /// Passes.
    Healthy,
    /// Fails.
    Unhealthy,
}

/// What a name ends in while its container waits to be replaced for good.
pub const PREVIOUS: &str = ".prev";

impl Container {
    /// Whether it belongs to the project for good.
    #[must_use]
    pub fn belongs_to(&self, project: &str) -> bool {
        let is = |label: &str, value: &str| self.labels.get(label).is_some_and(|found| found == value);
        is(labels::PROJECT, project) && is(labels::ONEOFF, "False")
    }

    /// Its service.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.labels.get(labels::SERVICE).map(String::as_str)
    }

    /// Its number; a container without one is taken for the first, as compose does.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.labels.get(labels::NUMBER).and_then(|number| number.parse().ok()).unwrap_or(1)
    }

    /// Whether it is up, be it by the engine's own doing.
    #[must_use]
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Running | State::Restarting | State::Paused)
    }
}
