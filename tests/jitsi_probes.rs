//! The agent's probes of Jitsi's services, on the wire: every fault of every service, real
//! nginx and prosody, targets that come, move and go.

#![expect(clippy::unwrap_used, reason = "in a test's own functions a panic is the answer")]

#[path = "jitsi_probes/real.rs"]
mod real;
#[path = "jitsi_probes/rig.rs"]
mod rig;

use std::time::Instant;

use rig::{Rig, check};
use usher_agent::probe::merge::{jitsi, not_ready, rooms};
use usher_agent::probe::reading::{Reading, ServiceProbe, ServiceReadings};
use usher_agent::probe::rows::{ROWS, Service};
use usher_agent::probe::targets::{Secret, ServiceTargets, Target};
use usher_common::wire::{NotReady, ProbeFailure, RoomKey};
use usher_tests::eventually::eventually;
use usher_tests::jitsi_double::{Dialect, Double, Fault, Part, World};

fn targets(double: &Double) -> ServiceTargets {
    let at = |part| Some(Target::at(double.url(part)));
    ServiceTargets {
        jvb: at(Part::Jvb),
        jicofo: at(Part::Jicofo),
        prosody: at(Part::Prosody),
        web: at(Part::Web),
        nginx: Some(Target::at(double.url(Part::Web).join("nginx_status").unwrap())),
        certificate_file: None,
        room_secret: Some(Secret::new(b"the fleet's secret")),
    }
}

fn part_of(probe: ServiceProbe) -> Part {
    match ROWS.iter().find(|row| row.probe == probe).map(|row| row.service) {
        Some(Service::Jvb) => Part::Jvb,
        Some(Service::Jicofo) => Part::Jicofo,
        Some(Service::Prosody) => Part::Prosody,
        Some(Service::Web | Service::Nginx) => Part::Web,
        None => panic!("{probe} has no row"),
    }
}

/// The double has no `/metrics` of prosody.
const OFF: ServiceProbe = ServiceProbe::ProsodyMetrics;

/// What a probe must say under a fault of its service; `None`: it has a reading all the same.
fn expected(probe: ServiceProbe, fault: Fault) -> Option<ProbeFailure> {
    use ServiceProbe as P;
    let is_json = matches!(probe, P::JvbStats | P::JvbVersion | P::JicofoStats | P::ProsodyCensus);
    let is_series = matches!(probe, P::JvbMetrics | P::JicofoMetrics);
    let is_health = matches!(probe, P::JvbHealth | P::JicofoHealth | P::ProsodyHealth);
    match fault {
        Fault::Refuse => Some(ProbeFailure::Refused),
        // Each of them answered before, so that none is taken for an interface that is off.
        Fault::Reset => Some(ProbeFailure::Reset),
        Fault::Hang => Some(ProbeFailure::Timeout),
        // HEAD has no body to spoil.
        Fault::Drip | Fault::Cut | Fault::Flood | Fault::Html if probe == P::Web => None,
        Fault::Drip => Some(ProbeFailure::Timeout),
        Fault::Cut => Some(ProbeFailure::Reset),
        Fault::Flood => Some(ProbeFailure::TooLarge),
        Fault::Html => (probe != P::ProsodyBosh && probe != OFF).then_some(ProbeFailure::Malformed),
        Fault::Error if is_health => Some(ProbeFailure::Unhealthy),
        Fault::Error => Some(ProbeFailure::Status),
        // A NaN is a value to pass on; as a figure it is unknown.
        Fault::Nan => is_json.then_some(ProbeFailure::Malformed),
        Fault::MissingFields => (is_json || is_series).then_some(ProbeFailure::Malformed),
        // A version of any text is a version.
        Fault::WrongTypes => {
            (is_series || is_json && probe != P::JvbVersion).then_some(ProbeFailure::Malformed)
        }
    }
}

