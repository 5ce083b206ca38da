use std::time::Duration;

use proptest::prelude::*;

use super::super::certificate::Certificate;
use super::super::reading::{Failed, Outcome};
use super::super::samples::ok;
use super::super::{jicofo, jvb, prosody};
use super::*;

const METRICS: &str = include_str!("../../../../tests/fixtures/jvb/metrics-2.3.299.txt");
const STATS: &str = include_str!("../../../../tests/fixtures/jvb/stats-2.3.299.json");
const FOCUS: &str = include_str!("../../../../tests/fixtures/jicofo/stats-1.1.json");
const CENSUS: &str = include_str!("../../../../tests/fixtures/prosody/census.json");

type Result<T> = std::result::Result<T, Failed>;

fn readings(outcomes: Vec<(ServiceProbe, Result<Reading>)>) -> ServiceReadings {
    outcomes.into_iter().fold(ServiceReadings::default(), |readings, (probe, result)| {
        readings.with(probe, Outcome { result, at: Instant::now(), took: Duration::ZERO })
    })
}

fn fails(reason: ProbeFailure) -> Result<Reading> {
    Err(Failed::new(reason, "x"))
}

fn bridge_with(from: &str, to: &str) -> (ServiceProbe, Result<Reading>) {
    (ServiceProbe::JvbMetrics, jvb::metrics(&ok(METRICS.replace(from, to).as_bytes())))
}

fn everything() -> Vec<(ServiceProbe, Result<Reading>)> {
    vec![
        bridge_with("", ""),
        (ServiceProbe::JvbHealth, Ok(Reading::Well)),
        (ServiceProbe::JvbVersion, Ok(Reading::Version("2.3.299".into()))),
        (ServiceProbe::JicofoStats, jicofo::stats(&ok(FOCUS.as_bytes()))),
        (ServiceProbe::ProsodyCensus, prosody::census(&ok(CENSUS.as_bytes()))),
        (ServiceProbe::ProsodyBosh, Ok(Reading::Well)),
        (ServiceProbe::Web, Ok(Reading::Page(Some(Certificate { not_after_unix_s: 7 })))),
    ]
}

/// Everything, but with another outcome of `probe`.
fn but(probe: ServiceProbe, reason: ProbeFailure) -> ServiceReadings {
    readings(everything())
        .with(probe, Outcome { result: fails(reason), at: Instant::now(), took: Duration::ZERO })
}

#[test]
fn people_are_counted_by_jicofo_else_by_the_census_else_by_the_bridge() {
    let people = |readings: &ServiceReadings| jitsi(readings).unwrap().participants;
    assert_eq!(people(&readings(everything())), Some(46));
    let without = but(ServiceProbe::JicofoStats, ProbeFailure::Disabled);
    assert_eq!(people(&without), Some(22));
    let without = without.without(ServiceProbe::ProsodyCensus);
    assert_eq!(people(&without), Some(45));
    assert_eq!(people(&without.without(ServiceProbe::JvbMetrics)), None);
    assert_eq!(jitsi(&ServiceReadings::default()), None);
}

#[test]
fn a_stock_stack_with_the_bridges_series_alone_is_healthy_and_known() {
    let stock = readings(vec![
        bridge_with("", ""),
        (ServiceProbe::JvbHealth, Ok(Reading::Well)),
        (ServiceProbe::JicofoHealth, fails(ProbeFailure::Disabled)),
        (ServiceProbe::JicofoStats, fails(ProbeFailure::Disabled)),
        (ServiceProbe::ProsodyHealth, fails(ProbeFailure::Denied)),
        (ServiceProbe::ProsodyCensus, fails(ProbeFailure::Disabled)),
    ]);
    let jitsi = jitsi(&stock).unwrap();
    assert_eq!(
        (jitsi.healthy, jitsi.bridge_linked, jitsi.shutting_down),
        (Some(true), Some(true), Some(false))
    );
    assert_eq!((jitsi.participants, jitsi.joins_total, jitsi.stress), (Some(45), Some(6120), Some(0.27)));
    assert!(not_ready(&stock).is_empty() && rooms(&stock).is_none());
}

