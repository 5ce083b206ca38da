//! One statement of what all services say: the report's `jitsi` and `rooms`, and the reasons
//! for which this node should take no new meetings. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use usher_common::wire::{Jitsi, NotReady, Probe, ProbeFailure, Room};

use super::jicofo::Focus;
use super::jvb::Bridge;
use super::prosody::Census;
use super::reading::{Reading, ServiceProbe, ServiceReadings};

/// Probes whose failure says that the node cannot hold meetings.
const HEALTH: &[ServiceProbe] = &[
    ServiceProbe::JvbHealth,
    ServiceProbe::JicofoHealth,
    ServiceProbe::ProsodyHealth,
    ServiceProbe::ProsodyBosh,
    ServiceProbe::Web,
];

/// The services, merged; `None` when no probe of a service runs.
#[must_use]
pub fn jitsi(readings: &ServiceReadings) -> Option<Jitsi> {
    readings.outcomes().next()?;
    let (bridge, focus, census) = (bridge(readings), focus(readings), census(readings));
    Some(Jitsi {
        stress: bridge.and_then(|bridge| bridge.stress),
        // Jicofo and the census see the first person of a meeting; the bridge does not.
        participants: focus
            .and_then(|focus| focus.participants)
            .or_else(|| census.map(|census| census.participants))
            .or_else(|| bridge.and_then(|bridge| bridge.local_endpoints)),
        conferences: focus
            .and_then(|focus| focus.conferences)
            .or_else(|| census.map(|census| census.conferences))
            .or_else(|| bridge.and_then(|bridge| bridge.conferences)),
        largest_conference: focus
            .and_then(|focus| focus.largest_conference)
            .or_else(|| census.map(|census| census.largest_conference))
            .or_else(|| bridge.and_then(|bridge| bridge.largest_conference)),
        joins_total: joins_total(readings, bridge, focus),
        receive_bits_per_s: bridge.and_then(|bridge| bridge.receive_bits_per_s),
        transmit_bits_per_s: bridge.and_then(|bridge| bridge.transmit_bits_per_s),
        healthy: healthy(readings),
        bridge_linked: bridge.and_then(|bridge| bridge.linked),
        shutting_down: bridge.and_then(|bridge| either(bridge.graceful_shutdown, bridge.shutting_down)),
        bridge_version: match readings.reading(ServiceProbe::JvbVersion) {
            Some(Reading::Version(version)) => Some(version.clone()),
            _ => bridge.and_then(|bridge| bridge.version.clone()),
        },
        certificate_not_after_unix_s: certificate(readings),
    })
}

/// The live rooms; `None` without a census or without the fleet's secret.
#[must_use]
pub fn rooms(readings: &ServiceReadings) -> Option<&[Room]> {
    census(readings)?.rooms.as_deref()
}

/// Why the services say that no new meetings should come here; what is not known is no reason.
#[must_use]
pub fn not_ready(readings: &ServiceReadings) -> BTreeSet<NotReady> {
    let mut reasons = BTreeSet::new();
    if healthy(readings) == Some(false) {
        reasons.insert(NotReady::JitsiUnhealthy);
    }
    let Some(bridge) = bridge(readings) else { return reasons };
    if bridge.linked == Some(false) {
        reasons.insert(NotReady::BridgeUnlinked);
    }
    if [bridge.graceful_shutdown, bridge.shutting_down, bridge.draining].contains(&Some(true)) {
        reasons.insert(NotReady::BridgeShuttingDown);
    }
    reasons
}

/// The outcomes as the report has them.
#[must_use]
pub fn probes(readings: &ServiceReadings, now: Instant) -> BTreeMap<String, Probe> {
    let probe = |(probe, outcome): (ServiceProbe, &super::reading::Outcome)| {
        let reason = outcome.result.as_ref().err().map(|failed| failed.reason);
        let age = now.saturating_duration_since(outcome.at).as_millis();
        let pending = reason == Some(ProbeFailure::Pending);
        let age_ms = if pending { None } else { u64::try_from(age).ok() };
        (probe.as_str().to_owned(), Probe { ok: reason.is_none(), reason, age_ms })
    };
    readings.outcomes().map(probe).collect()
}

/// The counter of one source for as long as that source is there: a counter that changes its
/// source for one missed answer would jump.
fn joins_total(readings: &ServiceReadings, bridge: Option<&Bridge>, focus: Option<&Focus>) -> Option<u64> {
    if let Some(bridge) = bridge {
        return bridge.joins_total;
    }
    let bridge_is_mute = [ServiceProbe::JvbMetrics, ServiceProbe::JvbStats].iter().all(|probe| {
        readings
            .failure(*probe)
            .is_none_or(|failed| matches!(failed.reason, ProbeFailure::Disabled | ProbeFailure::Denied))
    });
    focus.filter(|_| bridge_is_mute).and_then(|focus| focus.joins_total)
}

/// Whether everything that could be asked is well; `None` when nothing could.
fn healthy(readings: &ServiceReadings) -> Option<bool> {
    let of_probe = |probe: &ServiceProbe| match &readings.outcome(*probe)?.result {
        Ok(_) => Some(true),
        Err(failed) => match failed.reason {
            // It could not be asked, which is no news of its health.
            ProbeFailure::Disabled
            | ProbeFailure::Denied
            | ProbeFailure::Pending
            | ProbeFailure::Missing
            | ProbeFailure::Unknown => None,
            _ => Some(false),
        },
    };
    let own_word = bridge(readings).and_then(|bridge| bridge.healthy);
    HEALTH.iter().filter_map(of_probe).chain(own_word).reduce(|all, one| all && one)
}

/// The certificate people see, else the one in the file.
fn certificate(readings: &ServiceReadings) -> Option<i64> {
    let shown = match readings.reading(ServiceProbe::Web) {
        Some(Reading::Page(certificate)) => *certificate,
        _ => None,
    };
    let filed = match readings.reading(ServiceProbe::CertificateFile) {
        Some(Reading::Certificate(certificate)) => Some(*certificate),
        _ => None,
    };
    shown.or(filed).map(|certificate| certificate.not_after_unix_s)
}

fn bridge(readings: &ServiceReadings) -> Option<&Bridge> {
    let read = |probe| match readings.reading(probe) {
        Some(Reading::Bridge(bridge)) => Some(bridge.as_ref()),
        _ => None,
    };
    read(ServiceProbe::JvbMetrics).or_else(|| read(ServiceProbe::JvbStats))
}

fn focus(readings: &ServiceReadings) -> Option<&Focus> {
    match readings.reading(ServiceProbe::JicofoStats) {
        Some(Reading::Focus(focus)) => Some(focus),
        _ => None,
    }
}

fn census(readings: &ServiceReadings) -> Option<&Census> {
    match readings.reading(ServiceProbe::ProsodyCensus) {
        Some(Reading::Census(census)) => Some(census),
        _ => None,
    }
}

/// True as soon as one is; false only when one says so and none says otherwise.
fn either(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one || other),
        (known, unknown) => known.or(unknown),
    }
}

#[cfg(test)]
mod tests;
