//! A plain node_exporter's text to a report, for fleets that move over VM by VM.
//!
//! It gives the processors' load and the memory, nothing else: no readiness, no rooms, no
//! promises. Whatever it does not say is unknown, and its node counts as ready as long as
//! it answers. Pure; the last counters and the smoothed load are kept by the caller.

use std::time::Duration;

use usher_common::rt::http_client::Failure;
use usher_common::wire::{Cpu, Host, Memory, NodeId, ProbeFailure, PublicUrl, Report, SCHEMA};

use crate::target::Target;

/// What must be kept from one read to the next.
#[derive(Debug)]
pub(super) struct Exporter {
    smoothing: Duration,
    last: Option<(Counters, Duration)>,
    smooth: Option<f64>,
    reads: u64,
}

/// Seconds since the machine's boot, over all cores.
#[derive(Debug, Clone, Default, PartialEq)]
struct Counters {
    cores: u32,
    busy_s: f64,
    total_s: f64,
    boot_time_s: Option<f64>,
    memory_total: Option<f64>,
    memory_available: Option<f64>,
}

impl Exporter {
    /// Nothing read yet; CPU will be smoothed with this time constant.
    pub(super) fn new(smoothing: Duration) -> Self {
        Self { smoothing, last: None, smooth: None, reads: 0 }
    }

    /// Takes one read's text in, at `now`.
    pub(super) fn report(&mut self, target: &Target, text: &str, now: Duration) -> Result<Report, Failure> {
        let malformed = |what: String| Failure::new(ProbeFailure::Malformed, what);
        let counters = parse(text);
        if counters.cores == 0 {
            return Err(malformed(
                "no node_cpu_seconds_total in the answer: is that a node_exporter?".to_owned(),
            ));
        }
        let host = target.url.host_str().unwrap_or_default();
        let url = PublicUrl::parse(&target.public_url.replace("{host}", host));
        let busy = self.busy(&counters, now);
        self.reads += 1;
        let report = Report {
            schema: SCHEMA,
            node: node_id(host).ok_or_else(|| malformed(format!("{host:?} gives no node name")))?,
            public_url: url.map_err(|error| malformed(error.to_string()))?,
            agent_version: "node_exporter".to_owned(),
            boot_id: counters.boot_time_s.map_or_else(String::new, |time| time.to_string()),
            seq: self.reads,
            sample_age_ms: 0,
            ready: true,
            not_ready: Vec::new(),
            operator: usher_common::wire::OperatorState::default(),
            region: None,
            labels: std::collections::BTreeMap::new(),
            host: counters.boot_time_s.map(|time| Host {
                hostname: None,
                kernel: None,
                boot_time_unix_s: whole(time),
            }),
            cpu: Some(Cpu {
                cores: counters.cores,
                busy,
                busy_smooth: self.smooth,
                steal: None,
                iowait: None,
                per_core_busy: None,
                load: None,
            }),
            memory: counters.memory_total.and_then(whole).map(|total_bytes| Memory {
                total_bytes,
                available_bytes: counters.memory_available.and_then(whole),
                swap_total_bytes: None,
                swap_free_bytes: None,
            }),
            disk: None,
            net: None,
            jitsi: None,
            stack: None,
            rooms: None,
            reservations: Vec::new(),
            probes: std::collections::BTreeMap::new(),
        };
        self.last = Some((counters, now));
        Ok(report)
    }

    /// Busy fraction since the last read, and its smoothing; `None` at the first read, and
    /// after counters went backwards (a reboot), which starts the smoothing anew.
    fn busy(&mut self, counters: &Counters, now: Duration) -> Option<f64> {
        let (last, then) = self.last.as_ref()?;
        let (busy, total) = (counters.busy_s - last.busy_s, counters.total_s - last.total_s);
        if total < 0.0 || counters.cores != last.cores {
            self.smooth = None;
            return None;
        }
        // Two reads of one and the same sample of the exporter's say nothing new.
        if total == 0.0 {
            return self.smooth;
        }
        let busy = (busy / total).clamp(0.0, 1.0);
        let weight = 1.0 - (-now.saturating_sub(*then).as_secs_f64() / self.smoothing.as_secs_f64()).exp();
        self.smooth = Some(self.smooth.map_or(busy, |smooth| smooth + weight * (busy - smooth)));
        Some(busy)
    }
}

