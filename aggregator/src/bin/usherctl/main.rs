//! `usherctl`: the operator's hand. Asks the aggregator's operator listener, and replays offline.
//!
//! ```text
//!  cli ──► fleet, top, explain, decisions ──► api ──GET──► operator listener (:7081)
//!     ├──► state: drain, ready, maint ──────► api ──PUT──► … ──► the node's agent
//!     └──► replay: traces and recorded decisions, without any server
//! ```
//!
//! Tables for people, `--format json` for machines. Exit codes: 0 done, 1 not done (the message says
//! why), 2 the command line cannot be used.

mod api;
mod cli;
mod decisions;
mod explain;
mod fleet;
mod replay;
mod state;
mod table;
mod top;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use usher_common::rt::paper::{paper, with_paper};

use api::Api;
use cli::{Cli, What};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let command = || with_paper(Cli::command());
    let matches = command().get_matches();
    let done = match paper(&matches, command(), "1") {
        Some(text) => table::print(&String::from_utf8_lossy(&text)),
        None => match Cli::from_arg_matches(&matches) {
            Ok(cli) => run(cli).await,
            Err(error) => error.exit(),
        },
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let What::Replay(replay) = cli.what else {
        let api = Api::new(&cli.server, cli.token_file.as_deref())?;
        return online(&api, cli.format, cli.what).await;
    };
    replay.run(cli.format)
}

async fn online(api: &Api, format: cli::Format, what: What) -> anyhow::Result<()> {
    match what {
        What::Fleet { node: None } => fleet::fleet(api, format).await,
        What::Fleet { node: Some(node) } => fleet::node(api, format, &node).await,
        What::Top { interval } => top::top(api, interval).await,
        What::Explain(explain) => explain::explain(api, format, &explain).await,
        What::Drain(drain) => state::drain(api, format, &drain).await,
        What::Ready(wish) => state::set(api, format, "ready", &wish).await,
        What::Maint(wish) => state::set(api, format, "maint", &wish).await,
        What::Decisions(decisions) => decisions::decisions(api, format, &decisions).await,
        What::Replay(_) => unreachable!("needs no server"),
    }
}

/// Whoever read our output had enough.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

#[expect(clippy::print_stderr, reason = "the one message of a program that ends")]
fn complain(error: &anyhow::Error) -> ExitCode {
    eprintln!("usherctl: {error:#}");
    ExitCode::FAILURE
}
