//! Asks systemd over D-Bus: two properties, the list of units, and the types of the named
//! services. A new connection each time, so that nothing is to be mended when the bus restarts.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio::sync::watch::Sender;
use usher_common::wire::ProbeFailure;
use zbus::connection::Builder;
use zbus::{Connection, Error, OwnedObjectPath, OwnedVariant};

use super::super::reading::Failed;
use super::{Asked, Outcome, Unit, Units};

const SYSTEMD: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const SERVICE: &str = "org.freedesktop.systemd1.Service";
const ROOT: &str = "/org/freedesktop/systemd1";

/// What is asked, and where.
#[derive(Debug, Clone)]
pub struct Options {
    /// The units to show, with their suffixes.
    pub units: Vec<String>,
    /// Exists while systemd is the init system: `sd_booted(3)` looks at it, too.
    pub marker: PathBuf,
    /// The bus's address; `None` for the system's.
    pub bus: Option<String>,
    /// From one answer to the next.
    pub every: Duration,
    /// How long all questions together may take.
    pub deadline: Duration,
}

impl Options {
    /// The system's own bus.
    #[must_use]
    pub fn of_system(units: Vec<String>) -> Self {
        Self {
            units,
            marker: "/run/systemd/system".into(),
            bus: None,
            every: Duration::from_secs(15),
            deadline: Duration::from_secs(2),
        }
    }
}

/// A unit as `ListUnits` tells of it: name, description, load state, active state, sub state,
/// the unit it follows, object path, and its job (number, type, path).
type Row = (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

/// Asks again and again, until it is dropped.
pub async fn watch(options: Options, published: Sender<Outcome>) {
    let mut told = None;
    loop {
        let outcome = match options.marker.is_dir() {
            true => Some(Asked { result: within_deadline(&options).await, at: Instant::now() }),
            false => None,
        };
        let failed = outcome.as_ref().and_then(|asked| asked.result.as_ref().err());
        let reason = failed.map(|failed| failed.reason);
        if reason != told {
            match failed {
                Some(failed) => {
                    tracing::warn!(reason = %failed.reason, "systemd does not answer: {}", failed.detail);
                }
                None => tracing::info!("the failure to ask systemd is over"),
            }
            told = reason;
        }
        published.send_replace(outcome);
        tokio::time::sleep(options.every).await;
    }
}

async fn within_deadline(options: &Options) -> Result<Units, Failed> {
    match tokio::time::timeout(options.deadline, ask(options)).await {
        Ok(answer) => answer.map_err(|error| Failed::new(reason(&error), error.to_string())),
        Err(_) => Err(Failed::new(ProbeFailure::Timeout, format!("no answer within {:?}", options.deadline))),
    }
}

async fn ask(options: &Options) -> Result<Units, Error> {
    let bus = match &options.bus {
        Some(address) => Builder::address(address.as_str()),
        None => Builder::system(),
    };
    let bus = bus.build().await?;
    let version = property(&bus, ROOT, MANAGER, "Version").await?;
    let system_state = property(&bus, ROOT, MANAGER, "SystemState").await?;
    let list = bus.call_method(Some(SYSTEMD), ROOT, Some(MANAGER), "ListUnits", &()).await?;
    let rows: Vec<Row> = list.body().deserialize()?;
    let mut named = Vec::new();
    // Units that are not loaded (not installed here) are not shown, as in node_exporter.
    let loaded = |row: &&Row| row.2 == "loaded" && options.units.contains(&row.0);
    for row in rows.iter().filter(loaded) {
        let kind = match row.0.ends_with(".service") {
            true => Some(property(&bus, row.6.as_str(), SERVICE, "Type").await?),
            false => None,
        };
        named.push(Unit { name: row.0.clone(), state: row.3.clone(), kind });
    }
    Ok(Units { version, system_state, all: rows.into_iter().map(|row| row.3).collect(), named })
}

async fn property(bus: &Connection, path: &str, interface: &str, name: &str) -> Result<String, Error> {
    let properties = Some("org.freedesktop.DBus.Properties");
    let answer = bus.call_method(Some(SYSTEMD), path, properties, "Get", &(interface, name)).await?;
    answer.body().deserialize::<OwnedVariant>()?.try_into()
}

fn reason(error: &Error) -> ProbeFailure {
    if let Some(kind) = io_kind(error) {
        return match kind {
            io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => ProbeFailure::Refused,
            io::ErrorKind::PermissionDenied => ProbeFailure::Denied,
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
                ProbeFailure::Reset
            }
            _ => ProbeFailure::Io,
        };
    }
    match error {
        Error::FDO(error) => match **error {
            zbus::fdo::Error::AccessDenied(_) | zbus::fdo::Error::AuthFailed(_) => ProbeFailure::Denied,
            // The bus may know how to start systemd, and does not succeed.
            zbus::fdo::Error::ServiceUnknown(_)
            | zbus::fdo::Error::NameHasNoOwner(_)
            | zbus::fdo::Error::SpawnChildExited(_)
            | zbus::fdo::Error::SpawnFailed(_) => ProbeFailure::Refused,
            _ => ProbeFailure::Status,
        },
        Error::MethodError(..) => ProbeFailure::Status,
        Error::Handshake(_) => ProbeFailure::Denied,
        _ => ProbeFailure::Malformed,
    }
}

/// The IO error inside, if there is one.
fn io_kind(error: &Error) -> Option<io::ErrorKind> {
    match error {
        Error::InputOutput(error) => Some(error.kind()),
        Error::Connection(error, _) => Some(error.kind()),
        _ => None,
    }
}
