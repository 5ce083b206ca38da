//! systemd's units, under the names of node_exporter's `systemd` collector.
//!
//! ```text
//!  org.freedesktop.systemd1 ──► bus (asks, every 15 s) ──watch──► families ──► /metrics
//! ```
//!
//! Off the scrape's way: a bus that hangs delays nobody. States of the units that are named in
//! the settings, exactly; of all others only how many there are in each state. Where systemd
//! is not the init system there is nothing to ask and nothing is shown.

mod bus;

use std::time::Instant;

use usher_common::metric::Families;

use super::reading::Failed;

pub use bus::{Options, watch};

/// The states of a unit that node_exporter knows.
const STATES: [&str; 5] = ["activating", "active", "deactivating", "failed", "inactive"];

/// What systemd said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Units {
    /// systemd's version, as the distribution writes it: `252.36-1~deb12u1`.
    pub version: String,
    /// `running`, `degraded`, `starting`, ….
    pub system_state: String,
    /// The `ActiveState` of every loaded unit.
    pub all: Vec<String>,
    /// The named units that are loaded.
    pub named: Vec<Unit>,
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// With its suffix: `docker.service`.
    pub name: String,
    /// Its `ActiveState`.
    pub state: String,
    /// A service's `Type`, such as `notify`; `None` for other kinds of units.
    pub kind: Option<String>,
}

/// The newest answer; `None` where there is no systemd to ask.
pub type Outcome = Option<Asked>;

/// One answer, or why there was none.
#[derive(Debug, Clone)]
pub struct Asked {
    /// When it came.
    pub at: Instant,
    /// What it was.
    pub result: Result<Units, Failed>,
}

/// Adds what systemd said, and whether it did.
pub fn add(outcome: &Outcome, families: &mut Families) {
    let Some(Asked { result, .. }) = outcome else { return };
    let ok = f64::from(u8::from(result.is_ok()));
    let labels = &[("probe", "systemd")];
    families.gauge("usher_agent_probe_success", "Whether the newest attempt has a reading.", labels, ok);
    match result {
        Ok(units) => units.add(families),
        Err(failed) => families.gauge(
            "usher_agent_probe_failure",
            "Why a probe has no reading; 1 for the present reason, absent when it has one.",
            &[("probe", "systemd"), ("reason", failed.reason.as_str())],
            1.0,
        ),
    }
}

impl Units {
    fn add(&self, families: &mut Families) {
        for unit in &self.named {
            for state in STATES {
                let kind = unit.kind.as_deref().unwrap_or("");
                let labels = &[("name", unit.name.as_str()), ("state", state), ("type", kind)];
                let is = f64::from(u8::from(unit.state == state));
                families.gauge("node_systemd_unit_state", "Systemd unit", labels, is);
            }
        }
        for state in STATES {
            let count = self.all.iter().filter(|one| *one == state).count();
            let help = "Summary of systemd unit states";
            families.gauge("node_systemd_units", help, &[("state", state)], count as f64);
        }
        let help = "Whether the system is operational (see 'systemctl is-system-running')";
        let running = f64::from(u8::from(self.system_state == "running"));
        families.gauge("node_systemd_system_running", help, &[], running);
        // 252.36-1~deb12u1 is 252.36, as node_exporter has it.
        let number =
            self.version.split(|c: char| !c.is_ascii_digit() && c != '.').find(|part| !part.is_empty());
        let number = number.and_then(|number| number.parse().ok());
        let labels = &[("version", self.version.as_str())];
        families.gauge_if("node_systemd_version", "Detected systemd version", labels, number);
    }
}

#[cfg(test)]
mod tests;
