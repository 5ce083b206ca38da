//! `${VAR}` in compose and `.env` files, by the rules of compose's own template.
//!
//! `$V ${V} ${V:-d} ${V-d} ${V:?e} ${V?e} ${V:+r} ${V+r}`, nested in operands; `$$` is a dollar; `$1` and a lone
//! dollar stay as they are; what else follows `${` is an error. Values are not expanded again.

use std::collections::BTreeSet;

use thiserror::Error;

/// Why a text cannot be expanded.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum InterpolateError {
    /// A `${` that compose's template does not know.
    #[error("{0:?} is not a variable: write ${{NAME}}, ${{NAME:-default}}, or $$ for a dollar sign")]
    Malformed(String),
    /// `${V?why}` or `${V:?why}` of a variable that is not there.
    #[error("the variable {name} has to be set: {why}")]
    Required {
        /// The variable.
        name: String,
        /// What the file says about it.
        why: String,
    },
}

/// Expands `text`; the names of variables that were not set and had no default are added to `unset`.
///
/// # Errors
/// See [`InterpolateError`].
pub fn interpolate(
    text: &str,
    look: &dyn Fn(&str) -> Option<String>,
    unset: &mut BTreeSet<String>,
) -> Result<String, InterpolateError> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(index) = rest.find('$') {
        out.push_str(&rest[..index]);
        rest = &rest[index + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(inside) = rest.strip_prefix('{') {
            let end = closing_brace(inside).ok_or_else(|| InterpolateError::Malformed(text.to_owned()))?;
            out.push_str(&braced(&inside[..end], text, look, unset)?);
            rest = &inside[end + 1..];
        } else {
            let name = leading_name(rest);
            if name.is_empty() {
                out.push('$');
            } else {
                out.push_str(&plain(name, look, unset));
                rest = &rest[name.len()..];
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

/// Where the brace closes; only `${` opens another one, so `{"a":1}` as a default ends at its own brace.
fn closing_brace(inside: &str) -> Option<usize> {
    let bytes = inside.as_bytes();
    let mut depth = 1;
    let mut index = 0;
    while index < bytes.len() {
        if bytes[index] == b'}' {
            depth -= 1;
            if depth == 0 {
                return Some(index);
            }
        }
        if bytes[index..].starts_with(b"${") {
            depth += 1;
            index += 1;
        }
        index += 1;
    }
    None
}

fn leading_name(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    if text.starts_with(|c: char| c.is_ascii_digit()) { "" } else { &text[..end] }
}

fn plain(name: &str, look: &dyn Fn(&str) -> Option<String>, unset: &mut BTreeSet<String>) -> String {
    look(name).unwrap_or_else(|| {
        unset.insert(name.to_owned());
        String::new()
    })
}

fn braced(
    body: &str,
    whole: &str,
    look: &dyn Fn(&str) -> Option<String>,
    unset: &mut BTreeSet<String>,
) -> Result<String, InterpolateError> {
    let malformed = || InterpolateError::Malformed(whole.to_owned());
    let name = leading_name(body);
    if name.is_empty() {
        return Err(malformed());
    }
    let operator = &body[name.len()..];
    if operator.is_empty() {
        return Ok(plain(name, look, unset));
    }
    let (empty_is_unset, operator) =
        operator.strip_prefix(':').map_or((false, operator), |rest| (true, rest));
    let mut operands = operator.chars();
    let kind = operands.next().ok_or_else(malformed)?;
    // Compose expands the operand before it knows whether it is wanted, so its errors count; that a name in an
    // unused operand is not set does not.
    let mut unset_in_operand = BTreeSet::new();
    let operand = interpolate(operands.as_str(), look, &mut unset_in_operand)?;
    let found = look(name);
    let there = found.as_ref().is_some_and(|value| !(empty_is_unset && value.is_empty()));
    let (result, operand_used) = match (kind, found) {
        ('-', Some(value)) if there => (value, false),
        ('-', _) => (operand, true),
        ('+', _) if there => (operand, true),
        ('+', value) => (value.unwrap_or_else(String::new), false),
        ('?', Some(value)) if there => (value, false),
        ('?', _) => return Err(InterpolateError::Required { name: name.to_owned(), why: operand }),
        _ => return Err(malformed()),
    };
    if operand_used {
        unset.append(&mut unset_in_operand);
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> Result<(String, Vec<String>), InterpolateError> {
        let look = |name: &str| match name {
            "A" => Some("a".to_owned()),
            "E" => Some(String::new()),
            "D" => Some("$A".to_owned()),
            _ => None,
        };
        let mut unset = BTreeSet::new();
        interpolate(text, &look, &mut unset).map(|out| (out, unset.into_iter().collect()))
    }

    fn check(text: &str, expected: &str) {
        assert_eq!(expand(text).map(|found| found.0).as_deref(), Ok(expected), "{text}");
    }

    #[test]
    fn every_form_does_what_compose_does() {
        for (text, expected) in [
            ("$A-${A}", "a-a"),
            ("${N:-d}${E:-d}${A:-d}", "dda"),
            ("${N-d}${E-d}${A-d}", "da"),
            ("${A:+r}${E:+r}${N:+r}|", "r|"),
            ("${A+r}${E+r}${N+r}", "rr"),
            ("${A:?x}${A?x}${E?x}", "aa"),
            ("${N:-${M:-${A}}}x", "ax"),
            ("${N:-x-${A}-y}", "x-a-y"),
            ("$$A $${A} $", "$A ${A} $"),
            ("$1 a$ $-", "$1 a$ $-"),
            ("${N:-{\"k\":1}}", "{\"k\":1}"),
            ("${D}", "$A"),
            ("${N:-}", ""),
            ("${N:-a:b?c}", "a:b?c"),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn names_that_are_not_set_are_told_but_not_those_of_unused_defaults() {
        assert_eq!(expand("$N ${M} ${A:-$U} ${V:-$W}").unwrap().1, ["M", "N", "W"]);
    }

    #[test]
    fn what_compose_cannot_read_is_refused() {
        for text in ["${", "${}", "${A", "${1}", "${A.b}", "${A:x}", "${A:}", "a${ A}"] {
            assert!(matches!(expand(text), Err(InterpolateError::Malformed(_))), "{text}");
        }
        let missing = InterpolateError::Required { name: "N".into(), why: "say a".into() };
        assert_eq!(expand("${N:?say $A}"), Err(missing));
        assert!(matches!(expand("${E:?x}"), Err(InterpolateError::Required { .. })));
    }
}
