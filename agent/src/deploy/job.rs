//! A deployment as a value: what was asked, what was there before, how far it is.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use usher_common::wire::{DeployPhase, DeployReason, Deployment};

/// Body of `POST /v1/stack/deploy`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// Variables of the `.env` and their new values; empty: apply the files as they are.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Replace what has to be replaced although people are in conferences.
    #[serde(default)]
    pub interrupt: bool,
    /// How long to wait for conferences to end, seconds; the settings' when not said.
    #[serde(default)]
    pub drain_s: Option<u64>,
    /// How long the new version has to prove itself, seconds; the settings' when not said.
    #[serde(default)]
    pub deadline_s: Option<u64>,
    /// Who asks, for the history.
    #[serde(default)]
    pub who: Option<String>,
    /// Services that are replaced although nothing of them changed.
    #[serde(default)]
    pub force: BTreeSet<String>,
    /// Containers that somebody else made from other settings are left, and a deployment that needed to replace one
    /// is not begun.
    #[serde(default)]
    pub leave_drift: bool,
    /// Containers of services that are gone from the files go too.
    #[serde(default)]
    pub remove_orphans: bool,
    /// How long a container may take to stop, seconds; what its service says when not said.
    #[serde(default)]
    pub stop_s: Option<u32>,
}

/// What a deployment does in the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Goal {
    /// The files, with some variables set.
    Set,
    /// What was there before the deployment of this id.
    Undo(String),
}

/// What a stack is made from: enough to come back to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Texts of its files by absolute path; `None`: there was no such file.
    pub files: BTreeMap<String, Option<String>>,
    /// Ids of the images it runs, by the reference that the files use.
    pub images: BTreeMap<String, String>,
    /// The digests by which the registry knows them, `repository@sha256:…`, by the same; without those that were made
    /// here.
    #[serde(default)]
    pub digests: BTreeMap<String, String>,
}

/// One change of phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Into which.
    pub phase: DeployPhase,
    /// When, milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
}

/// One deployment, as it is kept on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id; ids sort by time.
    pub id: String,
    /// What was asked.
    pub wanted: Wanted,
    /// What it is for.
    pub goal: Goal,
    /// How far it is.
    pub phase: DeployPhase,
    /// Why it did not go well; `None`: it does, or did.
    pub reason: Option<DeployReason>,
    /// The same in words.
    pub detail: Option<String>,
    /// How it went so far, oldest first; never empty.
    pub turns: Vec<Turn>,
    /// What to come back to.
    pub before: Release,
    /// Images of the new version by reference, when it is there.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
    /// How often going back was tried.
    #[serde(default)]
    pub returns: u32,
}

impl Job {
    /// A new one.
    #[must_use]
    pub fn new(id: String, wanted: Wanted, goal: Goal, before: Release, now_ms: u64) -> Self {
        Self {
            id,
            wanted,
            goal,
            phase: DeployPhase::Requested,
            reason: None,
            detail: None,
            turns: vec![Turn { phase: DeployPhase::Requested, at_unix_ms: now_ms }],
            before,
            images: BTreeMap::new(),
            returns: 0,
        }
    }

    /// Since when it is in its phase.
    #[must_use]
    pub fn since_unix_ms(&self) -> u64 {
        self.turns.last().expect("a job begins with a turn").at_unix_ms
    }

    /// In short, for the report.
    #[must_use]
    pub fn summary(&self) -> Deployment {
        Deployment {
            id: self.id.clone(),
            phase: self.phase,
            reason: self.reason,
            since_unix_ms: self.since_unix_ms(),
        }
    }

    /// What everybody who may call us may see: without the texts of files and the values of variables, among which
    /// are passwords.
    #[must_use]
    pub fn view(&self) -> JobView<'_> {
        JobView {
            id: &self.id,
            goal: &self.goal,
            set: self.wanted.set.keys().collect(),
            interrupt: self.wanted.interrupt,
            who: self.wanted.who.as_deref(),
            phase: self.phase,
            finished: self.phase.is_final(),
            reason: self.reason,
            detail: self.detail.as_deref(),
            turns: &self.turns,
            images_before: &self.before.images,
            digests_before: &self.before.digests,
            images: &self.images,
        }
    }
}

/// See [`Job::view`].
#[derive(Debug, Clone, Serialize)]
pub struct JobView<'a> {
    id: &'a str,
    goal: &'a Goal,
    set: Vec<&'a String>,
    interrupt: bool,
    who: Option<&'a str>,
    phase: DeployPhase,
    finished: bool,
    reason: Option<DeployReason>,
    detail: Option<&'a str>,
    turns: &'a [Turn],
    images_before: &'a BTreeMap<String, String>,
    digests_before: &'a BTreeMap<String, String>,
    images: &'a BTreeMap<String, String>,
}
