//! What the kernel counts for one container: control groups, both versions.
//!
//! Files rather than the engine's stats API: that one takes a second per container on
//! the engines of Debian 12, and four small files take 50 µs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use procfs::{FromRead as _, ProcessCGroups};

/// The directories in which a container's figures lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Control groups version 2: one directory.
    V2(PathBuf),
    /// Version 1: one directory per controller; `None` where the controller is not mounted.
    V1 {
        /// CPU time.
        cpuacct: Option<PathBuf>,
        /// CPU quota.
        cpu: Option<PathBuf>,
        /// Memory.
        memory: Option<PathBuf>,
        /// Processes.
        pids: Option<PathBuf>,
        /// Block devices.
        blkio: Option<PathBuf>,
    },
}

/// One container's figures; `None` where the kernel does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time used since its start, nanoseconds.
    pub cpu_ns: Option<u64>,
    /// Times it was held back by its CPU quota.
    pub throttled_periods: Option<u64>,
    /// Memory without inactive page cache, bytes: what it needs.
    pub working_set_bytes: Option<u64>,
    /// Memory limit, bytes; `None` when there is none.
    pub limit_bytes: Option<u64>,
    /// Processes killed for want of memory.
    pub oom_kills: Option<u64>,
    /// Processes and threads.
    pub pids: Option<u64>,
    /// Bytes read from block devices.
    pub read_bytes: Option<u64>,
    /// Bytes written to block devices.
    pub written_bytes: Option<u64>,
}

/// Finds the place of the container whose main process is `pid`.
pub fn locate(proc: &Path, sys: &Path, pid: i32) -> io::Result<Place> {
    let file = fs::File::open(proc.join(pid.to_string()).join("cgroup"))?;
    let groups = ProcessCGroups::from_read(file).map_err(io::Error::other)?;
    let root = sys.join("fs/cgroup");
    let of = |wanted: &str| {
        let group = groups.0.iter().find(|group| group.controllers.iter().any(|name| name == wanted))?;
        // Mounted under the whole list's name, with links for the single ones.
        [wanted.to_owned(), group.controllers.join(",")]
            .iter()
            .map(|mount| root.join(mount).join(group.pathname.trim_start_matches('/')))
            .find(|path| path.is_dir())
    };
    if let Some(memory) = of("memory") {
        return Ok(Place::V1 {
            cpuacct: of("cpuacct"),
            cpu: of("cpu"),
            memory: Some(memory),
            pids: of("pids"),
            blkio: of("blkio"),
        });
    }
    let unified = groups.0.iter().find(|group| group.hierarchy == 0);
    let path = unified.map(|group| root.join(group.pathname.trim_start_matches('/')));
    path.filter(|path| path.join("cgroup.controllers").is_file() || path.join("cpu.stat").is_file())
        .map(Place::V2)
        .ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("no control group of process {pid} is mounted"))
        })
}

/// Reads the figures. `None` when the place is gone: the container ended.
#[must_use]
pub fn read(place: &Place) -> Option<Usage> {
    match place {
        Place::V2(path) => read_v2(path),
        Place::V1 { cpuacct, cpu, memory, pids, blkio } => {
            let file = |dir: &Option<PathBuf>, name: &str| text(dir.as_deref()?, name);
            let memory_stat = file(memory, "memory.stat")?;
            let used = file(memory, "memory.usage_in_bytes").and_then(|text| single(&text));
            let inactive = keyed(&memory_stat, "total_inactive_file");
            let service = file(blkio, "blkio.throttle.io_service_bytes");
            Some(Usage {
                cpu_ns: file(cpuacct, "cpuacct.usage").and_then(|text| single(&text)),
                throttled_periods: file(cpu, "cpu.stat").and_then(|text| keyed(&text, "nr_throttled")),
                working_set_bytes: used.zip(inactive).map(|(used, inactive)| used.saturating_sub(inactive)),
                limit_bytes: keyed(&memory_stat, "hierarchical_memory_limit")
                    .filter(|limit| *limit < NO_LIMIT_V1),
                oom_kills: file(memory, "memory.oom_control").and_then(|text| keyed(&text, "oom_kill")),
                pids: file(pids, "pids.current").and_then(|text| single(&text)),
                read_bytes: service.as_deref().map(|text| v1_bytes(text, "Read")),
                written_bytes: service.as_deref().map(|text| v1_bytes(text, "Write")),
            })
        }
    }
}

/// Version 1 says "no limit" with the largest multiple of the page size below 2^63.
const NO_LIMIT_V1: u64 = 1 << 62;

