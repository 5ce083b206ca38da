//! Snapshot to report. Pure but for `now`, which is handed in.

use std::collections::BTreeMap;
use std::time::Instant;

use usher_common::wire::{Container, OperatorState, Probe, ProbeFailure, Report, SCHEMA, Stack};

use crate::node::Node;
use crate::probe::containers::MeasuredContainer;
use crate::probe::{merge, systemd};
use crate::snapshot::Snapshot;

/// The report at `now`; before the first sample it says little more than "starting".
#[must_use]
pub fn report(node: &Node, snapshot: Option<&Snapshot>, operator: OperatorState, now: Instant) -> Report {
    let not_ready = node.not_ready(snapshot, now);
    let identity = &node.identity;
    let mut report = Report {
        schema: SCHEMA,
        node: identity.node.clone(),
        public_url: identity.public_url.clone(),
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        boot_id: identity.boot_id.clone(),
        seq: 0,
        sample_age_ms: 0,
        ready: not_ready.is_empty(),
        not_ready,
        operator,
        region: identity.region.clone(),
        labels: identity.labels.clone(),
        host: None,
        cpu: None,
        memory: None,
        disk: None,
        net: None,
        jitsi: None,
        stack: None,
        rooms: None,
        reservations: node.reservations.list(),
        probes: BTreeMap::new(),
    };
    if let Some(snapshot) = snapshot {
        fill(&mut report, node, snapshot, now);
    }
    report
}

fn fill(report: &mut Report, node: &Node, snapshot: &Snapshot, now: Instant) {
    report.seq = snapshot.seq;
    report.sample_age_ms = age_ms(now, snapshot.taken);
    report.host.clone_from(&snapshot.host.host);
    report.cpu.clone_from(&snapshot.host.cpu);
    report.memory.clone_from(&snapshot.host.memory);
    report.disk.clone_from(&snapshot.host.disk);
    report.net.clone_from(&snapshot.host.net);
    report.jitsi.clone_from(&snapshot.jitsi);
    report.rooms = merge::rooms(&snapshot.services).map(<[_]>::to_vec);
    report.probes = probes(snapshot, &node.systemd.borrow(), now);
    if node.stack.expected() || snapshot.project.is_some() {
        report.stack = Some(stack(node, snapshot));
    }
}

fn stack(node: &Node, snapshot: &Snapshot) -> Stack {
    Stack {
        project: snapshot.project.clone(),
        containers: snapshot.containers.as_ref().ok().map(|all| all.iter().map(container).collect()),
        engine_failure: snapshot.containers.as_ref().err().map(|failure| failure.reason),
        upkeep: node.works.as_ref().map(|works| works.board.read().report()),
    }
}

fn container(measured: &MeasuredContainer) -> Container {
    let observed = &measured.observed;
    Container {
        service: observed.service.clone(),
        name: observed.name.clone(),
        image: observed.image.clone(),
        state: observed.state,
        health: observed.health,
        restarts: observed.restarts,
        exit_code: observed.exit_code,
        started_unix_ms: observed.started_unix_ms,
        cpu_cores: measured.cpu_cores,
        memory_bytes: measured.usage.and_then(|usage| usage.working_set_bytes),
        memory_limit_bytes: measured
            .usage
            .and_then(|usage| usage.limit_bytes)
            .or(observed.memory_limit_bytes),
        oom_kills: measured.usage.and_then(|usage| usage.oom_kills),
    }
}

fn probes(snapshot: &Snapshot, systemd: &systemd::Outcome, now: Instant) -> BTreeMap<String, Probe> {
    let probe = |reason: Option<ProbeFailure>, at: Instant| Probe {
        ok: reason.is_none(),
        reason,
        age_ms: Some(age_ms(now, at)),
    };
    let mut probes = merge::probes(&snapshot.services, now);
    for (name, reason) in &snapshot.host_probes {
        probes.insert((*name).to_owned(), probe(*reason, snapshot.taken));
    }
    let engine = snapshot.containers.as_ref().err().map(|failure| failure.reason);
    probes.insert("engine".to_owned(), probe(engine, snapshot.engine_at));
    if let Some(asked) = systemd {
        let reason = asked.result.as_ref().err().map(|failed| failed.reason);
        probes.insert("systemd".to_owned(), probe(reason, asked.at));
    }
    probes
}

fn age_ms(now: Instant, at: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(at).as_millis()).unwrap_or(u64::MAX)
}
