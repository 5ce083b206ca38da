//! Exposition text of strangers to families, within bounds.
//!
//! Reads Prometheus text 0.0.4 and, as far as it differs in names, OpenMetrics. The parsers
//! on the registry split labels at every comma and lose the types of histograms, so this is
//! our own. What cannot be understood is dropped and counted; nothing makes it fail.
//!
//! ```text
//! line ──► sample{name, labels, value} ──► its family by TYPE ──► proto::MetricFamily
//! ```
//!
//! Left out on purpose: timestamps and exemplars (a sample passed on is of now), and, unless they
//! are asked for, `_created` series (they double the number and say what resets say).

mod build;
mod line;

use prometheus::proto;

use build::Builder;
use line::{Line, read};

/// What of a text is taken. Everything beyond is dropped.
#[derive(Debug, Clone, Copy)]
pub struct Bounds<'a> {
    /// Names must start with one of these; empty takes every name. Others are passed over uncounted.
    pub prefixes: &'a [&'a str],
    /// Most sample lines taken.
    pub samples: usize,
    /// Longest name, label value or help, bytes. Samples with longer ones are dropped, help is cut.
    pub text_bytes: usize,
    /// Most labels of one sample.
    pub labels: usize,
    /// Whether `_created` series are taken as well, as gauges or whatever they are said to be.
    pub created: bool,
}

/// What a text held.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    /// The families, in the order of their first sample, with their types; no name and no
    /// series is there twice.
    pub families: Vec<proto::MetricFamily>,
    /// Samples that were left out: beyond a bound, a duplicate, or not understood; and types
    /// that are none.
    pub dropped: usize,
    /// Samples taken whose timestamp or exemplar was not.
    pub dated: usize,
}

impl Parsed {
    /// The value of the sample `name` without labels; NaN is a value here.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        let family = self.families.iter().find(|family| family.name() == name)?;
        let metric = family.get_metric().iter().find(|metric| metric.get_label().is_empty())?;
        match family.get_field_type() {
            proto::MetricType::COUNTER => Some(metric.get_counter().get_value()),
            proto::MetricType::GAUGE | proto::MetricType::UNTYPED => Some(metric.get_gauge().get_value()),
            proto::MetricType::HISTOGRAM | proto::MetricType::SUMMARY => None,
        }
    }
}

/// Reads exposition text.
#[must_use]
pub fn parse(text: &str, bounds: &Bounds<'_>) -> Parsed {
    let mut builder = Builder::new(bounds);
    for line in text.lines() {
        match read(line, bounds) {
            Line::Help { name, help } => builder.help(name, help),
            Line::Type { name, kind } => builder.kind(name, kind),
            Line::Sample(sample) => builder.sample(sample),
            Line::Foreign => {}
            Line::Dropped => builder.drop_one(),
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests;
