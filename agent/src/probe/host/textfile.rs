//! Metrics that other programs leave as `*.prom` files in a directory.
//!
//! Nothing of a file is shown unless all of it is understood. A timestamp makes a file wrong, as it
//! does for node_exporter: the sample would be old by the time it is scraped.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use prometheus::proto::{LabelPair, Metric, MetricFamily};
use usher_common::metric::{Bounds, Families, parse as parse_text};

use super::error::Garbled;
use super::{CollectError, parse, table::Machine};

/// What one file may hold; one with more is wrong. Far beyond what scripts write: it bounds memory.
const BOUNDS: Bounds<'static> =
    Bounds { prefixes: &[], samples: 20_000, text_bytes: 8 << 10, labels: 64, created: true };

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
        let shown = path.display().to_string();
        let read = machine.files.once(&path).and_then(|text| {
            let found = understood(text, &shown, families).map_err(|garbled| garbled.at(path.clone()))?;
            let metadata = std::fs::metadata(&path).and_then(|metadata| metadata.modified());
            Ok((found, metadata.map_err(|source| CollectError::read(&path, source))?))
        });
        match read {
            Ok((found, modified)) => {
                families.add_all(&found);
                written.insert(shown, modified);
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

/// The families of the text of `file`, fit to be added to those that are `known`.
fn understood(text: &str, file: &str, known: &Families) -> Result<Vec<MetricFamily>, Garbled> {
    let mut found = parse_text(text, &BOUNDS);
    if found.dropped > 0 {
        return Err(Garbled(format!("{} lines are no samples, too many, or there twice", found.dropped)));
    }
    if found.dated > 0 {
        return Err(Garbled(format!("{} samples have timestamps", found.dated)));
    }
    if let Some(family) = found.families.iter().find(|family| known.conflicts(family)) {
        return Err(Garbled(format!("{} is there already with another type", family.name())));
    }
    for family in &mut found.families {
        if family.help().is_empty() {
            family.set_help(format!("Metric read from {file}"));
        }
        fill_labels(family);
    }
    Ok(found.families)
}

/// A label that only some samples of a name have is empty in the others.
fn fill_labels(family: &mut MetricFamily) {
    let labels = family.get_metric().iter().flat_map(Metric::get_label);
    let names: BTreeSet<String> = labels.map(|label| label.name().to_owned()).collect();
    for metric in family.mut_metric() {
        if metric.get_label().len() == names.len() {
            continue;
        }
        let mut pairs = metric.take_label();
        for name in &names {
            if !pairs.iter().any(|pair| pair.name() == name) {
                let mut pair = LabelPair::default();
                pair.set_name(name.clone());
                pair.set_value(String::new());
                pairs.push(pair);
            }
        }
        metric.set_label(pairs);
    }
}
