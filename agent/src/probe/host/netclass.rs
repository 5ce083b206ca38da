//! Properties of network interfaces, from `/sys/class/net`.
//!
//! Twenty small files an interface would make this the dearest collector by far. Their
//! handles are kept while the interface lives. At every pass four are read that tell whether
//! anything happened to the link or somebody turned a knob; the others when one of these is
//! another than before, and at every fourth pass (a minute, as most Prometheus scrape).

use std::collections::BTreeMap;
use std::path::Path;

use usher_common::metric::{Families, Kind};

use super::files::{Attribute, Text};
use super::table::Machine;
use super::{CollectError, parse};

/// One property that is a number: its file, its name after `node_network_`.
struct Property {
    file: &'static str,
    name: &'static str,
    kind: Kind,
}

const fn gauge(file: &'static str, name: &'static str) -> Property {
    Property { file, name, kind: Kind::Gauge }
}

const fn counter(file: &'static str, name: &'static str) -> Property {
    Property { file, name, kind: Kind::Counter }
}

const PROPERTIES: [Property; 17] = [
    gauge("addr_assign_type", "address_assign_type"),
    gauge("carrier", "carrier"),
    counter("carrier_changes", "carrier_changes_total"),
    counter("carrier_up_count", "carrier_up_changes_total"),
    counter("carrier_down_count", "carrier_down_changes_total"),
    gauge("dev_id", "device_id"),
    gauge("dormant", "dormant"),
    gauge("flags", "flags"),
    gauge("ifindex", "iface_id"),
    gauge("iflink", "iface_link"),
    gauge("link_mode", "iface_link_mode"),
    gauge("mtu", "mtu_bytes"),
    gauge("name_assign_type", "name_assign_type"),
    gauge("netdev_group", "net_dev_group"),
    gauge("speed", "speed_bytes"),
    gauge("tx_queue_len", "transmit_queue_length"),
    gauge("type", "protocol_type"),
];

/// Each way that the link went, up and down (or administered so): places in [`PROPERTIES`].
/// The index tells an interface from a later one of the same name.
const TELLING: [usize; 3] = [2, 7, 8];

/// Labels of `node_network_info` and their files.
const WORDS: [&str; 5] = ["address", "broadcast", "duplex", "ifalias", "operstate"];
const OPERSTATE: usize = 4;

/// After so many passes everything is read again.
const STILL_FOR: u32 = 4;

/// The interfaces seen last, by name.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    known: BTreeMap<String, Interface>,
    text: Text,
}

#[derive(Debug)]
struct Interface {
    numbers: Vec<(Attribute, Option<f64>)>,
    words: Vec<(Attribute, Option<String>)>,
    passes: u32,
}

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let root = machine.roots.sys.join("class/net");
    let names = parse::entries(&root).map_err(|source| CollectError::read(&root, source))?;
    let mut names = names.ok_or_else(|| CollectError::NoData { path: root.clone() })?;
    let exclude = &machine.settings.netclass_device_exclude;
    // Among the interfaces lies a file, bonding_masters.
    let Interfaces { known, text } = &mut machine.memory.netclass;
    names.retain(|name| !exclude.is_match(name) && (known.contains_key(name) || root.join(name).is_dir()));
    known.retain(|name, _| names.contains(name));
    for name in &names {
        let interface = known.entry(name.clone()).or_insert_with(|| Interface::new(&root.join(name)));
        interface.refresh(text);
    }
    push(known, families);
    Ok(())
}

impl Interface {
    fn new(directory: &Path) -> Self {
        let attribute = |file: &&str| Attribute::new(directory.join(file));
        Self {
            numbers: PROPERTIES.iter().map(|property| (attribute(&property.file), None)).collect(),
            words: WORDS.iter().map(|file| (attribute(file), None)).collect(),
            passes: 0,
        }
    }

    fn refresh(&mut self, text: &mut Text) {
        let mut all = self.passes.is_multiple_of(STILL_FOR);
        self.passes = self.passes.wrapping_add(1);
        for at in TELLING {
            let (file, known) = &mut self.numbers[at];
            let now = file.read(text).ok().and_then(number);
            all |= now != *known;
            *known = now;
        }
        let (file, known) = &mut self.words[OPERSTATE];
        let now = file.read(text).ok();
        if now != known.as_deref() {
            *known = now.map(str::to_owned);
            all = true;
        }
        if !all {
            return;
        }
        let others = self.numbers.iter_mut().enumerate().filter(|(at, _)| !TELLING.contains(at));
        for (_, (file, value)) in others {
            // Not every interface has every property: lo has no speed, a down one no carrier.
            *value = file.read(text).ok().and_then(number);
        }
        for (file, value) in self.words.iter_mut().take(OPERSTATE) {
            *value = file.read(text).ok().map(str::to_owned);
        }
    }
}

fn push(interfaces: &BTreeMap<String, Interface>, families: &mut Families) {
    for (name, interface) in interfaces {
        let up = interface.words[OPERSTATE].1.as_deref() == Some("up");
        let help = "Value is 1 if operstate is 'up', 0 otherwise.";
        families.gauge("node_network_up", help, &[("device", name)], f64::from(u8::from(up)));
    }
    for (name, interface) in interfaces {
        let word = |at: usize| interface.words[at].1.as_deref().unwrap_or("");
        families.gauge(
            "node_network_info",
            "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
            &[
                ("address", word(0)),
                ("broadcast", word(1)),
                ("device", name),
                ("duplex", word(2)),
                ("ifalias", word(3)),
                ("operstate", word(4)),
            ],
            1.0,
        );
    }
    for (at, property) in PROPERTIES.iter().enumerate() {
        let metric = format!("node_network_{}", property.name);
        let help = format!("Network device property: {}", property.name);
        for (name, interface) in interfaces {
            let Some(value) = interface.numbers[at].1 else { continue };
            // Megabits; -1 when the driver does not know, and node_exporter shows that too.
            let value = if property.file == "speed" { value * 125_000.0 } else { value };
            families.push(property.kind, &metric, &help, &[("device", name)], value);
        }
    }
}

/// Decimal, or hexadecimal with its prefix (flags, dev_id).
fn number(text: &str) -> Option<f64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(|value| value as f64),
        None => text.parse::<i64>().ok().map(|value| value as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::{OPERSTATE, PROPERTIES, TELLING, WORDS, number};

    #[test]
    fn what_tells_of_changes_is_where_it_is_looked_for() {
        assert_eq!(TELLING.map(|at| PROPERTIES[at].file), ["carrier_changes", "flags", "ifindex"]);
        assert_eq!((WORDS[OPERSTATE], OPERSTATE + 1), ("operstate", WORDS.len()));
    }

    #[test]
    fn flags_are_hexadecimal_and_an_unknown_speed_is_negative() {
        assert_eq!(number("0x1003"), Some(4099.0));
        assert_eq!(number("-1"), Some(-1.0));
        assert_eq!(number(""), None);
    }
}
