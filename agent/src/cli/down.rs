//! `stack down`: stops and removes the containers and, when nothing else is on them, the networks. Never volumes.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::{Arg, ArgAction, Command};

use super::{Exit, Ground, exit, flags, show};
use usher_agent::stack::DownOptions;

pub(super) fn command() -> Command {
    Command::new("down")
        .about("Stop and remove the stack's containers and networks; volumes and folders stay")
        .arg(
            Arg::new("remove-orphans")
                .long("remove-orphans")
                .action(ArgAction::SetTrue)
                .help("Remove containers of services that are gone from the files, too"),
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
    let display = show::Display::new();
    let outcome = ground.stack.down(&lock, &loaded, &options, &|progress| display.show(progress)).await;
    if flags::is_json(ground.matches) {
        println!("{}", serde_json::json!({ "outcome": outcome }));
    } else {
        println!("{}", show::outcome(&outcome));
    }
    Ok(exit::of_outcome(&outcome))
}
