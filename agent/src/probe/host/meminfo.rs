//! Memory, from `/proc/meminfo`: every line of it, whatever the kernel.
//!
//! `procfs::Meminfo` has a field for each line its authors knew, and drops the others
//! (`Balloon`, `Unaccepted`, whatever comes next), which node_exporter shows.

use usher_common::metric::Families;

use super::error::Garbled;
use super::table::Machine;
use super::{CollectError, parse};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let text = machine.files.proc_single("meminfo")?;
    let mut name = String::with_capacity(64);
    let mut help = String::with_capacity(96);
    let done = text.lines().try_for_each(|line| {
        let Some(figure) = figure(line)? else { return Ok(()) };
        name.clear();
        name.push_str("node_memory_");
        figure.push_name(&mut name);
        help.clear();
        help.push_str("Memory information field ");
        figure.push_name(&mut help);
        help.push('.');
        families.gauge(&name, &help, &[], figure.value as f64);
        Ok(())
    });
    done.map_err(|garbled: Garbled| garbled.at(machine.files.proc_path("meminfo")))
}

/// The figures with the given names, bytes; `None` for a line this kernel does not have.
pub(super) fn figures<const N: usize>(text: &str, names: [&str; N]) -> Result<[Option<u64>; N], Garbled> {
    let mut found = [None; N];
    for line in text.lines() {
        let is_wanted = |name: &&str| line.strip_prefix(*name).is_some_and(|rest| rest.starts_with(':'));
        let Some(at) = names.iter().position(is_wanted) else { continue };
        found[at] = figure(line)?.map(|figure| figure.value);
        if found.iter().all(Option::is_some) {
            break;
        }
    }
    Ok(found)
}

/// One line.
#[derive(Debug, PartialEq)]
struct Figure<'a> {
    key: &'a str,
    /// In bytes when `is_bytes`, else a count (of huge pages).
    value: u64,
    is_bytes: bool,
}

impl Figure<'_> {
    /// `Active(anon)` in kB is `Active_anon_bytes`.
    fn push_name(&self, name: &mut String) {
        name.extend(self.key.chars().filter(|c| *c != ')').map(|c| if c == '(' { '_' } else { c }));
        if self.is_bytes {
            name.push_str("_bytes");
        }
    }
}

fn figure(line: &str) -> Result<Option<Figure<'_>>, Garbled> {
    let mut words = line.split_ascii_whitespace();
    let Some(key) = words.next() else { return Ok(None) };
    let (Some(key), Some(value)) = (key.strip_suffix(':'), words.next()) else {
        return Err(Garbled(format!("line {line:?} is not a name, a colon and a number")));
    };
    let value: u64 = parse::number(value)?;
    match words.next() {
        None => Ok(Some(Figure { key, value, is_bytes: false })),
        Some("kB") => Ok(Some(Figure { key, value: value.saturating_mul(1024), is_bytes: true })),
        Some(unit) => Err(Garbled(format!("line {line:?} has the unknown unit {unit}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kilobytes_become_bytes_and_counts_stay_counts() {
        let named = |line| {
            let figure = figure(line).unwrap().unwrap();
            let mut name = String::new();
            figure.push_name(&mut name);
            (name, figure.value)
        };
        assert_eq!(named("Active(anon):     1028 kB"), ("Active_anon_bytes".to_owned(), 1_052_672));
        assert_eq!(named("HugePages_Total:       3"), ("HugePages_Total".to_owned(), 3));
        assert_eq!(figure(""), Ok(None));
    }

    #[test]
    fn a_line_that_is_not_understood_is_told_not_skipped() {
        for line in ["MemTotal 5 kB", "MemTotal:", "MemTotal: five kB", "MemTotal: 5 MB"] {
            assert!(figure(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_line_the_kernel_does_not_have_is_unknown_not_zero() {
        let text = "MemTotal: 2 kB\nSwapFree: 0 kB\n";
        assert_eq!(figures(text, ["MemTotal", "MemAvailable", "SwapFree"]), Ok([Some(2048), None, Some(0)]));
    }
}
