//! A deployment as a person orders and watches it: at the agent that keeps the project, or by ourselves where none
//! does. Both take the same course and tell the same lines.

use std::sync::Mutex;

use anyhow::{Context as _, bail};
use clap::{Arg, ArgMatches, Command};
use console::style;
use serde_json::{Value, json};
use usher_agent::config::Config;
use usher_agent::deploy::alone;
use usher_agent::deploy::job::Wanted;
use usher_agent::deploy::journal::Journal;
use usher_agent::deploy::orders::What;
use usher_agent::stack::{LoadedStack, Progress};
use usher_agent::upkeep::UpkeepOptions;
use usher_common::rt::{process::host_name, shutdown};
use usher_common::settings::Complaints;

use super::agent::Agent;
use super::{Exit, Ground, flags, show};

/// Who carries it out.
pub(super) enum Driver {
    /// The agent that keeps the project.
    Agent(Agent),
    /// We do.
    Us,
}

/// Flags of everything that is a deployment.
pub(super) fn args(command: Command) -> Command {
    let seconds = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("SECONDS").value_parser(clap::value_parser!(u64)).help(help)
    };
    command
        .arg(seconds("drain", "How long to wait for conferences to end [default: stack.drain_within]"))
        .arg(seconds(
            "deadline",
            "How long the new version has to prove itself [default: stack.verify_within]",
        ))
}

/// Finds out who is to do it.
pub(super) async fn driver(ground: &Ground<'_>, loaded: &LoadedStack) -> anyhow::Result<Driver> {
    let agent = Agent::new(ground.settings)?;
    if !agent.keeps(loaded.directory()).await? {
        return Ok(Driver::Us);
    }
    if ground.other_source {
        bail!(
            "the agent at {} keeps this project as its settings say: leave -f, -p, --env-file and --profile out, or set \
             stack.files and the like",
            agent.base()
        );
    }
    Ok(Driver::Agent(agent))
}

/// What the flags say about how to deploy.
pub(super) fn wanted(matches: &ArgMatches, loaded: &LoadedStack) -> anyhow::Result<Wanted> {
    let number = |name: &str| matches.get_one::<u64>(name).copied();
    Ok(Wanted {
        set: flags::overrides(matches)?,
        interrupt: matches.get_flag("interrupt"),
        drain_s: number("drain"),
        deadline_s: number("deadline"),
        who: None,
        force: super::plan::forced(matches, loaded)?,
        leave_drift: matches.get_flag("leave-drift"),
        remove_orphans: matches.get_flag("remove-orphans"),
        stop_s: matches.get_one::<u32>("timeout").copied(),
    })
}

/// Orders it, shows it until it is over, and says how it ended.
pub(super) async fn run(
    ground: &Ground<'_>,
    loaded: &LoadedStack,
    driver: &Driver,
    what: What,
) -> anyhow::Result<Exit> {
    let watcher = Watcher::default();
    let told = |line: &str| watcher.take(line);
    let end = match driver {
        Driver::Agent(agent) => {
            let (path, body) = order(&what);
            let id = agent.order(path, &body).await?;
            Some(agent.follow(&id, &told).await?)
        }
        Driver::Us => {
            let end = by_ourselves(ground, loaded, Some(what), &told).await?;
            end.map(serde_json::to_value).transpose()?
        }
    };
    let end = end.context("it was called off before it began")?;
    say(ground, &end);
    Ok(exit(&end))
}

/// Ends what was cut short, if anything was.
pub(super) async fn resume(ground: &Ground<'_>, loaded: &LoadedStack) -> anyhow::Result<()> {
    let watcher = Watcher::default();
    by_ourselves(ground, loaded, None, &|line: &str| watcher.take(line)).await.map(drop)
}

