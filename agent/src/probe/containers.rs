//! The containers' figures: what the engine says of each, and what the kernel counts.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use procfs::FromRead as _;
use procfs::net::InterfaceDeviceStatus;

use super::cgroup::{self, Group, Usage};
use super::host::Text;
use crate::engine::ObservedContainer;

/// One container and its figures of the moment.
#[derive(Debug, Clone, PartialEq)]
pub struct MeasuredContainer {
    /// What the engine says.
    pub observed: ObservedContainer,
    /// What the kernel counts; `None` while it does not run.
    pub usage: Option<Usage>,
    /// Network traffic of its own interfaces; `None` while it does not run, or when it
    /// shares the host's network.
    pub traffic: Option<Traffic>,
    /// Cores in use since the sample before; `None` at first.
    pub cpu_cores: Option<f64>,
}

/// Bytes and packets over all interfaces of a container but its loopback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Received bytes.
    pub receive_bytes: u64,
    /// Sent bytes.
    pub transmit_bytes: u64,
    /// Received packets that were dropped.
    pub receive_dropped: u64,
    /// Packets to send that were dropped.
    pub transmit_dropped: u64,
}

/// Measures containers, sample after sample.
#[derive(Debug)]
pub struct Meter {
    proc: PathBuf,
    sys: PathBuf,
    /// By container id; a new life (another start) begins anew.
    lives: HashMap<String, Life>,
    text: Text,
}

#[derive(Debug)]
struct Life {
    pid: i32,
    started_unix_ms: Option<i64>,
    /// `None` while it is not found, or gone: looked for again at each sample.
    group: Option<Group>,
    own_network: bool,
    cpu: Option<(u64, Instant)>,
    slow: Option<Slow>,
}

/// Figures by which nobody places or helps: traffic, block devices, processes, pressure.
#[derive(Debug, Clone, Copy)]
struct Slow {
    at: Instant,
    usage: Usage,
    traffic: Option<Traffic>,
}

/// They are read this often, as the host's own.
const SLOW_EVERY: Duration = Duration::from_secs(5);

impl Meter {
    /// A meter that reads the host's trees.
    #[must_use]
    pub fn new(proc: &Path, sys: &Path) -> Self {
        Self { proc: proc.to_owned(), sys: sys.to_owned(), lives: HashMap::new(), text: Text::default() }
    }

    /// Measures; containers that are not listed any more are forgotten.
    pub fn measure<'a>(
        &mut self,
        containers: impl Iterator<Item = &'a ObservedContainer> + Clone,
        now: Instant,
    ) -> Vec<MeasuredContainer> {
        self.lives.retain(|id, _| containers.clone().any(|container| container.id == *id));
        containers.map(|container| self.measure_one(container, now)).collect()
    }

    fn measure_one(&mut self, container: &ObservedContainer, now: Instant) -> MeasuredContainer {
        let mut measured =
            MeasuredContainer { observed: container.clone(), usage: None, traffic: None, cpu_cores: None };
        let Some(pid) = container.pid else {
            self.lives.remove(&container.id);
            return measured;
        };
        let same = |life: &Life| life.pid == pid && life.started_unix_ms == container.started_unix_ms;
        if !self.lives.get(&container.id).is_some_and(same) {
            let life = self.begin(pid, container.started_unix_ms);
            self.lives.insert(container.id.clone(), life);
        }
        let Some(life) = self.lives.get_mut(&container.id) else { return measured };
        if life.group.is_none() {
            life.group = group(&self.proc, &self.sys, pid);
        }
        let kept = life.slow.filter(|slow| now.saturating_duration_since(slow.at) < SLOW_EVERY);
        let usage = kept.map(|kept| kept.usage);
        measured.usage = life.group.as_mut().and_then(|group| group.read(&mut self.text, usage));
        measured.traffic = match kept {
            Some(kept) => kept.traffic,
            None if life.own_network => traffic(&self.proc, pid),
            None => None,
        };
        match (measured.usage, kept) {
            (None, _) => (life.group, life.slow) = (None, None),
            (Some(usage), None) => life.slow = Some(Slow { at: now, usage, traffic: measured.traffic }),
            (Some(_), Some(_)) => {}
        }
        let cpu = measured.usage.and_then(|usage| usage.cpu_ns).map(|ns| (ns, now));
        measured.cpu_cores = life.cpu.zip(cpu).and_then(|(before, after)| cores(before, after));
        life.cpu = cpu;
        measured
    }

    fn begin(&self, pid: i32, started_unix_ms: Option<i64>) -> Life {
        let namespace = |pid: &str| std::fs::read_link(self.proc.join(pid).join("ns/net")).ok();
        // Not readable without privileges: then the interfaces are taken to be its own, which
        // holds for every service of docker-jitsi-meet.
        let own_network = match (namespace(&pid.to_string()), namespace("1")) {
            (Some(own), Some(host)) => own != host,
            _ => true,
        };
        Life { pid, started_unix_ms, group: None, own_network, cpu: None, slow: None }
    }
}

fn group(proc: &Path, sys: &Path, pid: i32) -> Option<Group> {
    let place = cgroup::locate(proc, sys, pid);
    place.inspect_err(|error| tracing::debug!(pid, %error, "no control group")).ok().map(Group::new)
}

/// Cores in use between two readings of CPU time.
#[expect(clippy::cast_precision_loss, reason = "nanoseconds within one interval are far below 2^52")]
fn cores((before_ns, then): (u64, Instant), (after_ns, now): (u64, Instant)) -> Option<f64> {
    let used = after_ns.checked_sub(before_ns)?;
    let elapsed = now.checked_duration_since(then)?.as_nanos();
    (elapsed > 0).then(|| used as f64 / elapsed as f64)
}

/// Opened anew each time: an open file of a network name space keeps that alive, and with it
/// the interfaces of a container that is gone.
fn traffic(proc: &Path, pid: i32) -> Option<Traffic> {
    let file = File::open(proc.join(pid.to_string()).join("net/dev")).ok()?;
    let devices = InterfaceDeviceStatus::from_read(file).ok()?;
    let mut sum = Traffic::default();
    for device in devices.0.values().filter(|device| device.name != "lo") {
        sum.receive_bytes = sum.receive_bytes.saturating_add(device.recv_bytes);
        sum.transmit_bytes = sum.transmit_bytes.saturating_add(device.sent_bytes);
        sum.receive_dropped = sum.receive_dropped.saturating_add(device.recv_drop);
        sum.transmit_dropped = sum.transmit_dropped.saturating_add(device.sent_drop);
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_in_use_are_cpu_time_per_time_and_never_come_from_a_counter_that_fell() {
        let start = Instant::now();
        let later = start + Duration::from_secs(2);
        assert_eq!(cores((1_000_000_000, start), (4_000_000_000, later)), Some(1.5));
        assert_eq!(cores((5, start), (4, later)), None);
        assert_eq!(cores((5, start), (6, start)), None);
    }
}
