//! Paging and out-of-memory kills, from `/proc/vmstat`.
//!
//! `procfs::VmStat` would build a map of all 180 lines for the handful that is shown.

use usher_common::metric::{Families, Kind};

use super::error::Garbled;
use super::table::Machine;
use super::{CollectError, parse};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let text = machine.files.proc("vmstat")?;
    let done = text.lines().filter(|line| is_shown(line)).try_for_each(|line| {
        let value: f64 = parse::nth(line, 1)?;
        let field = line.split_ascii_whitespace().next().unwrap_or(line);
        let help = format!("/proc/vmstat information field {field}.");
        families.push(Kind::Untyped, &format!("node_vmstat_{field}"), &help, &[], value);
        Ok(())
    });
    done.map_err(|garbled: Garbled| garbled.at(machine.files.proc_path("vmstat")))
}

/// node_exporter's default choice: `^(oom_kill|pgpg|pswp|pg.*fault).*`.
fn is_shown(line: &str) -> bool {
    ["oom_kill", "pgpg", "pswp"].iter().any(|start| line.starts_with(start))
        || line.strip_prefix("pg").is_some_and(|rest| rest.contains("fault"))
}

#[cfg(test)]
mod tests {
    use super::is_shown;

    #[test]
    fn only_paging_and_kills_are_shown() {
        for line in ["oom_kill 0", "pgpgin 5", "pgmajfault 1", "pgfault 2", "pswpout 0"] {
            assert!(is_shown(line), "{line}");
        }
        for line in ["nr_free_pages 1", "pgalloc_dma 0", "thp_fault_alloc 3", "numa_pte_updates 0"] {
            assert!(!is_shown(line), "{line}");
        }
    }
}
