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
    let mut policy = policy(ground, &loaded).await?;
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
pub(super) async fn policy(ground: &Ground<'_>, loaded: &LoadedStack) -> anyhow::Result<Policy> {
    let matches = ground.matches;
    Ok(Policy {
        live: live::conferences(ground.settings, loaded).await,
        interrupt: matches.get_flag("interrupt"),
        // A person who says up means what the files say.
        enforce: !matches.get_flag("leave-drift"),
        refresh: matches.get_flag("refresh"),
        remove_orphans: matches.get_flag("remove-orphans"),
        force: forced(matches, loaded)?,
        ..Policy::default()
    })
}

/// `--force` names a service that is not there.
#[derive(Debug, thiserror::Error)]
#[error("--force: there is no service {0:?} in the files")]
pub(super) struct NoService(String);

/// The services that `--force` names; all of them when it names none.
pub(super) fn forced(matches: &ArgMatches, loaded: &LoadedStack) -> Result<BTreeSet<String>, NoService> {
    let known = || loaded.desired.services.iter().map(|service| service.name.as_str());
    match matches.get_one::<String>("force").map(String::as_str) {
        None => Ok(BTreeSet::new()),
        Some("") => Ok(known().map(str::to_owned).collect()),
        Some(list) => {
            let one = |name: &str| match known().any(|there| there == name) {
                true => Ok(name.to_owned()),
                false => Err(NoService(name.to_owned())),
            };
            list.split(',').map(|name| one(name.trim())).collect()
        }
    }
}
