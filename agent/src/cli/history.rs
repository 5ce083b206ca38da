//! `stack history`: the deployments of this node, newest first, as they are on the disk.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use clap::Command;
use usher_agent::deploy::job::Job;

use super::{Exit, Ground, course, flags, show};

pub(super) fn command() -> Command {
    Command::new("history").about("List the deployments, newest first").arg(flags::format())
}

#[expect(clippy::print_stdout, reason = "this is the program's face")]
pub(super) fn run(ground: &Ground<'_>) -> anyhow::Result<Exit> {
    let loaded = ground.stack.load(&BTreeMap::new())?;
    let journal = course::journal(ground, &loaded);
    journal.check_readable()?;
    let all = journal.all();
    if flags::is_json(ground.matches) {
        let views: Vec<_> = all.iter().map(Job::view).collect();
        println!("{}", serde_json::to_string_pretty(&views)?);
        return Ok(Exit::Good);
    }
    let mut table = show::table(&["ID", "BEGAN", "BY", "SET", "ENDED", "WHY"]);
    for job in &all {
        let began = i64::try_from(job.turns[0].at_unix_ms).ok().and_then(DateTime::from_timestamp_millis);
        let began = began.map_or_else(String::new, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true));
        let set: Vec<&str> = job.wanted.set.keys().map(String::as_str).collect();
        let why = match (job.reason, &job.detail) {
            (Some(reason), Some(detail)) => format!("{reason}: {detail}"),
            (Some(reason), None) => reason.to_string(),
            _ => String::new(),
        };
        let who = job.wanted.who.as_deref().unwrap_or("");
        table.add_row([job.id.as_str(), &began, who, &set.join(" "), job.phase.as_str(), &why]);
    }
    println!("{table}");
    Ok(Exit::Good)
}
