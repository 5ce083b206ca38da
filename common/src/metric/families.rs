//! A set of metric families under construction.
//!
//! A sample of one value is its value and a piece of one long text, its labels as they will be
//! written: with one label some 50 bytes, where the `prometheus` crate's has 136 and an allocation for
//! each name and value. An agent holds two thousand all day. Histograms and summaries stay the crate's.

use std::collections::HashMap;
use std::ops::Range;

use prometheus::proto;

use super::text::push_labels;

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
/// One set may serve again and again: [`Self::clear`] keeps the room that the samples had, and
/// names that come again cost no allocation.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Families {
    list: Vec<Family>,
    index: HashMap<String, usize>,
    /// The labels of all samples of one value, one after the other, as they are written.
    labels: String,
    /// The family of the last sample.
    last: usize,
}

/// One family; without samples while a set is used again and nothing of the name has come yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) samples: Samples,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Samples {
    /// Of one value each.
    Single(Kind, Vec<Sample>),
    /// A histogram or a summary, its name and help included.
    Several(Box<proto::MetricFamily>),
}

/// A value and where its labels stand.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    labels: Range<usize>,
    pub(super) value: f64,
}

impl Families {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of families of the `prometheus` crate's; see [`Self::add_all`].
    #[must_use]
    pub fn of(families: &[proto::MetricFamily]) -> Self {
        let mut set = Self::new();
        set.add_all(families);
        set
    }

    /// Adds one sample. The first sample of a name settles its help and type; the
    /// labels' names must be the same for all samples of a name.
    pub fn push(&mut self, kind: Kind, name: &str, help: &str, labels: &[(&str, &str)], value: f64) {
        let start = self.labels.len();
        push_labels(&mut self.labels, labels.iter().copied());
        self.place(kind, name, help, start, value);
    }

    /// Takes all samples away and keeps the room they had.
    pub fn clear(&mut self) {
        let used = self.list.iter().filter(|family| !family.is_empty()).count();
        if used < self.list.len() / 2 {
            // Names that come no more are not kept for ever.
            *self = Self::new();
        }
        self.labels.clear();
        for family in &mut self.list {
            match &mut family.samples {
                Samples::Single(_, samples) => samples.clear(),
                several @ Samples::Several(_) => *several = Samples::Single(Kind::Untyped, Vec::new()),
            }
        }
    }

    /// Adds the samples of another set, which keeps them. What [conflicts](Self::conflicts) is left out.
    pub fn append(&mut self, other: &Self) {
        self.append_of(other, |_, _| true);
    }

    /// Adds the families of another set whose names have no samples here.
    pub fn append_new(&mut self, other: &Self) {
        self.append_of(other, |ours, name| ours.index.get(name).is_none_or(|at| ours.list[*at].is_empty()));
    }

    /// Adds the samples of families of the `prometheus` crate's, such as those a registry gathered.
    /// Those that [conflict](Self::conflicts) are left out.
    pub fn add_all(&mut self, families: &[proto::MetricFamily]) {
        for family in families.iter().filter(|family| !family.get_metric().is_empty()) {
            if self.conflicts(family) {
                continue;
            }
            let kind = match family.get_field_type() {
                proto::MetricType::COUNTER => Kind::Counter,
                proto::MetricType::GAUGE => Kind::Gauge,
                proto::MetricType::UNTYPED => Kind::Untyped,
                proto::MetricType::HISTOGRAM | proto::MetricType::SUMMARY => {
                    self.add_several(family);
                    continue;
                }
            };
            for metric in family.get_metric() {
                let value = match kind {
                    Kind::Counter => metric.get_counter().get_value(),
                    Kind::Gauge | Kind::Untyped => metric.get_gauge().get_value(),
                };
                let start = self.labels.len();
                push_labels(
                    &mut self.labels,
                    metric.get_label().iter().map(|pair| (pair.name(), pair.value())),
                );
                self.place(kind, family.name(), family.help(), start, value);
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
        self.index.get(family.name()).is_some_and(|at| self.list[*at].differs(several(family)))
    }

    /// Whether both sets have samples of one name: then their texts cannot stand side by side.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        let named = |family: &&Family| !family.is_empty();
        self.list
            .iter()
            .filter(named)
            .any(|family| other.index.get(&family.name).is_some_and(|at| named(&&other.list[*at])))
    }

    /// The names that have samples, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.with_samples().map(|family| family.name.as_str())
    }

