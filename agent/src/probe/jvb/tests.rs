use proptest::prelude::*;

use super::super::samples::{failed, ok};
use super::*;

const STATS: &str = include_str!("../../../../tests/fixtures/jvb/stats-2.3.299.json");
const FORMER: &str = include_str!("../../../../tests/fixtures/jvb/stats-2.1.376.json");
const METRICS: &str = include_str!("../../../../tests/fixtures/jvb/metrics-2.3.299.txt");

fn bridge(result: Result<Reading, Failed>) -> Bridge {
    match result {
        Ok(Reading::Bridge(bridge)) => *bridge,
        other => panic!("no bridge: {other:?}"),
    }
}

fn from_stats(text: &str) -> Bridge {
    bridge(stats(&ok(text.as_bytes())))
}

fn from_metrics(text: &str) -> Bridge {
    bridge(metrics(&ok(text.as_bytes())))
}

#[test]
fn series_and_statistics_of_one_moment_say_the_same_in_bits_per_second() {
    let (mut series, mut statistics) = (from_metrics(METRICS), from_stats(STATS));
    assert_eq!(statistics.receive_bits_per_s, Some(38_214_000.0));
    assert_eq!((statistics.stress, statistics.linked), (Some(0.27), Some(true)));
    assert_eq!((statistics.local_endpoints, statistics.joins_total), (Some(45), Some(6120)));
    assert_eq!(statistics.version.take().as_deref(), Some("2.3.299-ga29d97d13"));
    assert_eq!(series.series.families().names().count(), 26);
    series.series = Series::default();
    assert_eq!(series, statistics);
}

#[test]
fn a_former_version_lacks_figures_but_is_understood() {
    let bridge = from_stats(FORMER);
    assert_eq!((bridge.local_endpoints, bridge.conferences), (Some(40), Some(8)), "5 of 45 are elsewhere");
    assert_eq!((bridge.linked, bridge.healthy, bridge.draining), (None, None, None));
    assert_eq!((bridge.graceful_shutdown, bridge.receive_bits_per_s), (Some(false), Some(38_214_500.0)));
}

#[test]
fn stress_is_unknown_when_the_jvm_does_not_know_and_never_clamped() {
    let of_series =
        |value: &str| from_metrics(&METRICS.replace("stress 0.27", &format!("stress {value}"))).stress;
    let of_stats = |value: &str| {
        from_stats(&STATS.replace("\"stress_level\": 0.27", &format!("\"stress_level\": {value}"))).stress
    };
    for unknown in ["-1.0", "NaN", "-Inf", "+Inf", "nonsense"] {
        assert_eq!(of_series(unknown), None, "{unknown}");
    }
    assert_eq!((of_stats("-1"), of_stats("\"NaN\""), of_stats("null")), (None, None, None));
    assert_eq!((of_series("1.83"), of_stats("1.83")), (Some(1.83), Some(1.83)));
}

#[test]
fn a_bridge_without_its_link_is_not_linked_though_its_health_is_good() {
    let linked = |from: &str, to: &str| from_metrics(&METRICS.replace(from, to)).linked;
    assert_eq!(linked("muc_clients_connected 1.0", "muc_clients_connected 0.0"), Some(false));
    assert_eq!(linked("mucs_joined 1.0", "mucs_joined 0.0"), Some(false));
    assert_eq!(linked("mucs_joined 1.0", "mucs_joined NaN"), None);
    assert_eq!(linked("muc_clients_connected 1.0", "muc_clients_connected NaN"), Some(true));
}

#[test]
fn drain_and_both_shutdowns_are_told_apart() {
    let bridge = from_stats(&STATS.replace("\"drain\": false", "\"drain\": true"));
    assert_eq!(
        (bridge.draining, bridge.graceful_shutdown, bridge.shutting_down),
        (Some(true), Some(false), Some(false))
    );
    let bridge = from_metrics(&METRICS.replace("graceful_shutdown 0.0", "graceful_shutdown 1.0"));
    assert_eq!((bridge.draining, bridge.graceful_shutdown), (Some(false), Some(true)));
}

#[test]
fn a_field_of_the_wrong_type_is_unknown_and_the_others_stay() {
    let bridge = from_stats(
        r#"{"participants":"many","conferences":3,"healthy":"yes","largest_conference":-4,"version":7}"#,
    );
    assert_eq!(bridge, Bridge { conferences: Some(3), ..Bridge::default() });
}

#[test]
fn what_is_not_understood_as_a_whole_is_malformed() {
    for body in ["<html><body>It works!</body></html>", "[]", "{}", "{\"a\":1}", "", "{\"stress_level\":0.1"]
    {
        assert_eq!(failed(stats(&ok(body.as_bytes()))), ProbeFailure::Malformed, "{body}");
    }
    for body in ["<html></html>", "", "jvm_threads 3\n", "\u{0}"] {
        assert_eq!(failed(metrics(&ok(body.as_bytes()))), ProbeFailure::Malformed, "{body}");
    }
    assert_eq!(failed(metrics(&ok(b"jitsi_jvb_stress \xff"))), ProbeFailure::Malformed);
}

#[test]
fn statuses_have_their_meanings() {
    let at = |status, body: &'static str| Answered { status, ..ok(body.as_bytes()) };
    assert_eq!(failed(stats(&at(404, ""))), ProbeFailure::Disabled);
    assert_eq!(failed(metrics(&at(500, "NPE"))), ProbeFailure::Status);
    assert_eq!(health(&at(200, "")), Ok(Reading::Well));
    assert_eq!(failed(health(&at(404, ""))), ProbeFailure::Disabled);
    assert_eq!(failed(health(&at(200, " <html>"))), ProbeFailure::Malformed);
    let hard = health(&at(500, "Failed to bind single-port")).unwrap_err();
    assert_eq!((hard.reason, hard.soft), (ProbeFailure::Unhealthy, false));
    assert_eq!(hard.detail, "HTTP 500: Failed to bind single-port");
    assert!(health(&at(503, "wait")).unwrap_err().soft);
    let named = health(&at(500, "cannot create __x@muc.meet.jitsi")).unwrap_err();
    assert_eq!(named.detail, "HTTP 500", "a room's address is never quoted");
    let version = version(&ok(br#"{"name":"JVB","version":"2.3.299-ga29d97d13","os":"Linux"}"#));
    assert_eq!(version, Ok(Reading::Version("2.3.299-ga29d97d13".into())));
}

proptest! {
    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), status in 100u16..600) {
        let answered = Answered { status, ..ok(&bytes) };
        for read in [metrics, stats, health, version] {
            let again = read(&answered);
            prop_assert_eq!(read(&answered).is_ok(), again.is_ok());
        }
    }

    #[test]
    fn a_damaged_answer_never_gives_a_stress_below_zero(cut in 0usize..4000, at in 0usize..4000, byte: u8) {
        let mut bytes = STATS.as_bytes().to_vec();
        bytes.truncate(cut);
        if let Some(spot) = bytes.get_mut(at) {
            *spot = byte;
        }
        if let Ok(Reading::Bridge(bridge)) = stats(&ok(&bytes)) {
            prop_assert!(bridge.stress.is_none_or(|stress| stress >= 0.0));
        }
        let mut bytes = METRICS.as_bytes().to_vec();
        bytes.truncate(cut);
        if let Ok(Reading::Bridge(bridge)) = metrics(&ok(&bytes)) {
            prop_assert!(bridge.stress.is_none_or(|stress| stress >= 0.0));
        }
    }
}
