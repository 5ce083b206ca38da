//! `stack up`: brings the project to where the files say; with `--set`, a deployment with a way back.

use std::collections::BTreeMap;

use clap::Command;
use usher_agent::compose::plan::Policy;
use usher_agent::deploy::orders::What;
use usher_agent::deploy::release;
use usher_agent::stack::{LoadedStack, Lock, Memory, Outcome};

use super::course::{self, Driver};
use super::{Exit, Ground, exit, flags, plan, show};

pub(super) fn command() -> Command {
    let command = Command::new("up")
        .about("Bring the stack to where the files say; what runs already and is right stays untouched")
        .arg(flags::set(
            "Set a variable in .env and bring that version up: images first, then one service after the other; \
             when it is no good, everything comes back as it was",
        ))
        .arg(flags::timeout())
        .arg(flags::format());
    course::args(flags::policy(command))
}

pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Exit> {
    let overrides = flags::overrides(ground.matches)?;
    let loaded = ground.stack.load(&overrides)?;
    show::warnings(&loaded);
    if !overrides.is_empty() {
        let driver = course::driver(ground, &loaded).await?;
        Memory::load(loaded.directory()).forget_failed()?;
        let mut wanted = course::wanted(ground.matches, &loaded)?;
        wanted.who = Some(course::who(ground, "stack up"));
        return course::run(ground, &loaded, &driver, What::Deploy(wanted)).await;
    }
    if was_cut_short(ground, &loaded) && matches!(course::driver(ground, &loaded).await?, Driver::Us) {
        course::resume(ground, &loaded).await?;
    }
    // The files may be others by now.
    plain(ground, load(ground)?).await
}

/// Whether a deployment of this project began and did not end.
fn was_cut_short(ground: &Ground<'_>, loaded: &LoadedStack) -> bool {
    course::journal(ground, loaded).all().first().is_some_and(|job| !job.phase.is_final())
}

#[expect(clippy::print_stdout, reason = "this is the program's face")]
async fn plain(ground: &Ground<'_>, loaded: LoadedStack) -> anyhow::Result<Exit> {
    let lock = ground.stack.lock(&loaded, "usher-agent stack up")?;
    // Who asks again means it.
    Memory::load(loaded.directory()).forget_failed()?;
    let policy = plan::policy(ground, &loaded).await?;
    let outcome = converge(ground, &lock, &loaded, policy).await;
    if outcome.settled() {
        release::remember(&ground.stack, &course::journal(ground, &loaded), &loaded).await;
    }
    if flags::is_json(ground.matches) {
        println!("{}", serde_json::json!({ "outcome": outcome }));
    } else {
        println!("{}", show::outcome(&outcome));
    }
    Ok(exit::of_outcome(&outcome))
}

async fn converge(ground: &Ground<'_>, lock: &Lock, loaded: &LoadedStack, policy: Policy) -> Outcome {
    let display = show::Display::new();
    ground.stack.converge(lock, loaded, policy, &|progress| display.show(progress)).await
}

fn load(ground: &Ground<'_>) -> anyhow::Result<LoadedStack> {
    let mut loaded = ground.stack.load(&BTreeMap::new())?;
    if let Some(seconds) = ground.matches.get_one::<u32>("timeout") {
        loaded.desired.stop_within(u64::from(*seconds) * 1000);
    }
    Ok(loaded)
}
