use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::super::*;

/// Set to anything, it makes the tests write the schema anew instead of judging it.
const REFRESH: &str = "USHER_REFRESH_SCHEMA";

fn in_repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn fixture(name: &str) -> Value {
    let path = in_repository("tests/fixtures/wire").join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn generated() -> String {
    serde_json::to_string_pretty(&schemars::schema_for!(Report)).unwrap() + "\n"
}

/// A report in which every field is set. A new field does not compile until it is here.
fn fullest() -> Report {
    let key = || RoomKey::of(b"secret", "", "daily");
    Report {
        schema: SCHEMA,
        node: NodeId::parse("vm1").unwrap(),
        public_url: PublicUrl::parse("https://vm1.example.org").unwrap(),
        agent_version: "0.1.0".to_owned(),
        boot_id: "9f86d081884c7d65".to_owned(),
        seq: 4711,
        sample_age_ms: 312,
        ready: false,
        not_ready: vec![NotReady::Draining, NotReady::ContainerUnhealthy],
        operator: OperatorState {
            mode: OperatorMode::Drain,
            who: Some("alice".to_owned()),
            why: Some("kernel update".to_owned()),
            since_unix_ms: Some(1_790_000_000_000),
            deadline_unix_ms: Some(1_790_003_600_000),
        },
        region: Some("eu".to_owned()),
        labels: [("rack".to_owned(), "7".to_owned())].into(),
        host: Some(Host {
            hostname: Some("vm1".to_owned()),
            kernel: Some("6.1.0-28-amd64".to_owned()),
            boot_time_unix_s: Some(1_789_000_000),
        }),
        cpu: Some(Cpu {
            cores: 4,
            busy: Some(0.375),
            busy_smooth: Some(0.3125),
            steal: Some(0.015_625),
            iowait: Some(0.007_812_5),
            per_core_busy: Some(vec![0.5, 0.25, 0.5, 0.25]),
            load: Some([1.5, 1.25, 1.0]),
        }),
        memory: Some(Memory {
            total_bytes: 8 << 30,
            available_bytes: Some(5 << 30),
            swap_total_bytes: Some(1 << 30),
            swap_free_bytes: Some(1 << 29),
        }),
        disk: Some(Disk {
            mount: "/".to_owned(),
            total_bytes: 80 << 30,
            available_bytes: 33 << 30,
            read_bytes_per_s: Some(4096.0),
            written_bytes_per_s: Some(65536.0),
        }),
        net: Some(Network {
            receive_bytes_per_s: Some(1_250_000.0),
            transmit_bytes_per_s: Some(3_500_000.0),
            receive_drop_per_s: Some(0.5),
            udp_rcvbuf_errors_per_s: Some(0.25),
        }),
        jitsi: Some(Jitsi {
            stress: Some(0.21),
            participants: Some(42),
            conferences: Some(9),
            largest_conference: Some(11),
            joins_total: Some(12_345),
            receive_bits_per_s: Some(10_000_000.0),
            transmit_bits_per_s: Some(28_000_000.0),
            healthy: Some(true),
            bridge_linked: Some(true),
            shutting_down: Some(false),
            bridge_version: Some("2.3.299-gabcdef".to_owned()),
            certificate_not_after_unix_s: Some(1_795_000_000),
        }),
        stack: Some(Stack {
            project: Some("jitsi".to_owned()),
            containers: Some(vec![container("jvb")]),
            engine_failure: Some(ProbeFailure::Timeout),
            upkeep: Some(Upkeep {
                settled: Some(false),
                holds: vec![HeldService { subject: "jvb".to_owned(), reason: StackHold::Conferences }],
                heals: 3,
                last_heal: Some(Heal {
                    service: "jicofo".to_owned(),
                    reason: Illness::OutOfMemory,
                    at_unix_ms: 1_790_000_100_000,
                }),
                deployment: Some(Deployment {
                    id: "1790000000000-3f2a".to_owned(),
                    phase: DeployPhase::RolledBack,
                    reason: Some(DeployReason::Unhealthy),
                    since_unix_ms: 1_790_000_050_000,
                }),
            }),
        }),
        rooms: Some(vec![Room { key: key(), participants: 11, age_s: Some(1800) }]),
        reservations: vec![Reservation {
            id: "r-1".to_owned(),
            room_key: Some(key()),
            expected: 7.5,
            age_ms: 1200,
            expires_in_ms: 118_800,
        }],
        probes: [(
            "jvb_metrics".to_owned(),
            Probe { ok: false, reason: Some(ProbeFailure::Refused), age_ms: Some(90) },
        )]
        .into(),
    }
}

fn container(service: &str) -> Container {
    Container {
        service: service.to_owned(),
        name: format!("jitsi-{service}-1"),
        image: Some(format!("jitsi/{service}:stable-10741")),
        state: ContainerState::Running,
        health: Some(ContainerHealth::Healthy),
        restarts: Some(1),
        exit_code: Some(137),
        started_unix_ms: Some(1_789_990_000_000),
        cpu_cores: Some(0.75),
        memory_bytes: Some(700 << 20),
        memory_limit_bytes: Some(3 << 30),
        oom_kills: Some(2),
    }
}

/// What `schema` has against `report`.
fn complaints(schema: &Value, report: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).expect("a sound schema");
    validator.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The places of `old` that `new` lacks or tells otherwise.
fn lost(old: &Value, new: &Value, place: &str, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, old) in old {
                let place = format!("{place}/{name}");
                match new.get(name) {
                    Some(new) => lost(old, new, &place, found),
                    None => found.push(place),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            old.iter().zip(new).for_each(|(old, new)| lost(old, new, place, found));
        }
        (old, new) if old != new => found.push(format!("{place}: {old} became {new}")),
        _ => {}
    }
}

