//! The process: arguments, log, settings, listener, exit code. Nothing else.

mod cli;
mod reload;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Arg, ArgMatches, Command};
use usher_agent::Listeners;
use usher_agent::config::{Config, DEFAULT_FILE, SCHEMA};
use usher_common::rt::listeners::Inherited;
use usher_common::rt::logging::{self, LogFormat};
use usher_common::rt::paper::{paper, with_paper};
use usher_common::rt::process::{
    EXIT_SETTINGS, common_args, environment, flag_or_variable, host_name, load_settings, run_to_end,
};
use usher_common::rt::{http_client, http_server, shutdown};
use usher_common::settings::{Complaints, Settings, example};

#[expect(clippy::print_stderr, reason = "this is the program's face")]
fn main() -> ExitCode {
    let matches = command().get_matches();
    if matches.subcommand_name() == Some("example-config") {
        return print(example(&SCHEMA, "Settings of usher-agent.").as_bytes());
    }
    if let Some(text) = paper(&matches, command(), "8") {
        return print(&text);
    }
    let environment = environment();
    let said = |name: &str| flag_or_variable(&matches, &SCHEMA, &environment, name);
    let format =
        if said("log-format").as_deref() == Some("json") { LogFormat::Json } else { LogFormat::Text };
    let stack = matches.subcommand_matches("stack");
    // A person at work sees what is done anyway.
    let level = if stack.is_some() { "warn,usher_agent::probe=off,usher_agent::deploy=off" } else { "info" };
    if let Err(error) = logging::start(said("log").as_deref().unwrap_or(level), format) {
        eprintln!("usher-agent: {error}");
        return ExitCode::from(EXIT_SETTINGS);
    }
    let settings = load_settings(&SCHEMA, &matches, &environment, DEFAULT_FILE);
    if let (Some(stack), Ok(settings)) = (stack, &settings) {
        return cli::run(settings, &environment, stack);
    }
    let check = |settings: Settings| {
        let config = Config::from_settings(&settings, &environment, host_name().as_deref())?;
        Ok((settings, config))
    };
    let config = settings.and_then(check);
    let (settings, config) = match config {
        Ok(both) => both,
        Err(complaints) => {
            eprintln!("usher-agent: {complaints}");
            return ExitCode::from(EXIT_SETTINGS);
        }
    };
    if let Some(("check-config", matches)) = matches.subcommand() {
        return print((show(&settings, matches) + "\n").as_bytes());
    }
    let mut inherited = Inherited::from_environment();
    let mut bind = |name, address| {
        let bound = inherited.listen(name, address);
        bound.map(|bound| bound.listener).map_err(|error| http_server::bind_complaint(address, &error))
    };
    let bound = bind("http", config.listen).and_then(|http| {
        let check = config.agent_check_listen.map(|address| bind("agent-check", address));
        Ok(Listeners { http, agent_check: check.transpose()? })
    });
    let listeners = match bound {
        Ok(listeners) => listeners,
        Err(complaint) => {
            eprintln!("usher-agent: {complaint}");
            return ExitCode::from(EXIT_SETTINGS);
        }
    };
    let load = || load_settings(&SCHEMA, &matches, &environment, DEFAULT_FILE).and_then(check);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = runtime.context("no runtime");
    match ended.and_then(|runtime| run_to_end(runtime, serve(config, listeners, settings, load))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("usher-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard output; whoever stops reading (`head`) has had enough.
fn print(bytes: &[u8]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}

fn command() -> Command {
    let command = Command::new("usher-agent")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Runs beside one Jitsi: measures the host and the stack, and reports")
        .subcommand(Command::new("run").about("Serve until told to stop (what happens without a command)"))
        .subcommand(
            Command::new("check-config")
                .about("Check the settings and show what holds")
                .arg(Arg::new("format").long("format").value_parser(["text", "json"]).default_value("text")),
        )
        .subcommand(
            Command::new("example-config").about("Print a settings file with every key and its default"),
        )
        .subcommand(cli::command());
    common_args(with_paper(command), &SCHEMA, DEFAULT_FILE)
}

async fn serve(
    config: Config,
    listeners: Listeners,
    settings: Settings,
    load: impl Fn() -> Result<(Settings, Config), Complaints>,
) -> anyhow::Result<()> {
    http_client::use_ring();
    let stop = shutdown::on_signals()?;
    let hangups = shutdown::reloads()?;
    let (sender, access) = tokio::sync::watch::channel(config.access.clone());
    tokio::select! {
        ended = usher_agent::run_reloading(config, listeners, access, stop) => Ok(ended?),
        () = reload::on_hangup(hangups, settings, load, sender) => anyhow::bail!("reloading ended"),
    }
}

fn show(settings: &Settings, matches: &ArgMatches) -> String {
    let rows = settings.iter().map(|(key, value, origin)| {
        (key.path, value.map(usher_common::settings::Value::to_text), origin.to_string())
    });
    if matches.get_one::<String>("format").is_some_and(|format| format == "json") {
        let map: serde_json::Map<_, _> = rows
            .map(|(path, value, origin)| {
                (path.to_owned(), serde_json::json!({ "value": value, "origin": origin }))
            })
            .collect();
        return serde_json::Value::Object(map).to_string();
    }
    rows.map(|(path, value, origin)| {
        format!("{path:<28} {:<32} {origin}", value.unwrap_or_else(|| "-".to_owned()))
    })
    .collect::<Vec<_>>()
    .join("\n")
}
