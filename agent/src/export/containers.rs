//! `usher_container_*` and `usher_stack_*`.

use usher_common::metric::Families;
use usher_common::wire::{ContainerHealth, ContainerState};

use crate::probe::cgroup::Pressure;
use crate::probe::containers::MeasuredContainer;
use crate::snapshot::Snapshot;

/// Adds what is known of the stack and its containers.
pub(super) fn add(snapshot: &Snapshot, expected: bool, families: &mut Families) {
    families.gauge(
        "usher_stack_expected",
        "Whether the settings say that a compose project belongs to this node.",
        &[],
        bit(expected),
    );
    families.gauge(
        "usher_engine_up",
        "Whether the Docker engine answers.",
        &[],
        bit(snapshot.containers.is_ok()),
    );
    let Ok(containers) = &snapshot.containers else { return };
    if let Some(project) = &snapshot.project {
        for state in ContainerState::ALL {
            let count = containers.iter().filter(|one| one.observed.state == *state).count();
            families.gauge(
                "usher_stack_containers",
                "Containers of the compose project by the engine's word for their state.",
                &[("project", project), ("state", state.as_str())],
                whole(count as u64),
            );
        }
    }
    for container in containers {
        one(container, families);
    }
}

fn one(container: &MeasuredContainer, families: &mut Families) {
    let observed = &container.observed;
    let labels = [("service", observed.service.as_str()), ("name", observed.name.as_str())];
    families.gauge(
        "usher_container_info",
        "The image a container was made from; always 1.",
        &[
            labels[0],
            labels[1],
            ("image", observed.image.as_deref().unwrap_or("")),
            ("image_id", observed.image_id.as_deref().unwrap_or("")),
        ],
        1.0,
    );
    for state in ContainerState::ALL {
        families.gauge(
            "usher_container_state",
            "1 for the state that a container is in, by the engine's word, 0 for the others.",
            &[labels[0], labels[1], ("state", state.as_str())],
            bit(observed.state == *state),
        );
    }
    if let Some(health) = observed.health {
        for verdict in ContainerHealth::ALL {
            families.gauge(
                "usher_container_health",
                "1 for the verdict of a container's health check, 0 for the others; absent without a check.",
                &[labels[0], labels[1], ("health", verdict.as_str())],
                bit(health == *verdict),
            );
        }
    }
    let mut gauge =
        |name: &str, help: &str, value: Option<f64>| families.gauge_if(name, help, &labels, value);
    let usage = container.usage;
    gauge(
        "usher_container_start_time_seconds",
        "When a container's present life began, seconds since the Unix epoch.",
        observed.started_unix_ms.map(|ms| whole(u64::try_from(ms).unwrap_or(0)) / 1000.0),
    );
    gauge(
        "usher_container_last_exit_code",
        "Exit code of a container that does not run.",
        observed.exit_code.and_then(|code| i32::try_from(code).ok()).map(f64::from),
    );
    gauge(
        "usher_container_memory_working_set_bytes",
        "Memory a container needs: usage without inactive page cache.",
        usage.and_then(|usage| usage.working_set_bytes).map(whole),
    );
    gauge(
        "usher_container_memory_limit_bytes",
        "Memory limit of a container; absent without one.",
        usage.and_then(|usage| usage.limit_bytes).or(observed.memory_limit_bytes).map(whole),
    );
    gauge(
        "usher_container_pids",
        "Processes and threads in a container.",
        usage.and_then(|u| u.pids).map(whole),
    );
    let traffic = container.traffic;
    let counters = [
        (
            "usher_container_restarts_total",
            "Restarts by the engine's policy since a container was made.",
            observed.restarts.map(whole),
        ),
        (
            "usher_container_cpu_seconds_total",
            "CPU time used by a container in its present life.",
            usage.and_then(|u| u.cpu_ns).map(|ns| whole(ns) / 1e9),
        ),
        (
            "usher_container_cpu_throttled_periods_total",
            "Times a container was held back by its CPU quota.",
            usage.and_then(|u| u.throttled_periods).map(whole),
        ),
        (
            "usher_container_oom_kills_total",
            "Processes killed in a container for want of memory.",
            usage.and_then(|u| u.oom_kills).map(whole),
        ),
        (
            "usher_container_block_read_bytes_total",
            "Bytes a container read from block devices.",
            usage.and_then(|u| u.read_bytes).map(whole),
        ),
        (
            "usher_container_block_written_bytes_total",
            "Bytes a container wrote to block devices.",
            usage.and_then(|u| u.written_bytes).map(whole),
        ),
        (
            "usher_container_network_receive_bytes_total",
            "Bytes received by a container's own interfaces.",
            traffic.map(|t| whole(t.receive_bytes)),
        ),
        (
            "usher_container_network_transmit_bytes_total",
            "Bytes sent by a container's own interfaces.",
            traffic.map(|t| whole(t.transmit_bytes)),
        ),
        (
            "usher_container_network_receive_dropped_total",
            "Received packets dropped at a container's own interfaces.",
            traffic.map(|t| whole(t.receive_dropped)),
        ),
        (
            "usher_container_network_transmit_dropped_total",
            "Packets to send dropped at a container's own interfaces.",
            traffic.map(|t| whole(t.transmit_dropped)),
        ),
    ];
    for (name, help, value) in counters {
        if let Some(value) = value {
            families.counter(name, help, &labels, value);
        }
    }
    if let Some(usage) = usage {
        pressure(&usage.pressure, &labels, families);
    }
}

/// As the host's own `node_pressure_*`, of one container.
fn pressure(pressure: &Pressure, labels: &[(&str, &str)], families: &mut Families) {
    for (name, waited) in [("cpu", pressure.cpu), ("memory", pressure.memory), ("io", pressure.io)] {
        let shares = [
            ("waiting", "Time in which tasks of a container waited for it", waited.some_us),
            ("stalled", "Time in which no task of a container could go on for want of it", waited.full_us),
        ];
        for (share, help, us) in shares {
            let Some(us) = us else { continue };
            let name = format!("usher_container_pressure_{name}_{share}_seconds_total");
            families.counter(
                &name,
                &format!("{help}; control groups of version 2 only."),
                labels,
                whole(us) / 1e6,
            );
        }
    }
}

fn bit(flag: bool) -> f64 {
    f64::from(u8::from(flag))
}

/// Prometheus speaks in doubles; whole numbers above 2^53 lose their last digits there, as everywhere.
#[expect(clippy::cast_precision_loss, reason = "the exposition format has doubles only")]
pub(super) fn whole(number: u64) -> f64 {
    number as f64
}
