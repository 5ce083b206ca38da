//! Neighbours by interface, from `/proc/net/arp`.

use std::collections::BTreeMap;

use procfs::FromRead as _;
use procfs::net::ArpEntries;
use usher_common::metric::Families;

use super::CollectError;
use super::error::Garbled;
use super::table::Machine;

const FILE: &str = "net/arp";

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let counts = parse(machine.files.proc(FILE)?);
    let counts = counts.map_err(|garbled| garbled.at(machine.files.proc_path(FILE)))?;
    for (device, count) in counts {
        families.gauge("node_arp_entries", "ARP entries by device", &[("device", &device)], f64::from(count));
    }
    Ok(())
}

fn parse(text: &str) -> Result<BTreeMap<String, u32>, Garbled> {
    let mut counts = BTreeMap::new();
    for entry in ArpEntries::from_read(text.as_bytes())?.0 {
        *counts.entry(entry.device).or_insert(0) += 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_by_device() {
        let text = "IP address       HW type     Flags       HW address            Mask     Device\n\
                    10.0.0.1         0x1         0x2         02:00:00:00:00:01     *        eth0\n\
                    10.0.0.2         0x1         0x0         00:00:00:00:00:00     *        eth0\n\
                    172.17.0.2       0x1         0x2         02:42:ac:11:00:02     *        docker0\n";
        let counts = parse(text).unwrap();
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("docker0".into(), 1), ("eth0".into(), 2)]);
    }
}
