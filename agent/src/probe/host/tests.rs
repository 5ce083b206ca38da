//! Odd machines, as trees of files.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use usher_common::metric::{Families, Format, encode};
use usher_common::wire::ProbeFailure;

use super::table::Machine;
use super::*;

/// A machine that has only the given files. Paths begin with `proc/`, `sys/` or `root/`.
struct Fixture {
    host: Host,
    directory: TempDir,
}

/// A small but whole `/proc/stat` of the given cores.
fn stat(cores: impl IntoIterator<Item = u32>) -> String {
    let line = |name: &str| format!("{name} 100 0 50 1000 10 0 5 1 0 0\n");
    let cores: String = cores.into_iter().map(|core| line(&format!("cpu{core}"))).collect();
    let rest = "intr 9 1\nctxt 8\nbtime 1700000000\nprocesses 7\nprocs_running 1\nprocs_blocked 0\n";
    format!("{}{cores}{rest}", line("cpu "))
}

fn machine(files: &[(&str, &str)]) -> Fixture {
    with_table(files, TABLE)
}

fn with_table(files: &[(&str, &str)], table: &'static [Collector]) -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let roots = Roots { proc: root.join("proc"), sys: root.join("sys"), rootfs: root.join("root") };
    let settings = Settings { warm_for: Duration::ZERO, ..Settings::default() };
    let fixture = Fixture { host: Host::with_table(roots, settings, table), directory };
    files.iter().for_each(|(path, text)| fixture.write(path, text));
    fixture
}

