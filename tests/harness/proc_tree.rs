//! A `/proc` of the test's own, whose processors are as busy as the test says. It stands
//! for the kernel's counters: `/proc/stat` and the few other files that every sample
//! reads, with counters that advance in real time. It says nothing about what real load
//! does to a real agent.

use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Cores of the pretended machine.
const CORES: u64 = 4;
/// Kernel ticks per second, on every architecture.
const TICKS_PER_SECOND: f64 = 100.0;
/// How often the counters advance.
const STEP: Duration = Duration::from_millis(20);

/// The tree. Stops when dropped.
#[derive(Debug)]
pub struct ProcTree {
    directory: TempDir,
    busy_permille: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    clock: Option<JoinHandle<()>>,
}

impl ProcTree {
    /// A machine that is `busy` (0..=1) from the start.
    #[must_use]
    pub fn new(busy: f64) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(directory.path().join("net")).expect("an empty tree");
        let fixed = [
            (
                "meminfo",
                "MemTotal: 8000000 kB\nMemFree: 6000000 kB\nMemAvailable: 7000000 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
            ),
            ("loadavg", "0.10 0.20 0.30 1/100 4711\n"),
            ("diskstats", "   8       0 sda 1 0 8 1 1 0 8 1 0 1 1\n"),
            (
                "net/dev",
                "Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n  eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n",
            ),
            (
                "net/snmp",
                "Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors\nUdp: 1 0 0 1 0 0\n",
            ),
        ];
        for (name, text) in fixed {
            fs::write(directory.path().join(name), text).expect("a writable tree");
        }
        let busy_permille = Arc::new(AtomicU32::new(permille(busy)));
        let stop = Arc::new(AtomicBool::new(false));
        write_stat(directory.path(), 0.0, 0.0);
        let clock = std::thread::spawn({
            let (path, busy, stop) =
                (directory.path().to_owned(), Arc::clone(&busy_permille), Arc::clone(&stop));
            move || advance(&path, &busy, &stop)
        });
        Self { directory, busy_permille, stop, clock: Some(clock) }
    }

    /// From now on the machine is `busy` (0..=1).
    pub fn set_busy(&self, busy: f64) {
        self.busy_permille.store(permille(busy), Ordering::Relaxed);
    }

    /// Where the tree is, for `--host-proc`.
    #[must_use]
    pub fn path(&self) -> &str {
        self.directory.path().to_str().expect("it is UTF-8")
    }
}

impl Drop for ProcTree {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(clock) = self.clock.take() {
            drop(clock.join());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a thread of the test's own, in real time like the kernel")]
fn advance(path: &Path, busy: &AtomicU32, stop: &AtomicBool) {
    let (mut busy_ticks, mut idle_ticks, mut before) = (0.0, 0.0, Instant::now());
    while !stop.load(Ordering::Relaxed) {
        std::thread::sleep(STEP);
        let now = Instant::now();
        let ticks = now.duration_since(before).as_secs_f64() * TICKS_PER_SECOND;
        before = now;
        let share = f64::from(busy.load(Ordering::Relaxed)) / 1000.0;
        busy_ticks += ticks * share;
        idle_ticks += ticks * (1.0 - share);
        write_stat(path, busy_ticks, idle_ticks);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ticks of one test are small and positive"
)]
fn write_stat(path: &Path, busy: f64, idle: f64) {
    let (busy, idle) = (busy as u64, idle as u64);
    let mut text = format!("cpu  {} 0 0 {} 0 0 0 0 0 0\n", busy * CORES, idle * CORES);
    for core in 0..CORES {
        text += &format!("cpu{core} {busy} 0 0 {idle} 0 0 0 0 0 0\n");
    }
    text += "intr 1 1\nctxt 1\nbtime 1700000000\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n";
    // In place, as the agent keeps the file open, and never shorter, so that nobody finds it empty: one write of a
    // page is seen whole, and the counters only grow.
    let file = fs::File::options().create(true).truncate(false).write(true).open(path.join("stat"));
    file.and_then(|file| file.write_all_at(text.as_bytes(), 0)).expect("a writable tree");
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 0..=1")]
fn permille(share: f64) -> u32 {
    (share.clamp(0.0, 1.0) * 1000.0) as u32
}