    /// How many samples there are in all.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.list.iter().map(Family::len).sum()
    }

    /// The families that have samples.
    pub(super) fn with_samples(&self) -> impl Iterator<Item = &Family> {
        self.list.iter().filter(|family| !family.is_empty())
    }

    /// The labels of a sample of this set, as they are written.
    pub(super) fn labels(&self, sample: &Sample) -> &str {
        &self.labels[sample.labels.clone()]
    }

    fn append_of(&mut self, other: &Self, wanted: impl Fn(&Self, &str) -> bool) {
        for family in other.with_samples() {
            if !wanted(self, &family.name) {
                continue;
            }
            match &family.samples {
                Samples::Several(proto) => self.add_all(std::slice::from_ref(proto)),
                Samples::Single(kind, samples) => {
                    for sample in samples {
                        let start = self.labels.len();
                        self.labels.push_str(other.labels(sample));
                        self.place(*kind, &family.name, &family.help, start, sample.value);
                    }
                }
            }
        }
    }

    /// Adds the sample whose labels were written from `start` on.
    fn place(&mut self, kind: Kind, name: &str, help: &str, start: usize, value: f64) {
        let at = self.find(name);
        let family = &mut self.list[at];
        if family.is_empty() {
            family.describe(kind, help);
        }
        match &mut family.samples {
            Samples::Single(_, samples) => {
                samples.push(Sample { labels: start..self.labels.len(), value });
                self.last = at;
            }
            // Nobody has one name for both; see `conflicts`.
            Samples::Several(_) => self.labels.truncate(start),
        }
    }

    fn add_several(&mut self, family: &proto::MetricFamily) {
        let at = self.find(family.name());
        let ours = &mut self.list[at];
        match &mut ours.samples {
            Samples::Several(known) => known.mut_metric().extend_from_slice(family.get_metric()),
            single @ Samples::Single(..) => {
                *single = Samples::Several(Box::new(family.clone()));
                family.help().clone_into(&mut ours.help);
            }
        }
    }

    /// The family of a name. It mostly is that of the last sample, or the next.
    fn find(&mut self, name: &str) -> usize {
        let near = [self.last, self.last + 1];
        let near = near.into_iter().find(|at| self.list.get(*at).is_some_and(|family| family.name == name));
        near.or_else(|| self.index.get(name).copied()).unwrap_or_else(|| {
            let samples = Samples::Single(Kind::Untyped, Vec::new());
            self.index.insert(name.to_owned(), self.list.len());
            self.list.push(Family { name: name.to_owned(), help: String::new(), samples });
            self.list.len() - 1
        })
    }
}

impl Family {
    fn len(&self) -> usize {
        match &self.samples {
            Samples::Single(_, samples) => samples.len(),
            Samples::Several(family) => family.get_metric().len(),
        }
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first sample of a name settles its help and type.
    fn describe(&mut self, kind: Kind, help: &str) {
        if self.help != help {
            help.clone_into(&mut self.help);
        }
        if let Samples::Single(known, _) = &mut self.samples {
            *known = kind;
        }
    }

    /// Whether the samples are of another shape than those of a family that `has_several` values each.
    fn differs(&self, has_several: bool) -> bool {
        !self.is_empty() && matches!(self.samples, Samples::Several(_)) != has_several
    }
}

fn several(family: &proto::MetricFamily) -> bool {
    matches!(family.get_field_type(), proto::MetricType::HISTOGRAM | proto::MetricType::SUMMARY)
}

#[cfg(test)]
mod tests {
    use super::super::{Format, encode};
    use super::*;

    fn fill(families: &mut Families, samples: &[(Kind, &str, &str, f64)]) -> String {
        for (kind, name, device, value) in samples {
            families.push(*kind, name, "Help.", &[("device", device)], *value);
        }
        encode(Format::Text, [families])
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
        assert_eq!(encode(Format::Text, [&families]), "# TYPE a gauge\na 1\n");
        families.clear();
        families.add_all(std::slice::from_ref(&histogram));
        let text = encode(Format::Text, [&families]);
        assert!(text.starts_with("# TYPE a histogram\na_bucket{le=\"+Inf\"} 0\n"), "{text}");
        families.clear();
        families.gauge("a", "", &[], 2.0);
        assert_eq!(encode(Format::Text, [&families]), "# TYPE a gauge\na 2\n");
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
            assert_eq!(encode(Format::Text, [&copy]), text);
            assert_eq!(again.samples(), round.len());
        }
    }
}
