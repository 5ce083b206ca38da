//! A set of metric families under construction.

use std::collections::HashMap;
use std::vec::IntoIter;

use prometheus::proto;

/// The type of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Never falls but at a restart.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Its source does not say (`untyped`; `unknown` in OpenMetrics).
    Untyped,
}

/// Families in the order of their first sample.
///
/// One set may serve again and again: [`Self::clear`] keeps what the samples were made
/// of, and a sample that comes at the same place with the same labels costs no allocation.
#[derive(Debug, Default)]
pub struct Families {
    list: Vec<proto::MetricFamily>,
    /// The samples of each family before the last [`Self::clear`], to be used again.
    spare: Vec<IntoIter<proto::Metric>>,
    index: HashMap<String, usize>,
    /// The family of the last sample.
    last: usize,
}

impl Families {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one sample. The first sample of a name settles its help and type; the
    /// labels' names must be the same for all samples of a name.
    pub fn push(&mut self, kind: Kind, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        let at = self.find(kind, name, help);
        let spare = self.spare[at].next().filter(|metric| has_labels(metric, labels));
        let mut metric = spare
            .unwrap_or_else(|| proto::Metric::from_label(labels.iter().map(|(n, v)| label(n, v)).collect()));
        match kind {
            Kind::Counter => {
                let mut counter = proto::Counter::default();
                counter.set_value(value);
                metric.set_counter(counter);
            }
            Kind::Gauge | Kind::Untyped => {
                let mut gauge = proto::Gauge::default();
                gauge.set_value(value);
                metric.set_gauge(gauge);
            }
        }
        self.list[at].mut_metric().push(metric);
        self.last = at;
    }

    /// Takes all samples away and keeps the room they had.
    pub fn clear(&mut self) {
        let used = self.list.iter().filter(|family| !family.get_metric().is_empty()).count();
        if used < self.list.len() / 2 {
            // Names that come no more are not kept for ever.
            *self = Self::new();
        }
        for (family, spare) in self.list.iter_mut().zip(&mut self.spare) {
            *spare = family.take_metric().into_iter();
        }
    }

    /// Adds the samples of another set, which keeps them; see [`Self::add_all`].
    pub fn append(&mut self, other: &Self) {
        self.add_all(other.as_slice());
    }

    /// Adds the samples of families. Those that [conflict](Self::conflicts) are left out.
    pub fn add_all(&mut self, families: &[proto::MetricFamily]) {
        let mut labels = Vec::new();
        for family in families.iter().filter(|family| !family.get_metric().is_empty()) {
            if self.conflicts(family) {
                continue;
            }
            let kind = match family.get_field_type() {
                proto::MetricType::COUNTER => Kind::Counter,
                proto::MetricType::GAUGE => Kind::Gauge,
                proto::MetricType::UNTYPED => Kind::Untyped,
                // Rare: not worth the trouble.
                _ => {
                    self.extend([family.clone()]);
                    continue;
                }
            };
            for metric in family.get_metric() {
                labels.clear();
                labels.extend(metric.get_label().iter().map(|pair| (pair.name(), pair.value())));
                let value = match kind {
                    Kind::Counter => metric.get_counter().get_value(),
                    Kind::Gauge | Kind::Untyped => metric.get_gauge().get_value(),
                };
                self.push(kind, family.name(), family.help(), &labels, value);
            }
        }
    }

    /// A gauge sample; see [`Self::push`].
    pub fn gauge(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.push(Kind::Gauge, name, help, labels, value);
    }

    /// A gauge sample, when the value is known.
    pub fn gauge_if(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: Option<f64>) {
        if let Some(value) = value {
            self.gauge(name, help, labels, value);
        }
    }

    /// A counter sample; see [`Self::push`]. The name ends in `_total`.
    pub fn counter(&mut self, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        self.push(Kind::Counter, name, help, labels, value);
    }

    /// Whether `family` cannot be added: samples of its name are there, and they are of one
    /// value where its have several, or the other way round.
    #[must_use]
    pub fn conflicts(&self, family: &proto::MetricFamily) -> bool {
        let Some(known) = self.index.get(family.name()).map(|at| &self.list[*at]) else { return false };
        let (known_type, new) = (known.get_field_type(), family.get_field_type());
        let several = |kind| matches!(kind, proto::MetricType::HISTOGRAM | proto::MetricType::SUMMARY);
        !known.get_metric().is_empty() && known_type != new && (several(known_type) || several(new))
    }

    /// Adds whole families, such as those a registry gathered. A name that is
    /// already there keeps its type and help and gains the samples, which are of that type.
    pub fn extend(&mut self, families: impl IntoIterator<Item = proto::MetricFamily>) {
        for mut family in families {
            match self.index.get(family.name()) {
                // Left over from the time before the last `clear`, when it may have been another type.
                Some(at) if self.list[*at].get_metric().is_empty() => self.list[*at] = family,
                Some(at) => {
                    let mut samples = family.take_metric();
                    self.list[*at].mut_metric().append(&mut samples);
                }
                None => self.add(family),
            }
        }
    }