/// The properties of `schema`, and of what it refers to, that `report` does not have.
fn unset(schema: &Value, root: &Value, report: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let inner = root.pointer(reference.trim_start_matches('#')).expect("a reference within the schema");
        return unset(inner, root, report, place, found);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten() {
        unset(choice, root, report, place, found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}/{name}");
        match &report[name] {
            Value::Null => found.push(place),
            value => unset(property, root, value, &place, found),
        }
    }
    for value in report.as_array().into_iter().flatten() {
        unset(&schema["items"], root, value, place, found);
    }
    for value in report.as_object().into_iter().flat_map(|object| object.values()) {
        unset(&schema["additionalProperties"], root, value, place, found);
    }
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    let path = in_repository("common/schema/report.v1.json");
    if std::env::var_os(REFRESH).is_some() {
        fs::write(&path, generated()).unwrap();
    }
    let published = fs::read_to_string(&path).unwrap();
    let hint = "the report's types and common/schema/report.v1.json differ. When only optional fields or \
                words were added, write it anew: USHER_REFRESH_SCHEMA=1 cargo test -p usher-common schema";
    assert!(published == generated(), "{hint}");
}

#[test]
fn the_fullest_report_sets_every_property_of_the_schema_and_obeys_it() {
    let schema = serde_json::from_str(&generated()).unwrap();
    let report = serde_json::to_value(fullest()).unwrap();
    assert_eq!(complaints(&schema, &report), Vec::<String>::new());
    let mut found = Vec::new();
    unset(&schema, &schema, &report, "", &mut found);
    assert_eq!(found, Vec::<String>::new());
}

/// Its size is stated in `report.rs`; run with `--nocapture` to see it.
#[test]
fn a_busy_nodes_report_is_a_few_packets() {
    let mut report = fullest();
    let rooms = |n: u64| RoomKey::of(b"secret", "", &format!("room {n}"));
    report.rooms =
        Some((0..50).map(|n| Room { key: rooms(n), participants: n % 12, age_s: Some(n * 97) }).collect());
    let services = ["web", "prosody", "jicofo", "jvb", "jibri", "etherpad"];
    report.stack.as_mut().unwrap().containers = Some(services.map(container).to_vec());
    let plain = serde_json::to_vec(&report).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&plain).unwrap();
    let packed = packed.finish().unwrap();
    println!("50 rooms, 6 containers: {} bytes plain, {} bytes with gzip", plain.len(), packed.len());
    assert!(plain.len() < 8 << 10 && packed.len() < 4 << 10, "{} and {}", plain.len(), packed.len());
}

#[test]
fn reports_of_the_first_version_are_read_and_nothing_in_them_is_lost() {
    for name in ["report.0.1.0.json", "report.0.1.0.minimal.json"] {
        let old = fixture(name);
        let read: Report =
            serde_json::from_value(old.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut found = Vec::new();
        lost(&old, &serde_json::to_value(read).unwrap(), "", &mut found);
        assert_eq!(found, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn what_a_first_reader_demands_todays_reports_still_say() {
    let first = fixture("report.0.1.0.schema.json");
    let mut report = serde_json::to_value(fullest()).unwrap();
    assert_eq!(complaints(&first, &report), Vec::<String>::new());
    // The frozen schema is no rubber stamp: it misses what must be there and sees a wrong type.
    report["sample_age_ms"] = json!("soon");
    report.as_object_mut().unwrap().remove("seq");
    assert_eq!(complaints(&first, &report).len(), 2);
}

#[test]
fn a_report_of_a_newer_version_is_read_and_what_is_new_reads_as_unknown() {
    let mut newer = serde_json::to_value(fullest()).unwrap();
    newer["gpu"] = json!({ "busy": 0.5 });
    newer["cpu"]["frequency_hz"] = json!(3e9);
    newer["rooms"][0]["recording"] = json!(true);
    newer["not_ready"] = json!(["on_fire", "draining"]);
    newer["operator"]["mode"] = json!("quarantine");
    newer["stack"]["engine_failure"] = json!("jammed");
    newer["stack"]["containers"][0]["state"] = json!("checkpointed");
    newer["stack"]["containers"][0]["health"] = json!("drowsy");
    newer["probes"]["gpu"] = json!({ "ok": false, "reason": "melted", "trend": 1 });
    let first = fixture("report.0.1.0.schema.json");
    assert_eq!(complaints(&first, &newer), Vec::<String>::new());

    let read: Report = serde_json::from_value(newer).unwrap();
    assert_eq!(read.not_ready, [NotReady::Unknown, NotReady::Draining]);
    assert_eq!(read.operator.mode, OperatorMode::Drain);
    let stack = read.stack.unwrap();
    assert_eq!(stack.engine_failure, Some(ProbeFailure::Unknown));
    let containers = stack.containers.unwrap();
    assert_eq!(containers[0].state, ContainerState::Unknown);
    assert_eq!(containers[0].health, Some(ContainerHealth::Unknown));
    assert_eq!(read.probes["gpu"].reason, Some(ProbeFailure::Unknown));
    let cpu = read.cpu.map(|cpu| cpu.cores);
    assert_eq!(cpu, Some(4));
}
