//! Samples to families: which family a sample belongs to, and what is there twice.

use std::collections::{HashMap, HashSet};

use prometheus::proto;

use super::line::{Declared, Sample};
use super::{Bounds, Parsed};

/// The series of OpenMetrics and of Java's client that tells when a counter was made.
const CREATED: &str = "_created";

/// Families under construction.
#[derive(Debug)]
pub(super) struct Builder {
    helps: HashMap<String, String>,
    kinds: HashMap<String, Declared>,
    families: Vec<Family>,
    index: HashMap<String, usize>,
    samples: usize,
    most: usize,
    created: bool,
    dropped: usize,
    dated: usize,
}

#[derive(Debug)]
struct Family {
    name: String,
    help: String,
    kind: Declared,
    members: Vec<Member>,
    by_labels: HashMap<Labels, usize>,
}

type Labels = Vec<(String, String)>;

/// One series, or the parts of one histogram or summary.
#[derive(Debug, Default)]
struct Member {
    labels: Labels,
    value: Option<f64>,
    sum: Option<f64>,
    count: Option<f64>,
    /// Upper bound or quantile, and its count or value.
    steps: Vec<(f64, f64)>,
}

/// What a sample is to its family.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Value,
    Sum,
    Count,
    Step,
}

impl Builder {
    pub(super) fn new(bounds: &Bounds<'_>) -> Self {
        Self {
            helps: HashMap::new(),
            kinds: HashMap::new(),
            families: Vec::new(),
            index: HashMap::new(),
            samples: 0,
            most: bounds.samples,
            created: bounds.created,
            dropped: 0,
            dated: 0,
        }
    }

    /// The first of a name stands.
    pub(super) fn help(&mut self, name: &str, help: String) {
        if self.helps.len() < self.most {
            self.helps.entry(name.to_owned()).or_insert(help);
        }
    }

    /// The first of a name stands.
    pub(super) fn kind(&mut self, name: &str, kind: Declared) {
        if self.kinds.len() < self.most {
            self.kinds.entry(name.to_owned()).or_insert(kind);
        }
    }

    pub(super) fn drop_one(&mut self) {
        self.dropped += 1;
    }

    pub(super) fn sample(&mut self, mut sample: Sample<'_>) {
        if !self.created && sample.name.ends_with(CREATED) {
            return;
        }
        let taken = self.samples < self.most && self.place(&mut sample).is_some();
        if taken {
            self.samples += 1;
            self.dated += usize::from(sample.dated);
        } else {
            self.dropped += 1;
        }
    }

    /// Puts the sample where it belongs; `None` when it belongs nowhere or is there already.
    fn place(&mut self, sample: &mut Sample<'_>) -> Option<()> {
        let (stem, kind, part) = self.resolve(sample.name, &sample.labels)?;
        let step = match (kind, part) {
            (Declared::Histogram, Part::Step) => Some(take_number(&mut sample.labels, "le")?),
            (Declared::Summary, Part::Step) => Some(take_number(&mut sample.labels, "quantile")?),
            _ => None,
        };
        sample.labels.sort();
        let at = self.family(&stem, kind);
        let family = &mut self.families[at];
        let member = match family.by_labels.get(&sample.labels) {
            Some(at) => *at,
            None => {
                family.members.push(Member { labels: sample.labels.clone(), ..Member::default() });
                family.by_labels.insert(std::mem::take(&mut sample.labels), family.members.len() - 1);
                family.members.len() - 1
            }
        };
        let member = &mut family.members[member];
        let slot = match part {
            Part::Value => &mut member.value,
            Part::Sum => &mut member.sum,
            Part::Count => &mut member.count,
            Part::Step => {
                let step = step?;
                let twice = member.steps.iter().any(|(other, _)| *other == step);
                return (!twice).then(|| member.steps.push((step, sample.value)));
            }
        };
        slot.is_none().then(|| *slot = Some(sample.value))
    }

    /// The family's name and type, and what the sample is in it.
    fn resolve(&self, name: &str, labels: &Labels) -> Option<(String, Declared, Part)> {
        if let Some(kind) = self.kinds.get(name) {
            let quantile = labels.iter().any(|(label, _)| label == "quantile");
            return match kind {
                Declared::Histogram => None,
                Declared::Summary => quantile.then(|| (name.to_owned(), *kind, Part::Step)),
                plain => Some((name.to_owned(), *plain, Part::Value)),
            };
        }
        for (suffix, part) in [("_bucket", Part::Step), ("_sum", Part::Sum), ("_count", Part::Count)] {
            let Some(stem) = name.strip_suffix(suffix) else { continue };
            match self.kinds.get(stem) {
                Some(Declared::Histogram) => return Some((stem.to_owned(), Declared::Histogram, part)),
                Some(Declared::Summary) if part != Part::Step => {
                    return Some((stem.to_owned(), Declared::Summary, part));
                }
                _ => {}
            }
        }
        // OpenMetrics declares a counter and an info without the suffix of their samples.
        let declared = |suffix: &str| name.strip_suffix(suffix).and_then(|stem| self.kinds.get(stem));
        let kind = match (declared("_total"), declared("_info")) {
            (Some(Declared::Counter), _) => Declared::Counter,
            (_, Some(Declared::Gauge)) => Declared::Gauge,
            _ => Declared::Untyped,
        };
        Some((name.to_owned(), kind, Part::Value))
    }

