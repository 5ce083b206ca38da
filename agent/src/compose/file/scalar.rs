//! What a plain YAML scalar means to compose, which reads with Go's yaml package: neither YAML 1.1 nor 1.2.
//!
//! `0777` and `0o17` are octal, `1_000` is 1000, `yes` and `on` are text, `1.10` is printed back as `1.1`.
//! Such a value lands in a container's environment and so in the hash, so it has to come out the same.

use super::node::Value;

/// Why a scalar cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// `2024-01-31`: Go reads a date, and compose has no use for one.
    Date,
}

/// Resolves an unquoted scalar.
///
/// # Errors
/// [`Refused::Date`] when it looks like a date.
pub fn resolve(text: &str) -> Result<Value, Refused> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        ".nan" | ".NaN" | ".NAN" => return Ok(Value::Float(f64::NAN)),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Ok(Value::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Ok(Value::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    let first = text.as_bytes()[0];
    if first == b'.' {
        return Ok(float(text).map_or_else(|| Value::Str(text.to_owned()), Value::Float));
    }
    if !first.is_ascii_digit() && first != b'+' && first != b'-' {
        return Ok(Value::Str(text.to_owned()));
    }
    if is_date(text) {
        return Err(Refused::Date);
    }
    let plain = text.replace('_', "");
    if let Some(int) = integer(&plain) {
        return Ok(Value::Int(int));
    }
    Ok(float(&plain).map_or_else(|| Value::Str(text.to_owned()), Value::Float))
}

/// Prints a number as Go's `%v` does: the shortest digits that read back, an exponent below 1e-4 and from 1e6.
#[must_use]
pub fn print_float(float: f64) -> String {
    if float.is_nan() {
        return "NaN".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = float.abs();
    if size == 0.0 || (1e-4..1e6).contains(&size) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    let (digits, exponent) = text.split_once('e').expect("the e format always has an exponent");
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

/// Go's `ParseInt(s, 0, 64)` and `ParseUint`, with the prefixes both know.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let size = i128::from_str_radix(digits, radix).ok()?;
    let value = if negative { -size } else { size };
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&value).then_some(value)
}

/// Digits with at most one point and an exponent; Rust alone would also take `inf` and `nan`.
fn float(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let ok = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.chars().any(|c| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'));
    if ok { text.parse().ok() } else { None }
}

/// `yyyy-m-d`, alone or followed by a time of day.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (day, time) = rest.split_at(end);
    let within = |part: &str, most: u8| {
        (1..=2).contains(&part.len()) && part.parse::<u8>().is_ok_and(|n| (1..=most).contains(&n))
    };
    year.len() == 4
        && year.bytes().all(|b| b.is_ascii_digit())
        && within(month, 12)
        && within(day, 31)
        && (time.is_empty() || time.starts_with(['T', 't', ' ']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, printed: &str) {
        let place = super::super::place::Place { file: "f".into(), line: 1, column: 1 };
        let node = super::super::node::Node::new(place, resolve(text).unwrap());
        assert_eq!(node.printed().as_deref(), Some(printed), "{text}");
    }

    #[test]
    fn numbers_are_printed_back_as_go_prints_them() {
        for (text, printed) in [
            ("0777", "511"),
            ("0o17", "15"),
            ("0x1F", "31"),
            ("0b101", "5"),
            ("1_000", "1000"),
            ("1.10", "1.1"),
            ("1e3", "1000"),
            ("1e21", "1e+21"),
            ("0.00001", "1e-05"),
            ("08", "8"),
            ("-5", "-5"),
            ("+5", "5"),
            (".5", "0.5"),
            ("12345678901234567890", "12345678901234567890"),
            ("123456789012345678901", "1.2345678901234568e+20"),
            ("1e5", "100000"),
            ("1e6", "1e+06"),
            ("123456.5", "123456.5"),
            ("-0.0", "-0"),
        ] {
            check(text, printed);
        }
    }

    #[test]
    fn words_that_older_yaml_took_for_booleans_stay_text() {
        for text in
            ["yes", "on", "No", "y", "22:22", "1.2.3.4", "-", "--", "10000-20000", "0x", "1e", "80/tcp"]
        {
            assert_eq!(resolve(text), Ok(Value::Str(text.to_owned())));
        }
    }

    #[test]
    fn a_date_is_refused() {
        assert_eq!(resolve("2024-01-31"), Err(Refused::Date));
        assert_eq!(resolve("2024-1-3 10:00:00"), Err(Refused::Date));
        assert_eq!(resolve("2024-13-01"), Ok(Value::Str("2024-13-01".into())));
    }
}
