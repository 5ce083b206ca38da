//! `stack plan`: what `up` would do, and why.

use std::collections::BTreeSet;

use clap::{ArgMatches, Command};

use super::{Exit, Ground, flags, live, show};
use usher_agent::compose::plan::Policy;
use usher_agent::stack::{LoadedStack, Memory, PlanView};

pub(super) fn command() -> Command {
    flags::policy(
        Command::new("plan")
            .about("Show what up would do, step by step, and why")
            .arg(flags::set("Set a variable, over .env"))
            .arg(flags::format()),
    )
}

#[expect(clippy::print_stdout, reason = "this is the program's face")]
pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Exit> {
    let loaded = ground.stack.load(&flags::overrides(ground.matches)?)?;
    show::warnings(&loaded);
    let mut policy = policy(ground, &loaded).await;
    policy.failed = Memory::load(loaded.directory()).failed().keys().cloned().collect();
    let plan = PlanView::of(&ground.stack.plan(&loaded, &policy).await?);
    if flags::is_json(ground.matches) {
        println!("{}", serde_json::to_string_pretty(&plan)?);
    } else {
        println!("{}", show::plan(&plan));
    }
    Ok(Exit::Good)
}

/// What the flags and the moment allow.
pub(super) async fn policy(ground: &Ground<'_>, loaded: &LoadedStack) -> Policy {
    let matches = ground.matches;
    Policy {
        live: live::conferences(ground.settings, loaded).await,
        interrupt: matches.get_flag("interrupt"),
        // A person who says up means what the files say.
        enforce: !matches.get_flag("leave-drift"),
        refresh: matches.get_flag("refresh"),
        remove_orphans: matches.get_flag("remove-orphans"),
        force: forced(matches, loaded),
        ..Policy::default()
    }
}

pub(super) fn forced(matches: &ArgMatches, loaded: &LoadedStack) -> BTreeSet<String> {
    match matches.get_one::<String>("force").map(String::as_str) {
        None => BTreeSet::new(),
        Some("") => loaded.desired.services.iter().map(|service| service.name.clone()).collect(),
        Some(list) => list.split(',').map(|name| name.trim().to_owned()).collect(),
    }
}
