//! Readings to metric families: the services' own series, and how the probes fare. Pure.

use usher_common::metric::{Families, Kind};
use usher_common::wire::ProbeFailure;

use super::nginx::StubStatus;
use super::reading::{Reading, ServiceProbe, ServiceReadings};

/// Passes on what the services export themselves, under their own names and types:
/// `jitsi_jvb_*`, `jitsi_jicofo_*`, `prosody_*`, and nginx's counters under
/// nginx-prometheus-exporter's names. Of a probe that failed nothing is passed on, so that
/// no old figure looks like a new one.
pub fn pass_through(readings: &ServiceReadings, families: &mut Families) {
    for (_, outcome) in readings.outcomes() {
        match &outcome.result {
            // A name that is there already is another's: its type would be put on these samples.
            Ok(Reading::Bridge(bridge)) => families.append_new(bridge.series.families()),
            Ok(Reading::Series(series)) => families.append_new(series.families()),
            Ok(Reading::StubStatus(status)) => nginx(status, families),
            _ => {}
        }
    }
    nginx_up(readings, families);
}

/// How each probe fares.
pub fn self_metrics(readings: &ServiceReadings, families: &mut Families) {
    for (probe, outcome) in readings.outcomes() {
        if outcome.result.as_ref().is_err_and(|failed| failed.reason == ProbeFailure::Pending) {
            continue;
        }
        let labels = &[("probe", probe.as_str())];
        let ok = f64::from(u8::from(outcome.result.is_ok()));
        families.gauge("usher_agent_probe_success", "Whether the newest attempt has a reading.", labels, ok);
        let help = "How long the newest attempt took.";
        families.gauge("usher_agent_probe_duration_seconds", help, labels, outcome.took.as_secs_f64());
    }
    for ((probe, reason), count) in readings.failures() {
        let labels = &[("probe", probe.as_str()), ("reason", reason.as_str())];
        let help = "Attempts without a reading since the agent started, by reason.";
        families.counter("usher_agent_probe_failures_total", help, labels, *count as f64);
    }
}

fn nginx(status: &StubStatus, families: &mut Families) {
    let mut push =
        |kind, name: &str, help: &str, value: u64| families.push(kind, name, help, &[], value as f64);
    push(Kind::Gauge, "nginx_connections_active", "Active client connections", status.active);
    push(Kind::Counter, "nginx_connections_accepted", "Accepted client connections", status.accepted);
    push(Kind::Counter, "nginx_connections_handled", "Handled client connections", status.handled);
    push(
        Kind::Gauge,
        "nginx_connections_reading",
        "Connections where NGINX is reading the request header",
        status.reading,
    );
    push(
        Kind::Gauge,
        "nginx_connections_writing",
        "Connections where NGINX is writing the response back to the client",
        status.writing,
    );
    push(Kind::Gauge, "nginx_connections_waiting", "Idle client connections", status.waiting);
    push(Kind::Counter, "nginx_http_requests_total", "Total http requests", status.requests);
}

fn nginx_up(readings: &ServiceReadings, families: &mut Families) {
    let Some(outcome) = readings.outcome(ServiceProbe::NginxStatus) else { return };
    let up = match &outcome.result {
        Ok(_) => 1.0,
        Err(failed) if failed.reason == ProbeFailure::Pending => return,
        Err(_) => 0.0,
    };
    families.gauge("nginx_up", "Status of the last metric scrape", &[], up);
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use usher_common::metric::{Format, encode};

    use super::super::reading::{Failed, Outcome};
    use super::super::samples::ok;
    use super::super::{jvb, nginx};
    use super::*;

    fn with(
        readings: &ServiceReadings,
        probe: ServiceProbe,
        result: Result<Reading, Failed>,
    ) -> ServiceReadings {
        readings.with(probe, Outcome { result, at: Instant::now(), took: Duration::from_millis(250) })
    }

    #[test]
    fn series_keep_their_names_and_types_and_never_touch_a_family_of_ours() {
        let text = "# TYPE jitsi_jvb_stress gauge\njitsi_jvb_stress NaN\n\
                    # TYPE jitsi_jvb_endpoints_total counter\njitsi_jvb_endpoints_total 7.0\njitsi_jvb_mine 1\njvm_x 1\n";
        let readings = ServiceReadings::default();
        let readings = with(&readings, ServiceProbe::JvbMetrics, jvb::metrics(&ok(text.as_bytes())));
        let mut families = Families::new();
        families.counter("jitsi_jvb_mine", "Taken.", &[], 5.0);
        pass_through(&readings, &mut families);
        let want = "# HELP jitsi_jvb_mine Taken.\n# TYPE jitsi_jvb_mine counter\njitsi_jvb_mine 5\n\
                    # TYPE jitsi_jvb_stress gauge\njitsi_jvb_stress NaN\n\
                    # TYPE jitsi_jvb_endpoints_total counter\njitsi_jvb_endpoints_total 7\n";
        assert_eq!(encode(Format::Text, [&families]), want);
    }

    #[test]
    fn a_failed_probe_passes_nothing_on_but_is_counted_and_shown() {
        let page = b"Active connections: 1\nserver accepts handled requests\n 4 3 9\nReading: 0 Writing: 1 Waiting: 0";
        let good = with(&ServiceReadings::default(), ServiceProbe::NginxStatus, nginx::status(&ok(page)));
        let bad = with(&good, ServiceProbe::NginxStatus, Err(Failed::new(ProbeFailure::Refused, "x")));
        let text = |readings: &ServiceReadings| {
            let mut families = Families::new();
            pass_through(readings, &mut families);
            self_metrics(readings, &mut families);
            encode(Format::Text, [&families])
        };
        let (good, bad) = (text(&good), text(&bad));
        for line in [
            "nginx_up 1\n",
            "nginx_connections_handled 3\n",
            "nginx_http_requests_total 9\n",
            "# TYPE nginx_connections_accepted counter\n",
        ] {
            assert!(good.contains(line), "{line} in {good}");
        }
        assert!(bad.contains("nginx_up 0\n") && !bad.contains("nginx_http"), "{bad}");
        let counted = "usher_agent_probe_failures_total{probe=\"nginx_status\",reason=\"refused\"} 1\n";
        assert!(bad.contains(counted) && bad.contains("probe_success{probe=\"nginx_status\"} 0\n"), "{bad}");
    }
}