#[test]
fn one_failing_check_makes_the_node_unhealthy_and_one_that_cannot_be_asked_does_not() {
    use ServiceProbe::{JicofoHealth, JvbHealth, ProsodyBosh, ProsodyHealth, Web};
    for probe in ServiceProbe::ALL {
        let is_check = matches!(probe, JvbHealth | JicofoHealth | ProsodyHealth | ProsodyBosh | Web);
        for reason in ProbeFailure::ALL {
            use ProbeFailure::{Denied, Disabled, Missing, Pending, Unknown};
            let unasked = !is_check || matches!(reason, Disabled | Denied | Pending | Missing | Unknown);
            let readings = but(*probe, *reason);
            assert_eq!(jitsi(&readings).unwrap().healthy, Some(unasked), "{probe} {reason}");
            assert_eq!(not_ready(&readings).contains(&NotReady::JitsiUnhealthy), !unasked);
        }
    }
    assert_eq!(
        jitsi(&readings(vec![bridge_with("healthy 1.0", "healthy 0.0")])).unwrap().healthy,
        Some(false)
    );
    let nothing = readings(vec![(ServiceProbe::JicofoHealth, fails(ProbeFailure::Disabled))]);
    assert_eq!(jitsi(&nothing).unwrap().healthy, None);
}

#[test]
fn the_bridge_names_its_own_reasons() {
    let reasons =
        |from, to| not_ready(&readings(vec![bridge_with(from, to)])).into_iter().collect::<Vec<_>>();
    assert_eq!(reasons("", ""), []);
    assert_eq!(reasons("mucs_joined 1.0", "mucs_joined 0.0"), [NotReady::BridgeUnlinked]);
    assert_eq!(reasons("drain_mode 0.0", "drain_mode 1.0"), [NotReady::BridgeShuttingDown]);
    assert_eq!(reasons("graceful_shutdown 0.0", "graceful_shutdown 1.0"), [NotReady::BridgeShuttingDown]);
    let drained = jitsi(&readings(vec![bridge_with("drain_mode 0.0", "drain_mode 1.0")])).unwrap();
    assert_eq!(drained.shutting_down, Some(false), "drain is no shutdown");
}

#[test]
fn the_counter_of_joins_does_not_change_its_source_for_one_missed_answer() {
    let joins = |reason| jitsi(&but(ServiceProbe::JvbMetrics, reason)).unwrap().joins_total;
    assert_eq!(joins(ProbeFailure::Timeout), None);
    assert_eq!(joins(ProbeFailure::Disabled), Some(6120), "jicofo's, for there is no other");
    let stats = (ServiceProbe::JvbStats, jvb::stats(&ok(STATS.as_bytes())));
    let fallback = readings(vec![(ServiceProbe::JvbMetrics, fails(ProbeFailure::Disabled)), stats]);
    assert_eq!(jitsi(&fallback).unwrap().joins_total, Some(6120));
    assert_eq!(jitsi(&fallback).unwrap().bridge_version.as_deref(), Some("2.3.299-ga29d97d13"));
}

#[test]
fn the_certificate_people_see_goes_before_the_one_in_the_file() {
    let filed =
        (ServiceProbe::CertificateFile, Ok(Reading::Certificate(Certificate { not_after_unix_s: 9 })));
    let end = |readings: &ServiceReadings| jitsi(readings).unwrap().certificate_not_after_unix_s;
    let both = readings(everything().into_iter().chain([filed]).collect());
    assert_eq!((end(&both), end(&both.without(ServiceProbe::Web))), (Some(7), Some(9)));
}

#[test]
fn every_probe_that_runs_is_in_the_report_with_age_and_reason() {
    let readings = but(ServiceProbe::JvbHealth, ProbeFailure::Pending);
    let probes = probes(&readings, Instant::now() + Duration::from_secs(3));
    assert_eq!(probes.len(), everything().len());
    assert_eq!(probes["jvb_health"], Probe { ok: false, reason: Some(ProbeFailure::Pending), age_ms: None });
    assert!(probes["web"].ok && probes["web"].age_ms.is_some_and(|age| age >= 3000));
}

proptest! {
    #[test]
    fn nothing_is_known_of_services_that_all_fail(reasons in prop::collection::vec(0..ProbeFailure::ALL.len(), ServiceProbe::ALL.len())) {
        let outcomes = ServiceProbe::ALL.iter().zip(reasons).map(|(probe, at)| (*probe, fails(ProbeFailure::ALL[at])));
        let mut jitsi = jitsi(&readings(outcomes.collect())).unwrap();
        prop_assert_ne!(jitsi.healthy.take(), Some(true));
        prop_assert_eq!(jitsi, Jitsi::default());
    }
}
