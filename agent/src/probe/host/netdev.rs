//! Traffic of network interfaces, from `/proc/net/dev`, and packets without a handler,
//! from `/sys/class/net/*/statistics`.

use std::collections::BTreeMap;

use procfs::FromRead as _;
use procfs::net::{DeviceStatus, InterfaceDeviceStatus};
use usher_common::metric::Families;

use super::CollectError;
use super::error::Garbled;
use super::files::{Attribute, Text};
use super::table::Machine;

const FILE: &str = "net/dev";

/// The one counter that `/proc/net/dev` does not have, one open file an interface.
#[derive(Debug, Default)]
pub(super) struct Unhandled {
    files: BTreeMap<String, Attribute>,
    text: Text,
}

/// Name after `node_network_`, the counter.
type Counter = (&'static str, fn(&DeviceStatus) -> u64);

const COUNTERS: [Counter; 16] = [
    ("receive_bytes", |d| d.recv_bytes),
    ("receive_packets", |d| d.recv_packets),
    ("receive_errs", |d| d.recv_errs),
    ("receive_drop", |d| d.recv_drop),
    ("receive_fifo", |d| d.recv_fifo),
    ("receive_frame", |d| d.recv_frame),
    ("receive_compressed", |d| d.recv_compressed),
    ("receive_multicast", |d| d.recv_multicast),
    ("transmit_bytes", |d| d.sent_bytes),
    ("transmit_packets", |d| d.sent_packets),
    ("transmit_errs", |d| d.sent_errs),
    ("transmit_drop", |d| d.sent_drop),
    ("transmit_fifo", |d| d.sent_fifo),
    ("transmit_colls", |d| d.sent_colls),
    ("transmit_carrier", |d| d.sent_carrier),
    ("transmit_compressed", |d| d.sent_compressed),
];

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    let mut devices = read(machine)?;
    devices.retain(|device| !machine.settings.netdev_device_exclude.is_match(&device.name));
    for (counter, value) in COUNTERS {
        let name = format!("node_network_{counter}_total");
        let help = format!("Network device statistic {counter}.");
        for device in &devices {
            families.counter(&name, &help, &[("device", &device.name)], value(device) as f64);
        }
    }
    let unhandled = &mut machine.memory.netdev;
    unhandled.files.retain(|name, _| devices.iter().any(|device| device.name == *name));
    for device in &devices {
        let file = unhandled.files.entry(device.name.clone()).or_insert_with(|| {
            Attribute::new(
                machine.roots.sys.join("class/net").join(&device.name).join("statistics/rx_nohandler"),
            )
        });
        // Since Linux 4.6.
        let count = file.read(&mut unhandled.text).ok().and_then(|text| text.parse().ok());
        if let Some(count) = count {
            families.counter(
                "node_network_receive_nohandler_total",
                "Network device statistic receive_nohandler.",
                &[("device", &device.name)],
                count,
            );
        }
    }
    Ok(())
}

/// All interfaces, by name.
pub(super) fn read(machine: &mut Machine) -> Result<Vec<DeviceStatus>, CollectError> {
    parse(machine.files.proc_records(FILE)?).map_err(|garbled| garbled.at(machine.files.proc_path(FILE)))
}

fn parse(text: &str) -> Result<Vec<DeviceStatus>, Garbled> {
    let mut devices: Vec<_> = InterfaceDeviceStatus::from_read(text.as_bytes())?.0.into_values().collect();
    devices.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(devices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_may_have_any_name_the_kernel_allows() {
        let text = "Inter-|   Receive |  Transmit\n face |bytes ...\n\
                    br-0a1b2c3d4e5f: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n\
                    eth0.100@: 1 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n   über\u{1f600}: 1 0 0 0 0 0 0 0 9 0 0 0 0 0 0 0\n";
        let devices = parse(text).unwrap();
        let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
        assert_eq!(names, ["br-0a1b2c3d4e5f", "eth0.100@", "über\u{1f600}"]);
        assert_eq!(COUNTERS.map(|(_, value)| value(&devices[0])), std::array::from_fn(|n| n as u64 + 1));
    }

    #[test]
    fn a_short_line_is_told() {
        assert!(parse("a\nb\neth0: 1 2 3\n").is_err());
    }
}
