//! Our `node_*` metrics beside those of Debian's node_exporter, on this machine, now.
//!
//! node_exporter is asked before and after ours, so that a counter of ours must lie
//! between its two. `fixtures/host/node_metrics.txt` holds the names that the usual
//! dashboards and alert rules ask for; those that need hardware this machine may lack
//! are served from a tree of files that has it.

#[path = "node_exporter_parity/exposition.rs"]
mod exposition;
#[path = "node_exporter_parity/odd_machine.rs"]
mod odd_machine;
#[path = "node_exporter_parity/tolerance.rs"]
mod tolerance;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use exposition::Family;
use tolerance::Tolerance;
use usher_agent::probe::host::{Host, OwnProcess, Roots, Settings};
use usher_common::metric::{Families, Format, encode};

const EXPORTER: &str = "prometheus-node-exporter";

/// Names that node_exporter has and we do not, and why.
const ABSENT: &[(&str, &str)] = &[
    ("go_", "about the Go runtime of that exporter"),
    ("promhttp_", "about the HTTP server of that exporter"),
    ("node_exporter_build_info", "about the build of that exporter"),
    ("node_interrupts_total", "its collector is off by default there"),
    ("node_processes_", "its collector is off by default there"),
    ("node_md_", "software RAID: no parser for /proc/mdstat that is kept up"),
];

/// Collectors that node_exporter has and we do not, and why. On a machine without their
/// subject they show nothing there either.
const ABSENT_COLLECTORS: &[(&str, &str)] = &[
    ("bcache", "storage that Jitsi machines do not have"),
    ("btrfs", "storage that Jitsi machines do not have"),
    ("fibrechannel", "storage that Jitsi machines do not have"),
    ("infiniband", "networks that Jitsi machines do not have"),
    ("ipvs", "a balancer in front of Jitsi, not beside it"),
    ("mdadm", "see node_md_"),
    ("nfs", "file servers and their clients"),
    ("nfsd", "file servers and their clients"),
    ("nvme", "names of controllers, which udev tells in node_disk_info"),
    ("rapl", "for root only, and not in virtual machines"),
    ("systemd", "off by default there; asked apart from the host's collectors, see probe::systemd"),
    ("tapestats", "storage that Jitsi machines do not have"),
    ("xfs", "two hundred counters for developers of the file system"),
    ("zfs", "two hundred counters for developers of the file system"),
];

/// Names of later node_exporters that promtool dislikes as it dislikes their sisters.
const NEWER: [&str; 2] = ["node_netstat_TcpExt_TCPOFOQueue ", "node_netstat_TcpExt_TCPRcvQDrop "];

#[test]
fn every_name_label_type_help_and_value_is_node_exporters() {
    let exporter = Exporter::start();
    let mut host = Host::new(Roots::default(), Settings { warm_for: Duration::ZERO, ..Settings::default() });
    // Some gauges leap, as other programs open sockets and free memory. Such a one is wrong
    // when it never agrees; everything else must agree at once.
    let mut leaping = differences(&exporter, &mut host).moving;
    for _ in 1..ROUNDS {
        let again = if leaping.is_empty() { break } else { differences(&exporter, &mut host).moving };
        leaping.retain(|series, _| again.contains_key(series));
    }
    assert!(leaping.is_empty(), "{leaping:#?}");
}

/// How often a gauge that moves may disagree.
const ROUNDS: u32 = 10;

/// What is different between ours and theirs, by series.
#[derive(Default)]
struct Differences {
    settled: Vec<String>,
    moving: BTreeMap<String, String>,
}

/// One round: theirs, ours, theirs again. Panics on all differences but those of moving gauges.
fn differences(exporter: &Exporter, host: &mut Host) -> Differences {
    let before = exposition::read(&exporter.scrape());
    let ours = exposition::read(&collect(host));
    let after = exposition::read(&exporter.scrape());
    let newer: BTreeSet<String> = wanted().into_iter().map(|(name, ..)| name).collect();

    let mut found = Differences::default();
    let wrong = &mut found.settled;
    for (name, theirs) in &before {
        let Some(later) = after.get(name).filter(|_| !is_absent(name)) else { continue };
        match ours.get(name) {
            None => wrong.push(format!("{name}: missing")),
            Some(family) => compare(name, theirs, family, later, wrong, &mut found.moving),
        }
    }
    for name in ours.keys().filter(|name| !before.contains_key(*name) && !newer.contains(*name)) {
        wrong.push(format!("{name}: node_exporter has no such name, nor do dashboards ask for it"));
    }
    assert!(before.len() > 200, "node_exporter shows only {} names", before.len());
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    found
}

