//! How compose's structs print single values into JSON.

use serde::{Serialize, Serializer};

/// Bytes, printed as decimal text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub i64);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl Bytes {
    /// Whether compose would leave it out.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

/// Nanoseconds, printed as Go prints a duration: `1m30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Duration(pub i64);

impl Duration {
    /// Whether compose would leave it out.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == 0
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        if self.0 < 0 {
            f.write_str("-")?;
        }
        let nanos = self.0.unsigned_abs();
        match nanos {
            0..1_000 => write!(f, "{nanos}ns"),
            1_000..1_000_000 => write!(f, "{}µs", fraction(nanos, 1_000)),
            1_000_000..1_000_000_000 => write!(f, "{}ms", fraction(nanos, 1_000_000)),
            _ => {
                let minutes = nanos / 60_000_000_000;
                if minutes >= 60 {
                    write!(f, "{}h", minutes / 60)?;
                }
                if minutes > 0 {
                    write!(f, "{}m", minutes % 60)?;
                }
                write!(f, "{}s", fraction(nanos % 60_000_000_000, 1_000_000_000))
            }
        }
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `value / unit` in decimals, without trailing zeros.
fn fraction(value: u64, unit: u64) -> String {
    let digits = unit.ilog10() as usize;
    let text = format!("{}.{:0digits$}", value / unit, value % unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A number of CPUs: 32 bits wide in compose, and a whole number is printed without a point.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cpus(pub f32);

impl Cpus {
    /// Whether compose would leave it out.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.0 == 0.0
    }
}

impl Serialize for Cpus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        /// From here on a float has no fraction, and Go prints an exponent from 1e21 only.
        const WHOLE: f32 = 16_777_216.0;
        if self.0.fract() == 0.0 && self.0.abs() < WHOLE {
            #[expect(clippy::cast_possible_truncation, reason = "whole and below 2^24")]
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f32(self.0)
    }
}

/// A file mode, printed as octal text: `0440`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub i64);

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("0{:o}", self.0))
    }
}

/// Whether compose's `omitempty` leaves a flag out.
#[must_use]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
pub fn is_false(flag: &bool) -> bool {
    !flag
}

/// Whether compose's `omitempty` leaves a number out.
#[must_use]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
pub fn is_zero(number: &i64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: impl Serialize, expected: &str) {
        assert_eq!(serde_json::to_string(&value).unwrap(), expected);
    }

    #[test]
    fn durations_are_printed_as_go_prints_them() {
        for (nanos, expected) in [
            (0, "0s"),
            (1, "1ns"),
            (1_500, "1.5µs"),
            (2_000_000, "2ms"),
            (1_500_000_000, "1.5s"),
            (60_000_000_000, "1m0s"),
            (90_000_000_000, "1m30s"),
            (3_600_000_000_000, "1h0m0s"),
            (-90_000_000_000, "-1m30s"),
        ] {
            assert_eq!(Duration(nanos).to_string(), expected);
        }
    }

    #[test]
    fn sizes_modes_and_cpus_are_printed_as_compose_prints_them() {
        check(Bytes(52_428_800), "\"52428800\"");
        check(Mode(0o440), "\"0440\"");
        check(Cpus(0.5), "0.5");
        check(Cpus(0.1), "0.1");
        check(Cpus(2.0), "2");
    }
}
