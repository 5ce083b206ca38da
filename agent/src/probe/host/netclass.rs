//! Properties of network interfaces, from `/sys/class/net`.
//!
//! Twenty small files an interface would make this the dearest collector by far. Their
//! handles are kept while the interface lives, and what can only change by making the
//! interface anew, or hardly ever does, is read at every twelfth pass.

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
    /// Whether a living interface may well change it.
    moves: bool,
}

const fn still(file: &'static str, name: &'static str) -> Property {
    Property { file, name, kind: Kind::Gauge, moves: false }
}

const fn moves(file: &'static str, name: &'static str, kind: Kind) -> Property {
    Property { file, name, kind, moves: true }
}

const PROPERTIES: [Property; 17] = [
    still("addr_assign_type", "address_assign_type"),
    moves("carrier", "carrier", Kind::Gauge),
    moves("carrier_changes", "carrier_changes_total", Kind::Counter),
    moves("carrier_up_count", "carrier_up_changes_total", Kind::Counter),
    moves("carrier_down_count", "carrier_down_changes_total", Kind::Counter),
    still("dev_id", "device_id"),
    moves("dormant", "dormant", Kind::Gauge),
    moves("flags", "flags", Kind::Gauge),
    // Tells an interface from a later one of the same name.
    moves("ifindex", "iface_id", Kind::Gauge),
    still("iflink", "iface_link"),
    still("link_mode", "iface_link_mode"),
    moves("mtu", "mtu_bytes", Kind::Gauge),
    still("name_assign_type", "name_assign_type"),
    still("netdev_group", "net_dev_group"),
    moves("speed", "speed_bytes", Kind::Gauge),
    moves("tx_queue_len", "transmit_queue_length", Kind::Gauge),
    still("type", "protocol_type"),
];

/// Labels of `node_network_info` and their files.
const WORDS: [&str; 5] = ["address", "broadcast", "duplex", "ifalias", "operstate"];
const OPERSTATE: usize = 4;

const INDEX: usize = 8;

/// After so many passes the still properties are read again.
const STILL_FOR: u32 = 12;

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
    names.retain(|name| !exclude.is_match(name) && root.join(name).is_dir());
    let Interfaces { known, text } = &mut machine.memory.netclass;
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
        let (file, known) = &mut self.numbers[INDEX];
        let index = file.read(text).ok().and_then(number);
        let all = self.passes.is_multiple_of(STILL_FOR) || index != *known;
        self.passes = self.passes.wrapping_add(1);
        for (property, (file, value)) in PROPERTIES.iter().zip(&mut self.numbers) {
            if all || property.moves {
                // Not every interface has every property: lo has no speed, a down one no carrier.
                *value = file.read(text).ok().and_then(number);
            }
        }
        for (at, (file, value)) in self.words.iter_mut().enumerate() {
            if all || at == OPERSTATE {
                *value = file.read(text).ok().map(str::to_owned);
            }
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
    use super::{INDEX, PROPERTIES, number};

    #[test]
    fn the_index_is_where_it_is_looked_for() {
        assert_eq!(PROPERTIES[INDEX].file, "ifindex");
    }

    #[test]
    fn flags_are_hexadecimal_and_an_unknown_speed_is_negative() {
        assert_eq!(number("0x1003"), Some(4099.0));
        assert_eq!(number("-1"), Some(-1.0));
        assert_eq!(number(""), None);
    }
}
