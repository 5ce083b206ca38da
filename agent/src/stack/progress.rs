//! What happens while it happens: for progress bars, logs and those who follow a deployment.

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::view::{PlanView, StepView};
use crate::engine::LayerProgress;

/// Told of everything that happens; must not block.
pub type Sink<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Progress {
    /// A plan was made; its steps are next.
    Planned {
        /// The plan.
        plan: PlanView,
    },
    /// A step begins.
    StepBegan {
        /// Its number among all steps of this run, from 1.
        number: usize,
        /// What is done and why.
        step: StepView,
    },
    /// A layer of an image came a little further.
    Layer {
        /// The image.
        image: String,
        /// How far.
        #[serde(flatten)]
        layer: LayerProgress,
    },
    /// Something failed and is tried again.
    Retry {
        /// What failed.
        failure: Failure,
        /// When it is tried again, in milliseconds from now.
        wait_ms: u64,
    },
    /// A deployment waits for people to leave; told again and again.
    People {
        /// How many conferences there are; `None`: nobody knows.
        conferences: Option<u64>,
    },
    /// A step ended.
    StepEnded {
        /// Its number.
        number: usize,
        /// Why it failed; `None`: it is done.
        failure: Option<Failure>,
    },
}
