//! The random number generator's pool, from `/proc/sys/kernel/random`.

use usher_common::metric::Families;

use super::{CollectError, parse, table::Machine};

const SHOWN: [(&str, &str, &str); 2] = [
    ("sys/kernel/random/entropy_avail", "node_entropy_available_bits", "Bits of available entropy."),
    ("sys/kernel/random/poolsize", "node_entropy_pool_size_bits", "Bits of entropy pool."),
];

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    for (file, name, help) in SHOWN {
        let value = parse::number(machine.files.proc_single(file)?);
        let value = value.map_err(|garbled| garbled.at(machine.files.proc_path(file)))?;
        families.gauge(name, help, &[], value);
    }
    Ok(())
}