#[test]
fn every_name_that_dashboards_and_alert_rules_ask_for_is_served() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut served = exposition::read(&collect(&mut Host::new(Roots::default(), Settings::default())));
    let odd = odd_machine::write(directory.path());
    served.extend(exposition::read(&collect(&mut Host::new(odd, Settings::default()))));

    let mut wrong = Vec::new();
    for (name, kind, labels) in wanted().into_iter().filter(|(name, ..)| !is_absent(name)) {
        let Some(family) = served.get(&name) else {
            wrong.push(format!("{name}: missing"));
            continue;
        };
        if family.kind != kind {
            wrong.push(format!("{name}: {} and not {kind}", family.kind));
        }
        for series in family.series.keys() {
            let ours: BTreeSet<String> = series.keys().cloned().collect();
            if ours != labels {
                wrong.push(format!("{name}: labels {ours:?} and not {labels:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} names:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn promtool_finds_nothing_in_our_text_that_it_does_not_find_in_node_exporters() {
    let theirs = findings(&Exporter::start().scrape());
    let ours = findings(&collect(&mut Host::new(Roots::default(), Settings::default())));
    let of_newer = |finding: &&String| NEWER.iter().any(|name| finding.starts_with(name));
    let new: Vec<_> = ours.difference(&theirs).filter(|finding| !of_newer(finding)).collect();
    assert!(new.is_empty(), "{new:#?}");
}

/// All we show, as text.
fn collect(host: &mut Host) -> String {
    let mut families = Families::new();
    host.collect(Instant::now(), &mut families);
    let boot = host.sample(Instant::now()).sample.cpu.map(|cpu| cpu.boot_time_unix_s);
    let own = OwnProcess::open().and_then(|own| own.push(boot, &mut families));
    own.expect("a process can read of itself");
    encode(Format::Text, [&families])
}

fn compare(
    name: &str,
    before: &Family,
    ours: &Family,
    after: &Family,
    wrong: &mut Vec<String>,
    moving: &mut BTreeMap<String, String>,
) {
    if (&before.kind, &before.help) != (&ours.kind, &ours.help) {
        let (kind, help) = (&ours.kind, &ours.help);
        wrong.push(format!("{name}: {kind} {help:?} and not {} {:?}", before.kind, before.help));
    }
    let tolerance = tolerance::of(name, &before.kind);
    for (labels, value) in &before.series {
        let collector = labels.get("collector").map(String::as_str);
        if ABSENT_COLLECTORS.iter().any(|(absent, _)| collector == Some(absent)) {
            continue;
        }
        // What has gone meanwhile cannot be asked for.
        let Some(later) = after.series.get(labels) else { continue };
        match ours.series.get(labels) {
            None => wrong.push(format!("{name}{labels:?}: missing")),
            Some(ours) if !tolerance.allows(*value, *ours, *later) => {
                let text = format!("{name}{labels:?}: {ours} beside {value} and {later}, {tolerance:?}");
                if matches!(tolerance, Tolerance::Near { .. }) {
                    moving.insert(format!("{name}{labels:?}"), text);
                } else {
                    wrong.push(text);
                }
            }
            Some(_) => {}
        }
    }
    for labels in ours.series.keys() {
        if !before.series.contains_key(labels) && !after.series.contains_key(labels) {
            wrong.push(format!("{name}{labels:?}: node_exporter has no such series"));
        }
    }
}

fn is_absent(name: &str) -> bool {
    ABSENT.iter().any(|(start, _)| name.starts_with(start))
}

/// The names asked for, with type and labels.
fn wanted() -> Vec<(String, String, BTreeSet<String>)> {
    let rows = include_str!("fixtures/host/node_metrics.txt").lines().filter(|line| !line.starts_with('#'));
    let row = |line: &str| {
        let mut words = line.split(' ').map(str::to_owned);
        let (name, kind) = (words.next().expect("a name"), words.next().expect("a type"));
        let labels = words.next().unwrap_or_default();
        (name, kind, labels.split(',').filter(|label| !label.is_empty()).map(str::to_owned).collect())
    };
    let wanted: Vec<_> = rows.map(row).collect();
    assert!(wanted.len() > 200, "the list has only {} names", wanted.len());
    wanted
}

/// Debian's node_exporter on a loopback port; ended when dropped.
struct Exporter {
    child: Child,
    port: u16,
}

impl Exporter {
    fn start() -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a free port")
            .port();
        let child = Command::new(EXPORTER)
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("start {EXPORTER}: {error}; apt-get install {EXPORTER}"));
        let mut exporter = Self { child, port };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = exporter.child.try_wait().expect("it is our child");
            assert!(ended.is_none(), "{EXPORTER} ended: {ended:?}");
            assert!(Instant::now() < deadline, "{EXPORTER} does not listen");
            std::thread::yield_now();
        }
        exporter
    }

    fn scrape(&self) -> String {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("it listens");
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers in UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        body.to_owned()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait().map(drop)).expect("it is our child");
    }
}

/// What `promtool check metrics` has to say of a text, line by line.
fn findings(text: &str) -> BTreeSet<String> {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("start promtool: {error}; apt-get install prometheus"));
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("promtool reads");
    let output = child.wait_with_output().expect("promtool ends");
    let code = output.status.code();
    // 0 is flawless, 3 is findings; all else is text it cannot read.
    assert!(matches!(code, Some(0 | 3)), "{code:?}: {}", String::from_utf8_lossy(&output.stderr));
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).lines().map(str::to_owned).collect()
}

/// Keeps the lists of what is absent honest: each entry is something node_exporter has.
#[test]
fn nothing_is_called_absent_that_node_exporter_does_not_have() {
    let text = Exporter::start().scrape();
    let wanted: BTreeMap<_, _> = wanted().into_iter().map(|(name, kind, _)| (name, kind)).collect();
    for (start, reason) in ABSENT {
        let known = text.contains(start) || wanted.keys().any(|name| name.starts_with(start));
        assert!(known, "{start} ({reason})");
    }
    for (collector, reason) in ABSENT_COLLECTORS {
        let series = format!("node_scrape_collector_success{{collector=\"{collector}\"}}");
        assert!(text.contains(&series), "{collector} ({reason})");
    }
}
