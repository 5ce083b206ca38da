//! Sizes, durations and flags as text, by the rules of the Go packages that compose reads them with.

/// `512m`, `1.5 GiB`, `1024`: bytes in powers of 1024. Negative sizes are refused.
pub(super) fn bytes(text: &str) -> Option<i64> {
    let end = text.rfind(|c: char| c.is_ascii_digit() || c == '.' || c == ' ')? + 1;
    let (number, unit) = text.split_at(end);
    let size: f64 = number.strip_suffix(' ').unwrap_or(number).parse().ok()?;
    let unit = unit.to_ascii_lowercase();
    let power = match unit.trim_end_matches('b') {
        "" if unit.len() <= 1 => 0,
        letter @ ("k" | "ki") => exact(&unit, letter, 1)?,
        letter @ ("m" | "mi") => exact(&unit, letter, 2)?,
        letter @ ("g" | "gi") => exact(&unit, letter, 3)?,
        letter @ ("t" | "ti") => exact(&unit, letter, 4)?,
        letter @ ("p" | "pi") => exact(&unit, letter, 5)?,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, reason = "bytes beyond 2^53 are no memory limit")]
    (size >= 0.0 && size.is_finite()).then_some((size * 1024_f64.powi(power)) as i64)
}

/// `k`, `kb` and `kib` are units; `kbb` and `ki` are not.
fn exact(unit: &str, letter: &str, power: i32) -> Option<i32> {
    let plain = letter.len() == 1 && unit.len() <= 2;
    (plain || (letter.len() == 2 && unit.len() == 3)).then_some(power)
}

/// `1h30m`, `90s`, `2d`, in nanoseconds.
pub(super) fn duration(text: &str) -> Option<i64> {
    let (negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(0);
    }
    if rest.is_empty() {
        return None;
    }
    let mut nanos = 0_i64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let (number, after) = rest.split_at(end);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        nanos = nanos.checked_add(scaled(number, unit_nanos(unit)?)?)?;
        rest = after;
    }
    Some(if negative { -nanos } else { nanos })
}

fn unit_nanos(unit: &str) -> Option<i64> {
    Some(match unit {
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        "w" => 604_800_000_000_000,
        _ => return None,
    })
}

/// `number * unit` without going through floats, so that `0.1s` is exactly 100 ms.
fn scaled(number: &str, unit: i64) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 18 {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let parts: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let scale = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    whole.checked_mul(unit)?.checked_add(i64::try_from(parts * i128::from(unit) / scale).ok()?)
}

/// The words of YAML 1.1, which compose still takes from text.
pub(super) fn flag(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "y" | "yes" | "true" | "on" => Some(true),
        "n" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, expected) in [
            ("50m", Some(52_428_800)),
            ("1.5g", Some(1_610_612_736)),
            ("2gb", Some(2_147_483_648)),
            ("1 GiB", Some(1_073_741_824)),
            ("10b", Some(10)),
            ("1024", Some(1024)),
            ("1kbb", None),
            ("1ki", None),
            ("m", None),
            ("-1", None),
            ("", None),
            ("1x", None),
        ] {
            assert_eq!(bytes(text), expected, "{text}");
        }
    }

    #[test]
    fn durations_know_days_and_fractions() {
        for (text, expected) in [
            ("1m30s", Some(90_000_000_000)),
            ("0.1s", Some(100_000_000)),
            ("1.5h", Some(5_400_000_000_000)),
            ("2d", Some(172_800_000_000_000)),
            ("0", Some(0)),
            ("-1s", Some(-1_000_000_000)),
            ("10", None),
            ("", None),
            ("1x", None),
            (".s", None),
        ] {
            assert_eq!(duration(text), expected, "{text}");
        }
    }
}
