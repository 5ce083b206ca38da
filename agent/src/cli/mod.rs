//! `usher-agent stack`: what a person does with the stack by hand, with compose's own flags.
//!
//! The result goes to standard output (a table, or JSON with `--format json`), everything on the way there to
//! standard error. It takes the same lock as the agent, and the engine's state is the only thing they share.

mod agent;
mod config;
mod course;
mod deploy;
mod down;
mod exit;
mod flags;
mod history;
mod live;
mod logs;
mod plan;
mod ps;
mod show;
mod up;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use clap::{ArgMatches, Command};
use usher_agent::stack::{Stack, StackOptions};
use usher_common::settings::{Complaints, Settings};

pub(crate) use exit::Exit;

/// The command and its sub-commands.
pub(crate) fn command() -> Command {
    flags::compose(
        Command::new("stack")
            .about("Look at the stack of this node and change it")
            .after_help(exit::HELP)
            .subcommand_required(true)
            .subcommand(config::command())
            .subcommand(plan::command())
            .subcommand(up::command())
            .subcommand(deploy::deploy_command())
            .subcommand(deploy::rollback_command())
            .subcommand(history::command())
            .subcommand(down::command())
            .subcommand(ps::command())
            .subcommand(logs::command()),
    )
}

/// What every sub-command is given.
pub(crate) struct Ground<'a> {
    pub(crate) stack: Stack,
    pub(crate) settings: &'a Settings,
    pub(crate) environment: &'a BTreeMap<String, String>,
    /// The flags name another project, or other files of it, than the settings do.
    pub(crate) other_source: bool,
    pub(crate) matches: &'a ArgMatches,
}

/// Runs `stack`.
#[expect(clippy::print_stderr, reason = "this is the program's face")]
pub(crate) fn run(
    settings: &Settings,
    environment: &BTreeMap<String, String>,
    matches: &ArgMatches,
) -> ExitCode {
    let mut complaints = Complaints::default();
    let here = std::env::current_dir().unwrap_or_else(|_| Path::new("/").to_owned());
    let mut options = StackOptions::from_settings(settings, environment, &here, &mut complaints);
    let own = options.source.clone();
    flags::take(matches, &here, &mut options);
    let other_source = options.source != own;
    let options = match complaints.or(options) {
        Ok(options) => options,
        Err(complaints) => {
            eprintln!("usher-agent: {complaints}");
            return ExitCode::from(Exit::BadInput as u8);
        }
    };
    let (name, matches) = matches.subcommand().expect("a sub-command is required");
    let ground = Ground { stack: Stack::new(options), settings, environment, other_source, matches };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(anyhow::Error::from).and_then(|runtime| {
        runtime.block_on(async {
            match name {
                "config" => config::run(&ground),
                "plan" => plan::run(&ground).await,
                "up" => up::run(&ground).await,
                "deploy" => deploy::deploy(&ground).await,
                "rollback" => deploy::rollback(&ground).await,
                "history" => history::run(&ground),
                "down" => down::run(&ground).await,
                "ps" => ps::run(&ground).await,
                "logs" => logs::run(&ground).await,
                other => unreachable!("clap knows no sub-command {other}"),
            }
        })
    });
    let exit = result.unwrap_or_else(|error| {
        eprintln!("usher-agent: {error:#}");
        exit::of_error(&error)
    });
    ExitCode::from(exit as u8)
}
