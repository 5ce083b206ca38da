//! The short syntax of a port: `[[host:]published:]target[/protocol]`, with ranges on either side.
//!
//! One short port may be many long ones. They come in the order compose gives them, which is by the text of
//! `target/protocol` (so 100 stands before 99): the order is part of the hash.

use super::super::node::{Node, Value};
use super::super::place::Complaints;

/// One port as the long syntax says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    /// The address on the host; `None`: all.
    pub(crate) host: Option<String>,
    /// A port or a range on the host; `None`: any free one.
    pub(crate) published: Option<String>,
    /// The port in the container.
    pub(crate) target: u16,
    /// `tcp`, `udp` or `sctp`.
    pub(crate) protocol: String,
}

/// Takes a short port apart.
///
/// # Errors
/// A sentence for the operator.
pub(crate) fn parse(text: &str) -> Result<Vec<Port>, String> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !["tcp", "udp", "sctp"].contains(&protocol.as_str()) {
        return Err(format!("{text:?}: {protocol:?} is not tcp, udp or sctp"));
    }
    let mut parts = ports.rsplitn(3, ':');
    let target = parts.next().unwrap_or_default();
    let published = parts.next().filter(|part| !part.is_empty());
    let host = parts.next().map(|host| host.trim_start_matches('[').trim_end_matches(']'));
    if let Some(host) = host.filter(|host| !host.is_empty())
        && host.parse::<std::net::IpAddr>().is_err()
    {
        return Err(format!("{text:?}: {host:?} is not an IP address"));
    }
    let (first, last) =
        range(target).ok_or_else(|| format!("{text:?}: {target:?} is not a port or a range"))?;
    let outside = match published {
        None => None,
        Some(part) => {
            Some(range(part).ok_or_else(|| format!("{text:?}: {part:?} is not a port or a range"))?)
        }
    };
    if let Some((from, to)) = outside
        && to - from != last - first
        && first != last
    {
        return Err(format!("{text:?}: the two ranges differ in length"));
    }
    let mut all: Vec<Port> = (first..=last)
        .map(|target| Port {
            host: host.filter(|host| !host.is_empty()).map(str::to_owned),
            published: outside.map(|(from, to)| {
                if first == last && from != to {
                    format!("{from}-{to}")
                } else {
                    (from + (target - first)).to_string()
                }
            }),
            target,
            protocol: protocol.clone(),
        })
        .collect();
    all.sort_by_key(|port| port.target.to_string());
    Ok(all)
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to).then_some((from, to))
}

/// Writes every short port of a list out.
pub(crate) fn expand(node: &mut Node, path: &str, complaints: &mut Complaints) {
    let Value::Seq(items) = &mut node.value else { return };
    let mut long = Vec::with_capacity(items.len());
    for item in std::mem::take(items) {
        let short = match &item.value {
            Value::Str(_) | Value::Int(_) => item.printed(),
            _ => None,
        };
        let Some(short) = short else {
            long.push(item);
            continue;
        };
        match parse(&short) {
            Ok(ports) => long.extend(ports.into_iter().map(|port| written_out(&item, port))),
            Err(why) => complaints.add(&item.place, path, why),
        }
    }
    *items = long;
}

fn written_out(at: &Node, port: Port) -> Node {
    let mut node = at.map_of([
        ("mode", at.text("ingress")),
        ("target", at.like(Value::Int(i128::from(port.target)))),
        ("protocol", at.text(port.protocol)),
    ]);
    if let Some(map) = node.as_map_mut() {
        if let Some(host) = port.host {
            map.set("host_ip", at.text(host));
        }
        if let Some(published) = port.published {
            map.set("published", at.text(published));
        }
    }
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let show = |port: Port| {
            let part = |part: Option<String>| part.unwrap_or_default();
            format!("{}|{}|{}/{}", part(port.host), part(port.published), port.target, port.protocol)
        };
        let found: Vec<_> = parse(text).unwrap().into_iter().map(show).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn every_short_form_is_written_out() {
        check("443", &["||443/tcp"]);
        check("80:8000", &["|80|8000/tcp"]);
        check(":8000", &["||8000/tcp"]);
        check("127.0.0.1:8888:8888", &["127.0.0.1|8888|8888/tcp"]);
        check("127.0.0.1::8888/udp", &["127.0.0.1||8888/udp"]);
        check("[::1]:80:80", &["::1|80|80/tcp"]);
        check("7000-7002:80", &["|7000-7002|80/tcp"]);
        check("99-101:99-101/UDP", &["|100|100/udp", "|101|101/udp", "|99|99/udp"]);
    }

    #[test]
    fn what_is_not_a_port_is_refused() {
        for text in ["", "x", "80:", "80/icmp", "1-3:1-2", "host:80:80", "70000", "5-3"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
