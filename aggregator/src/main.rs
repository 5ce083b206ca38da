//! The process: arguments, settings, listeners, runtime, exit code. All else is the library's.

mod cli;
mod reload;

use std::process::ExitCode;

use anyhow::Context as _;
use usher_aggregator::config::{Config, DEFAULT_FILE, SCHEMA};
use usher_aggregator::{Listeners, run_reloading};
use usher_common::rt::logging::{self, LogFormat};
use usher_common::rt::process::{EXIT_SETTINGS, environment, flag_or_variable, load_settings};
use usher_common::rt::{http_server, shutdown};
use usher_common::settings::{Complaints, Settings, example};

fn main() -> ExitCode {
    let matches = cli::command().get_matches();
    let environment = environment();
    if matches.subcommand_matches("example-config").is_some() {
        return cli::print(&example(&SCHEMA, "Settings of usher-aggregator; what stands here holds anyway."));
    }
    let settings = load_settings(&SCHEMA, &matches, &environment, DEFAULT_FILE);
    let checked = settings.and_then(|settings| Ok((Config::build(&settings)?, settings)));
    if let Some(check) = matches.subcommand_matches("check-config") {
        return cli::check(check, checked.map(|(_, settings)| settings));
    }
    let option = |name| flag_or_variable(&matches, &SCHEMA, &environment, name);
    let format = match option("log-format").as_deref() {
        Some("json") => LogFormat::Json,
        _ => LogFormat::Text,
    };
    let started = checked.map_err(|complaints| complaints.to_string()).and_then(|(config, settings)| {
        logging::start(option("log").as_deref().unwrap_or("info"), format)?;
        Ok((listeners(&config, &settings).map_err(|complaints| complaints.to_string())?, config))
    });
    let (listeners, config) = match started {
        Ok(started) => started,
        Err(complaint) => return cli::complain(&complaint, EXIT_SETTINGS),
    };
    let load = || load_settings(&SCHEMA, &matches, &environment, DEFAULT_FILE);
    match serve(config, listeners, load) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::complain(&format!("{error:#}"), 1),
    }
}

#[tokio::main]
async fn serve(
    config: Config,
    listeners: Listeners,
    load: impl Fn() -> Result<Settings, Complaints>,
) -> anyhow::Result<()> {
    let shutdown = shutdown::on_signals().context("cannot listen for signals")?;
    let hangups = shutdown::reloads().context("cannot listen for signals")?;
    let (sender, reloads) = tokio::sync::mpsc::channel(1);
    tracing::info!(
        public = %listeners.public.local_addr()?,
        operator = %listeners.operator.local_addr()?,
        version = env!("CARGO_PKG_VERSION"),
        "started"
    );
    tokio::select! {
        ended = run_reloading(config, listeners, reloads, shutdown) => Ok(ended?),
        () = reload::on_hangup(hangups, load, sender) => anyhow::bail!("reloading ended"),
    }
}

/// Binds both listeners, or says of each what is wrong.
fn listeners(config: &Config, settings: &Settings) -> Result<Listeners, Complaints> {
    let mut complaints = Complaints::default();
    let mut bind = |key: &str, address| {
        let bound = http_server::bind(address);
        let complaint =
            |error| complaints.add(&settings.origin(key), http_server::bind_complaint(address, &error));
        bound.map_err(complaint).ok()
    };
    let public = bind("public.listen", config.public_listen);
    let operator = bind("operator.listen", config.operator.listen);
    match (public, operator) {
        (Some(public), Some(operator)) => Ok(Listeners { public, operator }),
        _ => Err(complaints),
    }
}
