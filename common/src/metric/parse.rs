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

/// Of each of `names`, which are what follows `prefix`, the first sample without labels: a fraction of
/// what [`parse`] costs. `None` when not one sample of the prefix is understood. NaN is a value here, and
/// declared types are not looked at.
#[must_use]
pub fn values<const N: usize>(
    text: &str,
    bounds: &Bounds<'_>,
    prefix: &str,
    names: [&str; N],
) -> Option<[Option<f64>; N]> {
    let mut found = [None; N];
    let mut any = false;
    for line in text.lines().map(str::trim_start) {
        let Some(rest) = line.strip_prefix(prefix) else { continue };
        let end = rest.find([' ', '\t', '{']).unwrap_or(rest.len());
        let at = names.iter().position(|name| *name == &rest[..end]).filter(|at| found[*at].is_none());
        if any && at.is_none() {
            continue;
        }
        let Line::Sample(sample) = read(line, bounds) else { continue };
        any = true;
        if let Some(at) = at.filter(|_| sample.labels.is_empty()) {
            found[at] = Some(sample.value);
        }
    }
    any.then_some(found)
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
