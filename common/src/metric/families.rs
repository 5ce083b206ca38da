//! A set of metric families under construction.

use std::collections::HashMap;

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
#[derive(Debug, Default)]
pub struct Families {
    list: Vec<proto::MetricFamily>,
    index: HashMap<String, usize>,
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
        // Samples of a family mostly come one after the other.
        let at = match self.list.last() {
            Some(last) if last.name() == name => self.list.len() - 1,
            _ => match self.index.get(name) {
                Some(at) => *at,
                None => self.open(kind, name, help),
            },
        };
        let mut metric = proto::Metric::from_label(labels.iter().map(|(n, v)| label(n, v)).collect());
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

    /// Adds whole families, such as those a registry gathered. A name that is
    /// already there keeps its type and help and gains the samples.
    pub fn extend(&mut self, families: impl IntoIterator<Item = proto::MetricFamily>) {
        for mut family in families {
            match self.index.get(family.name()) {
                Some(at) => {
                    let mut samples = family.take_metric();
                    self.list[*at].mut_metric().append(&mut samples);
                }
                None => {
                    self.index.insert(family.name().to_owned(), self.list.len());
                    self.list.push(family);
                }
            }
        }
    }

    /// The families.
    #[must_use]
    pub fn as_slice(&self) -> &[proto::MetricFamily] {
        &self.list
    }

    /// The families, by value.
    #[must_use]
    pub fn into_vec(self) -> Vec<proto::MetricFamily> {
        self.list
    }

    /// How many samples there are in all.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.list.iter().map(|family| family.get_metric().len()).sum()
    }

    fn open(&mut self, kind: Kind, name: &str, help: &str) -> usize {
        let mut family = proto::MetricFamily::default();
        family.set_name(name.to_owned());
        family.set_help(help.to_owned());
        family.set_field_type(match kind {
            Kind::Counter => proto::MetricType::COUNTER,
            Kind::Gauge => proto::MetricType::GAUGE,
            Kind::Untyped => proto::MetricType::UNTYPED,
        });
        self.index.insert(name.to_owned(), self.list.len());
        self.list.push(family);
        self.list.len() - 1
    }
}

fn label(name: &str, value: &str) -> proto::LabelPair {
    let mut pair = proto::LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}
