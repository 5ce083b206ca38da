//! Compose's flags, and ours beside them.

use std::collections::BTreeMap;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};
use usher_agent::stack::{Source, StackOptions};

/// A `--set` that sets nothing.
#[derive(Debug, thiserror::Error)]
#[error("--set {0:?} is not NAME=VALUE")]
pub(crate) struct NotAPair(String);

/// Adds compose's own flags; as with `docker compose` they stand before the sub-command.
pub(crate) fn compose(command: Command) -> Command {
    let many = |name: &'static str| Arg::new(name).long(name).action(ArgAction::Append);
    command
        .arg(Arg::new("project-directory").long("project-directory").value_name("DIR").help(
            "Directory that relative paths start from [default: that of the first file, else stack.directory]",
        ))
        .arg(many("file").short('f').value_name("FILE").help("Compose file; several are merged in order"))
        .arg(Arg::new("project-name").long("project-name").short('p').value_name("NAME").help("Project name"))
        .arg(many("env-file").value_name("FILE").help("File with variables, in place of .env"))
        .arg(many("profile").value_name("NAME").help("Active profile"))
}

/// Puts compose's flags into the options. With a file or directory given, the settings' own project has no say.
pub(crate) fn take(matches: &ArgMatches, here: &Path, options: &mut StackOptions) {
    let one = |name: &str| matches.get_one::<String>(name).cloned();
    let many = |name: &str| -> Vec<String> {
        matches.get_many::<String>(name).map(|all| all.cloned().collect()).unwrap_or_default()
    };
    let (directory, files) = (one("project-directory"), many("file"));
    let source = &mut options.source;
    if directory.is_some() || !files.is_empty() {
        *source =
            Source { directory: here.to_owned(), project_directory: directory, files, ..Source::default() };
    }
    if let Some(name) = one("project-name") {
        source.name = Some(name);
    }
    // The settings' files start from the settings' directory, those given here from here.
    let absolute = |path: String| here.join(path).to_string_lossy().into_owned();
    for (given, place) in [
        (many("env-file").into_iter().map(absolute).collect::<Vec<_>>(), &mut source.env_files),
        (many("profile"), &mut source.profiles),
    ] {
        if !given.is_empty() {
            *place = given;
        }
    }
}

/// `--format text|json`.
pub(crate) fn format() -> Arg {
    Arg::new("format")
        .long("format")
        .value_name("FORMAT")
        .value_parser(["text", "json"])
        .default_value("text")
        .help("For people or for programs")
}

pub(crate) fn is_json(matches: &ArgMatches) -> bool {
    matches.get_one::<String>("format").is_some_and(|format| format == "json")
}

/// `--set NAME=VALUE`.
pub(crate) fn set(help: &'static str) -> Arg {
    Arg::new("set").long("set").value_name("NAME=VALUE").action(ArgAction::Append).help(help)
}

/// The pairs of `--set`.
pub(crate) fn overrides(matches: &ArgMatches) -> Result<BTreeMap<String, String>, NotAPair> {
    let all = matches.get_many::<String>("set").into_iter().flatten();
    all.map(|text| {
        let pair = text.split_once('=').filter(|(name, _)| is_name(name));
        let (name, value) = pair.ok_or_else(|| NotAPair(text.clone()))?;
        Ok((name.to_owned(), value.to_owned()))
    })
    .collect()
}

fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Flags that say how far a plan may go.
pub(crate) fn policy(command: Command) -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    command
        .arg(
            Arg::new("force")
                .long("force")
                .value_name("SERVICE,...")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("")
                .help("Replace these services (all, when none are named) although nothing changed"),
        )
        .arg(flag("interrupt", "Replace services although conferences are on them"))
        .arg(flag("leave-drift", "Leave containers that somebody else made from other settings"))
        .arg(flag("refresh", "Look for newer images of services with pull_policy: always"))
        .arg(flag("remove-orphans", "Remove containers of services that are gone from the files"))
}

/// `--timeout SECONDS`.
pub(crate) fn timeout() -> Arg {
    Arg::new("timeout")
        .long("timeout")
        .short('t')
        .value_name("SECONDS")
        .value_parser(clap::value_parser!(u32))
        .help("How long a container may take to stop [default: what its service says, else 10]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_a_variables_name_and_any_value() {
        let command = || Command::new("x").arg(set("x"));
        let of = |args: &[&str]| overrides(&command().get_matches_from([&["x"], args].concat()));
        let all = of(&["--set", "A=1", "--set", "B=c=d", "--set=E="]).unwrap();
        assert_eq!(all.into_iter().map(|(k, v)| k + ":" + &v).collect::<Vec<_>>(), ["A:1", "B:c=d", "E:"]);
        for bad in ["A", "=1", "1A=2", "A B=3"] {
            assert!(of(&["--set", bad]).is_err(), "{bad}");
        }
    }
}
