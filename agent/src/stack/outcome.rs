//! What came of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::view::{HoldView, PlanView, StepView, WaitView};
use crate::compose::plan::Plan;
use crate::engine::LocalImage;

/// What work on the stack came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// What was done, in order.
    pub done: Vec<StepView>,
    /// What failed; empty: nothing.
    pub failures: Vec<Failure>,
    /// Spec hashes whose containers did not come up as a replacement: they are not tried again while they are in
    /// `Policy::failed`.
    pub failed_specs: BTreeSet<String>,
    /// What is left as it is, and why.
    pub holds: Vec<HoldView>,
    /// Services that wait for others that are not far enough.
    pub waits: Vec<WaitView>,
    /// The images that services use, as they are here now, by reference.
    pub images: BTreeMap<String, ImageFound>,
    /// What the `HOLD` file says; with it nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_file: Option<String>,
}

/// An image that is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFound {
    /// Its id.
    pub id: String,
    /// Digests by which registries know it, `repository@sha256:…`; empty for an image made here.
    pub digests: Vec<String>,
}

impl ImageFound {
    pub(super) fn of(image: &LocalImage) -> Self {
        Self { id: image.id.clone(), digests: image.digests.clone() }
    }
}

impl Outcome {
    pub(super) fn failed(failure: Failure) -> Self {
        Self { failures: vec![failure], ..Self::default() }
    }

    /// Nothing was done because of what a plan holds back.
    #[must_use]
    pub fn held(plan: &Plan) -> Self {
        let view = PlanView::of(plan);
        Self { holds: view.holds, waits: view.waits, ..Self::default() }
    }

    /// Whether everything is as the files say: nothing failed, nothing waits, nothing is held.
    #[must_use]
    pub fn settled(&self) -> bool {
        self.failures.is_empty()
            && self.waits.is_empty()
            && self.hold_file.is_none()
            && self.only_orphans_held()
    }

    /// Whether any container was touched: else there is nothing to go back from.
    #[must_use]
    pub fn reached_containers(&self) -> bool {
        self.done.iter().any(|step| {
            matches!(&*step.action, "create" | "rename" | "stop" | "start" | "restart" | "remove")
        })
    }

    /// Orphans are no part of what the files say.
    fn only_orphans_held(&self) -> bool {
        self.holds.iter().all(|hold| hold.reason == "orphan")
    }
}
