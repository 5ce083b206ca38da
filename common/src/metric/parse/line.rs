//! One line of exposition text.

use super::Bounds;

/// What a line is.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'t> {
    /// `# HELP name text`
    Help { name: &'t str, help: String },
    /// `# TYPE name kind`
    Type { name: &'t str, kind: Declared },
    /// `name{label="value"} number`
    Sample(Sample<'t>),
    /// Empty, a comment, or a name nobody asked for.
    Foreign,
    /// A sample that is beyond a bound or makes no sense.
    Dropped,
}

/// The word of a TYPE line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Untyped,
}

/// A sample line, its labels unescaped.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample<'t> {
    pub(super) name: &'t str,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
    /// More stands behind the value.
    pub(super) dated: bool,
}

/// Reads one line.
pub(super) fn read<'t>(line: &'t str, bounds: &Bounds<'_>) -> Line<'t> {
    let line = line.trim();
    if line.is_empty() {
        return Line::Foreign;
    }
    if let Some(comment) = line.strip_prefix('#') {
        return comment_line(comment, bounds);
    }
    let name_end = line.find(|c: char| !is_name_char(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    if !wanted(name, bounds) {
        return Line::Foreign;
    }
    if !is_name(name) || name.len() > bounds.text_bytes {
        return Line::Dropped;
    }
    sample(name, rest, bounds).map_or(Line::Dropped, Line::Sample)
}

fn comment_line<'t>(comment: &'t str, bounds: &Bounds<'_>) -> Line<'t> {
    let mut words = comment.trim_start().splitn(3, [' ', '\t']);
    let (Some(keyword), Some(name), Some(rest)) = (words.next(), words.next(), words.next()) else {
        return Line::Foreign;
    };
    if !wanted(name, bounds) || !is_name(name) || name.len() > bounds.text_bytes {
        return Line::Foreign;
    }
    match keyword {
        "HELP" => Line::Help { name, help: unescape_help(cut(rest, bounds.text_bytes)) },
        "TYPE" => {
            let kind = match rest.trim() {
                "counter" => Declared::Counter,
                // info and stateset of OpenMetrics are gauges of value 0 or 1
                "gauge" | "info" | "stateset" => Declared::Gauge,
                "histogram" => Declared::Histogram,
                "summary" => Declared::Summary,
                "untyped" | "unknown" | "gaugehistogram" => Declared::Untyped,
                _ => return Line::Dropped,
            };
            Line::Type { name, kind }
        }
        _ => Line::Foreign,
    }
}

fn sample<'t>(name: &'t str, rest: &str, bounds: &Bounds<'_>) -> Option<Sample<'t>> {
    let rest = rest.trim_start();
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(inner) => labels(inner, bounds)?,
        None => (Vec::new(), rest),
    };
    // After the value may come a timestamp and an exemplar; neither is taken.
    let mut words = rest.split_ascii_whitespace();
    let value = words.next()?.parse().ok()?;
    Some(Sample { name, labels, value, dated: words.next().is_some() })
}

/// The labels after `{`, and what follows the closing brace.
fn labels<'r>(mut rest: &'r str, bounds: &Bounds<'_>) -> Option<(Vec<(String, String)>, &'r str)> {
    let mut labels: Vec<(String, String)> = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix('}') {
            return Some((labels, after));
        }
        let (name, after) = rest.split_once('=')?;
        let name = name.trim_end();
        let (value, after) = quoted(after.trim_start().strip_prefix('"')?)?;
        let fits = is_label(name)
            && name.len() <= bounds.text_bytes
            && value.len() <= bounds.text_bytes
            && labels.len() < bounds.labels
            && labels.iter().all(|(other, _)| other != name);
        if !fits {
            return None;
        }
        labels.push((name.to_owned(), value));
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(more) => more,
            None if after.starts_with('}') => after,
            None => return None,
        };
    }
}

/// The text up to the closing quote, unescaped, and what follows it.
fn quoted(rest: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = rest.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((text, &rest[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => text.push('\n'),
                c @ ('\\' | '"') => text.push(c),
                // An unknown escape stands for itself, as Prometheus reads it.
                other => text.extend(['\\', other]),
            },
            c => text.push(c),
        }
    }
    None
}

fn unescape_help(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('\\') | None => out.push('\\'),
            Some(other) => out.extend(['\\', other]),
        }
    }
    out
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

fn wanted(name: &str, bounds: &Bounds<'_>) -> bool {
    bounds.prefixes.is_empty() || bounds.prefixes.iter().any(|prefix| name.starts_with(prefix))
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| !c.is_ascii_digit()) && name.chars().all(is_name_char)
}

fn is_label(name: &str) -> bool {
    is_name(name) && !name.contains(':')
}