fn parse(text: &str) -> Counters {
    let mut counters = Counters::default();
    let mut cores = std::collections::BTreeSet::new();
    for line in text.lines() {
        let Some((name, value)) = line.rsplit_once(' ') else { continue };
        let Ok(value) = value.parse::<f64>() else { continue };
        if let Some(labels) = name.strip_prefix("node_cpu_seconds_total{") {
            if let Some(core) = label(labels, "cpu") {
                cores.insert(core.to_owned());
            }
            counters.total_s += value;
            if !matches!(label(labels, "mode"), Some("idle" | "iowait")) {
                counters.busy_s += value;
            }
        } else {
            match name {
                "node_boot_time_seconds" => counters.boot_time_s = Some(value),
                "node_memory_MemTotal_bytes" => counters.memory_total = Some(value),
                "node_memory_MemAvailable_bytes" => counters.memory_available = Some(value),
                _ => {}
            }
        }
    }
    counters.cores = u32::try_from(cores.len()).unwrap_or(u32::MAX);
    counters
}

/// The value of a label; those of this metric hold no quotes or commas.
fn label<'a>(labels: &'a str, name: &str) -> Option<&'a str> {
    labels.trim_end_matches('}').split(',').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key.trim() == name).then(|| value.trim_matches('"'))
    })
}

/// An exporter does not name its node: its host does.
fn node_id(host: &str) -> Option<NodeId> {
    let name: String = host.trim_matches(['[', ']']).replace(':', "-");
    NodeId::parse(name.trim_start_matches('-')).ok()
}

/// A count that the text format writes as a float.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
fn whole(value: f64) -> Option<u64> {
    (0.0..9e15).contains(&value).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMOOTHING: Duration = Duration::from_secs(3);

    fn text(busy: f64, idle: f64) -> String {
        format!(
            "# HELP node_cpu_seconds_total Seconds.\nnode_cpu_seconds_total{{cpu=\"0\",mode=\"user\"}} {busy}\n\
             node_cpu_seconds_total{{cpu=\"0\",mode=\"idle\"}} {idle}\nnode_cpu_seconds_total{{cpu=\"1\",mode=\"iowait\"}} 1e+01\n\
             node_boot_time_seconds 1.7e+09\nnode_memory_MemTotal_bytes 4e+09\n"
        )
    }

    fn busy(exporter: &mut Exporter, text: &str, now: u64) -> Option<f64> {
        let target = Target::parse("vm1").unwrap();
        exporter.report(&target, text, Duration::from_secs(now)).unwrap().cpu.unwrap().busy
    }

    #[test]
    fn load_needs_two_reads_and_survives_a_reboot() {
        let mut exporter = Exporter::new(SMOOTHING);
        assert_eq!(busy(&mut exporter, &text(100.0, 900.0), 0), None);
        assert_eq!(busy(&mut exporter, &text(101.0, 903.0), 2), Some(0.25));
        assert_eq!(busy(&mut exporter, &text(1.0, 2.0), 4), None);
        assert_eq!(exporter.smooth, None);
        assert_eq!(busy(&mut exporter, &text(2.0, 2.0), 5), Some(1.0));
    }

    #[test]
    fn what_it_does_not_say_is_unknown_and_people_are_sent_to_its_host() {
        let mut target = Target::parse("vm1.example.org").unwrap();
        let report = Exporter::new(SMOOTHING).report(&target, &text(1.0, 1.0), Duration::ZERO).unwrap();
        assert_eq!(report.public_url.to_string(), "https://vm1.example.org/");
        assert_eq!((report.node.as_str(), report.jitsi, report.rooms), ("vm1.example.org", None, None));
        assert_eq!(report.memory.unwrap().available_bytes, None);
        target.public_url = "nonsense".into();
        assert!(Exporter::new(SMOOTHING).report(&target, &text(1.0, 1.0), Duration::ZERO).is_err());
        assert!(Exporter::new(SMOOTHING).report(&target, "<html>", Duration::ZERO).is_err());
    }
}
