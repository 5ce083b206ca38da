//! Traffic of block devices, from `/proc/diskstats`, and what udev knows of them, from
//! `/run/udev/data`.

use std::collections::HashMap;
use std::time::SystemTime;

use procfs::{DiskStat, DiskStats, FromRead as _};
use usher_common::metric::{Families, Kind};

use super::CollectError;
use super::error::Garbled;
use super::table::Machine;

const FILE: &str = "diskstats";
/// Sectors of the kernel's counters, bytes, whatever the device's own.
pub(super) const SECTOR: u64 = 512;
/// Times are milliseconds.
const TICK_SECONDS: f64 = 1.0 / 1000.0;

/// What udev says of a device, by its device numbers.
#[derive(Debug, Default)]
pub(super) struct Disks(HashMap<(i32, i32), (SystemTime, Properties)>);

/// `E:` lines of a udev record.
#[derive(Debug, Default, Clone)]
struct Properties(HashMap<String, String>);

pub(super) fn collect(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    for disk in read(machine)? {
        info(machine, &disk, families);
        traffic(&disk, families);
    }
    Ok(())
}

/// The devices that are not excluded.
pub(super) fn read(machine: &mut Machine) -> Result<Vec<DiskStat>, CollectError> {
    let disks = DiskStats::from_read(machine.files.proc(FILE)?.as_bytes());
    let disks = disks.map_err(|error| Garbled::from(error).at(machine.files.proc_path(FILE)))?;
    let exclude = &machine.settings.diskstats_device_exclude;
    Ok(disks.0.into_iter().filter(|disk| !exclude.is_match(&disk.name)).collect())
}

fn traffic(disk: &DiskStat, families: &mut Families) {
    let count = |value: u64| Some(value as f64);
    let seconds = |value: u64| Some(value as f64 * TICK_SECONDS);
    let bytes = |sectors: u64| Some((sectors * SECTOR) as f64);
    let rows: [(Kind, &str, &str, Option<f64>); 17] = [
        (
            Kind::Counter,
            "node_disk_reads_completed_total",
            "The total number of reads completed successfully.",
            count(disk.reads),
        ),
        (
            Kind::Counter,
            "node_disk_reads_merged_total",
            "The total number of reads merged.",
            count(disk.merged),
        ),
        (
            Kind::Counter,
            "node_disk_read_bytes_total",
            "The total number of bytes read successfully.",
            bytes(disk.sectors_read),
        ),
        (
            Kind::Counter,
            "node_disk_read_time_seconds_total",
            "The total number of seconds spent by all reads.",
            seconds(disk.time_reading),
        ),
        (
            Kind::Counter,
            "node_disk_writes_completed_total",
            "The total number of writes completed successfully.",
            count(disk.writes),
        ),
        (
            Kind::Counter,
            "node_disk_writes_merged_total",
            "The number of writes merged.",
            count(disk.writes_merged),
        ),
        (
            Kind::Counter,
            "node_disk_written_bytes_total",
            "The total number of bytes written successfully.",
            bytes(disk.sectors_written),
        ),
        (
            Kind::Counter,
            "node_disk_write_time_seconds_total",
            "This is the total number of seconds spent by all writes.",
            seconds(disk.time_writing),
        ),
        (
            Kind::Gauge,
            "node_disk_io_now",
            "The number of I/Os currently in progress.",
            count(disk.in_progress),
        ),
        (
            Kind::Counter,
            "node_disk_io_time_seconds_total",
            "Total seconds spent doing I/Os.",
            seconds(disk.time_in_progress),
        ),
        (
            Kind::Counter,
            "node_disk_io_time_weighted_seconds_total",
            "The weighted # of seconds spent doing I/Os.",
            seconds(disk.weighted_time_in_progress),
        ),
        // Since Linux 4.18.
        (
            Kind::Counter,
            "node_disk_discards_completed_total",
            "The total number of discards completed successfully.",
            disk.discards.and_then(count),
        ),
        (
            Kind::Counter,
            "node_disk_discards_merged_total",
            "The total number of discards merged.",
            disk.discards_merged.and_then(count),
        ),
        (
            Kind::Counter,
            "node_disk_discarded_sectors_total",
            "The total number of sectors discarded successfully.",
            disk.sectors_discarded.and_then(count),
        ),
        (
            Kind::Counter,
            "node_disk_discard_time_seconds_total",
            "This is the total number of seconds spent by all discards.",
            disk.time_discarding.and_then(seconds),
        ),
        // Since Linux 5.5.
        (
            Kind::Counter,
            "node_disk_flush_requests_total",
            "The total number of flush requests completed successfully",
            disk.flushes.and_then(count),
        ),
        (
            Kind::Counter,
            "node_disk_flush_requests_time_seconds_total",
            "This is the total number of seconds spent by all flush requests.",
            disk.time_flushing.and_then(seconds),
        ),
    ];
    for (kind, name, help, value) in rows {
        if let Some(value) = value {
            families.push(kind, name, help, &[("device", &disk.name)], value);
        }
    }
}

