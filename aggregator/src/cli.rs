//! The command line: its shape, and what goes to standard output.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command};
use serde_json::{Map, Value, json};
use usher_aggregator::config::{DEFAULT_FILE, SCHEMA};
use usher_common::rt::paper::with_paper;
use usher_common::rt::process::{EXIT_SETTINGS, common_args};
use usher_common::settings::{Complaints, Settings};

/// The whole command line.
pub(crate) fn command() -> Command {
    let check =
        Command::new("check-config").about("Check the settings, show them with their origin, and end").arg(
            Arg::new("format")
                .long("format")
                .value_parser(["text", "json"])
                .default_value("text")
                .help("How to show them"),
        );
    let command =
        Command::new("usher-aggregator")
            .version(env!("CARGO_PKG_VERSION"))
            .about("Finds the video server with the most room for a meeting")
            .subcommand(Command::new("run").about("Run (the default)"))
            .subcommand(check)
            .subcommand(Command::new("healthcheck").about(
                "Ask the aggregator that runs with these settings whether it lives, and end with 0 or 1",
            ))
            .subcommand(
                Command::new("example-config").about("Print a settings file with every key and its default"),
            );
    common_args(with_paper(command), &SCHEMA, DEFAULT_FILE)
}

/// Shows settings that are right, or the complaints.
pub(crate) fn check(matches: &ArgMatches, outcome: Result<Settings, Complaints>) -> ExitCode {
    let as_json = matches.get_one::<String>("format").is_some_and(|format| format == "json");
    match (outcome, as_json) {
        (Ok(settings), true) => {
            print(&format!("{:#}\n", json!({ "ok": true, "settings": values(&settings) })))
        }
        (Ok(settings), false) => print(&listing(&settings)),
        (Err(complaints), true) => {
            print(&format!("{:#}\n", json!({ "ok": false, "complaints": complaints.lines() })));
            ExitCode::from(EXIT_SETTINGS)
        }
        (Err(complaints), false) => complain(&complaints.to_string(), EXIT_SETTINGS),
    }
}

/// Writes to standard output; a reader that went away early is no error of ours.
pub(crate) fn print(text: &str) -> ExitCode {
    print_bytes(text.as_bytes())
}

/// The same for what need not be text.
pub(crate) fn print_bytes(bytes: &[u8]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

/// Writes one message to standard error.
#[expect(clippy::print_stderr, reason = "the one message of a program that ends")]
pub(crate) fn complain(message: &str, code: u8) -> ExitCode {
    eprintln!("usher-aggregator: {message}");
    ExitCode::from(code)
}

fn values(settings: &Settings) -> Map<String, Value> {
    let entry = |value: Option<String>, origin: String| json!({ "value": value, "origin": origin });
    settings
        .iter()
        .map(|(key, value, origin)| {
            (
                key.path.to_owned(),
                entry(value.map(usher_common::settings::Value::to_text), origin.to_string()),
            )
        })
        .collect()
}

fn listing(settings: &Settings) -> String {
    let lines = settings.iter().map(|(key, value, origin)| {
        let value = value.map_or_else(|| "(not set)".to_owned(), usher_common::settings::Value::to_text);
        format!("{:<34} {value:<24} {origin}\n", key.path)
    });
    lines.chain(["the settings are right\n".to_owned()]).collect()
}
