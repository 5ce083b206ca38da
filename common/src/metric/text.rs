//! Families to exposition text, in either of the two formats Prometheus reads.

use prometheus::{TextEncoder, proto};

use super::families::{Families, Family, Kind, Samples};

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The format a scraper's `Accept` header asks for: OpenMetrics when it is
    /// named with a quality no lower than that of `text/plain`, text otherwise.
    #[must_use]
    pub fn negotiate(accept: &str) -> Self {
        let quality = |media: &str| {
            accept
                .split(',')
                .filter_map(|part| {
                    let mut fields = part.split(';').map(str::trim);
                    if !fields.next()?.eq_ignore_ascii_case(media) {
                        return None;
                    }
                    let q = fields.find_map(|f| f.strip_prefix("q=").and_then(|q| q.parse::<f64>().ok()));
                    Some(q.unwrap_or(1.0))
                })
                .fold(0.0, f64::max)
        };
        let open = quality("application/openmetrics-text");
        if open > 0.0 && open >= quality("text/plain") { Self::OpenMetrics } else { Self::Text }
    }

    /// The `Content-Type` of the answer. Prometheus 3 refuses an answer without one.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The text of the sets, one after the other. They must not [overlap](Families::overlaps).
#[must_use]
pub fn encode<const SETS: usize>(format: Format, sets: [&Families; SETS]) -> String {
    let samples: usize = sets.iter().map(|set| set.samples()).sum();
    let mut text = String::with_capacity(samples * 120);
    let mut scratch = String::new();
    for set in sets {
        for family in set.with_samples() {
            encode_family(format, set, family, &mut scratch, &mut text);
        }
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

/// HELP and TYPE lines and the lines of samples with one value, which are nearly all, are
/// written here: the crate formats each number and label through layers that cost three times as
/// much, and panics on `untyped`. Histograms and summaries are the crate's.
fn encode_family(format: Format, set: &Families, family: &Family, scratch: &mut String, text: &mut String) {
    let mut word = match (&family.samples, format) {
        (Samples::Single(Kind::Counter, _), _) => "counter",
        (Samples::Single(Kind::Gauge, _), _) => "gauge",
        (Samples::Single(Kind::Untyped, _), Format::Text) => "untyped",
        (Samples::Single(Kind::Untyped, _), Format::OpenMetrics) => "unknown",
        (Samples::Several(family), _) if family.get_field_type() == proto::MetricType::SUMMARY => "summary",
        (Samples::Several(_), _) => "histogram",
    };
    let mut base = family.name.as_str();
    if format == Format::OpenMetrics && word == "counter" {
        // OpenMetrics names the family without the suffix its samples bear; a counter
        // without the suffix (a stranger's, passed through) cannot be one there.
        match base.strip_suffix("_total") {
            Some(stem) => base = stem,
            None => word = "unknown",
        }
    }
    if !family.help.is_empty() {
        push_line(text, "# HELP ", base, &escape_help(format, &family.help));
    }
    push_line(text, "# TYPE ", base, word);
    match &family.samples {
        Samples::Single(_, samples) => {
            for sample in samples {
                push_sample(text, &family.name, set.labels(sample), sample.value);
            }
        }
        Samples::Several(several) => {
            // It writes samples only together with a header of its own, which is cut off.
            scratch.clear();
            let encoded = TextEncoder::new().encode_utf8(std::slice::from_ref(several), scratch);
            // It checks only that there are samples and a name, which there are.
            if encoded.is_ok() {
                let lines = 1 + usize::from(!several.help().is_empty());
                let header = scratch.match_indices('\n').nth(lines - 1).map_or(0, |(end, _)| end + 1);
                text.push_str(&scratch[header..]);
            }
        }
    }
}

fn push_sample(text: &mut String, name: &str, labels: &str, value: f64) {
    text.push_str(name);
    if !labels.is_empty() {
        text.push('{');
        text.push_str(labels);
        text.push('}');
    }
    text.push(' ');
    push_number(text, value);
    text.push('\n');
}

/// Labels as they stand between braces.
pub(super) fn push_labels<'a>(text: &mut String, labels: impl Iterator<Item = (&'a str, &'a str)>) {
    for (nth, (name, value)) in labels.enumerate() {
        if nth > 0 {
            text.push(',');
        }
        text.push_str(name);
        text.push_str("=\"");
        push_label_value(text, value);
        text.push('"');
    }
}

fn push_label_value(text: &mut String, mut value: &str) {
    while let Some(at) = value.find(['\\', '"', '\n']) {
        let (plain, rest) = value.split_at(at);
        text.push_str(plain);
        text.push_str(match rest.as_bytes()[0] {
            b'\n' => "\\n",
            b'"' => "\\\"",
            _ => "\\\\",
        });
        value = &rest[1..];
    }
    text.push_str(value);
}

/// Whole numbers below this are exact, and quicker to write as such.
const WHOLE_BELOW: f64 = 9e15;

#[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
fn push_number(text: &mut String, value: f64) {
    use std::fmt::Write as _;
    let written = if value.is_nan() {
        text.push_str("NaN");
        Ok(())
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        Ok(())
    } else if value.trunc() == value && value.abs() < WHOLE_BELOW {
        write!(text, "{}", value as i64)
    } else {
        write!(text, "{value}")
    };
    debug_assert!(written.is_ok(), "a String takes everything");
}

fn push_line(text: &mut String, start: &str, name: &str, rest: &str) {
    text.push_str(start);
    text.push_str(name);
    text.push(' ');
    text.push_str(rest);
    text.push('\n');
}

fn escape_help(format: Format, help: &str) -> String {
    let escaped = help.replace('\\', "\\\\").replace('\n', "\\n");
    if format == Format::OpenMetrics { escaped.replace('"', "\\\"") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Families {
        let mut families = Families::new();
        families.counter("a_seconds_total", "How\nlong.", &[("cpu", "0"), ("mode", "a\"b")], 1.5);
        families.counter("a_seconds_total", "ignored", &[("cpu", "1"), ("mode", "x")], 2.0);
        families.push(Kind::Untyped, "v_pgfault", "Faults.", &[], 7.0);
        families.gauge_if("absent", "Never.", &[], None);
        families.gauge("g", "A gauge.", &[], f64::NAN);
        families
    }

    #[test]
    fn text_has_one_header_per_family_and_knows_untyped() {
        let text = encode(Format::Text, [&sample()]);
        let want = "# HELP a_seconds_total How\\nlong.\n# TYPE a_seconds_total counter\n\
                    a_seconds_total{cpu=\"0\",mode=\"a\\\"b\"} 1.5\na_seconds_total{cpu=\"1\",mode=\"x\"} 2\n\
                    # HELP v_pgfault Faults.\n# TYPE v_pgfault untyped\nv_pgfault 7\n\
                    # HELP g A gauge.\n# TYPE g gauge\ng NaN\n";
        assert_eq!(text, want);
    }

    #[test]
    fn openmetrics_strips_the_suffix_from_the_family_and_ends_in_eof() {
        let text = encode(Format::OpenMetrics, [&sample()]);
        assert!(text.contains("# TYPE a_seconds counter\na_seconds_total{"), "{text}");
        assert!(text.contains("# TYPE v_pgfault unknown\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn prometheus_2_and_3_get_what_they_prefer() {
        let v2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let v3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(Format::negotiate(v2), Format::OpenMetrics);
        assert_eq!(Format::negotiate(v3), Format::OpenMetrics);
        for text in [
            "",
            "*/*",
            "text/plain",
            "text/plain,application/openmetrics-text;q=0.5",
            "application/openmetrics-text;q=0",
        ] {
            assert_eq!(Format::negotiate(text), Format::Text, "{text}");
        }
    }
}