/// Whether every outcome made since `since` is as it should be under `fault` of `part`.
fn under(readings: &ServiceReadings, part: Part, fault: Option<Fault>, since: Instant) -> Result<(), String> {
    for (probe, outcome) in readings.outcomes() {
        let got = outcome.result.as_ref().err().map(|failed| failed.reason);
        let hit = fault.filter(|_| part_of(probe) == part);
        let want = match hit {
            _ if probe == OFF && hit.is_none_or(|fault| !rig::breaks_every_answer(fault)) => {
                Some(ProbeFailure::Disabled)
            }
            Some(Fault::Html) if probe == OFF => Some(ProbeFailure::Malformed),
            // The status page is text of words and numbers, which the body faults leave alone or break.
            Some(Fault::Nan | Fault::MissingFields | Fault::WrongTypes)
                if probe == ServiceProbe::NginxStatus =>
            {
                continue;
            }
            Some(fault) => expected(probe, fault),
            None => None,
        };
        check(got == want, || format!("{probe} says {got:?} instead of {want:?}"))?;
        check(outcome.at > since, || format!("{probe} was not asked since"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_one_service_has_its_own_reason_and_costs_the_others_nothing() {
    let double = Double::start(World::open()).await;
    double.change(|world| world.seat("a@muc.meet.jitsi", 3, 1));
    let rig = Rig::start(targets(&double));
    let start = Instant::now();
    rig.until("all is well", |readings| {
        check(readings.outcomes().count() == ROWS.len() - 1, || "a probe is not there".into())?;
        under(readings, Part::Jvb, None, start)
    })
    .await;
    for part in Part::ALL {
        for fault in Fault::ALL {
            double.change(|world| {
                world.faults.insert(*part, *fault);
            });
            let since = Instant::now();
            rig.until(&format!("{part:?} {fault:?}"), |now| under(now, *part, Some(*fault), since)).await;
            double.change(|world| world.faults.clear());
            let since = Instant::now();
            rig.until(&format!("{part:?} is mended"), |now| under(now, *part, None, since)).await;
        }
    }
    let counts = rig.now().failures().clone();
    assert!(counts[&(ServiceProbe::JvbMetrics, ProbeFailure::TooLarge)] >= 1, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_services_say_becomes_one_statement() {
    let double = Double::start(World::open()).await;
    let rig = Rig::start(targets(&double));
    double.change(|world| {
        world.seat("[acme]weekly@muc.meet.jitsi", 1, 1);
        world.seat("caf%c3%a9@muc.meet.jitsi", 4, 1);
        world.stress = 1.25;
        world.incoming_bits_per_s = 3_000_000;
    });
    rig.until("people and load", |readings| {
        let said = jitsi(readings).ok_or("nothing")?;
        let figures = (said.participants, said.conferences, said.largest_conference, said.joins_total);
        check(figures == (Some(5), Some(2), Some(4), Some(5)), || format!("{figures:?}"))?;
        check(said.stress == Some(1.25), || format!("stress {:?}", said.stress))?;
        check(said.receive_bits_per_s == Some(3e6), || format!("{:?}", said.receive_bits_per_s))?;
        check(said.healthy == Some(true) && said.bridge_linked == Some(true), || format!("{said:?}"))?;
        check(said.bridge_version.as_deref() == Some("2.3.299-ga29d97d13"), || format!("{said:?}"))?;
        let keys: Vec<_> = rooms(readings).ok_or("no rooms")?.iter().map(|room| &room.key).collect();
        let key = |tenant, name| RoomKey::of(b"the fleet's secret", tenant, name);
        check(keys == [&key("acme", "weekly"), &key("", "café")], || format!("{keys:?}"))?;
        check(not_ready(readings).is_empty(), || format!("{:?}", not_ready(readings)))
    })
    .await;
    let lines = [
        "\njitsi_jvb_stress 1.25\n",
        "# TYPE jitsi_jvb_conferences_by_size histogram\n",
        "\njitsi_jicofo_participants_current 5\n",
        "\nnginx_up 1\n",
    ];
    let text = rig.until_shown(&lines).await;
    assert!(!text.contains("_created ") && !text.contains("café") && !text.contains("weekly"), "{text}");

    double.change(|world| world.linked = false);
    rig.until("a lost link", |readings| {
        let reasons: Vec<_> = not_ready(readings).into_iter().collect();
        let want = [NotReady::JitsiUnhealthy, NotReady::BridgeUnlinked];
        check(reasons == want, || format!("{reasons:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_bridge_is_read_from_its_statistics_and_only_then() {
    let double = Double::start(World { dialect: Dialect::Former, ..World::open() }).await;
    double.change(|world| world.seat("a@muc.meet.jitsi", 3, 1));
    let rig = Rig::start(targets(&double));
    rig.until("the statistics stand in", |readings| {
        let off = readings.failure(ServiceProbe::JvbMetrics).map(|failed| failed.reason);
        check(off == Some(ProbeFailure::Disabled), || format!("series {off:?}"))?;
        let Some(Reading::Bridge(bridge)) = readings.reading(ServiceProbe::JvbStats) else {
            return Err(format!("{:?}", readings.outcome(ServiceProbe::JvbStats)));
        };
        check(bridge.local_endpoints == Some(3), || format!("{bridge:?}"))?;
        let said = jitsi(readings).ok_or("nothing")?;
        check(said.bridge_linked.is_none() && said.participants == Some(3), || format!("{said:?}"))
    })
    .await;
    double.change(|world| world.dialect = Dialect::Present);
    rig.until("the series are back", |readings| {
        let stats = readings.outcome(ServiceProbe::JvbStats);
        check(readings.reading(ServiceProbe::JvbMetrics).is_some(), || "no series".into())?;
        check(stats.is_none(), || "the stand-in still runs".into())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_stack_is_well_although_half_of_it_says_nothing() {
    let double = Double::start(World::default()).await;
    let rig = Rig::start(targets(&double));
    rig.until("a stock stack", |readings| {
        for probe in [ServiceProbe::JicofoStats, ServiceProbe::JicofoHealth, ServiceProbe::ProsodyCensus] {
            let got = readings.failure(probe).map(|failed| failed.reason);
            check(got == Some(ProbeFailure::Disabled), || format!("{probe} {got:?}"))?;
        }
        let got = readings.failure(ServiceProbe::ProsodyHealth).map(|failed| failed.reason);
        check(got == Some(ProbeFailure::Denied), || format!("prosody {got:?}"))?;
        let said = jitsi(readings).ok_or("nothing")?;
        check(said.healthy == Some(true) && said.participants == Some(0), || format!("{said:?}"))
    })
    .await;
    // The same silence from a container that is known not to run is its death.
    rig.aim(|targets| targets.jicofo.as_mut().unwrap().running = Some(false));
    rig.until("a dead jicofo", |readings| {
        let got = readings.failure(ServiceProbe::JicofoHealth).map(|failed| failed.reason);
        check(got == Some(ProbeFailure::Refused), || format!("{got:?}"))?;
        check(not_ready(readings).contains(&NotReady::JitsiUnhealthy), || "still ready".into())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_that_come_move_and_go_are_followed() {
    let (one, other) = (Double::start(World::open()).await, Double::start(World::open()).await);
    other.change(|world| world.stress = 0.75);
    let rig = Rig::start(ServiceTargets::default());
    assert_eq!(rig.now().outcomes().count(), 0, "nothing is asked, nothing is reported");
    rig.aim(|targets| targets.jvb = Some(Target::at(one.url(Part::Jvb))));
    let stress = |readings: &ServiceReadings| jitsi(readings).and_then(|said| said.stress);
    rig.until("it comes", |now| check(stress(now) == Some(0.02), || format!("{now:?}"))).await;
    rig.aim(|targets| targets.jvb = Some(Target::at(other.url(Part::Jvb))));
    rig.until("it moves", |now| check(stress(now) == Some(0.75), || format!("{now:?}"))).await;
    rig.aim(|targets| targets.jvb = None);
    rig.until("it goes", |now| check(now.outcomes().count() == 0, || format!("{now:?}"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_comes_back_is_asked_at_once_when_its_container_starts() {
    let double = Double::start(World::open()).await;
    double.change(|world| {
        world.faults.insert(Part::Jvb, Fault::Refuse);
    });
    // An hour between two attempts: only the word that the container runs can bring the next.
    let mut all = targets(&double);
    all.jvb.as_mut().unwrap().running = Some(false);
    let rig = Rig::patient(all);
    let health = |now: &ServiceReadings| now.failure(ServiceProbe::JvbHealth).map(|failed| failed.reason);
    rig.until("it is down", |now| {
        check(health(now) == Some(ProbeFailure::Refused), || format!("{:?}", health(now)))
    })
    .await;
    double.change(|world| world.faults.clear());
    let url = double.url(Part::Jvb).join("about/health").unwrap();
    eventually("it listens", || rig::get(url.clone())).await;
    rig.aim(|targets| targets.jvb.as_mut().unwrap().running = Some(true));
    rig.until("it is up", |now| {
        check(now.reading(ServiceProbe::JvbHealth).is_some(), || format!("{:?}", health(now)))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_double_has_the_documented_quirks() {
    let double = Double::start(World::default()).await;
    let plain = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert!(rig::speak(double.address(Part::Jvb), plain).await.starts_with("HTTP/1.1 500"), "no Accept");
    let status = async |verb: &str, path: &str, body: &str| {
        let length = body.len();
        let text = format!(
            "{verb} {path} HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let answer = rig::speak(double.address(Part::Jvb), &text).await;
        answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).unwrap_or(0)
    };
    assert_eq!(status("GET", "/colibri/stats", "").await, 404, "off until COLIBRI_REST_ENABLED");
    assert_eq!(status("POST", "/colibri/shutdown", "{}").await, 404);
    assert_eq!(status("POST", "/colibri/drain/enable", "").await, 200);
    double.change(|world| (world.colibri_rest, world.shutdown_rest) = (true, true));
    assert_eq!(status("GET", "/colibri/stats", "").await, 200);
    assert_eq!(status("POST", "/colibri/shutdown", "no JSON").await, 400);
    assert_eq!(status("POST", "/colibri/shutdown", r#"{"graceful-shutdown": "true"}"#).await, 200);
    let rig = Rig::start(targets(&double));
    rig.until("drain and shutdown", |now| {
        let shutting = jitsi(now).and_then(|said| said.shutting_down);
        check(shutting == Some(true), || format!("{shutting:?}"))?;
        check(not_ready(now).contains(&NotReady::BridgeShuttingDown), || "still ready".into())
    })
    .await;
}