fn info(machine: &mut Machine, disk: &DiskStat, families: &mut Families) {
    let properties = properties(machine, disk);
    let of = |name: &str| properties.0.get(name).map_or("", String::as_str);
    let first =
        |names: &[&str]| names.iter().map(|name| of(name)).find(|value| !value.is_empty()).unwrap_or("");
    families.gauge(
        "node_disk_info",
        "Info of /sys/block/<block_device>.",
        &[
            ("device", &disk.name),
            ("major", &disk.major.to_string()),
            ("minor", &disk.minor.to_string()),
            ("model", of("ID_MODEL")),
            ("path", of("ID_PATH")),
            ("revision", of("ID_REVISION")),
            // The last of them is the only one that virtio disks have.
            ("serial", first(&["SCSI_IDENT_SERIAL", "ID_SERIAL_SHORT", "ID_SERIAL"])),
            ("wwn", of("ID_WWN")),
        ],
        1.0,
    );
    if !of("ID_FS_TYPE").is_empty() {
        families.gauge(
            "node_disk_filesystem_info",
            "Info about disk filesystem.",
            &[
                ("device", &disk.name),
                ("type", of("ID_FS_TYPE")),
                ("usage", of("ID_FS_USAGE")),
                ("uuid", of("ID_FS_UUID")),
                ("version", of("ID_FS_VERSION")),
            ],
            1.0,
        );
    }
    if !of("DM_NAME").is_empty() {
        families.gauge(
            "node_disk_device_mapper_info",
            "Info about disk device mapper.",
            &[
                ("device", &disk.name),
                ("name", of("DM_NAME")),
                ("uuid", of("DM_UUID")),
                ("vg_name", of("DM_VG_NAME")),
                ("lv_name", of("DM_LV_NAME")),
                ("lv_layer", of("DM_LV_LAYER")),
            ],
            1.0,
        );
    }
    if !of("ID_ATA").is_empty() {
        for (property, name, help) in [
            ("ID_ATA_WRITE_CACHE", "node_disk_ata_write_cache", "ATA disk has a write cache."),
            (
                "ID_ATA_WRITE_CACHE_ENABLED",
                "node_disk_ata_write_cache_enabled",
                "ATA disk has its write cache enabled.",
            ),
            (
                "ID_ATA_ROTATION_RATE_RPM",
                "node_disk_ata_rotation_rate_rpm",
                "ATA disk rotation rate in RPMs (0 for SSDs).",
            ),
        ] {
            families.gauge_if(name, help, &[("device", &disk.name)], of(property).parse().ok());
        }
    }
}

/// Read anew only when udev wrote anew.
fn properties(machine: &mut Machine, disk: &DiskStat) -> Properties {
    let key = (disk.major, disk.minor);
    let path = machine.roots.rootfs.join(format!("run/udev/data/b{}:{}", disk.major, disk.minor));
    let Ok(written) = std::fs::metadata(&path).and_then(|metadata| metadata.modified()) else {
        machine.memory.diskstats.0.remove(&key);
        return Properties::default();
    };
    if let Some((seen, properties)) = machine.memory.diskstats.0.get(&key)
        && *seen == written
    {
        return properties.clone();
    }
    let Some(properties) = machine.files.attribute(&path).map(parse) else { return Properties::default() };
    machine.memory.diskstats.0.insert(key, (written, properties.clone()));
    properties
}

fn parse(text: &str) -> Properties {
    let lines = text.lines().filter_map(|line| line.strip_prefix("E:")?.split_once('='));
    Properties(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[cfg(test)]
mod tests {
    use usher_common::metric::{Format, encode};

    use super::*;

    #[test]
    fn an_old_kernel_has_no_discards_and_they_are_not_shown_as_zero() {
        let line = " 254 0 vda 1 2 3 4 5 6 7 8 9 10 11";
        let disks = DiskStats::from_read(line.as_bytes()).unwrap().0;
        let mut families = Families::new();
        traffic(&disks[0], &mut families);
        assert_eq!(families.samples(), 11);
        let text = encode(Format::Text, [&families]);
        assert!(text.contains("node_disk_read_bytes_total{device=\"vda\"} 1536\n"), "{text}");
    }

    #[test]
    fn only_properties_of_a_udev_record_count() {
        let properties = parse("S:disk/by-id/x\nE:ID_MODEL=Big=Disk\nE:ID_WWN=0x5\nI:77\n");
        assert_eq!(properties.0.len(), 2);
        assert_eq!(properties.0["ID_MODEL"], "Big=Disk");
    }
}
