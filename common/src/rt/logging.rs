//! The log: to standard error, structured, as text for people or JSON for machines.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use super::journal::{self, Prioritized};

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// One readable line.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts the log. `filter` is a level (`info`) or directives (`info,usher_agent::engine=debug`).
/// A second call in one process (tests) changes nothing.
pub fn start(filter: &str, format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::builder()
        .parse(filter)
        .map_err(|error| format!("{filter:?} is no log filter: {error}"))?;
    // The journal has its own clock and no colours, and files lines by their priority.
    let stream = std::env::var_os("JOURNAL_STREAM");
    let journal = journal::is_stderr(stream.as_deref().and_then(std::ffi::OsStr::to_str));
    let base = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    let base = base.with_ansi(io::stderr().is_terminal()).with_target(false);
    let started = match (format, journal) {
        (LogFormat::Json, true) => base.json().flatten_event(true).map_event_format(Prioritized).try_init(),
        (LogFormat::Json, false) => base.json().flatten_event(true).try_init(),
        (LogFormat::Text, true) => base.without_time().map_event_format(Prioritized).try_init(),
        (LogFormat::Text, false) => base.try_init(),
    };
    // The only error is "there is one already".
    drop(started);
    Ok(())
}
