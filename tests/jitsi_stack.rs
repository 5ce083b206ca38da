//! A stack of containers and the probes that watch it, with the real docker-proxy between.
//!
//! Docker must run: without it these tests fail.

#![expect(clippy::unwrap_used, reason = "in a test's own functions a panic is the answer")]

#[path = "jitsi_probes/rig.rs"]
#[expect(dead_code, reason = "shared with the tests of the probes")]
mod rig;

use rig::{Rig, check};
use usher_agent::probe::merge::{jitsi, not_ready, rooms};
use usher_agent::probe::reading::{ServiceProbe, ServiceReadings};
use usher_agent::probe::targets::{Secret, ServiceTargets, Target};
use usher_common::rt::process::random_id;
use usher_common::wire::{NotReady, ProbeFailure};
use usher_tests::jitsi_double::World;
use usher_tests::stack::Stack;

async fn targets(stack: &Stack) -> ServiceTargets {
    let prosody = format!("http://{}:5280/", stack.address("prosody").await.unwrap());
    ServiceTargets {
        jvb: Some(Target::at(stack.url("jvb"))),
        jicofo: Some(Target::at(stack.url("jicofo"))),
        prosody: Some(Target::at(prosody.parse().unwrap())),
        web: Some(Target::at(stack.url("web"))),
        room_secret: Some(Secret::new(b"secret")),
        ..ServiceTargets::default()
    }
}

fn reason(readings: &ServiceReadings, probe: ServiceProbe) -> Option<ProbeFailure> {
    readings.failure(probe).map(|failed| failed.reason)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stock_stack_is_well_and_a_killed_bridge_is_seen_and_seen_again() {
    let stack = Stack::start(&format!("usher-test-{}", random_id())).await.unwrap();
    let rig = Rig::start(targets(&stack).await);
    rig.until("a stock stack", |readings| {
        let rest = reason(readings, ServiceProbe::JicofoStats);
        check(rest == Some(ProbeFailure::Disabled), || format!("jicofo behind docker-proxy: {rest:?}"))?;
        let said = jitsi(readings).ok_or("nothing")?;
        check(said.healthy == Some(true) && not_ready(readings).is_empty(), || format!("{said:?}"))
    })
    .await;
    stack.kill("jvb").await.unwrap();
    rig.until("a killed bridge", |readings| {
        let health = reason(readings, ServiceProbe::JvbHealth);
        check(health == Some(ProbeFailure::Refused), || format!("{health:?}"))?;
        check(not_ready(readings).contains(&NotReady::JitsiUnhealthy), || "ready".into())?;
        let bosh = reason(readings, ServiceProbe::ProsodyBosh);
        check(bosh.is_none() && reason(readings, ServiceProbe::Web).is_none(), || "the others suffer".into())
    })
    .await;
    stack.start_service("jvb").await.unwrap();
    rig.until("the bridge is back", |now| {
        check(not_ready(now).is_empty(), || format!("{:?}", not_ready(now)))
    })
    .await;
    stack.pause("jvb").await.unwrap();
    rig.until("a frozen bridge", |readings| {
        let health = reason(readings, ServiceProbe::JvbHealth);
        check(health == Some(ProbeFailure::Timeout), || format!("{health:?}"))
    })
    .await;
    stack.remove("jvb").await.unwrap();
    rig.until("no bridge at all", |readings| {
        let health = reason(readings, ServiceProbe::JvbHealth);
        check(health == Some(ProbeFailure::Refused), || format!("{health:?}"))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stack_tells_of_people_and_rooms() {
    let mut world = World::open();
    let stack = Stack::start_with(&format!("usher-test-{}", random_id()), &world).await.unwrap();
    let rig = Rig::start(targets(&stack).await);
    world.seat("weekly@muc.meet.jitsi", 7, 1);
    stack.tell(&world).await.unwrap();
    rig.until("people", |readings| {
        let said = jitsi(readings).ok_or("nothing")?;
        check(said.participants == Some(7) && said.conferences == Some(1), || format!("{said:?}"))?;
        check(rooms(readings).is_some_and(|rooms| rooms.len() == 1), || "no rooms".into())
    })
    .await;
    stack.stop("jicofo").await.unwrap();
    rig.until("jicofo is down", |readings| {
        let health = reason(readings, ServiceProbe::JicofoHealth);
        check(health == Some(ProbeFailure::Refused), || format!("{health:?}"))?;
        let people = jitsi(readings).and_then(|said| said.participants);
        check(people == Some(7), || format!("the census still counts: {people:?}"))
    })
    .await;
}