fn read_v2(path: &Path) -> Option<Usage> {
    let cpu = text(path, "cpu.stat")?;
    let memory_stat = text(path, "memory.stat");
    let used = text(path, "memory.current").and_then(|text| single(&text));
    let inactive = memory_stat.as_deref().and_then(|text| keyed(text, "inactive_file"));
    let io = text(path, "io.stat");
    Some(Usage {
        cpu_ns: keyed(&cpu, "usage_usec").map(|usec| usec.saturating_mul(1000)),
        throttled_periods: keyed(&cpu, "nr_throttled"),
        working_set_bytes: used.zip(inactive).map(|(used, inactive)| used.saturating_sub(inactive)),
        limit_bytes: text(path, "memory.max").and_then(|text| single(&text)),
        oom_kills: text(path, "memory.events").and_then(|text| keyed(&text, "oom_kill")),
        pids: text(path, "pids.current").and_then(|text| single(&text)),
        read_bytes: io.as_deref().map(|text| v2_bytes(text, "rbytes=")),
        written_bytes: io.as_deref().map(|text| v2_bytes(text, "wbytes=")),
    })
}

fn text(directory: &Path, name: &str) -> Option<String> {
    fs::read_to_string(directory.join(name)).ok()
}

/// A file with one number; `max` is none.
fn single(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A file with `key value` lines.
fn keyed(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(' ')?;
        (name == key).then(|| value.trim().parse().ok()).flatten()
    })
}

/// Lines `8:0 Read 4096`, one per device and direction; no line means no traffic yet.
fn v1_bytes(text: &str, direction: &str) -> u64 {
    let mut fields = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut sum = 0_u64;
    for line in &mut fields {
        if let [_device, word, bytes] = line.as_slice()
            && *word == direction
        {
            sum = sum.saturating_add(bytes.parse().unwrap_or(0));
        }
    }
    sum
}

/// Lines `8:0 rbytes=4096 wbytes=0 rios=1 …`, one per device.
fn v2_bytes(text: &str, prefix: &str) -> u64 {
    text.split_whitespace()
        .filter_map(|field| field.strip_prefix(prefix)?.parse::<u64>().ok())
        .fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn version_2_is_read_from_one_directory() {
        let group = "sys/fs/cgroup/system.slice/docker-abc.scope";
        let at = |name: &str| format!("{group}/{name}");
        let dir = tree(&[
            ("proc/7/cgroup", "0::/system.slice/docker-abc.scope\n"),
            (&at("cgroup.controllers"), "cpu memory pids\n"),
            (&at("cpu.stat"), "usage_usec 2500000\nuser_usec 2\nnr_throttled 3\n"),
            (&at("memory.current"), "1000000\n"),
            (&at("memory.stat"), "anon 5\ninactive_file 400000\n"),
            (&at("memory.max"), "max\n"),
            (&at("memory.events"), "low 0\noom 1\noom_kill 2\n"),
            (&at("pids.current"), "12\n"),
            (&at("io.stat"), "8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2\n"),
        ]);
        let place = locate(&dir.path().join("proc"), &dir.path().join("sys"), 7).unwrap();
        let want = Usage {
            cpu_ns: Some(2_500_000_000),
            throttled_periods: Some(3),
            working_set_bytes: Some(600_000),
            limit_bytes: None,
            oom_kills: Some(2),
            pids: Some(12),
            read_bytes: Some(11),
            written_bytes: Some(22),
        };
        assert_eq!(read(&place), Some(want));
    }

    #[test]
    fn version_1_is_read_per_controller_under_its_joint_mount() {
        let dir = tree(&[
            ("proc/7/cgroup", "9:memory:/docker/x\n5:cpu,cpuacct:/docker/x\n3:pids:/docker/x\n0::/\n"),
            ("sys/fs/cgroup/cpu,cpuacct/docker/x/cpuacct.usage", "77\n"),
            ("sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes", "500\n"),
            (
                "sys/fs/cgroup/memory/docker/x/memory.stat",
                "hierarchical_memory_limit 9223372036854771712\ntotal_inactive_file 600\n",
            ),
            (
                "sys/fs/cgroup/memory/docker/x/memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
            ),
            ("sys/fs/cgroup/pids/docker/x/pids.current", "4\n"),
        ]);
        let place = locate(&dir.path().join("proc"), &dir.path().join("sys"), 7).unwrap();
        let usage = read(&place).unwrap();
        assert_eq!((usage.cpu_ns, usage.pids, usage.oom_kills), (Some(77), Some(4), Some(1)));
        assert_eq!((usage.working_set_bytes, usage.limit_bytes), (Some(0), None));
        assert_eq!((usage.read_bytes, usage.throttled_periods), (None, None));
    }

    #[test]
    fn a_container_that_ended_has_no_figures() {
        let dir = tree(&[]);
        assert!(locate(&dir.path().join("proc"), &dir.path().join("sys"), 7).is_err());
        assert_eq!(read(&Place::V2(dir.path().join("gone"))), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_parsers_panic(text in ".{0,300}") {
            let _ = (single(&text), keyed(&text, "a"), v1_bytes(&text, "Read"), v2_bytes(&text, "rbytes="));
        }
    }
}
