//! A plan as people and programs are shown it: what, on what, and why; no secrets, no engine words.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::compose::model::service::Condition;
use crate::compose::plan::{Held, Plan, Planned, Step};

/// A plan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanView {
    /// In order.
    pub steps: Vec<StepView>,
    /// Services that wait for others.
    pub waits: Vec<WaitView>,
    /// What is left as it is, and why.
    pub holds: Vec<HoldView>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepView {
    /// The verb: `pull`, `create`, `stop`, …
    pub action: Cow<'static, str>,
    /// The image, container, network, volume or folder.
    pub subject: String,
    /// More about it, such as a new name; empty when there is no more.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Why.
    pub because: String,
}

/// A service that waits for another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitView {
    /// The service.
    pub service: String,
    /// What it waits for.
    pub on: String,
    /// How far that must be, in compose's word.
    pub until: Cow<'static, str>,
}

/// Something that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldView {
    /// The service, container or network.
    pub subject: String,
    /// The closed reason.
    pub reason: Cow<'static, str>,
    /// The reason in words.
    pub text: String,
}

impl PlanView {
    /// Shows a plan.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self {
            steps: plan.steps.iter().map(StepView::of).collect(),
            waits: plan
                .waits
                .iter()
                .map(|wait| WaitView {
                    service: wait.service.clone(),
                    on: wait.on.clone(),
                    until: wait.until.word().into(),
                })
                .collect(),
            holds: plan
                .holds
                .iter()
                .map(|hold| HoldView {
                    subject: hold.subject.clone(),
                    reason: word(&hold.reason).into(),
                    text: hold.reason.to_string(),
                })
                .collect(),
        }
    }
}

impl StepView {
    /// Shows a step.
    #[must_use]
    pub fn of(planned: &Planned) -> Self {
        let none = String::new;
        let (action, subject, detail) = match &planned.step {
            Step::Pull { image } => ("pull", image, none()),
            Step::CreateNetwork(spec) => ("create-network", &spec.network.name, none()),
            Step::CreateVolume(spec) => ("create-volume", &spec.volume.name, none()),
            Step::MakeFolder { path, owner } => {
                ("make-folder", path, owner.map_or_else(none, |(user, group)| format!("for {user}:{group}")))
            }
            Step::Rename { target, to } => ("rename", &target.name, format!("to {to}")),
            Step::Create { spec, .. } => ("create", &spec.name, format!("from {}", spec.service.image)),
            Step::SetRestart { target, restart } => ("set-restart", &target.name, format!("{restart:?}")),
            Step::Stop { target, grace_ms } => ("stop", &target.name, grace(*grace_ms)),
            Step::Start { target } => ("start", &target.name, none()),
            Step::Restart { target, grace_ms } => ("restart", &target.name, grace(*grace_ms)),
            Step::Await { target, until } => {
                let until = match until {
                    Condition::Started => "it stays up",
                    Condition::Healthy => "it is healthy",
                    Condition::Completed => "it has ended well",
                };
                ("await", &target.name, format!("until {until}"))
            }
            Step::Remove { target } => ("remove", &target.name, none()),
            Step::RemoveNetwork { name } => ("remove-network", name, none()),
        };
        Self { action: action.into(), subject: subject.clone(), detail, because: planned.because.to_string() }
    }
}

fn grace(ms: u64) -> String {
    format!("within {} s", ms.div_ceil(1000))
}

fn word(held: &Held) -> &'static str {
    match held {
        Held::Conferences(_) => "conferences",
        Held::ForeignActivity => "foreign_activity",
        Held::StoppedByOperator => "stopped_by_operator",
        Held::FailedBefore => "failed_before",
        Held::AfterFailure => "after_failure",
        Held::Resting(why) => why.as_str(),
        Held::AwaitsDeployment => "awaits_deployment",
        Held::Drift => "drift",
        Held::Orphan => "orphan",
        Held::NameTaken(_) => "name_taken",
        Held::ExternalMissing(_) => "external_missing",
        Held::NotOurs(_) => "not_ours",
        Held::NetworkDiffers => "network_differs",
        Held::NoImage(_) => "no_image",
    }
}
