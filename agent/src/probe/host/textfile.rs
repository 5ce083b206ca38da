//! Metrics that other programs leave as `*.prom` files in a directory.
//!
//! Nothing of a file is shown unless all of it is understood. A histogram's or summary's
//! samples are shown as untyped families of their own (`x_bucket`, `x_sum`, `x_count`):
//! every series is there, only the word for the family is another.

mod exposition;

use std::collections::BTreeMap;
use std::time::SystemTime;

use usher_common::metric::Families;

use super::{CollectError, parse, table::Machine};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let directory = machine.settings.textfile_directory.clone();
    let mut failed = false;
    let mut written = BTreeMap::new();
    let names = parse::entries(&directory).ok().flatten();
    if names.is_none() {
        tracing::debug!("failed to list {}", directory.display());
        failed = true;
    }
    for name in names.into_iter().flatten().filter(|name| name.ends_with(".prom")) {
        let path = directory.join(&name);
        let read = machine.files.once(&path).and_then(|text| {
            let samples = exposition::parse(text).map_err(|garbled| garbled.at(path.clone()))?;
            let metadata = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
            Ok((samples, metadata.map_err(|source| CollectError::read(&path, source))?))
        });
        match read {
            Ok((samples, modified)) => {
                samples.push(&path.display().to_string(), families);
                written.insert(path.display().to_string(), modified);
            }
            Err(error) => {
                tracing::debug!("failed to {error}");
                failed = true;
            }
        }
    }
    for (file, modified) in written {
        let seconds = modified.duration_since(SystemTime::UNIX_EPOCH).map(|since| since.as_secs() as f64);
        families.gauge_if(
            "node_textfile_mtime_seconds",
            "Unixtime mtime of textfiles successfully read.",
            &[("file", &file)],
            seconds.ok(),
        );
    }
    families.gauge(
        "node_textfile_scrape_error",
        "1 if there was an error opening or reading a file, 0 otherwise",
        &[],
        f64::from(u8::from(failed)),
    );
    Ok(())
}
