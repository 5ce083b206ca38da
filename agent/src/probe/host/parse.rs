//! The shapes that many files of `/proc` and `/sys` share, for those the `procfs`
//! crate has no parser for or whose parser drops what is to be shown.

use std::str::FromStr;

use super::error::Garbled;

/// One number and nothing else.
pub(super) fn number<T: FromStr>(text: &str) -> Result<T, Garbled> {
    let text = text.trim();
    text.parse().map_err(|_| Garbled(format!("{text:?} is not a number")))
}

/// The n-th word of a line, a number.
pub(super) fn nth<T: FromStr>(line: &str, n: usize) -> Result<T, Garbled> {
    match line.split_ascii_whitespace().nth(n) {
        Some(word) => number(word),
        None => Err(Garbled(format!("line {line:?} has no field {}", n + 1))),
    }
}

/// Hexadecimal digits without prefix.
pub(super) fn hex(word: &str) -> Result<u64, Garbled> {
    u64::from_str_radix(word, 16).map_err(|_| Garbled(format!("{word:?} is not a hexadecimal number")))
}

/// The names in a directory, in order, so that samples keep theirs; `None` when it
/// does not exist. Numbers in names count as numbers: `cpu10` comes after `cpu9`.
pub(super) fn entries(directory: &std::path::Path) -> std::io::Result<Option<Vec<String>>> {
    let listing = match std::fs::read_dir(directory) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in listing {
        // A name that is not UTF-8 cannot be a label; no kernel device has one.
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    Ok(Some(names))
}
