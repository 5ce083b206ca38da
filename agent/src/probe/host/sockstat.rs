//! Sockets by protocol, from `/proc/net/sockstat` and `sockstat6`.
//! (`procfs` has no parser for them.)

use usher_common::metric::Families;

use super::error::Garbled;
use super::table::Machine;
use super::{CollectError, parse};

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let page = rustix::param::page_size() as f64;
    for file in ["net/sockstat", "net/sockstat6"] {
        let text = match machine.files.proc_single(file) {
            Ok(text) => text,
            // No IPv6 in this kernel.
            Err(error) if error.is_no_data() && file.ends_with('6') => continue,
            Err(error) => return Err(error),
        };
        let done = figures(text, |protocol, state, value| {
            let mut push = |state: &str, value| {
                let name = format!("node_sockstat_{protocol}_{state}");
                families.gauge(&name, &format!("Number of {protocol} sockets in state {state}."), &[], value);
            };
            if protocol == "sockets" {
                families.gauge("node_sockstat_sockets_used", "Number of IPv4 sockets in use.", &[], value);
                return;
            }
            push(state, value);
            if state == "mem" {
                // Pages.
                push("mem_bytes", value * page);
            }
        });
        done.map_err(|garbled| garbled.at(machine.files.proc_path(file)))?;
    }
    Ok(())
}

/// `TCP: inuse 4 orphan 0 …`.
fn figures(text: &str, mut push: impl FnMut(&str, &str, f64)) -> Result<(), Garbled> {
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        let protocol = words.next().and_then(|word| word.strip_suffix(':'));
        let protocol = protocol.ok_or_else(|| Garbled(format!("line {line:?} names no protocol")))?;
        while let Some(state) = words.next() {
            let value = words.next().ok_or_else(|| Garbled(format!("{protocol} {state} has no value")))?;
            push(protocol, state, parse::number(value)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_a_line_is_a_figure() {
        let mut seen = Vec::new();
        let text = "sockets: used 33\nTCP: inuse 4 orphan 0\n";
        figures(text, |protocol, state, value| seen.push(format!("{protocol}/{state}={value}"))).unwrap();
        assert_eq!(seen, ["sockets/used=33", "TCP/inuse=4", "TCP/orphan=0"]);
        assert_eq!(figures("TCP: inuse", |_, _, _| ()), Err(Garbled("TCP inuse has no value".into())));
    }
}
