//! The vocabulary of a plan: what is done, why, what is waited for and what is held back.

use std::fmt;

use usher_common::wire::StackHold;

use super::super::desired::{ContainerSpec, NetworkSpec, Restart, VolumeSpec};
use super::super::diff::Why;
use super::super::model::service::Condition;

/// What would be done, in order, and what would not.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    /// To be done one after the other; stop at the first that fails and look again.
    pub steps: Vec<Planned>,
    /// Services that could not be worked on yet.
    pub waits: Vec<Wait>,
    /// What is left as it is although it is not as it should be.
    pub holds: Vec<Hold>,
}

/// One step and its reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// What is done.
    pub step: Step,
    /// Why.
    pub because: Because,
}

/// A container that a step is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its id; `None`: it is made earlier in the same plan and known by its name only.
    pub id: Option<String>,
    /// Its name when the step's turn comes.
    pub name: String,
}

/// One thing to do to the engine or the host. Each can be done again without harm.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Get an image.
    Pull {
        /// Its reference.
        image: String,
    },
    /// Make a network.
    CreateNetwork(Box<NetworkSpec>),
    /// Make a volume.
    CreateVolume(Box<VolumeSpec>),
    /// Make a folder on the host that a mount starts from.
    MakeFolder {
        /// Absolute.
        path: String,
        /// (uid, gid), where one is wanted.
        owner: Option<(u32, u32)>,
    },
    /// Give a container another name.
    Rename {
        /// Which.
        target: Target,
        /// The name it gets.
        to: String,
    },
    /// Make a container, without starting it.
    Create {
        /// What it is.
        spec: Box<ContainerSpec>,
        /// The id of the one it replaces: for its label, and to take over anonymous volumes.
        replaces: Option<String>,
    },
    /// Say when the engine starts a container again.
    SetRestart {
        /// Which.
        target: Target,
        /// When.
        restart: Restart,
    },
    /// Stop a container.
    Stop {
        /// Which.
        target: Target,
        /// How long it may take, in milliseconds.
        grace_ms: u64,
    },
    /// Start a container.
    Start {
        /// Which.
        target: Target,
    },
    /// Stop a container and start it again.
    Restart {
        /// Which.
        target: Target,
        /// How long stopping may take, in milliseconds.
        grace_ms: u64,
    },
    /// Wait until a container is far enough; it failing or taking too long ends the plan. Without a health check
    /// that only means up: whoever waits should see it stay so for a while, since the one before goes next.
    Await {
        /// Which.
        target: Target,
        /// How far.
        until: Condition,
    },
    /// Remove a container that is stopped. Never its volumes.
    Remove {
        /// Which.
        target: Target,
    },
    /// Remove a network of the project, when the whole project is taken down.
    RemoveNetwork {
        /// Its engine name.
        name: String,
    },
}

/// Why a step is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// It is not there.
    Missing,
    /// It is there and does not run.
    Down,
    /// It is not what the files say.
    Replaces(Why),
    /// A replacement was cut short and goes on.
    GoesOn,
    /// The replacement did not come up, or is not wanted any more: back to the one before.
    GoesBack,
    /// It has a name that compose left behind.
    Misnamed,
    /// There are more containers than the service has.
    Surplus,
    /// Its service is not in the files any more, and the operator said to remove such.
    Orphan,
    /// Something that is about to be made needs it.
    Needed,
    /// The operator asked for the newest image.
    Refresh,
    /// Another service waits for it.
    WaitedFor(String),
    /// A service it is restarted with is replaced.
    RestartsWith(String),
    /// The operator takes the project down.
    TakenDown,
    /// It runs and is ill.
    Ill,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Because::Missing => f.write_str("it is missing"),
            Because::Down => f.write_str("it does not run"),
            Because::Replaces(why) => write!(f, "{why}"),
            Because::GoesOn => f.write_str("a replacement was cut short"),
            Because::GoesBack => f.write_str("back to the container before"),
            Because::Misnamed => f.write_str("its name was left behind by a recreation that was cut short"),
            Because::Surplus => f.write_str("the service has fewer containers"),
            Because::Orphan => f.write_str("its service is gone from the files"),
            Because::Needed => f.write_str("a container needs it"),
            Because::Refresh => f.write_str("the newest image was asked for"),
            Because::WaitedFor(service) => write!(f, "{service} waits for it"),
            Because::TakenDown => f.write_str("the project is taken down"),
            Because::RestartsWith(service) => write!(f, "{service} is replaced"),
            Because::Ill => f.write_str("it is ill"),
        }
    }
}

/// A service that cannot be worked on before another is far enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The service.
    pub service: String,
    /// What it waits for.
    pub on: String,
    /// How far that has to be.
    pub until: Condition,
}

/// Something that is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The service, container or network.
    pub subject: String,
    /// Why it is left.
    pub reason: Held,
}

/// Why something is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// People are in conferences on it; the number, where it is known.
    Conferences(Option<u64>),
    /// Somebody else is working on the project.
    ForeignActivity,
    /// The operator stopped it.
    StoppedByOperator,
    /// It is left alone for now.
    Resting(StackHold),
    /// It is not what the files say, and replacing it is left to a deployment.
    AwaitsDeployment,
    /// This very replacement failed before.
    FailedBefore,
    /// Something else failed a moment ago, so nothing more is replaced.
    AfterFailure,
    /// It was made by hand from other settings, and policy is to leave such.
    Drift,
    /// Its service is gone from the files.
    Orphan,
    /// A container of somebody else has this name.
    NameTaken(String),
    /// This external network or volume is not there.
    ExternalMissing(String),
    /// A network or volume of this name is there and belongs to somebody else.
    NotOurs(String),
    /// A network is there with other settings; making it anew would disconnect everything on it.
    NetworkDiffers,
    /// The image is not here and must not be pulled.
    NoImage(String),
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::Conferences(Some(count)) => write!(f, "{count} conferences are on it"),
            Held::Conferences(None) => f.write_str("nobody knows whether conferences are on it"),
            Held::ForeignActivity => f.write_str("somebody else is working on the project"),
            Held::StoppedByOperator => f.write_str("the operator stopped it"),
            Held::Resting(why) => write!(f, "it is left alone for now ({why})"),
            Held::AwaitsDeployment => f.write_str("it is not what the files say: deploy to replace it"),
            Held::FailedBefore => {
                f.write_str("this replacement failed before: change something or ask again")
            }
            Held::AfterFailure => f.write_str("something else failed, so nothing more is replaced"),
            Held::Drift => f.write_str("it was made by hand from other settings"),
            Held::Orphan => f.write_str("its service is gone from the files: remove orphans to remove it"),
            Held::NameTaken(name) => write!(f, "a container of somebody else is called {name}"),
            Held::ExternalMissing(name) => write!(f, "the external {name} is not there"),
            Held::NotOurs(name) => write!(f, "{name} is there and is not of this project"),
            Held::NetworkDiffers => {
                f.write_str("its settings changed: remove it by hand when nothing is on it")
            }
            Held::NoImage(image) => write!(f, "the image {image} is not here and must not be pulled"),
        }
    }
}
