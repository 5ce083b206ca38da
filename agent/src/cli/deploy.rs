//! `stack deploy` and `stack rollback`: another version of the stack, and back.

use std::collections::BTreeMap;

use anyhow::bail;
use clap::{Arg, ArgAction, Command};
use usher_agent::deploy::orders::What;

use super::course::{self, Driver};
use super::{Exit, Ground, flags, show};

pub(super) fn deploy_command() -> Command {
    let command = Command::new("deploy")
        .about("Let the agent that runs here bring up another version of the stack, and watch it")
        .after_help(
            "The agent goes on with it when this command is ended; `stack history` tells how it went.",
        )
        .arg(flags::set(
            "Set a variable in .env; when the new version is no good, everything comes back as it was",
        ))
        .arg(flags::timeout())
        .arg(flags::format());
    course::args(flags::policy(command))
}

pub(super) async fn deploy(ground: &Ground<'_>) -> anyhow::Result<Exit> {
    let loaded = ground.stack.load(&flags::overrides(ground.matches)?)?;
    show::warnings(&loaded);
    let driver = course::driver(ground, &loaded).await?;
    if matches!(driver, Driver::Us) {
        bail!(
            "no agent runs here that keeps the project in {}: start it, or use stack up --set",
            loaded.directory().display()
        );
    }
    let mut wanted = course::wanted(ground.matches, &loaded)?;
    wanted.who = Some(course::who(ground, "stack deploy"));
    course::run(ground, &loaded, &driver, What::Deploy(wanted)).await
}

pub(super) fn rollback_command() -> Command {
    Command::new("rollback")
        .about("Bring back what was there before a deployment")
        .arg(
            Arg::new("deployment").value_name("ID").help(
                "The deployment to undo, as stack history shows it [default: the newest that went well]",
            ),
        )
        .arg(
            Arg::new("interrupt")
                .long("interrupt")
                .action(ArgAction::SetTrue)
                .help("Replace services although conferences are on them"),
        )
        .arg(flags::format())
}

pub(super) async fn rollback(ground: &Ground<'_>) -> anyhow::Result<Exit> {
    let loaded = ground.stack.load(&BTreeMap::new())?;
    let driver = course::driver(ground, &loaded).await?;
    let what = What::GoBack {
        id: ground.matches.get_one::<String>("deployment").cloned(),
        interrupt: ground.matches.get_flag("interrupt"),
        who: Some(course::who(ground, "stack rollback")),
    };
    course::run(ground, &loaded, &driver, what).await
}
