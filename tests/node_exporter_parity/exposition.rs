//! Exposition text, read for comparison: strict, for it judges our own.

use std::collections::BTreeMap;

/// A family: its type, its help, its series by their labels in order.
#[derive(Debug, Default)]
pub(crate) struct Family {
    pub kind: String,
    pub help: Option<String>,
    pub series: BTreeMap<Labels, f64>,
}

pub(crate) type Labels = BTreeMap<String, String>;

/// The families of a text, by name. Panics on what is not exposition text.
pub(crate) fn read(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help line has a name and a text");
            families.entry(name.to_owned()).or_default().help = Some(help.to_owned());
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type line has a name and a word");
            families.entry(name.to_owned()).or_default().kind = kind.to_owned();
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            // Summaries and histograms are only the exporter's own.
            let base = ["_sum", "_count", "_bucket"].iter().find_map(|suffix| name.strip_suffix(suffix));
            let name = base.filter(|base| families.contains_key(*base)).unwrap_or(name);
            let value = value.parse().unwrap_or_else(|_| panic!("{line:?} has no number"));
            let family = families.get_mut(name).unwrap_or_else(|| panic!("{name} has no type line"));
            family.series.insert(read_labels(labels), value);
        }
    }
    families
}

fn read_labels(mut rest: &str) -> Labels {
    let mut labels = Labels::new();
    while rest != "}" {
        let (name, after) = rest.split_once("=\"").expect("a label has a value");
        let mut escaped = false;
        let end = after.find(|c| {
            let closes = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            closes
        });
        let end = end.expect("a value ends");
        labels.insert(name.to_owned(), after[..end].to_owned());
        rest = after[end + 1..].trim_start_matches(',');
    }
    labels
}
