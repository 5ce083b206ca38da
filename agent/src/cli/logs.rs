//! `stack logs`: what the services say, each line with its container's name in front.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use anyhow::{Context as _, ensure};
use clap::{Arg, ArgAction, Command};
use console::{Color, style};
use futures_util::stream::{self, StreamExt as _};

use super::{Exit, Ground, flags};
use usher_agent::compose::desired::labels;
use usher_agent::engine::{Inspected, LogRequest};
use usher_agent::stack::Failure;

const COLORS: [Color; 6] =
    [Color::Cyan, Color::Yellow, Color::Green, Color::Magenta, Color::Blue, Color::Red];

pub(super) fn command() -> Command {
    let flag = |name: &'static str, short: char, help: &'static str| {
        Arg::new(name).long(name).short(short).action(ArgAction::SetTrue).help(help)
    };
    Command::new("logs")
        .about("Show what the services say")
        .arg(flag("follow", 'f', "Go on with what is said from now on"))
        .arg(flag("timestamps", 't', "Put the time before each line"))
        .arg(
            Arg::new("tail")
                .long("tail")
                .short('n')
                .value_name("LINES")
                .value_parser(clap::value_parser!(u64))
                .help("So many last lines of each container [default: all]"),
        )
        .arg(Arg::new("service").value_name("SERVICE").action(ArgAction::Append).help("Only these services"))
        .arg(flags::format())
}

pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Exit> {
    let loaded = ground.stack.load(&BTreeMap::new())?;
    let wanted: BTreeSet<&String> =
        ground.matches.get_many::<String>("service").into_iter().flatten().collect();
    for name in &wanted {
        ensure!(loaded.project.services.contains_key(*name), "there is no service {name} in the files");
    }
    let engine = ground.stack.engine()?;
    let label = format!("{}={}", labels::PROJECT, loaded.project.name);
    let found = engine.containers_labelled(&label).await;
    let mut found = found.map_err(|error| Failure::of_engine("the Docker engine", &error))?;
    found.retain(|one| {
        wanted.is_empty() || one.container.service().is_some_and(|name| wanted.contains(&name.to_owned()))
    });
    found.sort_by(|a, b| a.container.name.cmp(&b.container.name));
    let request = LogRequest {
        follow: ground.matches.get_flag("follow"),
        tail: ground.matches.get_one::<u64>("tail").copied(),
        timestamps: ground.matches.get_flag("timestamps"),
        since: None,
    };
    let width = found.iter().map(|one| one.container.name.len()).max().unwrap_or(0);
    let json = flags::is_json(ground.matches);
    let logs = found.iter().enumerate().map(|(index, one)| {
        let prefix = Prefix::of(one, width, COLORS[index % COLORS.len()]);
        engine.logs(&one.container.id, &request).map(move |line| (prefix.clone(), line)).boxed()
    });
    let mut lines = stream::select_all(logs);
    let mut out = std::io::stdout().lock();
    while let Some((prefix, line)) = lines.next().await {
        let line = line.with_context(|| format!("the log of {}", prefix.name))?;
        let text = if json {
            serde_json::json!({ "container": prefix.name, "service": prefix.service, "error": line.error,
                "line": line.text })
            .to_string()
        } else {
            format!("{} {}", prefix.shown, line.text)
        };
        match writeln!(out, "{text}") {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Exit::Good),
            written => written?,
        }
    }
    Ok(Exit::Good)
}

#[derive(Clone)]
struct Prefix {
    name: String,
    service: String,
    /// As it stands before a line, coloured on a terminal.
    shown: String,
}

impl Prefix {
    fn of(found: &Inspected, width: usize, color: Color) -> Self {
        let name = found.container.name.clone();
        let shown = style(format!("{name:width$} |")).fg(color).to_string();
        Self { service: found.container.service().unwrap_or("").to_owned(), name, shown }
    }
}
