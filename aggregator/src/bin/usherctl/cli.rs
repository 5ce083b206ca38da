//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::replay::Replay;

/// Looks after a fleet of Jitsi VMs.
#[derive(Debug, Parser)]
#[command(name = "usherctl", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// The aggregator's operator listener.
    #[arg(long, global = true, env = "USHERCTL_SERVER", default_value = "http://127.0.0.1:7081")]
    pub(crate) server: String,
    /// File whose first line is the operators' token.
    #[arg(long, global = true, env = "USHERCTL_TOKEN_FILE", value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Tables for people, or JSON.
    #[arg(long, global = true, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
    #[command(subcommand)]
    pub(crate) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Every node with its load, promises and state; or all of one node.
    Fleet {
        /// The node's name.
        node: Option<String>,
    },
    /// The fleet, live, until Ctrl-C.
    Top {
        /// How often it is drawn anew.
        #[arg(long, default_value = "1s", value_parser = humantime::parse_duration)]
        interval: Duration,
    },
    /// The ranking that a placement now would use; nothing is placed.
    Explain(Explain),
    /// Takes a node out of the rotation: no new rooms, those that run go on.
    Drain(Drain),
    /// Puts a node back into the rotation.
    Ready(Wish),
    /// Puts a node out of service: neither new rooms nor joins.
    Maint(Wish),
    /// The newest placements, with what they were decided on.
    Decisions(Decisions),
    /// Judges the placement offline, on traces or on recorded decisions.
    Replay(Replay),
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// For this room.
    #[arg(long)]
    pub(crate) room: Option<String>,
    /// In this region.
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// With so many people.
    #[arg(long, value_name = "PEOPLE")]
    pub(crate) expected_participants: Option<f64>,
}

/// What is wanted of a node, and why.
#[derive(Debug, Args)]
pub(crate) struct Wish {
    /// The node's name.
    pub(crate) node: String,
    /// Why, for the others.
    #[arg(long)]
    pub(crate) why: Option<String>,
    /// Who wants it.
    #[arg(long, env = "USER")]
    pub(crate) who: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Drain {
    #[command(flatten)]
    pub(crate) wish: Wish,
    /// When it should be empty, from now; with --wait, when to give up.
    #[arg(long, value_parser = humantime::parse_duration)]
    pub(crate) deadline: Option<Duration>,
    /// Waits until nobody is in a meeting there.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Decisions {
    /// How many at most.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
    /// Those right after this number, rather than the newest.
    #[arg(long)]
    pub(crate) after: Option<u64>,
}