async fn by_ourselves(
    ground: &Ground<'_>,
    loaded: &LoadedStack,
    what: Option<What>,
    told: &(dyn Fn(&str) + Send + Sync),
) -> anyhow::Result<Option<Value>> {
    let config = config(ground)?;
    let mut complaints = Complaints::default();
    let options = UpkeepOptions::of(ground.settings, ground.stack.options().clone(), &mut complaints);
    let options = complaints.or(options)?;
    let stop = shutdown::on_signals()?;
    let end = alone::deploy(&config, options, loaded, what, stop, told).await?;
    Ok(end.map(|job| json!(job.view())))
}

/// The records of the project's deployments. Wants less of the settings than a deployment does.
pub(super) fn journal(ground: &Ground<'_>, loaded: &LoadedStack) -> Journal {
    let state_dir = ground.settings.path("state_dir").expect("has a default");
    let own = ground.settings.path("stack.directory");
    Journal::new(&alone::state_dir(&state_dir, own.as_deref(), loaded))
}

/// The settings as the agent would read them.
fn config(ground: &Ground<'_>) -> anyhow::Result<Config> {
    Ok(Config::from_settings(ground.settings, ground.environment, host_name().as_deref())?)
}

fn order(what: &What) -> (&'static str, Value) {
    match what {
        What::Deploy(wanted) => ("/v1/stack/deploy", json!(wanted)),
        What::GoBack { id, interrupt, who } => {
            ("/v1/stack/rollback", json!({ "deployment": id, "interrupt": interrupt, "who": who }))
        }
    }
}

/// Who sits here, for the history.
pub(super) fn who(ground: &Ground<'_>, command: &str) -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| ground.environment.get(*name));
    name.map_or_else(|| command.to_owned(), |name| format!("{name} ({command})"))
}

/// Shows the lines of a deployment.
struct Watcher {
    display: show::Display,
    /// What was said last about its phase or the people it waits for.
    last: Mutex<String>,
}

impl Default for Watcher {
    fn default() -> Self {
        Self { display: show::Display::new(), last: Mutex::default() }
    }
}

impl Watcher {
    fn take(&self, line: &str) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return };
        if line["event"] == "phase" {
            let job = &line["deployment"];
            return self.say(format!("{} {}", word(&job["id"]), word(&job["phase"]).replace('_', " ")));
        }
        match serde_json::from_value(line) {
            Ok(Progress::People { conferences }) => self.say(match conferences {
                Some(count) => format!("waits for {count} conferences to end (--interrupt goes on)"),
                None => {
                    "waits until the bridge can be asked for its conferences (--interrupt goes on)".to_owned()
                }
            }),
            Ok(progress) => self.display.show(progress),
            // Of a newer agent.
            Err(error) => tracing::debug!(%error, "a line that is not understood"),
        }
    }

    /// Says a thing once.
    fn say(&self, text: String) {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *last != text {
            self.display.say(&text);
            *last = text;
        }
    }
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or("?")
}

#[expect(clippy::print_stdout, reason = "this is the program's face")]
fn say(ground: &Ground<'_>, job: &Value) {
    if flags::is_json(ground.matches) {
        return println!("{}", json!({ "deployment": job }));
    }
    let ended = match word(&job["phase"]) {
        "done" => style("done: it is up and well, and the .env says so").green(),
        "failed" => style("failed: nothing was replaced").red(),
        "rolled_back" => style("rolled back: what ran before runs again").red(),
        _ => style("stuck: what ran before could not be brought back").red(),
    };
    println!("{ended}");
    if let Some(reason) = job["reason"].as_str() {
        println!("{reason}: {}", job["detail"].as_str().unwrap_or("no more is known"));
    }
}

/// What the end says to a script.
fn exit(job: &Value) -> Exit {
    match (word(&job["phase"]), job["reason"].as_str()) {
        ("done", _) => Exit::Good,
        ("failed", Some("conferences" | "blocked")) => Exit::Held,
        ("failed", Some("files_invalid")) => Exit::BadInput,
        _ => Exit::Failed,
    }
}