impl Fixture {
    fn write(&self, path: &str, text: &str) {
        let path = self.directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn path(&self, path: &str) -> std::path::PathBuf {
        self.directory.path().join(path)
    }

    fn collect(&mut self) -> (String, Vec<Ran>) {
        let mut families = Families::new();
        let pass = self.host.collect(Instant::now(), &mut families);
        (encode(Format::Text, [&families]), pass)
    }

    /// Why a collector failed.
    fn failure(&mut self, collector: &str) -> Option<CollectError> {
        let (text, pass) = self.collect();
        let failure = pass.into_iter().find(|ran| ran.collector == collector).unwrap().failure;
        let success = u8::from(failure.is_none());
        assert!(
            text.contains(&format!("node_scrape_collector_success{{collector=\"{collector}\"}} {success}\n"))
        );
        failure
    }
}

#[test]
fn on_a_machine_without_anything_every_collector_still_says_how_it_fared() {
    let (text, pass) = machine(&[]).collect();
    assert_eq!(pass.len(), TABLE.len());
    for ran in &pass {
        assert!(ran.failure.as_ref().is_none_or(CollectError::is_no_data), "{ran:?}");
        assert!(text.contains(&format!(
            "node_scrape_collector_duration_seconds{{collector=\"{}\"}} ",
            ran.collector
        )));
    }
}

#[test]
fn a_kernel_without_pressure_figures_or_connection_tracking_has_no_data_and_no_fault() {
    let mut bare = machine(&[("proc/loadavg", "0.10 0.20 0.30 1/2 3\n")]);
    for collector in ["pressure", "conntrack", "schedstat", "hwmon", "dmi", "bonding"] {
        assert!(bare.failure(collector).unwrap().is_no_data(), "{collector}");
    }
    assert!(bare.failure("loadavg").is_none());
}

#[test]
fn pressure_of_a_kernel_before_5_13_has_no_full_line_for_processors() {
    let some = "some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\n";
    let both = format!("{some}{}", some.replace("some", "full"));
    let mut old =
        machine(&[("proc/pressure/cpu", some), ("proc/pressure/io", &both), ("proc/pressure/memory", &both)]);
    assert!(old.failure("pressure").is_none());
    let (text, _) = old.collect();
    assert!(text.contains("node_pressure_cpu_waiting_seconds_total 2.5\n"), "{text}");
    assert!(!text.contains("irq"), "{text}");
}

#[test]
fn sixty_four_cores_with_some_offline_keep_their_numbers() {
    let mut large = machine(&[("proc/stat", &stat((0..64).filter(|core| ![3, 17].contains(core))))]);
    assert!(large.failure("cpu").is_none());
    let (text, _) = large.collect();
    assert_eq!(text.matches("node_cpu_seconds_total{").count(), 62 * 8);
    assert!(text.contains("node_cpu_seconds_total{cpu=\"63\",mode=\"idle\"} 10\n"), "{text}");
    assert!(!text.contains("cpu=\"17\""));
    let sample = large.host.sample(Instant::now()).sample;
    assert_eq!(sample.cpu.unwrap().cores.last().unwrap().0, 63);
}

#[test]
fn a_core_that_goes_offline_keeps_its_last_values() {
    let mut machine = machine(&[("proc/stat", &stat([0, 1]))]);
    machine.collect();
    machine.write("proc/stat", &stat([0]));
    let (text, _) = machine.collect();
    assert!(text.contains("node_cpu_seconds_total{cpu=\"1\",mode=\"user\"} 1\n"), "{text}");
}

#[test]
fn weird_interface_names_are_labels_like_any_other() {
    let header = "Inter-|  Receive | Transmit\n face |bytes\n";
    let line = |name: &str| format!("{name}: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
    let names = ["a\"b", "back\\slash", "veth9f8e7d6@if", "wg0.100"];
    let text: String = names.iter().map(|name| line(name)).collect();
    let mut machine = machine(&[("proc/net/dev", &format!("{header}{text}"))]);
    assert!(machine.failure("netdev").is_none());
    let (text, _) = machine.collect();
    for name in [r#"a\"b"#, r"back\\slash", "veth9f8e7d6@if", "wg0.100"] {
        assert!(
            text.contains(&format!("node_network_receive_bytes_total{{device=\"{name}\"}} 1\n")),
            "{text}"
        );
    }
}

#[test]
fn an_interface_made_anew_under_an_old_name_shows_its_own_properties() {
    let mut machine = machine(&[
        ("sys/class/net/bonding_masters", "\n"),
        ("sys/class/net/veth1/ifindex", "7\n"),
        ("sys/class/net/veth1/iflink", "8\n"),
        ("sys/class/net/veth1/operstate", "up\n"),
        ("sys/class/net/veth1/speed", "10000\n"),
    ]);
    let (text, _) = machine.collect();
    assert!(text.contains("node_network_iface_link{device=\"veth1\"} 8\n"), "{text}");
    assert!(text.contains("node_network_speed_bytes{device=\"veth1\"} 1250000000\n"), "{text}");
    assert!(!text.contains("bonding_masters"), "a file among the interfaces is none");
    machine.write("sys/class/net/veth1/ifindex", "9\n");
    machine.write("sys/class/net/veth1/iflink", "10\n");
    let (text, _) = machine.collect();
    assert!(text.contains("node_network_iface_link{device=\"veth1\"} 10\n"), "{text}");
}

#[test]
fn a_mount_point_that_cannot_be_asked_is_shown_as_such_and_costs_the_others_nothing() {
    let mut machine = machine(&[(
        "proc/1/mounts",
        "/dev/vda1 / ext4 ro,relatime 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n\
         srv:/x /gone\\040away nfs4 rw 0 0\n/dev/vda1 / ext4 ro,relatime 0 0\n",
    )]);
    fs::create_dir_all(machine.path("root")).unwrap();
    assert!(machine.failure("filesystem").is_none());
    let (text, _) = machine.collect();
    let root = "{device=\"/dev/vda1\",fstype=\"ext4\",mountpoint=\"/\"}";
    assert!(text.contains(&format!("node_filesystem_device_error{root} 0\n")), "{text}");
    assert!(text.contains(&format!("node_filesystem_readonly{root} 1\n")), "{text}");
    let gone = "{device=\"srv:/x\",fstype=\"nfs4\",mountpoint=\"/gone away\"}";
    assert!(text.contains(&format!("node_filesystem_device_error{gone} 1\n")), "{text}");
    assert!(!text.contains(&format!("node_filesystem_size_bytes{gone}")), "{text}");
    assert_eq!(
        text.matches("node_filesystem_readonly{").count(),
        1,
        "excluded and stacked mounts are not shown"
    );
}

#[test]
fn a_malformed_file_fails_its_collector_alone_and_is_named() {
    let broken = [
        ("loadavg", "proc/loadavg", "much\n"),
        ("meminfo", "proc/meminfo", "MemTotal: lots kB\n"),
        ("cpu", "proc/stat", "cpu  1 2\n"),
        ("stat", "proc/stat", "cpu  1 2\n"),
        ("diskstats", "proc/diskstats", "254 0 vda x\n"),
        ("netdev", "proc/net/dev", "a\nb\neth0: 1\n"),
        ("netstat", "proc/net/netstat", "TcpExt: TCPTimeouts\nTcpExt: x\n"),
        ("sockstat", "proc/net/sockstat", "TCP: inuse\n"),
        ("softnet", "proc/net/softnet_stat", "zz\n"),
        ("filefd", "proc/sys/fs/file-nr", "1 0\n"),
        ("vmstat", "proc/vmstat", "pgfault many\n"),
        ("arp", "proc/net/arp", "header\nnowhere 0x1\n"),
        ("udp_queues", "proc/net/udp", "header\n 1: x\n"),
        ("entropy", "proc/sys/kernel/random/entropy_avail", "some\n"),
        ("schedstat", "proc/schedstat", "cpu0 1 2\n"),
        ("filesystem", "proc/1/mounts", "/dev/vda1\n"),
        ("edac", "sys/devices/system/edac/mc/mc0/ce_count", "few\n"),
    ];
    for (collector, file, text) in broken {
        let mut machine = machine(&[("proc/sys/kernel/random/poolsize", "256\n"), (file, text)]);
        let path = machine.path(file);
        let failure = machine.failure(collector).unwrap();
        assert_eq!(failure.reason(), ProbeFailure::Malformed, "{collector}");
        assert!(failure.to_string().contains(path.to_str().unwrap()), "{failure}");
    }
}

#[test]
fn a_file_that_may_not_be_read_is_denied_and_named() {
    // A directory stands for it: root may read everything else.
    let mut machine = machine(&[("proc/loadavg/x", "")]);
    let failure = machine.failure("loadavg").unwrap();
    assert!(
        matches!(&failure, CollectError::Read { path, .. } if path.ends_with("proc/loadavg")),
        "{failure}"
    );
    assert_eq!(failure.reason(), ProbeFailure::Io);
}

fn panics(machine: &mut Machine, families: &mut Families) -> Result<(), CollectError> {
    families.gauge("before_the_panic", "Of a test.", &[], 1.0);
    let length = machine.files.proc("loadavg")?.len();
    panic!("{length} bytes are too many");
}

const WITH_A_PANIC: &[Collector] = &[
    Collector { name: "panics", cost: Cost::Hot, collect: panics },
    Collector { name: "loadavg", cost: Cost::Hot, collect: loadavg::collect },
];

#[test]
fn a_panic_is_a_failure_of_one_collector() {
    let mut machine = with_table(&[("proc/loadavg", "0.10 0.20 0.30 1/2 3\n")], WITH_A_PANIC);
    let failure = machine.failure("panics").unwrap();
    let text = failure.to_string();
    assert!(text.contains("proc/loadavg") && text.contains("21 bytes are too many"), "{text}");
    assert!(machine.failure("loadavg").is_none());
}

#[test]
fn readings_serve_again_until_they_are_old_absence_too_and_other_failures_do_not() {
    let mut machine = machine(&[
        ("root/etc/os-release", "ID=one\n"),
        ("proc/loadavg", "0.1 0 0 1/2 3\n"),
        ("sys/class/power_supply/AC/online", "1\n"),
        ("sys/class/thermal", "no directory\n"),
    ]);
    machine.host.machine.settings.warm_for = Duration::from_secs(5);
    let start = Instant::now();
    let shows = |machine: &mut Fixture, seconds| {
        let mut families = Families::new();
        machine.host.collect(start + Duration::from_secs(seconds), &mut families);
        encode(Format::Text, [&families])
    };
    let text = shows(&mut machine, 0);
    for line in [
        "node_power_supply_online{power_supply=\"AC\"} 1\n",
        "node_scrape_collector_success{collector=\"os\"} 1\n",
        "node_scrape_collector_success{collector=\"dmi\"} 0\n",
        "node_scrape_collector_success{collector=\"thermal_zone\"} 0\n",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    machine.write("root/etc/os-release", "ID=two\n");
    machine.write("proc/loadavg", "0.2 0 0 1/2 3\n");
    machine.write("sys/class/power_supply/AC/online", "0\n");
    machine.write("sys/class/dmi/id/bios_vendor", "SeaBIOS\n");
    std::fs::remove_file(machine.path("sys/class/thermal")).unwrap();
    machine.write("sys/class/thermal/thermal_zone0/type", "acpitz\n");
    machine.write("sys/class/thermal/thermal_zone0/temp", "45000\n");
    let text = shows(&mut machine, 4);
    assert!(
        text.contains("node_load1 0.2\n")
            && text.contains("node_power_supply_online{power_supply=\"AC\"} 1\n")
    );
    assert!(text.contains("node_thermal_zone_temp{type=\"acpitz\",zone=\"0\"} 45\n"), "{text}");
    let text = shows(&mut machine, 15);
    assert!(text.contains("node_power_supply_online{power_supply=\"AC\"} 0\n"), "{text}");
    assert!(text.contains("id=\"one\"") && text.contains("success{collector=\"dmi\"} 0\n"), "{text}");
    let text = shows(&mut machine, 61);
    assert!(text.contains("id=\"two\"") && text.contains("bios_vendor=\"SeaBIOS\"} 1\n"), "{text}");
}

#[test]
fn textfiles_are_shown_with_their_age_and_a_broken_one_is_told() {
    let mut machine =
        machine(&[("text/good.prom", "# TYPE x_total counter\nx_total 5\n"), ("text/note.txt", "?\n")]);
    machine.host.machine.settings.textfile_directory = machine.path("text");
    let (text, _) = machine.collect();
    assert!(text.contains("# TYPE x_total counter\nx_total 5\n"), "{text}");
    assert!(text.contains("node_textfile_mtime_seconds{file="), "{text}");
    assert!(text.contains("node_textfile_scrape_error 0\n"), "{text}");
    for bad in ["y 1\nnonsense\n", "y 1 1600000000000\n", "y 1\n# TYPE y gadget\n", "y 1\ny 1\n"] {
        machine.write("text/bad.prom", bad);
        let (text, _) = machine.collect();
        assert!(text.contains("x_total 5\n") && !text.contains("\ny 1\n"), "{bad}: {text}");
        assert!(text.contains("node_textfile_scrape_error 1\n"), "{bad}: {text}");
    }
}

#[test]
fn textfiles_keep_their_types_and_a_label_that_some_samples_lack_is_empty_there() {
    let given = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n\
                 # TYPE s summary\ns{quantile=\"0.5\"} 2\ns_sum 9\ns_count 3\n\
                 job_created 1\nc{z=\"1\"} 1\nc 2e3\n";
    let mut machine = machine(&[("text/a.prom", given)]);
    machine.host.machine.settings.textfile_directory = machine.path("text");
    let help =
        |name: &str| format!("# HELP {name} Metric read from {}\n", machine.path("text/a.prom").display());
    let want = [
        help("h"),
        "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\n".to_owned(),
        help("s"),
        "# TYPE s summary\ns{quantile=\"0.5\"} 2\ns_sum 9\ns_count 3\n".to_owned(),
        help("job_created"),
        "# TYPE job_created untyped\njob_created 1\n".to_owned(),
        help("c"),
        "# TYPE c untyped\nc{z=\"1\"} 1\nc{z=\"\"} 2000\n".to_owned(),
    ];
    let (text, _) = machine.collect();
    assert!(text.contains(&want.concat()), "{text}");
}

#[test]
fn a_textfile_that_has_a_histogram_under_the_name_of_a_gauge_is_refused() {
    let mut machine =
        machine(&[("text/a.prom", "a 1\n"), ("text/b.prom", "# TYPE a histogram\na_count 1\nb 1\n")]);
    machine.host.machine.settings.textfile_directory = machine.path("text");
    let (text, _) = machine.collect();
    assert!(text.contains("\na 1\n") && !text.contains("\nb 1\n"), "{text}");
    assert!(text.contains("node_textfile_scrape_error 1\n"), "{text}");
}

#[test]
fn what_cannot_be_sampled_is_unknown_and_told() {
    let mut machine = machine(&[("proc/stat", &stat([0])), ("proc/meminfo", "MemFree: 1 kB\n")]);
    let Sampled { sample, failures } = machine.host.sample(Instant::now());
    assert!(sample.cpu.is_some());
    assert_eq!((sample.memory, sample.net), (None, None));
    let slow = machine.host.slow_sample(Instant::now());
    assert_eq!((slow.sample.udp_rcvbuf_errors, slow.sample.load), (None, None));
    assert_eq!((failures.len(), slow.failures.len()), (2, 3));
    let told: Vec<_> =
        failures.iter().chain(&slow.failures).map(|(part, error)| (*part, error.reason())).collect();
    assert!(told.contains(&("meminfo", ProbeFailure::Malformed)), "{told:?}");
    assert!(told.contains(&("loadavg", ProbeFailure::Missing)), "{told:?}");
}

#[test]
fn the_table_is_in_order_and_has_no_name_twice() {
    assert!(TABLE.is_sorted_by(|a, b| a.name < b.name));
    assert!(Path::new("/proc").exists(), "these collectors are Linux's");
}