    /// Whether both sets have samples of one name: then their texts cannot stand side by side.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let named = |family: &&proto::MetricFamily| !family.get_metric().is_empty();
        self.list
            .iter()
            .filter(named)
            .any(|family| other.index.get(family.name()).is_some_and(|at| named(&&other.list[*at])))
    }

    /// The families; some may have no samples.
    #[must_use]
    pub fn as_slice(&self) -> &[proto::MetricFamily] {
        &self.list
    }

    /// The families, by value.
    #[must_use]
    pub fn into_vec(mut self) -> Vec<proto::MetricFamily> {
        self.list.retain(|family| !family.get_metric().is_empty());
        self.list
    }

    /// How many samples there are in all.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.list.iter().map(|family| family.get_metric().len()).sum()
    }

    /// The family of a sample. It mostly is that of the last one, or the next.
    fn find(&mut self, kind: Kind, name: &str, help: &str) -> usize {
        let near = [self.last, self.last + 1];
        let near = near.into_iter().find(|at| self.list.get(*at).is_some_and(|family| family.name() == name));
        let Some(at) = near.or_else(|| self.index.get(name).copied()) else {
            let mut family = proto::MetricFamily::default();
            family.set_name(name.to_owned());
            describe(&mut family, kind, help);
            self.add(family);
            return self.list.len() - 1;
        };
        if self.list[at].get_metric().is_empty() {
            describe(&mut self.list[at], kind, help);
        }
        at
    }

    fn add(&mut self, family: proto::MetricFamily) {
        self.index.insert(family.name().to_owned(), self.list.len());
        self.list.push(family);
        self.spare.push(IntoIter::default());
    }
}

/// The first sample of a name settles its help and type.
fn describe(family: &mut proto::MetricFamily, kind: Kind, help: &str) {
    if family.help() != help {
        family.set_help(help.to_owned());
    }
    family.set_field_type(match kind {
        Kind::Counter => proto::MetricType::COUNTER,
        Kind::Gauge => proto::MetricType::GAUGE,
        Kind::Untyped => proto::MetricType::UNTYPED,
    });
}

fn has_labels(metric: &proto::Metric, labels: &[(&str, &str)]) -> bool {
    let pairs = metric.get_label();
    pairs.len() == labels.len()
        && pairs
            .iter()
            .zip(labels)
            .all(|(pair, (name, value))| pair.name() == *name && pair.value() == *value)
}

fn label(name: &str, value: &str) -> proto::LabelPair {
    let mut pair = proto::LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

#[cfg(test)]
mod tests {
    use super::super::{Format, encode};
    use super::*;

    fn fill(families: &mut Families, samples: &[(Kind, &str, &str, f64)]) -> String {
        for (kind, name, device, value) in samples {
            families.push(*kind, name, "Help.", &[("device", device)], *value);
        }
        encode(Format::Text, families.as_slice())
    }

    #[test]
    fn sets_overlap_by_names_that_have_samples_in_both() {
        let of = |names: &[&str]| {
            let mut families = Families::new();
            names.iter().for_each(|name| families.gauge(name, "", &[], 1.0));
            families
        };
        let mut one = of(&["a", "b"]);
        assert!(one.overlaps(&of(&["b", "c"])));
        assert!(!one.overlaps(&of(&["c"])));
        one.clear();
        assert!(!one.overlaps(&of(&["a"])) && !of(&["a"]).overlaps(&one));
    }

    #[test]
    fn a_family_of_several_values_neither_joins_one_of_single_values_nor_outlives_a_clear() {
        let mut histogram = proto::MetricFamily::default();
        histogram.set_name("a".to_owned());
        histogram.set_field_type(proto::MetricType::HISTOGRAM);
        let mut metric = proto::Metric::default();
        metric.set_histogram(proto::Histogram::default());
        histogram.mut_metric().push(metric);
        let mut families = Families::new();
        families.gauge("a", "", &[], 1.0);
        assert!(families.conflicts(&histogram));
        families.add_all(std::slice::from_ref(&histogram));
        assert_eq!(encode(Format::Text, families.as_slice()), "# TYPE a gauge\na 1\n");
        families.clear();
        families.add_all(std::slice::from_ref(&histogram));
        let text = encode(Format::Text, families.as_slice());
        assert!(text.starts_with("# TYPE a histogram\na_bucket{le=\"+Inf\"} 0\n"), "{text}");
        families.clear();
        families.gauge("a", "", &[], 2.0);
        assert_eq!(encode(Format::Text, families.as_slice()), "# TYPE a gauge\na 2\n");
    }

    #[test]
    fn a_set_used_again_shows_only_what_was_pushed_since() {
        use Kind::{Counter, Gauge, Untyped};
        let rounds: [&[(Kind, &str, &str, f64)]; 5] = [
            &[(Gauge, "a", "x", 1.0), (Gauge, "a", "y", 2.0), (Counter, "b_total", "x", 3.0)],
            &[(Gauge, "a", "y", 4.0), (Counter, "b_total", "x", 5.0), (Gauge, "a", "z", 6.0)],
            // The type of a name may change as its source does.
            &[(Counter, "a", "y", 7.0), (Untyped, "c", "x", 8.0), (Gauge, "b_total", "w", 1.0)],
            &[(Untyped, "c", "x", 9.0)],
            &[],
        ];
        let mut again = Families::new();
        for round in rounds {
            again.clear();
            let text = fill(&mut again, round);
            let mut lines: Vec<_> = text.lines().collect();
            let fresh = fill(&mut Families::new(), round);
            let mut want: Vec<_> = fresh.lines().collect();
            lines.sort_unstable();
            want.sort_unstable();
            assert_eq!(lines, want);
            let mut copy = Families::new();
            copy.append(&again);
            assert_eq!(encode(Format::Text, copy.as_slice()), text);
            assert_eq!(again.samples(), round.len());
        }
    }
}
