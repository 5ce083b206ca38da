//! How far our value may lie from node_exporter's, which is read just before and just
//! after ours. What is not named here must be equal.

/// The rule for one value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tolerance {
    /// A constant of the machine: the same.
    Equal,
    /// A counter: not below what was read before, not above what was read after, give
    /// or take a slack for counters that the kernel estimates.
    Between { slack: f64 },
    /// A gauge that moves: once in a few rounds within the two readings, widened by a share of the larger and
    /// by an absolute amount.
    Near { share: f64, amount: f64 },
    /// Measures the exporter itself: not compared.
    OwnFigure,
}

const MIB: f64 = 1024.0 * 1024.0;

/// Gauges that move while nothing happens, by the start of their names.
const MOVING: &[(&str, Tolerance)] = &[
    ("node_scrape_collector_duration_seconds", Tolerance::OwnFigure),
    ("process_", Tolerance::OwnFigure),
    // Other programs allocate, write and build; half a gigabyte may change hands within milliseconds.
    ("node_memory_MemTotal_bytes", Tolerance::Equal),
    ("node_memory_SwapTotal_bytes", Tolerance::Equal),
    ("node_memory_VmallocTotal_bytes", Tolerance::Equal),
    ("node_memory_CommitLimit_bytes", Tolerance::Equal),
    ("node_memory_Hugepagesize_bytes", Tolerance::Equal),
    ("node_memory_HugePages_", Tolerance::Equal),
    ("node_memory_DirectMap", Tolerance::Near { share: 0.1, amount: 64.0 * MIB }),
    ("node_memory_", Tolerance::Near { share: 0.05, amount: 512.0 * MIB }),
    ("node_filesystem_size_bytes", Tolerance::Equal),
    ("node_filesystem_readonly", Tolerance::Equal),
    ("node_filesystem_device_error", Tolerance::Equal),
    ("node_filesystem_files_free", Tolerance::Near { share: 0.0, amount: 20_000.0 }),
    ("node_filesystem_files", Tolerance::Equal),
    ("node_filesystem_", Tolerance::Near { share: 0.0, amount: 512.0 * MIB }),
    // Sockets, handles and tasks: the scrape has some of its own.
    ("node_sockstat_TCP_mem_bytes", Tolerance::Near { share: 0.1, amount: 4.0 * MIB }),
    ("node_sockstat_UDP_mem_bytes", Tolerance::Near { share: 0.1, amount: 4.0 * MIB }),
    ("node_sockstat_TCP_mem", Tolerance::Near { share: 0.1, amount: 1024.0 }),
    ("node_sockstat_UDP_mem", Tolerance::Near { share: 0.1, amount: 1024.0 }),
    ("node_sockstat_", Tolerance::Near { share: 0.1, amount: 100.0 }),
    ("node_filefd_allocated", Tolerance::Near { share: 0.1, amount: 1000.0 }),
    ("node_procs_", Tolerance::Near { share: 0.0, amount: 100.0 }),
    ("node_netstat_Tcp_CurrEstab", Tolerance::Near { share: 0.0, amount: 50.0 }),
    ("node_nf_conntrack_entries_limit", Tolerance::Equal),
    ("node_nf_conntrack_entries", Tolerance::Near { share: 0.1, amount: 200.0 }),
    ("node_nf_conntrack_stat_", Tolerance::Between { slack: 0.0 }),
    ("node_arp_entries", Tolerance::Near { share: 0.0, amount: 4.0 }),
    ("node_udp_queues", Tolerance::Near { share: 0.0, amount: MIB }),
    ("node_disk_io_now", Tolerance::Near { share: 0.0, amount: 1000.0 }),
    ("node_load", Tolerance::Near { share: 0.2, amount: 0.5 }),
    ("node_entropy_available_bits", Tolerance::Near { share: 0.0, amount: 4096.0 }),
    // The clock runs on, and whoever disciplines it does so meanwhile.
    ("node_time_seconds", Tolerance::Between { slack: 0.0 }),
    ("node_timex_", Tolerance::Near { share: 0.01, amount: 0.01 }),
    // The boot time is worked out of two clocks and may tip over a second.
    ("node_boot_time_seconds", Tolerance::Near { share: 0.0, amount: 1.0 }),
    // Idle and iowait are estimates and may step back.
    ("node_cpu_", Tolerance::Between { slack: 0.05 }),
];

/// The rule for a metric of the given type.
pub(crate) fn of(name: &str, kind: &str) -> Tolerance {
    if let Some((_, tolerance)) = MOVING.iter().find(|(start, _)| name.starts_with(start)) {
        return *tolerance;
    }
    if kind == "gauge" { Tolerance::Equal } else { Tolerance::Between { slack: 0.0 } }
}

impl Tolerance {
    /// Whether `ours` may stand beside what was read `before` and `after`.
    pub(crate) fn allows(self, before: f64, ours: f64, after: f64) -> bool {
        match self {
            Self::OwnFigure => true,
            Self::Equal => ours == before && ours == after,
            // A sum of floats that are each exact need not be: one part in 10^12.
            Self::Between { slack } => {
                let slack = slack + after.abs() * 1e-12;
                before - slack <= ours && ours <= after + slack
            }
            Self::Near { share, amount } => {
                let slack = before.abs().max(after.abs()) * share + amount;
                before.min(after) - slack <= ours && ours <= before.max(after) + slack
            }
        }
    }
}
