//! What a process is given at its start: environment, settings file, random bytes;
//! and what it gives back: an exit code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command};

use super::files::{ReadError, SMALL_FILE_MAX, read_text};
use crate::settings::{Complaints, Schema, Settings, Sources, flag_args, flag_values, resolve};

/// Exit code for settings that cannot be used (as `EX_USAGE`'s cousins everywhere: 2, like clap's).
pub const EXIT_SETTINGS: u8 = 2;

/// Runs `work` to its end and no longer: what still hangs in a thread of its own then (a read of a file
/// system that is gone, a name server that does not answer) does not keep the process.
pub fn run_to_end<T>(runtime: tokio::runtime::Runtime, work: impl Future<Output = T>) -> T {
    let outcome = runtime.block_on(work);
    runtime.shutdown_background();
    outcome
}

/// The environment as a map; variables that are not UTF-8 are passed over.
#[must_use]
pub fn environment() -> BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(n, v)| Some((n.into_string().ok()?, v.into_string().ok()?))).collect()
}

/// The flags every program of ours has: its settings' and `--config`, `--log`, `--log-format`.
#[must_use]
pub fn common_args(command: Command, schema: &Schema, default_file: &'static str) -> Command {
    let prefix = schema.env_prefix;
    command
        .arg(
            Arg::new("config").long("config").global(true).value_name("FILE").help(format!(
                "Settings file [default: {default_file}, if it exists] [env: {prefix}_CONFIG]"
            )),
        )
        .arg(
            Arg::new("log")
                .long("log")
                .global(true)
                .value_name("FILTER")
                .help(format!("Log level or directives [default: info] [env: {prefix}_LOG]")),
        )
        .arg(
            Arg::new("log-format")
                .long("log-format")
                .global(true)
                .value_name("FORMAT")
                .value_parser(["text", "json"])
                .help(format!("Log lines as text or json [default: text] [env: {prefix}_LOG_FORMAT]")),
        )
        .args(flag_args(schema))
}

/// A text that is a flag of `common_args`, or else a variable of the program's.
#[must_use]
pub fn flag_or_variable(
    matches: &ArgMatches,
    schema: &Schema,
    environment: &BTreeMap<String, String>,
    name: &str,
) -> Option<String> {
    let variable = format!("{}_{}", schema.env_prefix, name.replace('-', "_").to_uppercase());
    let flag = matches.try_get_one::<String>(name).ok().flatten().cloned();
    flag.or_else(|| environment.get(&variable).filter(|text| !text.is_empty()).cloned())
}

/// Reads file, environment and flags, and resolves them.
pub fn load_settings(
    schema: &Schema,
    matches: &ArgMatches,
    environment: &BTreeMap<String, String>,
    default_file: &'static str,
) -> Result<Settings, Complaints> {
    let named = flag_or_variable(matches, schema, environment, "config").map(PathBuf::from);
    let mut complaints = Complaints::default();
    let path = named.clone().unwrap_or_else(|| PathBuf::from(default_file));
    let file = match read_text(&path, SMALL_FILE_MAX) {
        Ok(text) => Some((path, text)),
        Err(ReadError::Io { error, .. })
            if named.is_none() && error.kind() == std::io::ErrorKind::NotFound =>
        {
            None
        }
        Err(error) => {
            complaints.add_bare(error);
            None
        }
    };
    let sources = Sources { file, environment: environment.clone(), flags: flag_values(schema, matches) };
    match resolve(schema, &sources) {
        Ok(settings) => complaints.or(settings),
        Err(more) => {
            more.lines().iter().for_each(|line| complaints.add_bare(line));
            Err(complaints)
        }
    }
}

/// The host's name, as the kernel knows it.
#[must_use]
pub fn host_name() -> Option<String> {
    let name = read_text(Path::new("/proc/sys/kernel/hostname"), 4096).ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// 16 random hexadecimal digits, for ids that must differ between lives of a process.
#[must_use]
pub fn random_id() -> String {
    hex::encode(rand::random::<[u8; 8]>())
}

/// Milliseconds since the Unix epoch, by the wall clock; 0 when the clock stands before it.
#[must_use]
pub fn unix_now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
