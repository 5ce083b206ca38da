//! Bonded interfaces and how many of their members are up, from `/sys/class/net`.

use std::path::Path;

use usher_common::metric::Families;

use super::{CollectError, table::Machine};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let root = machine.roots.sys.join("class/net");
    let masters = machine.files.once(&root.join("bonding_masters"))?;
    let masters: Vec<String> = masters.split_ascii_whitespace().map(str::to_owned).collect();
    for master in masters {
        let members = machine.files.once(&root.join(&master).join("bonding/slaves"))?;
        let members: Vec<String> = members.split_ascii_whitespace().map(str::to_owned).collect();
        let active = members.iter().filter(|member| is_up(machine, &root.join(&master), member)).count();
        let labels = [("master", master.as_str())];
        let help = "Number of configured slaves per bonding interface.";
        families.gauge("node_bonding_slaves", help, &labels, members.len() as f64);
        families.gauge(
            "node_bonding_active",
            "Number of active slaves per bonding interface.",
            &labels,
            active as f64,
        );
    }
    Ok(())
}

/// The link's own word; the directory is `lower_*` since Linux 3.9, `slave_*` before.
fn is_up(machine: &mut Machine, master: &Path, member: &str) -> bool {
    ["lower_", "slave_"].iter().any(|prefix| {
        let file = master.join(format!("{prefix}{member}/bonding_slave/mii_status"));
        machine.files.attribute(&file) == Some("up")
    })
}
