//! Memory errors that were and were not corrected, from `/sys/devices/system/edac/mc`.

use std::path::Path;

use usher_common::metric::Families;

use super::{CollectError, parse, table::Machine};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let root = machine.roots.sys.join("devices/system/edac/mc");
    for (controller, directory) in numbered(&root, "mc")? {
        for (file, name, help) in [
            ("ce_count", "node_edac_correctable_errors_total", "Total correctable memory errors."),
            ("ue_count", "node_edac_uncorrectable_errors_total", "Total uncorrectable memory errors."),
        ] {
            let count = count(machine, &directory, file)?;
            families.counter(name, help, &[("controller", &controller)], count);
        }
        row(machine, families, &controller, "unknown", &directory, ["ce_noinfo_count", "ue_noinfo_count"])?;
        for (csrow, directory) in numbered(&directory, "csrow")? {
            row(machine, families, &controller, &csrow, &directory, ["ce_count", "ue_count"])?;
        }
    }
    Ok(())
}

fn row(
    machine: &mut Machine,
    families: &mut Families,
    controller: &str,
    csrow: &str,
    directory: &Path,
    [corrected, uncorrected]: [&str; 2],
) -> Result<(), CollectError> {
    let labels = [("controller", controller), ("csrow", csrow)];
    let help = "Total correctable memory errors for this csrow.";
    let errors = count(machine, directory, corrected)?;
    families.counter("node_edac_csrow_correctable_errors_total", help, &labels, errors);
    let help = "Total uncorrectable memory errors for this csrow.";
    let errors = count(machine, directory, uncorrected)?;
    families.counter("node_edac_csrow_uncorrectable_errors_total", help, &labels, errors);
    Ok(())
}

fn count(machine: &mut Machine, directory: &Path, file: &str) -> Result<f64, CollectError> {
    let path = directory.join(file);
    parse::number(machine.files.once(&path)?).map_err(|garbled| garbled.at(path))
}

/// The directories `{prefix}{number}`, with their numbers.
fn numbered(root: &Path, prefix: &str) -> Result<Vec<(String, std::path::PathBuf)>, CollectError> {
    let names = parse::entries(root).map_err(|source| CollectError::read(root, source))?;
    let numbered = names.into_iter().flatten().filter_map(|name| {
        let number = name.strip_prefix(prefix)?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| (number.to_owned(), root.join(&name)))
    });
    Ok(numbered.collect())
}
