//! Open file descriptors of the whole machine, from `/proc/sys/fs/file-nr`.

use usher_common::metric::Families;

use super::{CollectError, parse, table::Machine};

const FILE: &str = "sys/fs/file-nr";

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let text = machine.files.proc_single(FILE)?;
    // The field between them, free handles, is 0 since Linux 2.6.
    let fields =
        parse::nth::<f64>(text, 0).and_then(|allocated| Ok((allocated, parse::nth::<f64>(text, 2)?)));
    let (allocated, maximum) = fields.map_err(|garbled| garbled.at(machine.files.proc_path(FILE)))?;
    families.gauge("node_filefd_allocated", "File descriptor statistics: allocated.", &[], allocated);
    families.gauge("node_filefd_maximum", "File descriptor statistics: maximum.", &[], maximum);
    Ok(())
}