    fn family(&mut self, name: &str, kind: Declared) -> usize {
        if let Some(at) = self.index.get(name) {
            return *at;
        }
        let stem = name.strip_suffix("_total").or_else(|| name.strip_suffix("_info"));
        let help = self.helps.get(name).or_else(|| self.helps.get(stem?));
        self.families.push(Family {
            name: name.to_owned(),
            help: help.cloned().unwrap_or_default(),
            kind,
            members: Vec::new(),
            by_labels: HashMap::new(),
        });
        self.index.insert(name.to_owned(), self.families.len() - 1);
        self.families.len() - 1
    }

    pub(super) fn finish(mut self) -> Parsed {
        // A histogram `x` is written with `x_count`: a family of that very name would be a second one.
        let mut shadowed = HashSet::new();
        for family in &self.families {
            if matches!(family.kind, Declared::Histogram | Declared::Summary) {
                shadowed.extend(["_bucket", "_sum", "_count"].map(|part| format!("{}{part}", family.name)));
            }
        }
        let mut families = Vec::new();
        for family in self.families {
            if shadowed.contains(&family.name) {
                self.dropped += family.members.len();
                continue;
            }
            let (family, dropped) = family.into_proto();
            self.dropped += dropped;
            if !family.get_metric().is_empty() {
                families.push(family);
            }
        }
        Parsed { families, dropped: self.dropped, dated: self.dated }
    }
}

impl Family {
    /// The family, and how many of its members were not whole.
    fn into_proto(self) -> (proto::MetricFamily, usize) {
        let mut family = proto::MetricFamily::default();
        family.set_name(self.name);
        family.set_help(self.help);
        family.set_field_type(match self.kind {
            Declared::Counter => proto::MetricType::COUNTER,
            Declared::Gauge => proto::MetricType::GAUGE,
            Declared::Histogram => proto::MetricType::HISTOGRAM,
            Declared::Summary => proto::MetricType::SUMMARY,
            Declared::Untyped => proto::MetricType::UNTYPED,
        });
        let all = self.members.len();
        let metrics: Vec<_> = self.members.into_iter().filter_map(|m| m.into_proto(self.kind)).collect();
        let dropped = all - metrics.len();
        family.set_metric(metrics);
        (family, dropped)
    }
}

impl Member {
    fn into_proto(self, kind: Declared) -> Option<proto::Metric> {
        let labels = self.labels.iter().map(|(name, value)| {
            let mut pair = proto::LabelPair::default();
            pair.set_name(name.clone());
            pair.set_value(value.clone());
            pair
        });
        let mut metric = proto::Metric::from_label(labels.collect());
        match kind {
            Declared::Counter => {
                let mut counter = proto::Counter::default();
                counter.set_value(self.value?);
                metric.set_counter(counter);
            }
            Declared::Gauge | Declared::Untyped => {
                let mut gauge = proto::Gauge::default();
                gauge.set_value(self.value?);
                metric.set_gauge(gauge);
            }
            Declared::Histogram => metric.set_histogram(self.histogram()?),
            Declared::Summary => metric.set_summary(self.summary()?),
        }
        Some(metric)
    }

    fn histogram(mut self) -> Option<proto::Histogram> {
        self.steps.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let last = self.steps.iter().find(|(bound, _)| *bound == f64::INFINITY).map(|(_, count)| *count);
        let mut histogram = proto::Histogram::default();
        histogram.set_sample_count(whole(self.count.or(last)?)?);
        histogram.set_sample_sum(self.sum.unwrap_or(f64::NAN));
        let mut buckets = Vec::new();
        // The encoder writes the last bucket (`+Inf`) itself, from the count.
        for (bound, count) in self.steps.into_iter().filter(|(bound, _)| bound.is_finite()) {
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(bound);
            bucket.set_cumulative_count(whole(count)?);
            buckets.push(bucket);
        }
        histogram.set_bucket(buckets);
        Some(histogram)
    }

    fn summary(self) -> Option<proto::Summary> {
        let mut summary = proto::Summary::default();
        summary.set_sample_count(whole(self.count?)?);
        summary.set_sample_sum(self.sum.unwrap_or(f64::NAN));
        let quantiles = self.steps.into_iter().map(|(at, value)| {
            let mut quantile = proto::Quantile::default();
            quantile.set_quantile(at);
            quantile.set_value(value);
            quantile
        });
        summary.set_quantile(quantiles.collect());
        Some(summary)
    }
}

fn take_number(labels: &mut Labels, name: &str) -> Option<f64> {
    let at = labels.iter().position(|(label, _)| label == name)?;
    let number: f64 = labels.remove(at).1.parse().ok()?;
    (!number.is_nan()).then_some(number)
}

/// A count as the data model holds it; exact up to 2^53, which no counter here comes near.
fn whole(count: f64) -> Option<u64> {
    (count.is_finite() && (0.0..=9.0e15).contains(&count)).then_some(count as u64)
}
