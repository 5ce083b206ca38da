//! Keeping the stack up: what fell is helped, with patience and within bounds; what the operator stopped stays so.
//!
//! ```text
//!  sample ──ward──► beds ──triage──► treatment ─┐
//!    (illness, streaks, starved)      (heals)   ├─► reconcile ──► stack
//!  events ──hands──► who did it ────────────────┘
//! ```
//!
//! `illness`, `heals`, `triage`, `hands`, `calls`, `starved`, `streaks` and `ward` decide and are pure; `run`,
//! `reconcile`, `site` and `feed` do. Changed files are not a reason to replace what runs: that is what
//! [deployments](crate::deploy) are for, with a way back.

pub mod calls;
pub mod feed;
pub mod hands;
pub mod heals;
pub mod illness;
pub mod memory;
mod options;
mod reconcile;
mod run;
pub(crate) mod site;
pub mod starved;
mod status;
pub mod streaks;
pub mod triage;
pub mod ward;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;
use usher_common::rt::tasks::Tasks;

pub use options::{CertificateOptions, UpkeepOptions};
pub use status::{Board, Certificate, News, Status};

use crate::config::Config;
use crate::deploy::journal::Journal;
use crate::deploy::orders::{Desk, Order};
use crate::node::Node;
use crate::stack::Stack;

/// What of the work on the stack others see and ask for: the routes, the report, the metrics.
#[derive(Debug, Clone)]
pub struct Works {
    /// The stack, to look at it.
    pub stack: Stack,
    /// The deployments so far.
    pub journal: Journal,
    /// What is going on.
    pub board: Board,
    /// Where to ask for a deployment.
    pub desk: Desk,
}

/// Events that may wait to be heard.
const HEARD: usize = 256;

impl Works {
    /// The outer side of the work, and the inner side of its desk.
    #[must_use]
    pub fn new(options: &UpkeepOptions, state_dir: &Path) -> (Self, mpsc::Receiver<Order>) {
        let (desk, orders) = Desk::new();
        let works = Self {
            stack: Stack::new(options.stack.clone()),
            journal: Journal::new(state_dir),
            board: Board::default(),
            desk,
        };
        (works, orders)
    }
}

/// Starts the work.
pub(crate) fn spawn(
    tasks: &mut Tasks,
    config: &Config,
    options: UpkeepOptions,
    works: &Works,
    orders: mpsc::Receiver<Order>,
    node: &Arc<Node>,
) {
    let Some(project) = config.stack.project.clone() else {
        tracing::error!(
            "stack.directory gives the project no name: set COMPOSE_PROJECT_NAME in its .env; it is not kept up"
        );
        return;
    };
    let site = site::Site::new(
        options.clone(),
        works.stack.clone(),
        Arc::clone(node),
        works.journal.clone(),
        works.board.clone(),
        (&config.state_dir, &config.host.proc),
    );
    let (hear, heard) = mpsc::channel(HEARD);
    let listening = feed::feed(works.stack.clone(), project, Some(site.listen_since()), hear);
    tasks.spawn("stack events", listening);
    tasks.spawn("upkeep", run::Worker { site, heard, orders }.run());
    if let Some(certificates) = options.certificates {
        tasks.spawn("certificates", crate::certificates::watch(certificates, works.clone()));
    }
}
