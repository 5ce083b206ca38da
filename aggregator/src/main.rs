//! The process: arguments, settings, listeners, runtime, exit code. All else is the library's.

mod cli;
mod reload;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use usher_aggregator::config::{Config, DEFAULT_FILE, SCHEMA};
use usher_aggregator::{Listeners, run_reloading};
use usher_common::rt::listeners::Inherited;
use usher_common::rt::logging::{self, LogFormat};
use usher_common::rt::paper::paper;
use usher_common::rt::process::{EXIT_SETTINGS, environment, flag_or_variable, load_settings, run_to_end};
use usher_common::rt::{http_server, shutdown, systemd};
use usher_common::settings::{Complaints, Settings, example};

/// How long people who waited over a restart may wait for the first round of reads: it takes about a
/// second, and load balancers turn away after a few.
const HOLD: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    let matches = cli::command().get_matches();
    let environment = environment();
    if matches.subcommand_matches("example-config").is_some() {
        return cli::print(&example(&SCHEMA, "Settings of usher-aggregator; what stands here holds anyway."));
    }
    if let Some(text) = paper(&matches, cli::command(), "8") {
        return cli::print_bytes(&text);
    }
    let settings = load_settings(&SCHEMA, &matches, &environment, DEFAULT_FILE);
    let checked = settings.and_then(|settings| Ok((Config::build(&settings)?, settings)));
    if let Some(check) = matches.subcommand_matches("check-config") {
        return cli::check(check, checked.map(|(_, settings)| settings));
    }
    if matches.subcommand_matches("healthcheck").is_some() {
        return match checked {
            Ok((config, _)) => healthcheck(&config),
            Err(complaints) => cli::complain(&complaints.to_string(), EXIT_SETTINGS),
        };
    }
    let option = |name| flag_or_variable(&matches, &SCHEMA, &environment, name);
    let format = match option("log-format").as_deref() {
        Some("json") => LogFormat::Json,
        _ => LogFormat::Text,
    };
    let started = checked.map_err(|complaints| complaints.to_string()).and_then(|(mut config, settings)| {
        logging::start(option("log").as_deref().unwrap_or("info"), format)?;
        let listeners = listeners(&mut config, &settings).map_err(|complaints| complaints.to_string())?;
        Ok((listeners, config))
    });
    let (listeners, config) = match started {
        Ok(started) => started,
        Err(complaint) => return cli::complain(&complaint, EXIT_SETTINGS),
    };
    let load = || load_settings(&SCHEMA, &matches, &environment, DEFAULT_FILE);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime.context("no threads to run in");
    match ended.and_then(|runtime| run_to_end(runtime, serve(config, listeners, load))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::complain(&format!("{error:#}"), 1),
    }
}

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

/// Asks the public listener of a running aggregator whether it lives, for containers that hold nothing
/// else that could. Alive, not ready: to be replaced helps nobody whose fleet is away.
#[tokio::main(flavor = "current_thread")]
async fn healthcheck(config: &Config) -> ExitCode {
    match systemd::answers(config.public_listen).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => cli::complain(&why, 1),
    }
}

/// Takes over or binds both listeners, or says of each what is wrong. Behind a public listener that was
/// open before us people may be waiting already; they wait until the fleet was read.
fn listeners(config: &mut Config, settings: &Settings) -> Result<Listeners, Complaints> {
    let mut complaints = Complaints::default();
    let mut inherited = Inherited::from_environment();
    let mut bind = |name, key: &str, address| {
        let bound = inherited.listen(name, address);
        let complaint =
            |error| complaints.add(&settings.origin(key), http_server::bind_complaint(address, &error));
        bound.map_err(complaint).ok()
    };
    let public = bind("public", "public.listen", config.public_listen);
    let operator = bind("operator", "operator.listen", config.operator.listen);
    match (public, operator) {
        (Some(public), Some(operator)) => {
            // Also after a crash: a balancer that still counts on us shall not hear that there is nobody.
            config.hold = HOLD;
            Ok(Listeners { public: public.listener, operator: operator.listener })
        }
        _ => Err(complaints),
    }
}
