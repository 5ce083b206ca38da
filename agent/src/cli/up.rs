//! `stack up`: brings the project to where the files and `--set` say, or leaves what ran before.
//!
//! ```text
//!  load with --set ──► converge ── good ──► .env says it too
//!                          └── failed ──► converge to the files as they are ──► what ran before runs again
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Command;

use super::{Exit, Ground, exit, flags, plan, show};
use usher_agent::compose::plan::{Held, Policy};
use usher_agent::stack::{LoadedStack, Lock, Memory, Outcome, env_file};

pub(super) fn command() -> Command {
    flags::policy(
        Command::new("up")
            .about("Bring the stack to where the files say; what runs already and is right stays untouched")
            .arg(flags::set(
                "Set a variable, over .env; when everything is up, .env says so too, and when not, what ran before runs again",
            ))
            .arg(flags::timeout())
            .arg(flags::format()),
    )
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the program's face")]
pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Exit> {
    let overrides = flags::overrides(ground.matches)?;
    let loaded = load(ground, &overrides)?;
    show::warnings(&loaded);
    let lock = ground.stack.lock(&loaded, "usher-agent stack up")?;
    // Who asks again means it.
    Memory::load(loaded.directory()).forget_failed()?;
    let policy = plan::policy(ground, &loaded).await;
    let plan = ground.stack.plan(&loaded, &policy).await?;
    let people = plan.holds.iter().any(|hold| matches!(hold.reason, Held::Conferences(_)));
    let outcome = if people && !overrides.is_empty() {
        // Half a new version is worse than none.
        Outcome::held(&plan)
    } else {
        converge(ground, &lock, &loaded, policy.clone()).await
    };
    let mut exit = exit::of_outcome(&outcome);
    let (mut note, mut back) = (None, None);
    if !overrides.is_empty() && exit == Exit::Good {
        let path = env_path(ground, &loaded);
        env_file::persist(&path, &overrides).context("everything is up, but the next up would undo it")?;
        note = Some(format!("{} says so too", path.display()));
    } else if !overrides.is_empty() && exit == Exit::Failed && outcome.reached_containers() {
        eprintln!("back to what ran before");
        let before = load(ground, &BTreeMap::new())?;
        let again = converge(ground, &lock, &before, Policy { force: Default::default(), ..policy }).await;
        note = Some(
            if again.settled() { "what ran before runs" } else { "what ran before does not run" }.to_owned(),
        );
        back = Some(again);
    } else if !overrides.is_empty() && exit == Exit::Held {
        note = Some("--set is not kept, since not everything could be done".to_owned());
    }
    if flags::is_json(ground.matches) {
        println!("{}", serde_json::json!({ "outcome": outcome, "back": back, "note": note }));
    } else {
        println!("{}", show::outcome(&outcome));
        if let Some(back) = &back {
            println!("{}", show::outcome(back));
        }
        note.iter().for_each(|note| println!("{note}"));
    }
    if back.is_some() {
        exit = Exit::Failed;
    }
    Ok(exit)
}

async fn converge(ground: &Ground<'_>, lock: &Lock, loaded: &LoadedStack, policy: Policy) -> Outcome {
    let display = show::Display::new();
    ground.stack.converge(lock, loaded, policy, &|progress| display.show(progress)).await
}

fn load(ground: &Ground<'_>, overrides: &BTreeMap<String, String>) -> anyhow::Result<LoadedStack> {
    let mut loaded = ground.stack.load(overrides)?;
    if let Some(seconds) = ground.matches.get_one::<u32>("timeout") {
        for service in &mut loaded.desired.services {
            service.grace_ms = u64::from(*seconds) * 1000;
        }
    }
    Ok(loaded)
}

/// The file that the variables are read from: the last env file named, else `.env` of the project.
fn env_path(ground: &Ground<'_>, loaded: &LoadedStack) -> PathBuf {
    let named = ground.stack.options().source.env_files.last();
    named.map_or_else(|| loaded.directory().join(".env"), |path| Path::new(path).to_owned())
}
