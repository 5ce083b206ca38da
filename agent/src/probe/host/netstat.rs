//! Counters of the protocols, from `/proc/net/netstat`, `snmp` and `snmp6`.
//!
//! `procfs` has fixed fields for `snmp` and `snmp6` and nothing for `netstat`. All
//! three hold names beside numbers, so that one walk shows what is asked for.

use usher_common::metric::{Families, Kind};

use super::error::Garbled;
use super::table::Machine;
use super::{CollectError, parse};

pub(super) const SNMP: &str = "net/snmp";

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let mut push = |protocol: &str, field: &str, value: &str| {
        if is_shown(protocol, field) {
            let name = format!("node_netstat_{protocol}_{field}");
            let help = format!("Statistic {protocol}{field}.");
            families.push(Kind::Untyped, &name, &help, &[], parse::number(value)?);
        }
        Ok(())
    };
    for file in ["net/netstat", SNMP] {
        let done = pairs(machine.files.proc_single(file)?, &mut push);
        done.map_err(|garbled| garbled.at(machine.files.proc_path(file)))?;
    }
    let snmp6 = "net/snmp6";
    match machine.files.proc_single(snmp6) {
        Ok(text) => {
            let done = singles(text, &mut push);
            done.map_err(|garbled| garbled.at(machine.files.proc_path(snmp6)))
        }
        // No IPv6 in this kernel.
        Err(error) if error.is_no_data() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Lines in pairs: the names of a protocol's fields, then their values.
pub(super) fn pairs(
    text: &str,
    push: &mut impl FnMut(&str, &str, &str) -> Result<(), Garbled>,
) -> Result<(), Garbled> {
    let mut lines = text.lines();
    while let (Some(names), Some(values)) = (lines.next(), lines.next()) {
        let (mut names, mut values) = (names.split_ascii_whitespace(), values.split_ascii_whitespace());
        let protocol = names.next().and_then(|name| name.strip_suffix(':'));
        let protocol = protocol.filter(|_| names.clone().count() + 1 == values.clone().count());
        let protocol = protocol.ok_or_else(|| Garbled("names and values do not pair".to_owned()))?;
        values.next();
        for (field, value) in names.zip(values) {
            push(protocol, field, value)?;
        }
    }
    Ok(())
}

/// A name and a value a line; the name's protocol ends in 6.
fn singles(
    text: &str,
    push: &mut impl FnMut(&str, &str, &str) -> Result<(), Garbled>,
) -> Result<(), Garbled> {
    for line in text.lines() {
        let name = line.split_ascii_whitespace().next().unwrap_or_default();
        if let Some(end) = name.find('6') {
            let value = line.split_ascii_whitespace().nth(1);
            let value = value.ok_or_else(|| Garbled(format!("{name} has no value")))?;
            push(&name[..=end], &name[end + 1..], value)?;
        }
    }
    Ok(())
}

/// node_exporter's default choice, and the two fields its newer releases added.
fn is_shown(protocol: &str, field: &str) -> bool {
    let extra: &[&str] = match protocol {
        "Ip" => &["Forwarding"],
        "Ip6" | "IpExt" => &["InOctets", "OutOctets"],
        "Icmp" | "Icmp6" => &["InMsgs", "OutMsgs"],
        "Tcp" => &["ActiveOpens", "InSegs", "OutSegs", "OutRsts", "PassiveOpens", "RetransSegs", "CurrEstab"],
        "TcpExt" => &["TCPSynRetrans", "TCPTimeouts", "TCPOFOQueue", "TCPRcvQDrop"],
        "Udp" | "Udp6" => &["InDatagrams", "OutDatagrams", "NoPorts", "RcvbufErrors", "SndbufErrors"],
        _ => &[],
    };
    extra.contains(&field)
        || ["InErrors", "InErrs"].contains(&field)
        || (protocol == "TcpExt" && (field.starts_with("Listen") || field.starts_with("Syncookies")))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Push<'a> = &'a mut dyn FnMut(&str, &str, &str) -> Result<(), Garbled>;

    fn walk(walk: impl FnOnce(Push) -> Result<(), Garbled>) -> Result<Vec<String>, Garbled> {
        let mut seen = Vec::new();
        walk(&mut |protocol, field, value| {
            seen.push(format!("{protocol}/{field}={value}"));
            Ok(())
        })?;
        Ok(seen)
    }

    #[test]
    fn names_stand_above_values_or_beside_them() {
        let text = "Udp: InDatagrams NoPorts\nUdp: 5 -1\nTcp: MaxConn\nTcp: 3\n";
        let seen = walk(|mut push| pairs(text, &mut push)).unwrap();
        assert_eq!(seen, ["Udp/InDatagrams=5", "Udp/NoPorts=-1", "Tcp/MaxConn=3"]);
        let seen = walk(|mut push| singles("Ip6InReceives   9\nUdpLite6InErrors 0\n", &mut push)).unwrap();
        assert_eq!(seen, ["Ip6/InReceives=9", "UdpLite6/InErrors=0"]);
    }

    #[test]
    fn values_that_do_not_pair_are_told() {
        for text in ["Udp: A B\nUdp: 1\n", "Udp A\nUdp 1\n"] {
            assert!(walk(|mut push| pairs(text, &mut push)).is_err(), "{text}");
        }
    }
}
