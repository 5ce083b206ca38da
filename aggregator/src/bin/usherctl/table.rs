//! How things look: tables with colour on a terminal, plain elsewhere; what is not known is `-`.

use std::io::Write as _;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use console::Style;
use serde_json::Value;

/// Something that is not known.
pub(crate) const UNKNOWN: &str = "-";

/// Rows under heads, each row in a colour.
#[derive(Debug)]
pub(crate) struct Rows {
    table: Table,
    styles: Vec<Style>,
}

impl Rows {
    /// An empty table; heads that begin with `>` stand over numbers.
    pub(crate) fn new(heads: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(heads.iter().map(|head| head.trim_start_matches('>')));
        for (column, head) in table.column_iter_mut().zip(heads) {
            if head.starts_with('>') {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self { table, styles: vec![Style::new().bold()] }
    }

    /// Adds a row.
    pub(crate) fn add(&mut self, cells: Vec<String>, style: Style) {
        self.table.add_row(cells);
        self.styles.push(style);
    }

    /// The text, with colours where standard output shows them.
    pub(crate) fn render(&self) -> String {
        let text = self.table.to_string();
        // one line for each row: nothing is wrapped
        let lines = text.lines().zip(&self.styles);
        lines.map(|(line, style)| format!("{}\n", style.apply_to(line.trim_end()))).collect()
    }
}

/// Writes to standard output.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes JSON to standard output.
pub(crate) fn print_json(value: &Value) -> anyhow::Result<()> {
    print(&format!("{value:#}\n"))
}

/// A text of an answer.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| UNKNOWN.to_owned(), str::to_owned)
}

/// A share as per cent.
pub(crate) fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(|| UNKNOWN.to_owned(), |share| format!("{:.0} %", share * 100.0))
}

/// A number with so many digits after the point.
pub(crate) fn number(value: &Value, digits: usize) -> String {
    value.as_f64().map_or_else(|| UNKNOWN.to_owned(), |number| format!("{number:.digits$}"))
}

/// Milliseconds as a length of time.
pub(crate) fn age(value: &Value) -> String {
    let Some(ms) = value.as_f64() else { return UNKNOWN.to_owned() };
    match ms / 1000.0 {
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_known_is_not_zero() {
        for shown in [text(&Value::Null), percent(&Value::Null), number(&Value::Null, 1), age(&Value::Null)] {
            assert_eq!(shown, UNKNOWN);
        }
        assert_eq!((percent(&json!(0.0)), number(&json!(0), 1)), ("0 %".to_owned(), "0.0".to_owned()));
        assert_eq!((age(&json!(1500)), age(&json!(600_000))), ("1.5 s".to_owned(), "10 min".to_owned()));
    }

    #[test]
    fn numbers_stand_to_the_right_under_their_heads() {
        let mut rows = Rows::new(&["node", ">cpu"]);
        rows.add(vec!["vm1".to_owned(), "5 %".to_owned()], Style::new());
        rows.add(vec!["vm10".to_owned(), "95 %".to_owned()], Style::new());
        let text = rows.table.to_string();
        let ends: Vec<usize> = text.lines().map(|line| line.trim_end().len()).collect();
        assert!(text.starts_with(" node") && ends.iter().all(|end| *end == ends[0]), "{text}");
    }
}
