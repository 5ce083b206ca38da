//! Reads exposition text into samples. (The `prometheus` crate writes it only.)

use std::collections::HashMap;

use usher_common::metric::{Families, Kind};

use super::super::error::Garbled;

/// The samples of one file and what it says of their families.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Samples<'a> {
    samples: Vec<Sample<'a>>,
    kinds: HashMap<&'a str, Kind>,
    helps: HashMap<&'a str, String>,
}

#[derive(Debug, PartialEq)]
struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

/// All samples of a text, or what is wrong with its first wrong line.
pub(super) fn parse(text: &str) -> Result<Samples<'_>, Garbled> {
    let mut found = Samples::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some(comment) = line.strip_prefix('#') else {
            found
                .samples
                .push(sample(line).ok_or_else(|| Garbled(format!("line {line:?} is not a sample")))?);
            continue;
        };
        let mut words = comment.trim_start().splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("HELP"), Some(name), help) => {
                found.helps.insert(name, unescape(help.unwrap_or_default()));
            }
            (Some("TYPE"), Some(name), Some(word)) => {
                let kind = match word.trim() {
                    "counter" => Kind::Counter,
                    "gauge" => Kind::Gauge,
                    "untyped" | "histogram" | "summary" => Kind::Untyped,
                    word => return Err(Garbled(format!("{word:?} is not a type"))),
                };
                found.kinds.insert(name, kind);
            }
            _ => {}
        }
    }
    found.fill_labels();
    Ok(found)
}

impl Samples<'_> {
    /// Pushes them; `file` is named where they bring no help.
    pub(super) fn push(&self, file: &str, families: &mut Families) {
        for sample in &self.samples {
            let kind = self.kinds.get(sample.name).copied().unwrap_or(Kind::Untyped);
            let help = self.helps.get(sample.name);
            let help = help.cloned().unwrap_or_else(|| format!("Metric read from {file}"));
            let labels: Vec<_> = sample.labels.iter().map(|(name, value)| (*name, value.as_str())).collect();
            families.push(kind, sample.name, &help, &labels, sample.value);
        }
    }

    /// A label that only some samples of a name have is empty in the others.
    fn fill_labels(&mut self) {
        let mut names: HashMap<&str, Vec<&str>> = HashMap::new();
        for sample in &self.samples {
            let known = names.entry(sample.name).or_default();
            for (label, _) in &sample.labels {
                if !known.contains(label) {
                    known.push(label);
                }
            }
        }
        for sample in &mut self.samples {
            for label in &names[sample.name] {
                if !sample.labels.iter().any(|(known, _)| known == label) {
                    sample.labels.push((label, String::new()));
                }
            }
        }
    }
}

/// `name{label="value",…} 1.5`. A timestamp makes the sample wrong: it would be old by
/// the time it is scraped.
fn sample(line: &str) -> Option<Sample<'_>> {
    let (name, rest) = line.split_at(line.find(|c: char| c == '{' || c.is_whitespace())?);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let is_name = name.chars().all(is_word) && name.chars().next().is_some_and(|c| !c.is_ascii_digit());
    let value = rest.trim().parse().ok()?;
    is_name.then_some(Sample { name, labels, value })
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut rest: &str) -> Option<(Vec<(&str, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, after) = rest.split_once('=')?;
        let quoted = after.trim_start().strip_prefix('"')?;
        let mut escaped = false;
        let end = quoted.find(|c| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        })?;
        labels.push((name.trim(), unescape(&quoted[..end])));
        rest = quoted[end + 1..].trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => match characters.next() {
                Some('n') => plain.push('\n'),
                Some(other) => plain.push(other),
                None => plain.push('\\'),
            },
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use usher_common::metric::{Format, encode};

    use super::*;

    #[test]
    fn samples_come_out_as_they_went_in() {
        let text = "# HELP a_total Of \\n a.\n# TYPE a_total counter\na_total{x=\"1\",y=\"q\\\"}{,\\\\\"} 5\n\
                    # a comment\nb{ } NaN\n\nb +Inf\nc{z=\"1\"} 1\nc 2e3\n";
        let mut families = Families::new();
        parse(text).unwrap().push("/f.prom", &mut families);
        let shown = encode(Format::Text, families.as_slice());
        assert_eq!(
            shown,
            "# HELP a_total Of \\n a.\n# TYPE a_total counter\na_total{x=\"1\",y=\"q\\\"}{,\\\\\"} 5\n\
             # HELP b Metric read from /f.prom\n# TYPE b untyped\nb NaN\nb +Inf\n\
             # HELP c Metric read from /f.prom\n# TYPE c untyped\nc{z=\"1\"} 1\nc{z=\"\"} 2000\n"
        );
    }

    #[test]
    fn a_text_that_is_not_understood_is_refused_whole() {
        for text in
            ["a", "a x", "a 1 1600000000000", "a{b=1} 1", "a{b=\"1} 1", "1a 1", "# TYPE a gadget", "a 1\nb"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
