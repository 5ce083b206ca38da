//! Boot time, context switches, forks, interrupts and runnable tasks, from `/proc/stat`:
//! the reading that the collector `cpu` made a moment before, if it could.

use usher_common::metric::Families;

use super::{CollectError, cpu, table::Machine};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let stat = match machine.memory.stat.take() {
        Some(stat) => stat,
        None => cpu::read(machine)?,
    };
    families.counter("node_intr_total", "Total number of interrupts serviced.", &[], stat.interrupts as f64);
    let kernel = stat.kernel;
    families.counter(
        "node_context_switches_total",
        "Total number of context switches.",
        &[],
        kernel.ctxt as f64,
    );
    families.counter("node_forks_total", "Total number of forks.", &[], kernel.processes as f64);
    families.gauge("node_boot_time_seconds", "Node boot time, in unixtime.", &[], kernel.btime as f64);
    families.gauge_if(
        "node_procs_running",
        "Number of processes in runnable state.",
        &[],
        kernel.procs_running.map(f64::from),
    );
    families.gauge_if(
        "node_procs_blocked",
        "Number of processes blocked waiting for I/O to complete.",
        &[],
        kernel.procs_blocked.map(f64::from),
    );
    Ok(())
}
