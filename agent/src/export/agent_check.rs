//! The line that HAProxy's agent-check reads (HAProxy configuration manual, "agent-check"):
//! operational state, administrative state, weight. Pure.

use usher_common::wire::{NotReady, Report};

/// CPU share at which a bridge calls itself full: JVB's `cpu-usage` load threshold.
const FULL_CPU: f64 = 0.9;

/// Lowest weight of a server that may be used at all, percent: at 0 HAProxy would drain it.
const LEAST_WEIGHT: f64 = 1.0;

/// One line for HAProxy, with its newline.
///
/// `up ready 73%` for a node that takes new rooms; `up drain` when the operator drains it
/// (sessions go on); `maint` as the operator's word; `down ready #reasons` when it cannot
/// serve. Words that were once said hold until they are taken back, so each line says all.
#[must_use]
pub fn line(report: &Report) -> String {
    let gone = |reason: &&NotReady| !matches!(reason, NotReady::Draining | NotReady::BridgeShuttingDown);
    if report.not_ready.contains(&NotReady::Maintenance) {
        return "maint\n".to_owned();
    }
    let faults: Vec<&str> = report.not_ready.iter().filter(gone).map(|reason| reason.as_str()).collect();
    let leaving = report.not_ready.iter().any(|reason| !gone(&reason));
    let admin = if leaving { "drain" } else { "ready" };
    if !faults.is_empty() {
        return format!("down {admin} #{}\n", faults.join(" "));
    }
    if leaving {
        return "up drain\n".to_owned();
    }
    format!("up ready {}%\n", weight(report))
}

/// The room that is left, percent, 1 to 100: falls as the load rises, never rises with it.
/// A node whose load is not known gets the least.
fn weight(report: &Report) -> u8 {
    let cpu = report.cpu.as_ref().and_then(|cpu| cpu.busy_smooth.or(cpu.busy)).map(|busy| busy / FULL_CPU);
    let stress = report.jitsi.as_ref().and_then(|jitsi| jitsi.stress);
    let load = match (cpu, stress) {
        (Some(cpu), Some(stress)) => cpu.max(stress),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => 1.0,
    };
    let left = ((1.0 - load) * 100.0).round().clamp(LEAST_WEIGHT, 100.0);
    // Within 1..=100 after the clamp; NaN (no load at all) was excluded by the parsers.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=100")]
    let percent = left as u8;
    percent.max(1)
}

#[cfg(test)]
mod tests {
    use usher_common::wire::{Cpu, Jitsi};

    use super::*;

    fn report(not_ready: &[NotReady], busy: Option<f64>, stress: Option<f64>) -> Report {
        let text = r#"{"schema":1,"node":"vm1","public_url":"https://vm1/","agent_version":"0","boot_id":"b","seq":1,"sample_age_ms":0,"ready":true}"#;
        let mut report: Report = serde_json::from_str(text).unwrap();
        report.ready = not_ready.is_empty();
        report.not_ready = not_ready.to_vec();
        report.cpu = Some(Cpu {
            cores: 4,
            busy,
            busy_smooth: busy,
            steal: None,
            iowait: None,
            per_core_busy: None,
            load: None,
        });
        report.jitsi = Some(Jitsi { stress, ..Jitsi::default() });
        report
    }

    #[test]
    fn every_state_has_its_line() {
        assert_eq!(line(&report(&[], Some(0.18), None)), "up ready 80%\n");
        assert_eq!(line(&report(&[], Some(0.18), Some(0.5))), "up ready 50%\n");
        assert_eq!(line(&report(&[], Some(1.0), Some(3.0))), "up ready 1%\n");
        assert_eq!(line(&report(&[], None, None)), "up ready 1%\n");
        assert_eq!(line(&report(&[NotReady::Draining], Some(0.1), None)), "up drain\n");
        assert_eq!(line(&report(&[NotReady::Maintenance], Some(0.1), None)), "maint\n");
        let ill = [NotReady::ContainerDown, NotReady::Draining];
        assert_eq!(line(&report(&ill, Some(0.1), None)), "down drain #container_down\n");
        assert_eq!(line(&report(&[NotReady::JitsiUnhealthy], None, None)), "down ready #jitsi_unhealthy\n");
    }

    proptest::proptest! {
        #[test]
        fn more_load_never_means_more_weight(a in 0.0f64..1.0, b in 0.0f64..1.0, stress in proptest::option::of(0.0f64..3.0)) {
            let (low, high) = if a <= b { (a, b) } else { (b, a) };
            let at = |busy| weight(&report(&[], Some(busy), stress));
            proptest::prop_assert!(at(low) >= at(high));
        }
    }
}
