//! `.env` and `env_file` text, by compose's own rules, which are neither the shell's nor anyone else's.
//!
//! `export ` in front, `=` or `:`, unquoted values end at ` #`, double quotes know escapes and variables, single
//! quotes are literal, both may span lines, a bare name is inherited.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::interpolate::{InterpolateError, interpolate};

/// Why an env file cannot be read; `line` counts from 1.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DotenvError {
    /// A name with a character that no variable has.
    #[error("line {line}: {name:?} is not a variable name")]
    Name {
        /// The line.
        line: usize,
        /// What stands there.
        name: String,
    },
    /// A quote that never closes.
    #[error("line {line}: the quote of {name} is not closed")]
    Unterminated {
        /// The line where the value starts.
        line: usize,
        /// The variable.
        name: String,
    },
    /// A value whose variables cannot be expanded.
    #[error("line {line}: {name}: {source}")]
    Value {
        /// The line where the value starts.
        line: usize,
        /// The variable.
        name: String,
        /// Why.
        source: InterpolateError,
    },
}

/// Reads an env file. `outer` is looked at before earlier lines when a value is expanded, and for bare names;
/// `vars` holds what was known before and receives what the file says.
///
/// # Errors
/// See [`DotenvError`].
pub fn read(
    text: &str,
    outer: &dyn Fn(&str) -> Option<String>,
    vars: &mut BTreeMap<String, String>,
    unset: &mut BTreeSet<String>,
) -> Result<(), DotenvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let line_of = |rest: &str| 1 + text[..text.len() - rest.len()].matches('\n').count();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(());
        }
        if rest.starts_with('#') {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
            continue;
        }
        let line = line_of(rest);
        let statement = without_export(rest);
        let end = statement.find(['=', ':', '\n']).unwrap_or(statement.len());
        let name = statement[..end].trim_end();
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "_.-[]".contains(c)) {
            return Err(DotenvError::Name { line, name: name.to_owned() });
        }
        if !matches!(statement.as_bytes().get(end), Some(b'=' | b':')) {
            if let Some(value) = outer(name) {
                vars.insert(name.to_owned(), value);
            }
            rest = &statement[end..];
            continue;
        }
        let start = statement[end + 1..].trim_start_matches(|c: char| c.is_whitespace() && c != '\n');
        let look = |name: &str| outer(name).or_else(|| vars.get(name).cloned());
        let expand = |value: &str, unset: &mut BTreeSet<String>| {
            let wrap = |source| DotenvError::Value { line, name: name.to_owned(), source };
            interpolate(value, &look, unset).map_err(wrap)
        };
        let value;
        match start.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                let (raw, after) = quoted(&start[1..], quote)
                    .ok_or_else(|| DotenvError::Unterminated { line, name: name.to_owned() })?;
                value = if quote == '"' { expand(&unescape(&raw), unset)? } else { raw };
                rest = after;
            }
            _ => {
                let (line, after) = start.split_once('\n').unwrap_or((start, ""));
                let raw = line.split_once(" #").map_or(line, |(value, _)| value).trim_end();
                value = expand(raw, unset)?;
                rest = after;
            }
        }
        vars.insert(name.to_owned(), value);
    }
}

fn without_export(text: &str) -> &str {
    match text.strip_prefix("export") {
        Some(rest) if rest.starts_with(char::is_whitespace) => {
            rest.trim_start_matches(|c: char| c.is_whitespace() && c != '\n')
        }
        _ => text,
    }
}

/// The text up to the closing quote, with that quote's escapes resolved, and what follows it.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut escaped = false;
    for (index, c) in text.char_indices() {
        if c == quote && !escaped {
            return Some((value, &text[index + c.len_utf8()..]));
        }
        if c == '\\' && !escaped {
            escaped = true;
            continue;
        }
        if escaped && c != quote {
            value.push('\\');
        }
        escaped = false;
        value.push(c);
    }
    None
}

/// The escapes of double quotes; `\$` becomes `$$`, which the expansion then takes for a dollar.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(index) = rest.find('\\') {
        out.push_str(&rest[..index]);
        rest = &rest[index + 1..];
        let Some(next) = rest.chars().next() else {
            out.push('\\');
            break;
        };
        let plain = match next {
            'a' => "\x07",
            'b' => "\x08",
            'f' => "\x0c",
            'n' => "\n",
            'r' => "\r",
            't' => "\t",
            'v' => "\x0b",
            '"' => "\"",
            '\\' => "\\",
            '$' => "$$",
            '0' => {
                let digits = rest.get(1..4).filter(|digits| digits.bytes().all(|b| matches!(b, b'0'..=b'7')));
                match digits.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
                    Some(code) => {
                        out.push(char::from(code));
                        rest = &rest[4..];
                        continue;
                    }
                    None => "\\0",
                }
            }
            other => {
                out.push('\\');
                out.push(other);
                rest = &rest[other.len_utf8()..];
                continue;
            }
        };
        out.push_str(plain);
        rest = &rest[next.len_utf8()..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let outer = |name: &str| (name == "OUT").then(|| "outer".to_owned());
        let mut vars = BTreeMap::new();
        read(text, &outer, &mut vars, &mut BTreeSet::new()).unwrap();
        let found: Vec<_> = vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn unquoted_values_end_at_a_comment_and_keep_a_hash_without_a_blank() {
        check(
            "A=x # y\nB=x#y\nC= spaced out  \nD=\n",
            &[("A", "x"), ("B", "x#y"), ("C", "spaced out"), ("D", "")],
        );
    }

    #[test]
    fn quotes_decide_over_escapes_variables_and_lines() {
        check(
            "A=1\nB=\"$A\\n\\\"\\$A\"\nC='$A\\n'\nD=\"l1\nl2\" # c\nE='it\\'s'\n",
            &[("A", "1"), ("B", "1\n\"$A"), ("C", "$A\\n"), ("D", "l1\nl2"), ("E", "it's")],
        );
    }

    #[test]
    fn names_are_exported_colon_separated_or_inherited() {
        check(
            "export A=1\nB: 2\nOUT\nGONE\nC = 3\nexport OUT\n",
            &[("A", "1"), ("B", "2"), ("C", "3"), ("OUT", "outer")],
        );
    }

    #[test]
    fn the_outer_environment_wins_over_earlier_lines_when_expanding() {
        check("OUT=inner\nA=${OUT}-${N:-d}\n", &[("A", "outer-d"), ("OUT", "inner")]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        let mut vars = BTreeMap::new();
        let mut read =
            |text: &str| read(text, &|_| None, &mut vars, &mut BTreeSet::new()).unwrap_err().to_string();
        assert_eq!(read("A=1\nB C=2\n"), "line 2: \"B C\" is not a variable name");
        assert_eq!(read("\n\nA=\"x\n"), "line 3: the quote of A is not closed");
        assert!(read("A=${\n").starts_with("line 1: A: "));
    }
}
