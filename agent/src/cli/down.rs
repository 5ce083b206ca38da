//! `stack down`: stops and removes the containers and, when nothing else is on them, the networks. Never volumes.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};

use super::{Exit, Ground, exit, flags, live, show};
use usher_agent::compose::plan::Held;
use usher_agent::stack::{DownOptions, HoldView, LoadedStack, Outcome};

pub(super) fn command() -> Command {
    Command::new("down")
        .about("Stop and remove the stack's containers and networks; volumes and folders stay")
        .arg(
            Arg::new("remove-orphans")
                .long("remove-orphans")
                .action(ArgAction::SetTrue)
                .help("Remove containers of services that are gone from the files, too"),
        )
        .arg(
            Arg::new("interrupt")
                .long("interrupt")
                .action(ArgAction::SetTrue)
                .help("Do it although conferences are on it, or nobody can say whether there are"),
        )
        .arg(flags::timeout())
        .arg(flags::format())
}

#[expect(clippy::print_stdout, reason = "this is the program's face")]
pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Exit> {
    let loaded = ground.stack.load(&BTreeMap::new())?;
    let lock = ground.stack.lock(&loaded, "usher-agent stack down")?;
    let options = DownOptions {
        remove_orphans: ground.matches.get_flag("remove-orphans"),
        timeout: ground.matches.get_one::<u32>("timeout").map(|s| Duration::from_secs(u64::from(*s))),
    };
    let outcome = match people(ground, &loaded).await? {
        Some(hold) => Outcome { holds: vec![hold], ..Outcome::default() },
        None => {
            let display = show::Display::new();
            ground.stack.down(&lock, &loaded, &options, &|progress| display.show(progress)).await
        }
    };
    if flags::is_json(ground.matches) {
        println!("{}", serde_json::json!({ "outcome": outcome }));
    } else {
        println!("{}", show::outcome(&outcome));
    }
    Ok(exit::of_outcome(&outcome))
}

/// What stands in the way where people may be on what runs.
async fn people(ground: &Ground<'_>, loaded: &LoadedStack) -> anyhow::Result<Option<HoldView>> {
    if ground.matches.get_flag("interrupt") {
        return Ok(None);
    }
    let observed = ground.stack.observe(loaded).await?;
    let up = observed.containers.iter().filter(|one| one.is_up() && one.belongs_to(&loaded.desired.project));
    let services: Vec<&str> = up.filter_map(|one| one.service()).collect();
    let found = live::people(ground.settings, loaded, &services).await;
    Ok(found.map(|(subject, count)| HoldView {
        subject,
        reason: "conferences".into(),
        text: format!("{}; --interrupt goes on", Held::Conferences(count)),
    }))
}
